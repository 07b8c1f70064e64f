//! Settings of the gateway, section `gateway`.

use crate::proxies::Proxies;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::config::{ConfigError, Listen, Platform, Profile, Settings, refused};
use serde::{Deserialize, Deserializer};
use std::net::{IpAddr, SocketAddr};

/// Settings of the gateway (`GATEWAY__…`).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the gateway answers (`GATEWAY__LISTEN__ADDRESS`).
    pub listen: Listen,
    /// The address people type, such as `https://candor.example` (`GATEWAY__PUBLIC_URL`). Plain http is taken for
    /// loopback addresses only. Left out, it is the loopback address the gateway listens on.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Where accounts answers, `http://host:port` (`GATEWAY__ACCOUNTS_URL`).
    pub accounts_url: String,
    /// Where journal answers (`GATEWAY__JOURNAL_URL`).
    pub journal_url: String,
    /// Where reminders answers (`GATEWAY__REMINDERS_URL`).
    pub reminders_url: String,
    /// Where content answers (`GATEWAY__CONTENT_URL`).
    pub content_url: String,
    /// The key of the CSRF tokens: 32 bytes in base64url without padding (`GATEWAY__CSRF_KEY`), the same for every
    /// replica. Left out, which production refuses, each start makes a new one.
    #[serde(default)]
    pub csrf_key: Option<String>,
    /// Where the quick exit leads (`GATEWAY__LEAVE_URL`): a page anyone could have open.
    #[serde(default = "leave_url")]
    pub leave_url: String,
    /// Connections of one address at once, and as many bodies on their way (`GATEWAY__CONNECTIONS_PER_ADDRESS`). An
    /// address is an IPv4 address or a /64 of IPv6.
    #[serde(default = "connections_per_address")]
    pub connections_per_address: usize,
    /// The networks of proxies that stand before the gateway, with commas between them, such as `10.0.0.0/8,fd00::/8`
    /// (`GATEWAY__TRUSTED_PROXIES`). What they write into `X-Forwarded-For` is believed, and they have as many connections as
    /// there are. Left out, nobody's word is taken: everyone is who is connected.
    #[serde(default, deserialize_with = "networks")]
    pub trusted_proxies: Vec<String>,
    /// A sentence on top of every page, as plain text of at most 200 characters (`GATEWAY__NOTICE`), such as that the
    /// people here are made up. Left out, there is none.
    #[serde(default)]
    pub notice: Option<String>,
}

fn leave_url() -> String {
    "https://en.wikipedia.org/wiki/Main_Page".to_owned()
}

fn connections_per_address() -> usize {
    256
}

/// A text with commas, or a list.
fn networks<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        List(Vec<String>),
    }
    match Given::deserialize(given).map_err(|_| refused("networks, with commas between them"))? {
        Given::List(list) => Ok(list),
        Given::Text(text) if text.trim().is_empty() => Ok(Vec::new()),
        Given::Text(text) => Ok(text.split(',').map(|network| network.trim().to_owned()).collect()),
    }
}

impl Settings for Config {
    const SECTION: &'static str = "gateway";

    fn listen(&self) -> &Listen {
        &self.listen
    }

    fn check(&self, platform: &Platform) -> Result<(), ConfigError> {
        let production = platform.profile == Profile::Production;
        self.check_public_url(production)?;
        for (key, url) in [
            ("gateway.accounts_url", &self.accounts_url),
            ("gateway.journal_url", &self.journal_url),
            ("gateway.reminders_url", &self.reminders_url),
            ("gateway.content_url", &self.content_url),
        ] {
            let uri = url.parse::<Uri>().ok();
            if uri.is_none_or(|uri| uri.scheme_str() != Some("http") || uri.authority().is_none()) {
                return Err(ConfigError::invalid(key, "must be an address such as http://127.0.0.1:50051"));
            }
        }
        if !self.leave_url.starts_with("https://") || self.leave_url.parse::<Uri>().is_err() {
            return Err(ConfigError::invalid(
                "gateway.leave_url",
                "must be an address that begins with https://",
            ));
        }
        if self.connections_per_address == 0 {
            return Err(ConfigError::invalid("gateway.connections_per_address", "must be at least 1"));
        }
        self.proxies()?;
        if self.notice.as_ref().is_some_and(|notice| !is_notice(notice)) {
            return Err(ConfigError::invalid("gateway.notice", "must be a line of 1 to 200 characters"));
        }
        match &self.csrf_key {
            Some(key) if decode_key(key).is_none() => {
                Err(ConfigError::invalid("gateway.csrf_key", "must be 32 bytes in base64url without padding"))
            }
            None if production => Err(ConfigError::invalid("gateway.csrf_key", "is required in production")),
            _ => Ok(()),
        }
    }
}

impl Config {
    fn check_public_url(&self, production: bool) -> Result<(), ConfigError> {
        match &self.public_url {
            Some(url) => {
                let site =
                    Site::parse(url).map_err(|rule| ConfigError::invalid("gateway.public_url", rule))?;
                if production && !site.secure {
                    return Err(ConfigError::invalid(
                        "gateway.public_url",
                        "must begin with https:// in production",
                    ));
                }
            }
            None if production || !self.listen.address.ip().is_loopback() => {
                let rule = "is required in production and when the gateway listens beyond loopback";
                return Err(ConfigError::invalid("gateway.public_url", rule));
            }
            None => {}
        }
        Ok(())
    }

    /// The site as people reach it.
    pub(crate) fn site(&self, bound: SocketAddr) -> Result<Site, ConfigError> {
        let url = self.public_url.clone().unwrap_or_else(|| format!("http://{bound}"));
        Site::parse(&url).map_err(|rule| ConfigError::invalid("gateway.public_url", rule))
    }

