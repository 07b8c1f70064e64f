//! The journal's settings: section `journal`, environment `JOURNAL__…`.

use crate::Error;
use bus::Transport;
use chassis::config::{ConfigError, Listen, Platform, Settings};
use serde::Deserialize;
use std::path::Path;

/// Settings of the journal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the service answers.
    pub listen: Listen,
    /// The journal's own database.
    pub database: chassis::database::Config,
    /// Where the keys are.
    pub vault: vault::Config,
    /// Where accounts answers, for its signing keys: `http://host:port`.
    pub accounts_url: String,
    /// The message broker. Left out only where all services share one process.
    #[serde(default)]
    pub bus: Option<bus::Config>,
    /// How entries are written together.
    #[serde(default)]
    pub batch: BatchConfig,
}

/// How entries are written together.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchConfig {
    /// Entries in one commit at most.
    pub max: usize,
    /// Entries that may wait; one more is answered RESOURCE_EXHAUSTED. Each may hold 64 KiB in memory.
    pub queue: usize,
    /// Commits in flight at the same time.
    pub writers: usize,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self { max: 128, queue: 1024, writers: 2 }
    }
}

impl Config {
    /// The transport of a journal in a process of its own.
    ///
    /// # Errors
    /// When the broker's settings are missing, or its address cannot be read.
    pub fn transport(&self) -> Result<Transport, Error> {
        let broker =
            self.bus.as_ref().ok_or_else(|| ConfigError::invalid("journal.bus.amqp_url", "is required"))?;
        Ok(Transport::rabbit(broker)?)
    }
}

impl Settings for Config {
    const SECTION: &'static str = "journal";

    fn listen(&self) -> &Listen {
        &self.listen
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        vec![("journal.vault.kek_file", &self.vault.kek_file)]
    }

    fn check(&self, _platform: &Platform) -> Result<(), ConfigError> {
        let url = &self.accounts_url;
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(ConfigError::invalid("journal.accounts_url", "must begin with http:// or https://"));
        }
        for (key, value) in [
            ("journal.batch.max", self.batch.max),
            ("journal.batch.queue", self.batch.queue),
            ("journal.batch.writers", self.batch.writers),
        ] {
            if !(1..=100_000).contains(&value) {
                return Err(ConfigError::invalid(key, "must be between 1 and 100000"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::Figment;
    use figment::providers::{Format as _, Toml};

    const GOOD: &str = "
        accounts_url = 'http://127.0.0.1:5001'
        listen.address = '127.0.0.1:0'
        database.url = 'postgres://127.0.0.1/journal'
        vault.keystore.url = 'postgres://127.0.0.1/keys'
        vault.kek_file = 'kek'
    ";

    fn load(more: &str) -> Result<Config, String> {
        let figment = Figment::from(Toml::string(&format!("[journal]\n{GOOD}\n{more}")));
        chassis::config::load_from(figment).map(|(_, config)| config).map_err(|error| error.to_string())
    }

    #[test]
    fn the_rest_has_defaults() {
        let config = load("").unwrap();
        assert_eq!((config.batch.max, config.batch.queue, config.batch.writers), (128, 1024, 2));
        assert!(config.transport().err().unwrap().to_string().contains("JOURNAL__BUS__AMQP_URL"));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        for (wrong, key) in [
            ("colour = 'blue'", "JOURNAL__COLOUR"),
            ("batch.max = 0", "JOURNAL__BATCH__MAX"),
            ("batch.writers = 1000000", "JOURNAL__BATCH__WRITERS"),
            ("batch.size = 3", "JOURNAL__BATCH__SIZE"),
        ] {
            let error = load(wrong).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
        let figment =
            Figment::from(Toml::string(&format!("[journal]\n{}", GOOD.replace("http://", "ftp://"))));
        let error = chassis::config::load_from::<Config>(figment).err().unwrap().to_string();
        assert!(error.contains("JOURNAL__ACCOUNTS_URL"), "{error}");
    }
}
