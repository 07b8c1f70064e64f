//! Settings: defaults, then an optional TOML file, then the environment. Nothing is read silently:
//! an unknown key is refused, and every complaint is one sentence that names the key, never its value.

use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, error::Kind};
use serde::de::Unexpected;
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Settings of one service, under a section of its own.
pub trait Settings: serde::de::DeserializeOwned + Send + 'static {
    /// The section, such as `journal`: `[journal]` in the file, `JOURNAL__…` in the environment.
    const SECTION: &'static str;

    /// Where the service answers.
    fn listen(&self) -> &Listen;

    /// Files that must be there, with their keys.
    fn files(&self) -> Vec<(&'static str, &Path)> {
        Vec::new()
    }

    /// Rules that a type alone cannot hold.
    ///
    /// # Errors
    /// The key that breaks one; see [`ConfigError::invalid`].
    fn check(&self, _platform: &Platform) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// Where a service answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
}

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// On a developer's machine.
    #[default]
    Development,
    /// Under test: time may come from a file.
    Test,
    /// For real people.
    Production,
}

/// Settings that every process shares.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Platform {
    /// What the process is for (`PROFILE`).
    #[serde(default)]
    pub profile: Profile,
    /// Where time comes from (`CLOCK__…`).
    #[serde(default)]
    pub clock: ClockConfig,
    /// Logs, traces and metrics (`TELEMETRY__…`).
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// The operators' endpoint (`OPS__…`).
    #[serde(default)]
    pub ops: OpsConfig,
    /// What a process takes on at most (`LIMITS__…`).
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// Where time comes from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockConfig {
    /// A file that holds one RFC 3339 instant. Refused unless the profile is `test`.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

impl ClockConfig {
    /// The clock these settings ask for.
    pub fn clock(&self) -> crate::Clock {
        self.file.clone().map_or_else(crate::Clock::system, crate::Clock::file)
    }
}

/// Logs, traces and metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Where traces and metrics go over OTLP/gRPC, such as `http://collector:4317`. Without it they go nowhere,
    /// and metrics can still be scraped.
    pub otlp_endpoint: Option<String>,
    /// What is logged, as `tracing` directives: `info`, `warn,journal=debug`.
    pub log: String,
    /// The share of new traces that is kept, 0 to 1. A caller's decision is followed.
    pub sample_ratio: f64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { otlp_endpoint: None, log: "info".to_owned(), sample_ratio: 1.0 }
    }
}

/// The operators' HTTP endpoint: `/livez`, `/servez`, `/readyz`, `/metrics`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsConfig {
    /// Address and port. Without it there is no such endpoint.
    #[serde(default)]
    pub address: Option<SocketAddr>,
}

/// What a process takes on at most.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Calls in flight; one more is answered RESOURCE_EXHAUSTED, never queued.
    pub calls_in_flight: usize,
    /// Seconds a call may take, whatever deadline its caller sets.
    pub deadline_seconds: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { calls_in_flight: 512, deadline_seconds: 30 }
    }
}

/// Why settings cannot be used: one sentence that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// A key that breaks a rule. `key` is dotted (`journal.accounts_url`), `rule` is read after it
    /// ("must be an http address"); it must not hold the value.
    pub fn invalid(key: &str, rule: &str) -> Self {
        Self(format!("The setting {} {rule}.", spelled(key)))
    }
}

/// The settings of the platform and of one service: defaults, then `file`, then the environment.
///
/// # Errors
/// One sentence naming the key that is unknown, missing or wrong.
pub fn load<T: Settings>(file: Option<&Path>) -> Result<(Platform, T), ConfigError> {
    let (platform, settings) = load_from::<T>(sources(file, &[T::SECTION])?)?;
    match settings.files().into_iter().find(|(_, path)| !path.is_file()) {
        Some((key, _)) => Err(ConfigError::invalid(key, "must name a file that is there")),
        None => Ok((platform, settings)),
    }
}

