//! From the parts of an HTTP request to the message of its RPC.

use super::json::{self, Json};
use super::table::{BodyRule, Operation, empty};
use crate::error::{Problem, Violation};
use crate::query;
use axum::http::{HeaderMap, StatusCode, header};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};

/// The parts a message is made of.
pub(crate) struct Parts<'a> {
    /// The raw values of the path's fields.
    pub(crate) path: Vec<(&'a str, &'a str)>,
    /// The raw query string.
    pub(crate) query: Option<&'a str>,
    /// The headers.
    pub(crate) headers: &'a HeaderMap,
    /// The body, whole.
    pub(crate) body: &'a [u8],
}

/// Builds the request message of an operation.
///
/// # Errors
/// A 4xx problem that names the field where it is known.
pub(crate) fn assemble(operation: &Operation, parts: &Parts<'_>) -> Result<DynamicMessage, Problem> {
    let mut message = empty(&operation.rpc.input());
    fill_from_body(operation, parts, &mut message)?;
    for (name, raw) in &parts.path {
        let value = query::segment(raw).map_err(|_| field(name, "is not UTF-8"))?;
        put(&mut message, name, value)?;
    }
    fill_from_query(operation, parts, &mut message)?;
    fill_from_idempotency_key(operation, parts.headers, &mut message)?;
    Ok(message)
}

/// The field at a dotted path of proto names.
pub(crate) fn resolve(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let Some((first, rest)) = path.split_once('.') else { return json::find(message, path) };
    match json::find(message, first).filter(|field| !field.is_list() && !field.is_map())?.kind() {
        Kind::Message(inner) => resolve(&inner, rest),
        _ => None,
    }
}

fn field(name: &str, description: &str) -> Problem {
    Problem::field(Violation::new(name, description))
}

fn fill_from_body(
    operation: &Operation,
    parts: &Parts<'_>,
    message: &mut DynamicMessage,
) -> Result<(), Problem> {
    if parts.body.is_empty() {
        return Ok(());
    }
    if matches!(operation.body, BodyRule::None) {
        return Err(Problem::bad_request(
            "BODY_NOT_TAKEN",
            "This address takes no body. Nothing was stored.",
        ));
    }
    if !is_json(parts.headers) {
        let detail = "The body must be application/json. Nothing was stored.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail));
    }
    let json = json::parse(parts.body)
        .map_err(|error| Problem::bad_request(error.reason(), format!("{error} Nothing was stored.")))?;
    match &operation.body {
        BodyRule::Field(target) => json::set(message, target, json, target.name()).map_err(Problem::field),
        _ => json::fill(message, json, "").map_err(Problem::field),
    }
}

/// Whether the body says it is JSON. A form cannot say so, which keeps other sites' forms out.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn fill_from_query(
    operation: &Operation,
    parts: &Parts<'_>,
    message: &mut DynamicMessage,
) -> Result<(), Problem> {
    let pairs = query::pairs(parts.query.unwrap_or_default());
    let pairs = pairs
        .map_err(|_| Problem::bad_request("INVALID_QUERY", "The query is not UTF-8. Nothing was stored."))?;
    for (name, value) in pairs {
        let known = resolve(&operation.rpc.input(), &name);
        if known.is_none() || matches!(operation.body, BodyRule::Whole) {
            return Err(field(json::printable(&name), "is not a known query parameter"));
        }
        put(message, &name, value)?;
    }
    Ok(())
}

/// Sets the field at a dotted path from text; lists grow, anything else may be set once.
fn put(message: &mut DynamicMessage, path: &str, text: String) -> Result<(), Problem> {
    let refuse = |description: &str| field(json::printable(path), description);
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let target = json::find(&message.descriptor(), first).ok_or_else(|| refuse("is not a known field"))?;
    if let Some(rest) = rest {
        return match message.get_field_mut(&target) {
            Value::Message(inner) => put(inner, rest, text),
            _ => Err(refuse("is not a known field")),
        };
    }
    let value = typed(&target.kind(), text);
    if target.is_list() {
        let mut single = DynamicMessage::new(message.descriptor());
        json::set(&mut single, &target, Json::List(vec![value]), target.name()).map_err(Problem::field)?;
        if let (Value::List(items), Value::List(more)) =
            (message.get_field_mut(&target), single.get_field(&target).into_owned())
        {
            items.extend(more);
        }
        return Ok(());
    }
    if message.has_field(&target) {
        return Err(field(target.name(), "is given twice"));
    }
    json::set(message, &target, value, target.name()).map_err(Problem::field)
}

/// Text as the JSON value its field's type expects; numbers may be JSON strings already.
fn typed(kind: &Kind, text: String) -> Json {
    match (kind, text.as_str()) {
        (Kind::Bool, "true") => Json::Bool(true),
        (Kind::Bool, "false") => Json::Bool(false),
        (Kind::Enum(_), digits) => match digits.parse::<i32>() {
            Ok(number) => Json::Number(number.into()),
            Err(_) => Json::Text(text),
        },
        _ => Json::Text(text),
    }
}

