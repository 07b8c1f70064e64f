//! A browser without a window: it keeps cookies, reads forms and sends them.

use crate::rest::{Reply, Rest};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A browser at one gateway.
pub struct Browser {
    rest: Rest,
    cookies: Mutex<BTreeMap<String, String>>,
    headers: Vec<(String, String)>,
}

impl Browser {
    /// At a gateway, without cookies.
    pub fn new(rest: Rest) -> Self {
        let headers = vec![("accept".to_owned(), "text/html".to_owned())];
        Self { rest, cookies: Mutex::default(), headers }
    }

    /// Sends this header with every request as well.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Opens a page.
    ///
    /// # Panics
    /// When no whole answer came.
    pub async fn open(&self, path: &str) -> Reply {
        self.exchange("GET", path, Vec::new()).await
    }

    /// Opens a page and sends a form of it to `action`: the page's hidden fields, and these instead or besides.
    ///
    /// # Panics
    /// When no whole answer came.
    pub async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Reply {
        let opened = self.open(page).await;
        let mut pairs = hidden_fields(&opened.body);
        pairs.retain(|(name, _)| fields.iter().all(|(given, _)| given != name));
        pairs.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
        self.exchange("POST", action, pairs.join("&").into_bytes()).await
    }

    /// The value of a cookie it keeps.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    async fn exchange(&self, method: &str, path: &str, body: Vec<u8>) -> Reply {
        let mut headers = self.headers.clone();
        {
            let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            let line: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !line.is_empty() {
                headers.push(("cookie".to_owned(), line.join("; ")));
            }
        }
        if method == "POST" {
            headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
        let reply = self.rest.exchange(method, path, &headers, body).await;
        let reply = reply.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, set) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = set.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            match set.contains("Max-Age=0") {
                true => cookies.remove(name),
                false => cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        reply
    }
}

/// The hidden fields of a page, the first of each name.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for field in page.split("<input ").skip(1).filter_map(|rest| rest.split('>').next()) {
        let attribute = |name: &str| field.split(&format!("{name}=\"")).nth(1)?.split('"').next();
        let (Some("hidden"), Some(name)) = (attribute("type"), attribute("name")) else { continue };
        if fields.iter().all(|(known, _)| known != name) {
            fields.push((name.to_owned(), attribute("value").unwrap_or_default().to_owned()));
        }
    }
    fields
}

/// A text as it stands in a form or an address.
pub fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = text
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_fields_are_read_and_written() {
        let page = r#"<form><input type="hidden" name="csrf" value="a-b"><input id="x" name="email" type="email">
            <input type="hidden" name="next" value=""></form><form><input type="hidden" name="csrf" value="c"></form>"#;
        let fields = hidden_fields(page);
        assert_eq!(fields, [("csrf".into(), "a-b".into()), ("next".into(), String::new())]);
        assert_eq!(percent("a b&ü"), "a%20b%26%C3%BC");
    }
}