    /// The proxies whose word is taken.
    pub(crate) fn proxies(&self) -> Result<Proxies, ConfigError> {
        let rule = "must be networks such as 10.0.0.0/8 and never everybody, with commas between them";
        Proxies::parse(&self.trusted_proxies)
            .ok_or_else(|| ConfigError::invalid("gateway.trusted_proxies", rule))
    }

    /// The key of the CSRF tokens, a random one when none is set.
    pub(crate) fn csrf_key(&self) -> Result<[u8; 32], ConfigError> {
        if let Some(key) = &self.csrf_key {
            return decode_key(key)
                .ok_or_else(|| ConfigError::invalid("gateway.csrf_key", "must be 32 bytes in base64url"));
        }
        let mut key = [0; 32];
        let filled = getrandom::fill(&mut key);
        filled.map_err(|_| {
            ConfigError::invalid("gateway.csrf_key", "is required: the machine has no random numbers")
        })?;
        Ok(key)
    }
}

/// Whether a text fits on top of a page.
fn is_notice(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control)
}

fn decode_key(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Where people reach the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// Scheme, host and port as browsers write an origin.
    pub(crate) origin: String,
    /// Whether it is reached over TLS.
    pub(crate) secure: bool,
}

impl Site {
    fn parse(url: &str) -> Result<Self, &'static str> {
        let rule = "must be an address without a path, such as https://candor.example";
        let uri: Uri = url.parse().map_err(|_| rule)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(rule) };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(rule);
        }
        let secure = match scheme {
            "https" => true,
            "http" if is_loopback(authority.host()) => false,
            "http" => return Err("must begin with https:// unless it is a loopback address"),
            _ => return Err(rule),
        };
        let authority = authority.as_str().to_ascii_lowercase();
        let default_port = if secure { ":443" } else { ":80" };
        let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
        Ok(Self { origin: format!("{scheme}://{authority}"), secure })
    }
}

/// Whether a host name stays on this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Config), profile: Profile) -> Result<(), String> {
        let service = || "http://127.0.0.1:50051".to_owned();
        let mut config = Config {
            listen: Listen { address: "127.0.0.1:0".parse().unwrap() },
            public_url: Some("https://candor.example".into()),
            accounts_url: service(),
            journal_url: service(),
            reminders_url: service(),
            content_url: service(),
            csrf_key: Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into()),
            leave_url: leave_url(),
            connections_per_address: connections_per_address(),
            trusted_proxies: Vec::new(),
            notice: None,
        };
        change(&mut config);
        let platform = Platform { profile, ..Platform::default() };
        config.check(&platform).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wrong_setting_is_named() {
        type Change = fn(&mut Config);
        let cases: [(Change, Profile, &str); 12] = [
            (|c| c.trusted_proxies = vec!["::/0".into()], Profile::Development, "GATEWAY__TRUSTED_PROXIES"),
            (|c| c.notice = Some(" ".into()), Profile::Development, "GATEWAY__NOTICE"),
            (|c| c.notice = Some("x".repeat(201)), Profile::Development, "GATEWAY__NOTICE"),
            (|c| c.notice = Some("two\nlines".into()), Profile::Development, "GATEWAY__NOTICE"),
            (|c| c.connections_per_address = 0, Profile::Development, "GATEWAY__CONNECTIONS_PER_ADDRESS"),
            (|c| c.public_url = None, Profile::Production, "GATEWAY__PUBLIC_URL"),
            (
                |c| c.public_url = Some("http://127.0.0.1:1".into()),
                Profile::Production,
                "GATEWAY__PUBLIC_URL",
            ),
            (
                |c| c.public_url = Some("http://candor.example".into()),
                Profile::Development,
                "GATEWAY__PUBLIC_URL",
            ),
            (|c| c.public_url = Some("https://x/path".into()), Profile::Development, "GATEWAY__PUBLIC_URL"),
            (|c| c.csrf_key = None, Profile::Production, "GATEWAY__CSRF_KEY"),
            (|c| c.csrf_key = Some("short".into()), Profile::Development, "GATEWAY__CSRF_KEY"),
            (|c| c.journal_url = "127.0.0.1:1".into(), Profile::Development, "GATEWAY__JOURNAL_URL"),
        ];
        for (change, profile, key) in cases {
            let sentence = config(change, profile).unwrap_err();
            assert!(sentence.contains(key), "{sentence}");
        }
        assert_eq!(config(|_| {}, Profile::Production), Ok(()));
        assert_eq!(config(|c| c.notice = Some("ü".repeat(200)), Profile::Production), Ok(()));
        assert_eq!(config(|c| (c.public_url, c.csrf_key) = (None, None), Profile::Development), Ok(()));
    }

    #[test]
    fn proxies_are_a_list_or_a_text_with_commas() {
        let read = |given: serde_json::Value| networks(given).ok();
        let two = Some(vec!["10.0.0.0/8".to_owned(), "fd00::/8".to_owned()]);
        assert_eq!(read("10.0.0.0/8, fd00::/8".into()), two);
        assert_eq!(read(serde_json::json!(["10.0.0.0/8", "fd00::/8"])), two);
        assert_eq!(read(" ".into()), Some(Vec::new()));
        assert_eq!(read(7.into()), None);
    }

    #[test]
    fn a_site_is_an_origin() {
        let site = Site::parse("https://Candor.Example:443/").unwrap();
        assert_eq!((site.origin.as_str(), site.secure), ("https://candor.example", true));
        assert_eq!(Site::parse("http://[::1]:8080").unwrap().origin, "http://[::1]:8080");
    }
}
