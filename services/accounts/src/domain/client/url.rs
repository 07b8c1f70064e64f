//! Where a client's keys are, if it publishes them itself.

use crate::domain::Invalid;
use hyper::Uri;

/// The longest address.
const MOST_BYTES: usize = 512;

/// The address of a JSON Web Key Set, as it was registered: nothing that a request says ever changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksUrl {
    text: String,
    /// Whether it is reached over TLS. Anything else is fetched from the same machine alone, in tests.
    pub is_secure: bool,
    /// The name or address of the machine.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, as the request names them.
    pub target: String,
}

impl JwksUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is not one of the web, names somebody (`user@`), or has a fragment.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid =
            Invalid { field: "jwks_url", description: "is not an address that begins with https://" };
        let plain =
            text.len() <= MOST_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        let uri: Uri = text.parse().ok().filter(|_| plain).ok_or(invalid)?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid),
        };
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(invalid)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => {
                if is_secure {
                    443
                } else {
                    80
                }
            }
            _ => authority.port_u16().filter(|port| *port != 0).ok_or(invalid)?,
        };
        if host.is_empty() {
            return Err(invalid);
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        Ok(Self { text: text.to_owned(), is_secure, host, port, target })
    }

    /// The address as it was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the request names as its host.
    pub fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.is_secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_once() {
        let url = JwksUrl::parse("https://clinic.example/keys?set=1").unwrap();
        assert_eq!(
            (url.host.as_str(), url.port, url.target.as_str()),
            ("clinic.example", 443, "/keys?set=1")
        );
        assert_eq!((url.is_secure, url.host_header().as_str()), (true, "clinic.example"));
        let url = JwksUrl::parse("http://[::1]:8080").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.target.as_str()), ("::1", 8080, "/"));
        assert_eq!((url.is_secure, url.host_header().as_str()), (false, "[::1]:8080"));
    }

    #[test]
    fn whatever_else_is_refused() {
        for text in [
            "",
            "clinic.example",
            "//clinic.example",
            "/keys",
            "ftp://clinic.example",
            "file:///etc/passwd",
            "https://",
            "https:///keys",
            "https://user@clinic.example/",
            "https://user:word@clinic.example/",
            "https://clinic.example/#keys",
            "https://clinic.example:0/",
            "https://clinic.example:99999/",
            "https://clinic.example:/",
            "https://clinic.example/a b",
            "https://clinic.example/\n",
            "https://clinic.example\\@evil.example/",
            "gopher://x",
            &format!("https://c/{}", "x".repeat(512)),
        ] {
            assert!(JwksUrl::parse(text).is_err(), "{text:?}");
        }
    }
}
