//! The databases: those that were set, and a private server for the rest.

use crate::cli::{BoxError, say};
use crate::settings::{DATABASES, Given, Urls};
use private_postgres::{Access, Error, Options, Server};
use std::collections::BTreeMap;
use std::path::Path;

/// Databases that answer, for as long as this is kept.
pub(crate) struct Databases {
    server: Option<Server>,
    pub(crate) urls: Urls,
}

impl Databases {
    /// Starts the private server if any database needs it.
    pub(crate) async fn start(given: &Given, data: &Path) -> Result<Self, BoxError> {
        let missing = missing(given);
        if !missing.is_empty() && is_made(data) {
            say(&format!("Starting PostgreSQL (data in {}).", data.join("postgres").display()));
        }
        Self::start_for(&missing, data).await
    }

    async fn start_for(missing: &[(&'static str, &'static str)], data: &Path) -> Result<Self, BoxError> {
        if missing.is_empty() {
            return Ok(Self { server: None, urls: Urls::new() });
        }
        let folder = data.join("postgres");
        if !is_made(data) {
            let place = folder.display();
            say(&format!(
                "Starting PostgreSQL for the first time; installs it if need be (data in {place})."
            ));
        }
        let server = Server::start(Options { folder, install: true, ..Options::default() }).await?;
        let urls = create(server.access(), missing).await?;
        Ok(Self { server: Some(server), urls })
    }

    /// As [`Databases::start`], or the server that a running `candor` has on the same folder.
    pub(crate) async fn start_or_join(given: &Given, data: &Path) -> Result<Self, BoxError> {
        Self::of(&missing(given), data).await
    }

    /// As [`Databases::start_or_join`], of these settings and databases alone.
    pub(crate) async fn of(missing: &[(&'static str, &'static str)], data: &Path) -> Result<Self, BoxError> {
        match Self::start_for(missing, data).await {
            Err(error) if matches!(error.downcast_ref(), Some(Error::InUse { .. })) => {
                let running = Access::of_running(&data.join("postgres")).ok_or(error)?;
                Ok(Self { server: None, urls: create(&running, missing).await? })
            }
            other => other,
        }
    }

    /// Returns when the private server is gone for good; never, where there is none.
    pub(crate) async fn gone(&self) {
        match &self.server {
            Some(server) => server.gone().await,
            None => std::future::pending().await,
        }
    }

    /// Stops the private server.
    pub(crate) async fn stop(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

/// Whether an earlier start made the private server's data.
pub(crate) fn is_made(data: &Path) -> bool {
    data.join("postgres/cluster").exists()
}

/// The settings without a database.
fn missing(given: &Given) -> Vec<(&'static str, &'static str)> {
    DATABASES.into_iter().filter(|(key, _)| given.text(key).is_none()).collect()
}

/// One database and one role a service, and one pair for the keys.
async fn create(access: &Access, missing: &[(&'static str, &'static str)]) -> Result<Urls, Error> {
    let mut made: BTreeMap<&str, String> = BTreeMap::new();
    let mut urls = Urls::new();
    for (key, name) in missing {
        if !made.contains_key(name) {
            made.insert(name, access.create_database(name, name).await?);
        }
        urls.insert(key, made[name].clone());
    }
    Ok(urls)
}
