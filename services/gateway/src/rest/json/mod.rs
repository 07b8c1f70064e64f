//! JSON to a message by the proto3 JSON mapping, strictly: unknown fields, wrong types and fields given
//! twice are refused with the path of the field, and never with the value.

mod read;

pub(crate) use read::{Json, parse};

use crate::error::Violation;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value,
};
use std::collections::HashMap;

/// Sets the fields of a message from an object. `at` is the path of the message, empty at the top.
///
/// # Errors
/// The first field that is wrong.
pub(crate) fn fill(message: &mut DynamicMessage, json: Json, at: &str) -> Result<(), Violation> {
    let Json::Object(members) = json else {
        return Err(Violation::new(at, "must be an object"));
    };
    let descriptor = message.descriptor();
    let mut seen: Vec<u32> = Vec::new();
    for (name, member) in members {
        let Some(field) = find(&descriptor, &name) else {
            return Err(Violation::new(join(at, printable(&name)), "is not a known field"));
        };
        let path = join(at, field.name());
        if seen.contains(&field.number()) {
            return Err(Violation::new(path, "is given twice"));
        }
        seen.push(field.number());
        if matches!(member, Json::Null) {
            continue; // null means absent
        }
        set(message, &field, member, &path)?;
    }
    Ok(())
}

/// Sets one field.
///
/// # Errors
/// When the value does not fit the field, or another of the same oneof is set already.
pub(crate) fn set(
    message: &mut DynamicMessage,
    field: &FieldDescriptor,
    json: Json,
    path: &str,
) -> Result<(), Violation> {
    let group = field.containing_oneof();
    if group.is_some_and(|group| group.fields().any(|other| message.has_field(&other))) {
        return Err(Violation::new(path, "cannot be given together with another field of its group"));
    }
    let value = if field.is_map() {
        map(field, json, path)?
    } else if field.is_list() {
        let Json::List(items) = json else { return Err(Violation::new(path, "must be a list")) };
        let items = items.into_iter().enumerate();
        let kind = field.kind();
        Value::List(
            items.map(|(i, item)| single(&kind, item, &format!("{path}[{i}]"))).collect::<Result<_, _>>()?,
        )
    } else {
        single(&field.kind(), json, path)?
    };
    message.set_field(field, value);
    Ok(())
}

/// A field by its JSON name or its proto name.
pub(crate) fn find(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))
}

/// The path of a field within a message.
pub(crate) fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// Names of unknown fields are shown when they look like names; anything else could be anything.
pub(crate) fn printable(name: &str) -> &str {
    let plain = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
    if plain && !name.is_empty() { name } else { "(a field)" }
}

fn map(field: &FieldDescriptor, json: Json, path: &str) -> Result<Value, Violation> {
    let wrong = || Violation::new(path, "must be an object");
    let Json::Object(members) = json else { return Err(wrong()) };
    let Kind::Message(entry) = field.kind() else { return Err(wrong()) };
    let (key_kind, value_kind) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
    let mut values = HashMap::new();
    for (name, member) in members {
        let key = key(&key_kind, name).ok_or_else(|| Violation::new(path, "has a key of the wrong type"))?;
        if values.insert(key, single(&value_kind, member, path)?).is_some() {
            return Err(Violation::new(path, "has the same key twice"));
        }
    }
    Ok(Value::Map(values))
}

