//! An event with its CloudEvents 1.0 attributes. The body is protobuf.

use crate::trace;
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

/// An event on its way.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// CloudEvents `id`.
    pub id: Uuid,
    /// CloudEvents `type` and AMQP routing key, such as `journal.v1.entry_written`.
    pub key: String,
    /// CloudEvents `subject`: what the event is about.
    pub aggregate_id: Uuid,
    /// The aggregate's version after the event: consumers tolerate disorder by comparing it.
    pub version: i64,
    /// CloudEvents `time`: when it happened.
    pub time: Timestamp,
    /// W3C trace context of the span that made the event.
    pub traceparent: Option<String>,
    /// CloudEvents data, `application/protobuf`. Never private text; at most 256 KiB.
    pub body: Bytes,
}

impl Envelope {
    /// An event of a generated message. The key comes from the message's full name
    /// (`candor.journal.v1.EntryWritten`), the trace from the current span.
    pub fn new<E: prost::Message + prost::Name>(
        id: Uuid,
        time: Timestamp,
        aggregate_id: Uuid,
        version: i64,
        event: &E,
    ) -> Self {
        Self {
            id,
            key: key_of::<E>(),
            aggregate_id,
            version,
            time,
            traceparent: trace::current(),
            body: Bytes::from(event.encode_to_vec()),
        }
    }

    /// CloudEvents `source`: `/candor/<service>`.
    pub fn source(&self) -> String {
        format!("/candor/{}", self.key.split('.').next().unwrap_or_default())
    }
}

// Bodies stay out of logs, even by accident.
impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope").field("id", &self.id).field("key", &self.key).finish_non_exhaustive()
    }
}

/// The routing key of an event type: `candor.journal.v1.EntryWritten` → `journal.v1.entry_written`.
pub fn key_of<E: prost::Name>() -> String {
    let package = E::PACKAGE.strip_prefix("candor.").unwrap_or(E::PACKAGE);
    let mut key = format!("{package}.");
    for (index, letter) in E::NAME.chars().enumerate() {
        if letter.is_ascii_uppercase() && index > 0 {
            key.push('_');
        }
        key.push(letter.to_ascii_lowercase());
    }
    key
}