/// What was set: `file`, then the environment's variables of the platform and of the given sections. A process
/// that runs several services puts its own defaults below it and hands the whole to [`load_from`].
///
/// # Errors
/// When the file cannot be read or is not TOML.
pub fn sources(file: Option<&Path>, sections: &[&str]) -> Result<Figment, ConfigError> {
    let mut figment = Figment::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError(format!(
                "The configuration file {} cannot be read: {}.",
                path.display(),
                error.kind()
            ))
        })?;
        figment = figment.merge(Toml::string(&text));
        if let Err(error) = figment.extract::<Dict>() {
            return Err(unreadable(path, &error));
        }
    }
    let prefixes: Vec<String> =
        SECTIONS.iter().chain(sections).map(|section| format!("{}__", section.to_uppercase())).collect();
    let env = Env::raw()
        .filter(move |key| {
            let key = key.as_str().to_uppercase();
            key == "PROFILE" || prefixes.iter().any(|prefix| key.starts_with(prefix))
        })
        .split("__");
    Ok(figment.merge(env))
}

/// The platform's sections; everything else at the top belongs to some service.
pub const SECTIONS: [&str; 4] = ["clock", "telemetry", "ops", "limits"];

/// The same from settings at hand, laid out as in the file: `profile`, `clock.file`, `journal.database.url` …
/// Sections of other services are ignored.
///
/// # Errors
/// As for [`load`].
pub fn load_from<T: Settings>(figment: Figment) -> Result<(Platform, T), ConfigError> {
    let all: Dict = figment.extract().map_err(|error| complaint(None, &error))?;
    let mut shared = Dict::new();
    let mut own = Dict::new();
    for (key, value) in all {
        match value {
            Value::Dict(_, section) if key == T::SECTION => own = section,
            value if key == "profile" || SECTIONS.contains(&key.as_str()) => {
                shared.insert(key, value);
            }
            Value::Dict(..) => {}
            _ => return Err(ConfigError::invalid(&key, "is not known")),
        }
    }
    let platform: Platform = section(shared).map_err(|error| complaint(None, &error))?;
    platform.check()?;
    let settings: T = section(own).map_err(|error| complaint(Some(T::SECTION), &error))?;
    settings.check(&platform)?;
    Ok((platform, settings))
}

// The error is figment's own, and large; it is turned into a sentence at once.
#[allow(clippy::result_large_err)]
fn section<T: serde::de::DeserializeOwned>(dict: Dict) -> Result<T, figment::Error> {
    let mut profiles = Map::new();
    profiles.insert(figment::Profile::Default, dict);
    Figment::from(Serialized::defaults(profiles.remove(&figment::Profile::Default).unwrap_or_default()))
        .extract()
}

impl Platform {
    fn check(&self) -> Result<(), ConfigError> {
        if self.clock.file.is_some() && self.profile != Profile::Test {
            return Err(ConfigError::invalid("clock.file", "is allowed only when profile is test"));
        }
        if !(0.0..=1.0).contains(&self.telemetry.sample_ratio) {
            return Err(ConfigError::invalid("telemetry.sample_ratio", "must be between 0 and 1"));
        }
        if self.limits.calls_in_flight == 0 {
            return Err(ConfigError::invalid("limits.calls_in_flight", "must be at least 1"));
        }
        if self.limits.deadline_seconds == 0 {
            return Err(ConfigError::invalid("limits.deadline_seconds", "must be at least 1"));
        }
        crate::telemetry::check(&self.telemetry)
    }
}

/// A setting's text that `fits`; for `#[serde(deserialize_with)]`, so that whoever has the setting need not check it.
/// `expected` is read after "must be".
///
/// # Errors
/// What does not fit. Its text stays out of the error.
pub fn text<'de, D: Deserializer<'de>>(
    given: D,
    fits: impl Fn(&str) -> bool,
    expected: &'static str,
) -> Result<String, D::Error> {
    let text = String::deserialize(given).ok().filter(|text| fits(text));
    text.ok_or_else(|| refused(expected))
}

/// A setting must be what is `expected`, which is read after "must be".
pub fn refused<E: serde::de::Error>(expected: &'static str) -> E {
    E::invalid_value(Unexpected::Other("something else"), &expected)
}

/// One section for whoever reads it alone; nothing where it is not set.
///
/// # Errors
/// As for [`load`].
pub fn part<T: serde::de::DeserializeOwned>(figment: &Figment, name: &str) -> Result<Option<T>, ConfigError> {
    let Ok(value) = figment.find_value(name) else { return Ok(None) };
    let Value::Dict(_, dict) = value else { return Err(ConfigError::invalid(name, "must be a section")) };
    section(dict).map(Some).map_err(|error| complaint(Some(name), &error))
}