fn key(kind: &Kind, text: String) -> Option<MapKey> {
    Some(match kind {
        Kind::String => MapKey::String(text),
        Kind::Bool => MapKey::Bool(text.parse().ok()?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => MapKey::I32(text.parse().ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => MapKey::I64(text.parse().ok()?),
        Kind::Uint32 | Kind::Fixed32 => MapKey::U32(text.parse().ok()?),
        Kind::Uint64 | Kind::Fixed64 => MapKey::U64(text.parse().ok()?),
        _ => return None,
    })
}

/// One value that is neither a list nor a map.
fn single(kind: &Kind, json: Json, path: &str) -> Result<Value, Violation> {
    let wrong = |what| Violation::new(path, what);
    Ok(match (kind, json) {
        (Kind::Bool, Json::Bool(value)) => Value::Bool(value),
        (Kind::Bool, _) => return Err(wrong("must be true or false")),
        (Kind::String, Json::Text(text)) => Value::String(text),
        (Kind::String, _) => return Err(wrong("must be a string")),
        (Kind::Bytes, json) => Value::Bytes(bytes(json).ok_or_else(|| wrong("must be a base64 string"))?),
        (Kind::Enum(definition), Json::Text(name)) => {
            let value = definition.get_value_by_name(&name).ok_or_else(|| wrong("is not a known value"))?;
            Value::EnumNumber(value.number())
        }
        (Kind::Enum(definition), json) => {
            let number = integer(json).and_then(|n| i32::try_from(n).ok());
            let number = number.ok_or_else(|| wrong("must be the name of a value"))?;
            definition.get_value(number).ok_or_else(|| wrong("is not a known value"))?;
            Value::EnumNumber(number)
        }
        (Kind::Message(inner), json) => message(inner, json, path)?,
        (Kind::Float | Kind::Double, json) => {
            let value = float(json).ok_or_else(|| wrong("must be a number"))?;
            float_of(kind, value).ok_or_else(|| wrong("is out of range"))?
        }
        (kind, json) => {
            let number = integer(json).ok_or_else(|| wrong("must be a whole number"))?;
            integer_of(kind, number).ok_or_else(|| wrong("is out of range"))?
        }
    })
}

fn message(descriptor: &MessageDescriptor, json: Json, path: &str) -> Result<Value, Violation> {
    if descriptor.full_name().starts_with("google.protobuf.") {
        // Well-known types have a JSON form of their own, which the library knows.
        let what = match descriptor.name() {
            "Timestamp" => "must be a time such as 2026-03-10T07:30:00Z",
            "Duration" => "must be a duration such as 90s",
            _ => "does not have the form its type asks for",
        };
        let value = DynamicMessage::deserialize(descriptor.clone(), plain(json));
        return value.map(Value::Message).map_err(|_| Violation::new(path, what));
    }
    let mut inner = DynamicMessage::new(descriptor.clone());
    fill(&mut inner, json, path)?;
    Ok(Value::Message(inner))
}

fn integer(json: Json) -> Option<i128> {
    match json {
        Json::Text(text) => text.parse().ok(),
        Json::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            // 1e3 and 5.0 are whole numbers too; beyond 2^53 a float no longer knows which one.
            whole.or_else(|| {
                let float =
                    number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9_007_199_254_740_992.0)?;
                #[allow(clippy::cast_possible_truncation)] // checked on the line above
                Some(float as i128)
            })
        }
        _ => None,
    }
}

fn integer_of(kind: &Kind, number: i128) -> Option<Value> {
    Some(match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number.try_into().ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number.try_into().ok()?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(number.try_into().ok()?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number.try_into().ok()?),
        _ => return None,
    })
}

fn float(json: Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::Text(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok().filter(|value: &f64| value.is_finite()),
        },
        _ => None,
    }
}

fn float_of(kind: &Kind, value: f64) -> Option<Value> {
    if matches!(kind, Kind::Double) {
        return Some(Value::F64(value));
    }
    #[allow(clippy::cast_possible_truncation)] // precision is lost by the field's own choice of type
    let single = value as f32;
    (single.is_finite() || !value.is_finite()).then_some(Value::F32(single))
}

fn bytes(json: Json) -> Option<bytes::Bytes> {
    let Json::Text(text) = json else { return None };
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    engines.iter().find_map(|engine| engine.decode(&text).ok()).map(Into::into)
}

