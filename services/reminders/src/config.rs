//! The settings of reminders: section `reminders`, environment `REMINDERS__…`.

use crate::Error;
use bus::Transport;
use chassis::config::{ConfigError, Listen, Platform, Settings};
use serde::Deserialize;

/// Settings of reminders. It keeps no private text, so it has no vault.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it answers.
    pub listen: Listen,
    /// Its own database.
    pub database: chassis::database::Config,
    /// Where accounts answers, for the keys that verify passports: `http://accounts:50051`.
    pub accounts_url: String,
    /// The broker, for a process of its own; the one-process form hands its transport in instead.
    #[serde(default)]
    pub bus: Option<bus::Config>,
}

impl Config {
    /// The transport of a process of its own.
    ///
    /// # Errors
    /// When `bus` is left out, or its address cannot be understood.
    pub fn transport(&self) -> Result<Transport, Error> {
        let broker =
            self.bus.as_ref().ok_or_else(|| ConfigError::invalid("reminders.bus.amqp_url", "is required"))?;
        Ok(Transport::rabbit(broker)?)
    }
}

impl Settings for Config {
    const SECTION: &'static str = "reminders";

    fn listen(&self) -> &Listen {
        &self.listen
    }

    fn check(&self, _platform: &Platform) -> Result<(), ConfigError> {
        let url = &self.accounts_url;
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(ConfigError::invalid(
                "reminders.accounts_url",
                "must begin with http:// or https://",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_kind_is_named() {
        let config = |accounts_url: &str| Config {
            listen: Listen { address: "127.0.0.1:0".parse().unwrap() },
            database: chassis::database::Config::new("postgres://localhost/reminders"),
            accounts_url: accounts_url.to_owned(),
            bus: None,
        };
        assert_eq!(config("http://accounts:50051").check(&Platform::default()), Ok(()));
        let sentence = config("accounts:50051").check(&Platform::default()).unwrap_err().to_string();
        assert!(sentence.contains("REMINDERS__ACCOUNTS_URL"), "{sentence}");
        assert!(
            config("http://accounts")
                .transport()
                .err()
                .unwrap()
                .to_string()
                .contains("REMINDERS__BUS__AMQP_URL")
        );
    }
}