/// What a type holds, in words.
fn in_words(expected: &str) -> String {
    let most: u64 = match expected {
        "u8" => u8::MAX.into(),
        "u16" => u16::MAX.into(),
        "u32" => u32::MAX.into(),
        "u64" | "usize" => return "a whole number, 0 or more".to_owned(),
        "f32" | "f64" => return "a number".to_owned(),
        "a boolean" => return "true or false".to_owned(),
        "a string" | "path string" => return "a text".to_owned(),
        "socket address" => return "an address and port such as 127.0.0.1:8080".to_owned(),
        expected if expected.starts_with("struct ") => return "a section".to_owned(),
        expected => return expected.to_owned(),
    };
    format!("a whole number from 0 to {most}")
}

/// A key as people write it in both places.
fn spelled(key: &str) -> String {
    format!("{} ({key})", key.to_uppercase().replace('.', "__"))
}

/// Only the place of a syntax error: the parser's message quotes the line, which may hold a secret.
fn unreadable(path: &Path, error: &figment::Error) -> ConfigError {
    let message = error.to_string();
    let line = message.split_once("line ").map_or("", |(_, rest)| rest);
    let line: String = line.chars().take_while(char::is_ascii_digit).collect();
    let place = if line.is_empty() { String::new() } else { format!(" at line {line}") };
    ConfigError(format!("The configuration file {} is not valid TOML{place}.", path.display()))
}

fn complaint(section: Option<&str>, error: &figment::Error) -> ConfigError {
    let mut path: Vec<&str> = section.into_iter().chain(error.path.iter().map(String::as_str)).collect();
    let rule = match &error.kind {
        Kind::UnknownField(field, expected) => {
            if path.last() != Some(&field.as_str()) {
                path.push(field);
            }
            format!("is not known; here are: {}", expected.join(", "))
        }
        Kind::MissingField(field) => {
            if path.last() != Some(&field.as_ref()) {
                path.push(field);
            }
            "is required".to_owned()
        }
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            format!("must be {}", in_words(expected))
        }
        Kind::UnknownVariant(_, expected) => format!("must be one of: {}", expected.join(", ")),
        Kind::Message(message) => format!("cannot be used: {message}"),
        _ => "cannot be used".to_owned(),
    };
    ConfigError::invalid(&path.join("."), &rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        listen: Listen,
        #[allow(dead_code)]
        database: crate::database::Config,
    }

    impl Settings for Sample {
        const SECTION: &'static str = "journal";

        fn listen(&self) -> &Listen {
            &self.listen
        }
    }

    fn told(key: &str, value: impl serde::Serialize) -> Option<String> {
        let figment = Figment::new()
            .merge(("journal.listen.address", "127.0.0.1:0"))
            .merge(("journal.database.url", "postgres://u:p@localhost/x"))
            .merge((key, value));
        load_from::<Sample>(figment).err().map(|error| error.to_string())
    }

    #[test]
    fn a_database_that_cannot_be_is_refused_in_words() {
        let key = "journal.database.max_connections";
        for wrong in ["0", "-1", "many", "10001", "1.5"] {
            let sentence = told(key, wrong.parse::<i64>().map_or(Value::from(wrong), Value::from)).unwrap();
            let expected = "The setting JOURNAL__DATABASE__MAX_CONNECTIONS (journal.database.max_connections) \
                            must be a whole number from 1 to 10000.";
            assert_eq!(sentence, expected);
        }
        assert_eq!(told(key, 3), None);
        for key in ["journal.database.url", "journal.database.direct_url"] {
            let sentence = told(key, "mysql://secret").unwrap();
            assert!(sentence.contains(&key.to_uppercase().replace('.', "__")), "{sentence}");
            assert!(sentence.contains("must be an address such as postgres://"), "{sentence}");
            assert!(!sentence.contains("secret"), "{sentence}");
        }
        let sentence = told("limits.deadline_seconds", "soon").unwrap();
        assert!(sentence.contains("must be a whole number from 0 to 4294967295"), "{sentence}");
    }
}
