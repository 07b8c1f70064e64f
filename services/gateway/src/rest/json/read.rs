//! Reading a body as JSON, within bounds.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;

/// A JSON value that keeps fields given twice, so that they can be refused by name.
#[derive(Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Values in one body, the body itself included: each takes many times the memory of its text.
pub(crate) const MAX_VALUES: usize = 20_000;

/// Why a body cannot be read. It holds nothing of the body.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Bytes that are no text.
    #[error("The body is not UTF-8.")]
    NotUtf8,
    /// Where the body stops being JSON.
    #[error("The body is not JSON (line {line}, column {column}).")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1 in bytes.
        column: usize,
    },
    /// More than [`MAX_VALUES`].
    #[error("The body holds more than {MAX_VALUES} values, the most that is taken at once.")]
    TooManyValues,
}

impl Unreadable {
    /// A stable name for programs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::NotUtf8 | Self::NotJson { .. } => "INVALID_JSON",
            Self::TooManyValues => "TOO_MANY_VALUES",
        }
    }
}

/// Reads a body.
///
/// # Errors
/// When the body is not JSON, or too much of it.
pub(crate) fn parse(body: &[u8]) -> Result<Json, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| Unreadable::NotUtf8)?;
    let left = Cell::new(Some(MAX_VALUES));
    let mut reader = serde_json::Deserializer::from_str(text);
    let json = Reading { left: &left }.deserialize(&mut reader);
    json.and_then(|json| reader.end().map(|()| json)).map_err(|error| match left.get() {
        None => Unreadable::TooManyValues,
        Some(_) => Unreadable::NotJson { line: error.line(), column: error.column() },
    })
}

/// Reads one value and whatever is within, as long as some are left to be read; `None` once there was one more.
#[derive(Clone, Copy)]
struct Reading<'a> {
    left: &'a Cell<Option<usize>>,
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.left.set(self.left.get().and_then(|left| left.checked_sub(1)));
        if self.left.get().is_none() {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(name) = members.next_key()? {
            object.push((name, members.next_value_seed(self)?));
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_holds_so_many_values_and_no_more() {
        let list = |items: usize| format!("[{}0]", "0,".repeat(items - 1));
        let object = |members: usize| format!("{{{}\"a\":0}}", "\"a\":0,".repeat(members - 1));
        let nested = |lists: usize| format!("[{}[]]", "[],".repeat(lists - 1));
        for text in [list(MAX_VALUES - 1), object(MAX_VALUES - 1), nested(MAX_VALUES - 1)] {
            assert!(parse(text.as_bytes()).is_ok());
        }
        for text in [list(MAX_VALUES), object(MAX_VALUES), nested(MAX_VALUES), list(500_000)] {
            assert_eq!(parse(text.as_bytes()).map(|_| ()), Err(Unreadable::TooManyValues));
        }
    }
}