/// The same value as serde_json knows it; of fields given twice the last one stays.
fn plain(json: Json) -> serde_json::Value {
    match json {
        Json::Null => serde_json::Value::Null,
        Json::Bool(value) => value.into(),
        Json::Number(value) => value.into(),
        Json::Text(value) => value.into(),
        Json::List(items) => items.into_iter().map(plain).collect(),
        Json::Object(members) => members.into_iter().map(|(name, member)| (name, plain(member))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::read::Unreadable;
    use super::*;
    use prost::Message as _;

    fn write_entry(text: &str) -> Result<candor_proto::journal::v1::WriteEntryRequest, String> {
        let pool = prost_reflect::DescriptorPool::decode(candor_proto::DESCRIPTOR_SET).unwrap();
        let descriptor = pool.get_message_by_name("candor.journal.v1.WriteEntryRequest").unwrap();
        let mut message = DynamicMessage::new(descriptor);
        fill(&mut message, parse(text.as_bytes()).map_err(|error| error.to_string())?, "")
            .map_err(|v| format!("{} {}", v.field, v.description))?;
        Ok(candor_proto::journal::v1::WriteEntryRequest::decode(message.encode_to_vec().as_slice()).unwrap())
    }

    #[test]
    fn both_names_of_a_field_and_every_form_of_a_value_are_read() {
        let request = write_entry(
            r#"{"entryId": "x", "body": "ü", "entry_time": "2026-03-10T08:30:00+01:00", "title": null,
                "mood": {"pleasantness": "-5", "energy": 3.0, "bodySigns": ["BODY_SIGN_TEARS", 2]}}"#,
        )
        .unwrap();
        assert_eq!(request.entry_id, "x");
        assert_eq!(request.body, "ü");
        assert_eq!(request.entry_time.unwrap().seconds, 1_773_127_800);
        let mood = request.mood.unwrap();
        assert_eq!((mood.pleasantness, mood.energy, mood.body_signs), (-5, 3, vec![13, 2]));
    }

    #[test]
    fn hostile_input_is_refused_by_field_and_never_repeated() {
        for (text, refusal) in [
            (r#"{"body": 5}"#, "body must be a string"),
            (r#"{"body": ["secret"]}"#, "body must be a string"),
            (r#"{"mood": "secret"}"#, "mood must be an object"),
            (r#"{"mood": {"energy": "secret"}}"#, "mood.energy must be a whole number"),
            (r#"{"mood": {"energy": 1.5}}"#, "mood.energy must be a whole number"),
            (r#"{"mood": {"energy": 99999999999}}"#, "mood.energy is out of range"),
            (r#"{"mood": {"energy": 1e300}}"#, "mood.energy must be a whole number"),
            (r#"{"mood": {"bodySigns": "BODY_SIGN_TEARS"}}"#, "mood.body_signs must be a list"),
            (r#"{"mood": {"bodySigns": ["secret"]}}"#, "mood.body_signs[0] is not a known value"),
            (r#"{"mood": {"bodySigns": [null]}}"#, "mood.body_signs[0] must be the name of a value"),
            (r#"{"mood": {"bodySigns": [99]}}"#, "mood.body_signs[0] is not a known value"),
            (r#"{"entryTime": "yesterday"}"#, "entry_time must be a time such as 2026-03-10T07:30:00Z"),
            (r#"{"entryTime": 5}"#, "entry_time must be a time such as 2026-03-10T07:30:00Z"),
            (r#"{"nothing": 1}"#, "nothing is not a known field"),
            (r#"{"mood": {"a secret <b>": 1}}"#, "mood.(a field) is not a known field"),
            (r#"{"body": "a", "body": "b"}"#, "body is given twice"),
            (r#"{"entryId": "a", "entry_id": "b"}"#, "entry_id is given twice"),
            ("[]", " must be an object"),
            ("null", " must be an object"),
            (r#"{"body": "secret""#, "The body is not JSON (line 1, column 17)."),
            (r#"{"body": "\ud800"}"#, "The body is not JSON (line 1, column 17)."),
            ("", "The body is not JSON (line 1, column 0)."),
            ("{} {}", "The body is not JSON (line 1, column 4)."),
        ] {
            assert_eq!(write_entry(text).map(|_| ()), Err(refusal.to_owned()), "{text}");
        }
        assert_eq!(parse(b"{\"body\": \"\xff\"}").map(|_| ()), Err(Unreadable::NotUtf8));
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }
}
