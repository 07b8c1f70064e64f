//! CloudEvents 1.0 in AMQP, binary mode: attributes are headers, the data is the message's body.
//! The binding allows the prefixes `cloudEvents_` (preferred: JMS can select on it) and `cloudEvents:`;
//! we write the first and read both. `traceparent` travels under its W3C name.

use crate::Envelope;
use bytes::Bytes;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, LongString},
};

const CONTENT_TYPE: &str = "application/protobuf";
const PERSISTENT: u8 = 2;

/// The message properties of an event.
pub(crate) fn write(event: &Envelope) -> BasicProperties {
    let mut headers = FieldTable::default();
    let mut put = |name: &str, value: &str| {
        headers.insert(name.into(), AMQPValue::LongString(LongString::from(value.as_bytes())));
    };
    put("cloudEvents_specversion", "1.0");
    put("cloudEvents_id", &event.id.to_string());
    put("cloudEvents_source", &event.source());
    put("cloudEvents_type", &event.key);
    put("cloudEvents_subject", &event.aggregate_id.to_string());
    put("cloudEvents_time", &event.time.to_string());
    // An extension attribute; a string, because CloudEvents integers have 32 bits.
    put("cloudEvents_aggregateversion", &event.version.to_string());
    if let Some(traceparent) = &event.traceparent {
        put("traceparent", traceparent);
    }
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(event.id.to_string().into())
        .with_headers(headers)
}

/// The event a message carries, if it is one of ours.
pub(crate) fn read(properties: &BasicProperties, body: Vec<u8>) -> Result<Envelope, Bytes> {
    let body = Bytes::from(body);
    let Some(headers) = properties.headers() else { return Err(body) };
    match attributes(headers) {
        Some(event) => Ok(Envelope { body, ..event }),
        None => Err(body),
    }
}

fn attributes(headers: &FieldTable) -> Option<Envelope> {
    Some(Envelope {
        id: attribute(headers, "id")?.parse().ok()?,
        key: attribute(headers, "type")?,
        aggregate_id: attribute(headers, "subject")?.parse().ok()?,
        version: attribute(headers, "aggregateversion")?.parse().ok()?,
        time: attribute(headers, "time")?.parse().ok()?,
        traceparent: text(headers, "traceparent"),
        body: Bytes::new(),
    })
}

fn attribute(headers: &FieldTable, name: &str) -> Option<String> {
    text(headers, &format!("cloudEvents_{name}")).or_else(|| text(headers, &format!("cloudEvents:{name}")))
}

fn text(headers: &FieldTable, name: &str) -> Option<String> {
    let text = match headers.inner().get(name)? {
        AMQPValue::LongString(value) => String::from_utf8(value.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(value) => Some(value.as_str().to_owned()),
        _ => None,
    };
    // No event of ours has one, and PostgreSQL takes none.
    text.filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_its_headers() {
        let event = Envelope {
            id: uuid::Uuid::from_u128(7),
            key: "test.v1.counted".into(),
            aggregate_id: uuid::Uuid::from_u128(8),
            version: i64::MAX,
            time: "2024-03-10T07:30:00.000001Z".parse().unwrap(),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            body: Bytes::from_static(b"\x00\xff"),
        };
        let properties = write(&event);
        assert!(read(&properties, event.body.to_vec()).unwrap() == event);
    }

    #[test]
    fn a_foreign_message_keeps_its_bytes() {
        let foreign = read(&BasicProperties::default(), vec![1, 2]).unwrap_err();
        assert_eq!(foreign.as_ref(), [1, 2]);
        let mut headers = FieldTable::default();
        headers.insert("cloudEvents:id".into(), AMQPValue::LongString("not a uuid".into()));
        assert!(read(&BasicProperties::default().with_headers(headers), vec![]).is_err());
    }

    #[test]
    fn a_text_that_no_database_takes_is_no_event() {
        let event = Envelope {
            id: uuid::Uuid::from_u128(7),
            key: "test.v1\0.counted".into(),
            aggregate_id: uuid::Uuid::from_u128(8),
            version: 1,
            time: "2024-03-10T07:30:00Z".parse().unwrap(),
            traceparent: None,
            body: Bytes::new(),
        };
        assert!(read(&write(&event), vec![]).is_err());
    }
}
