//! The settings of content: section `content`, environment `CONTENT__…`.

use crate::Error;
use bus::Transport;
use chassis::config::{ConfigError, Listen, Platform, Settings};
use serde::Deserialize;

/// Settings of content.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the service answers.
    pub listen: Listen,
    /// Content's own database.
    pub database: chassis::database::Config,
    /// Where accounts answers, for its signing keys: `http://host:port`.
    pub accounts_url: String,
    /// The message broker. Left out only where all services share one process.
    #[serde(default)]
    pub bus: Option<bus::Config>,
}

impl Config {
    /// The transport of content in a process of its own. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When the broker's settings are missing, or its address cannot be read.
    pub fn transport(&self) -> Result<Transport, Error> {
        let broker =
            self.bus.as_ref().ok_or_else(|| ConfigError::invalid("content.bus.amqp_url", "is required"))?;
        Ok(Transport::rabbit(broker)?)
    }
}

impl Settings for Config {
    const SECTION: &'static str = "content";

    fn listen(&self) -> &Listen {
        &self.listen
    }

    fn check(&self, _platform: &Platform) -> Result<(), ConfigError> {
        let url = &self.accounts_url;
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(ConfigError::invalid("content.accounts_url", "must begin with http:// or https://"));
        }
        Ok(())
    }
}