fn fill_from_idempotency_key(
    operation: &Operation,
    headers: &HeaderMap,
    message: &mut DynamicMessage,
) -> Result<(), Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(()) };
    let refuse = |detail: &str| {
        Problem::bad_request("INVALID_IDEMPOTENCY_KEY", format!("{detail} Nothing was stored."))
    };
    if values.next().is_some() {
        return Err(refuse("Idempotency-Key is given twice."));
    }
    let key = value.to_str().ok().map(|text| text.trim().trim_matches('"'));
    let key = key.and_then(|text| uuid::Uuid::try_parse(text).ok());
    let key = key.ok_or_else(|| refuse("Idempotency-Key must be a UUID."))?;
    let Some(target) = &operation.id_field else {
        return Err(refuse("This address takes no Idempotency-Key."));
    };
    let chosen = message.get_field(target).as_str().unwrap_or_default().to_owned();
    if chosen.is_empty() {
        message.set_field(target, Value::String(key.to_string()));
    } else if uuid::Uuid::try_parse(&chosen).ok() != Some(key) {
        return Err(refuse(&format!("Idempotency-Key and {} are different.", target.name())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::table::{Found, Table};
    use super::*;
    use axum::http::Method;

    fn call(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Result<String, String> {
        let table = Table::new(candor_proto::DESCRIPTOR_SET).unwrap();
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        let mut map = HeaderMap::new();
        map.append("content-type", "application/json; charset=utf-8".parse().unwrap());
        for (name, value) in headers {
            map.append(axum::http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let Found::Operation(operation, values) = table.find(&method.parse::<Method>().unwrap(), path) else {
            return Err("no such operation".into());
        };
        let parts = Parts { path: values, query, headers: &map, body: body.as_bytes() };
        let message = assemble(operation, &parts).map_err(|problem| problem.detail)?;
        Ok(serde_json::to_string(&message).unwrap())
    }

    #[test]
    fn good_requests_become_messages() {
        for (method, uri, body, message) in [
            ("GET", "/v1/entries", "", "{}"),
            ("GET", "/v1/entries?pageSize=5&page_token=a%2Bb", "", r#"{"pageSize":5,"pageToken":"a+b"}"#),
            ("GET", "/v1/articles?step=STEP_JOURNAL", "", r#"{"step":"STEP_JOURNAL"}"#),
            ("GET", "/v1/articles?step=2", "", r#"{"step":"STEP_JOURNAL"}"#),
            ("GET", "/v1/articles/what%20is?locale=de", "", r#"{"articleId":"what is","locale":"de"}"#),
            ("DELETE", "/v1/sessions/abc", "", r#"{"sessionId":"abc"}"#),
            ("POST", "/v1/inboxItems/abc:markRead", "", r#"{"inboxItemId":"abc"}"#),
            ("POST", "/v1/inboxItems/abc:markRead", "{}", r#"{"inboxItemId":"abc"}"#),
            ("POST", "/v1/entries", r#"{"body":"x"}"#, r#"{"body":"x"}"#),
        ] {
            assert_eq!(call(method, uri, &[], body), Ok(message.to_owned()), "{method} {uri}");
        }
    }

    #[test]
    fn bad_requests_are_refused_by_name() {
        for (method, uri, body, says) in [
            ("GET", "/v1/entries?pageSize=five", "", "page_size must be a whole number"),
            ("GET", "/v1/entries?pageSize=5&page_size=5", "", "page_size is given twice"),
            ("GET", "/v1/entries?pageSize=99999999999", "", "page_size is out of range"),
            ("GET", "/v1/entries?nothing=1", "", "nothing is not a known query parameter"),
            ("GET", "/v1/entries?%3Cscript%3E=1", "", "(a field) is not a known query parameter"),
            ("GET", "/v1/entries?page_token=%ff", "", "query is not UTF-8"),
            ("GET", "/v1/entries/%ff", "", "entry_id is not UTF-8"),
            ("GET", "/v1/entries/a?entryId=b", "", "entry_id is given twice"),
            ("GET", "/v1/entries", "{}", "takes no body"),
            ("GET", "/v1/articles?step=NONSENSE", "", "step is not a known value"),
            ("POST", "/v1/entries?body=x", r#"{"body":"x"}"#, "body is not a known query parameter"),
            ("POST", "/v1/inboxItems/a:markRead", r#"{"inboxItemId":"b"}"#, "inbox_item_id is given twice"),
            ("POST", "/v1/entries", "{", "not JSON"),
        ] {
            let refusal = call(method, uri, &[], body).expect_err(uri);
            assert!(refusal.contains(says), "{method} {uri}: {refusal}");
        }
    }

    #[test]
    fn an_idempotency_key_fills_the_id_the_client_may_choose() {
        let key = "0195f1c2-7f00-7000-8000-000000000001";
        let header = [("idempotency-key", key)];
        let filled = call("POST", "/v1/entries", &header, r#"{"body":"x"}"#).unwrap();
        assert_eq!(filled, format!(r#"{{"entryId":"{key}","body":"x"}}"#));
        let same = format!(r#"{{"entryId":"{key}"}}"#);
        assert!(call("POST", "/v1/entries", &header, &same).is_ok());
        let other = r#"{"entryId":"0195f1c2-7f00-7000-8000-000000000002"}"#;
        assert!(call("POST", "/v1/entries", &header, other).unwrap_err().contains("different"));
        assert!(
            call("POST", "/v1/entries", &[("idempotency-key", "abc")], "{}").unwrap_err().contains("UUID")
        );
        let twice = [("idempotency-key", key), ("idempotency-key", key)];
        assert!(call("POST", "/v1/entries", &twice, "{}").unwrap_err().contains("twice"));
        assert!(call("GET", "/v1/entries", &header, "").unwrap_err().contains("takes no Idempotency-Key"));
    }

    #[test]
    fn a_body_that_is_not_json_by_its_own_word_is_refused() {
        let table = Table::new(candor_proto::DESCRIPTOR_SET).unwrap();
        let Found::Operation(operation, _) = table.find(&Method::POST, "/v1/entries") else { panic!() };
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
            let parts = Parts { path: vec![], query: None, headers: &headers, body: b"{}" };
            assert_eq!(assemble(operation, &parts).unwrap_err().status, 415);
        }
    }
}
