//! The settings of accounts.

use crate::Error;
use bus::Transport;
use chassis::config::{ConfigError, Listen, Platform, Settings};
use jiff::SignedDuration;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Settings under `accounts`: `[accounts]` in the file, `ACCOUNTS__…` in the environment.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the service answers.
    pub listen: Listen,
    /// Its database.
    pub database: chassis::database::Config,
    /// Its keys.
    pub vault: vault::Config,
    /// How it sends mail.
    pub mail: mail::Config,
    /// The broker; needed by a process of its own, not within `candor`, which brings the transport.
    #[serde(default)]
    pub bus: Option<bus::Config>,
    /// What people open in their browser, such as `https://candor.example`: links in mails begin with it.
    pub public_url: String,
    /// How long sessions last.
    #[serde(default)]
    pub sessions: Sessions,
    /// How much of the machine password hashing may take.
    #[serde(default)]
    pub hashing: Hashing,
    /// How the audit is kept.
    #[serde(default)]
    pub audit: Audit,
    /// The legal texts.
    #[serde(default)]
    pub terms: Terms,
}

/// The legal texts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// Where they are, in the form of `terms/README.md`. Without it those count that come along.
    pub dir: Option<PathBuf>,
}

/// How the audit is kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Where the chain is anchored once a day, outside the database. Without it a removed end does not show.
    pub anchor_folder: Option<PathBuf>,
}

/// How long sessions last, by whichever limit comes first.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// Days without use.
    pub idle_days: u16,
    /// Days since the sign-in.
    pub absolute_days: u16,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle_days: 30, absolute_days: 30 }
    }
}

impl Sessions {
    /// Time without use.
    pub fn idle(self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.idle_days))
    }

    /// Time since the sign-in.
    pub fn absolute(self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.absolute_days))
    }
}

/// How much of the machine password hashing may take.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hashing {
    /// Passwords hashed at the same time; each takes a core and 19 MiB.
    pub at_once: usize,
    /// Passwords that may wait for their turn; beyond them callers are told to come back.
    pub waiting: usize,
}

impl Default for Hashing {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // One core is left for everything else, where there is more than one.
        Self { at_once: (cores - 1).max(1), waiting: 64 }
    }
}

impl Config {
    /// The transport of accounts in a process of its own.
    ///
    /// # Errors
    /// When the broker's settings are missing, or its address cannot be read.
    pub fn transport(&self) -> Result<Transport, Error> {
        let broker =
            self.bus.as_ref().ok_or_else(|| ConfigError::invalid("accounts.bus.amqp_url", "is required"))?;
        Ok(Transport::rabbit(broker)?)
    }
}

impl Settings for Config {
    const SECTION: &'static str = "accounts";

    fn listen(&self) -> &Listen {
        &self.listen
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        vec![("accounts.vault.kek_file", &self.vault.kek_file)]
    }

    fn check(&self, _platform: &Platform) -> Result<(), ConfigError> {
        let host =
            self.public_url.strip_prefix("https://").or_else(|| self.public_url.strip_prefix("http://"));
        if host.is_none_or(|host| host.trim_end_matches('/').is_empty() || host.contains(char::is_whitespace))
        {
            return Err(ConfigError::invalid("accounts.public_url", "must be an http or https address"));
        }
        let at_least_one = [
            ("accounts.sessions.idle_days", usize::from(self.sessions.idle_days)),
            ("accounts.sessions.absolute_days", usize::from(self.sessions.absolute_days)),
            ("accounts.hashing.at_once", self.hashing.at_once),
        ];
        match at_least_one.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(ConfigError::invalid(key, "must be at least 1")),
            None => Ok(()),
        }
    }
}
