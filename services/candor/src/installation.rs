//! What is there already, for an operator's command: databases that are set, or those of an earlier `candor run` on the
//! same folder, whether it still runs or not. Nothing is made here.

use crate::cli::{BoxError, Place};
use crate::databases::{self, Databases};
use crate::doors;
use crate::settings::{DATABASES, Given, Settings};
use chassis::database::Config;
use chassis::process::chain;
use chassis::{Clock, Ids, telemetry};
use clap::ValueEnum;
use sqlx::PgPool;
use std::sync::{Mutex, PoisonError};

/// The services that have a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    Accounts,
    Journal,
    Reminders,
    Content,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [Self::Accounts, Self::Journal, Self::Reminders, Self::Content];

    /// Its name, also as a consumer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Journal => "journal",
            Self::Reminders => "reminders",
            Self::Content => "content",
        }
    }

    /// The setting that says where its database is.
    pub(crate) fn database_key(self) -> &'static str {
        match self {
            Self::Accounts => "accounts.database.url",
            Self::Journal => "journal.database.url",
            Self::Reminders => "reminders.database.url",
            Self::Content => "content.database.url",
        }
    }

    /// Where its database is.
    fn database(self, settings: &Settings) -> &Config {
        match self {
            Self::Accounts => &settings.accounts.database,
            Self::Journal => &settings.journal.database,
            Self::Reminders => &settings.reminders.database,
            Self::Content => &settings.content.database,
        }
    }
}

/// Databases that answer, and what goes with them.
pub(crate) struct Installation {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    databases: Databases,
    /// Connections that were asked for, to be closed before the server stops.
    pools: Mutex<Vec<PgPool>>,
    observed: telemetry::Guard,
    /// Of the wanted settings those that are not set, on a folder without databases of its own.
    absent: Vec<&'static str>,
}

impl Installation {
    /// Does the work with the databases of the `wanted` settings; a private server that it started stops after it.
    pub(crate) async fn visit<T>(
        place: &Place,
        wanted: &[&'static str],
        work: impl AsyncFnOnce(&Self) -> Result<T, BoxError>,
    ) -> Result<T, BoxError> {
        let opened = Self::open(place, wanted).await?;
        let done = work(&opened).await;
        for pool in opened.pools.into_inner().unwrap_or_else(PoisonError::into_inner) {
            pool.close().await;
        }
        opened.databases.stop().await;
        opened.observed.shutdown().await;
        done
    }

    async fn open(place: &Place, wanted: &[&'static str]) -> Result<Self, BoxError> {
        let given = Given::read(place)?;
        let data = place.data.canonicalize().unwrap_or_else(|_| place.data.clone());
        let mut platform = Settings::check(&given, &doors::nowhere(), &data)?.platform;
        if given.text("telemetry.log").is_none() {
            // Whoever gives a command reads its answer, not a log.
            platform.telemetry.log = "warn".to_owned();
        }
        let (mut private, mut absent) = (Vec::new(), Vec::new());
        for (key, name) in DATABASES.into_iter().filter(|(key, _)| wanted.contains(key)) {
            match given.text(key) {
                Some(_) => {}
                None if databases::is_made(&data) => private.push((key, name)),
                None => absent.push(key),
            }
        }
        let observed = telemetry::init(&platform, "candor")?;
        let databases = Databases::of(&private, &data).await?;
        // Databases that are not wanted need an address as well, but never one in the place of one that is set.
        let mut urls = Settings::placeholders();
        urls.retain(|key, _| given.text(key).is_none());
        urls.extend(databases.urls.clone());
        let settings = Settings::complete(&given, &urls, &doors::nowhere(), &data)?;
        let clock = settings.platform.clock.clock();
        let (ids, pools) = (Ids::new(clock.clone()), Mutex::default());
        Ok(Self { settings, ids, clock, databases, pools, observed, absent })
    }

    /// Connections to a service's database.
    pub(crate) async fn connect(&self, service: Service) -> Result<PgPool, BoxError> {
        self.connect_to(service.name(), service.database(&self.settings)).await
    }

    /// Connections to a database.
    pub(crate) async fn connect_to(&self, whose: &str, config: &Config) -> Result<PgPool, BoxError> {
        let pool = chassis::database::connect(config).await.map_err(|error| explain(whose, error))?;
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(pool.clone());
        Ok(pool)
    }

    /// Whether there is a database for a setting.
    pub(crate) fn has(&self, key: &str) -> bool {
        !self.absent.contains(&key)
    }

    /// Refuses when there is none.
    pub(crate) fn demand(&self, key: &str, place: &Place) -> Result<(), BoxError> {
        if self.has(key) {
            return Ok(());
        }
        let variable = key.replace('.', "__").to_uppercase();
        let folder = place.data.display();
        Err(format!("{variable} is not set, and {folder} holds no database: name the folder of a `candor run` with --data")
            .into())
    }
}

/// A database's failure, in words for whoever gave the command.
pub(crate) fn explain(whose: &str, error: sqlx::Error) -> BoxError {
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
    match (&error, code.as_deref()) {
        // A table, a column or a schema that is not there.
        (_, Some("42P01" | "42703" | "3F000")) => {
            format!("the tables of {whose} are not up to date: `candor migrate` makes them so").into()
        }
        (sqlx::Error::PoolTimedOut, _) => format!("the database of {whose} does not answer").into(),
        _ => format!("the database of {whose} failed: {}", chain(&error)).into(),
    }
}

/// A number with what it counts.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_its_own_consumer_and_has_a_database() {
        assert_eq!(Service::Accounts.name(), accounts::CONSUMER);
        assert_eq!(Service::Journal.name(), journal::CONSUMER);
        assert_eq!(Service::Reminders.name(), reminders::CONSUMER);
        assert_eq!(Service::Content.name(), content::CONSUMER);
        for service in Service::ALL {
            assert!(DATABASES.iter().any(|(key, _)| *key == service.database_key()));
        }
    }

    #[test]
    fn numbers_agree_with_what_they_count() {
        assert_eq!(counted(1, "key", "keys"), "1 key");
        assert_eq!(counted(0, "key", "keys"), "0 keys");
    }
}
