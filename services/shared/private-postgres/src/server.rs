//! The server as its user sees it.

use crate::supervisor::{self, Control, SUPERUSER};
use crate::{Error, folder};
use rustix::process::Signal;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where everything lies: data, passwords, log. Made where it is missing.
    pub folder: PathBuf,
    /// Whether missing binaries may be installed (root, Debian or Ubuntu).
    pub install: bool,
    /// The folder with `initdb` and `postgres`, if it is not to be looked for.
    pub binaries: Option<PathBuf>,
    /// Settings of PostgreSQL's own, name and value, over ours.
    pub settings: Vec<(String, String)>,
    /// The loopback port, for whoever must find the server where it was before. Left out: a free one.
    pub port: Option<u16>,
}

/// A running server. Dropping it stops it, without waiting for its end.
pub struct Server {
    access: Access,
    control: Arc<Control>,
    ended: watch::Receiver<()>,
}

impl Server {
    /// Starts the server and returns once it answers: half a second on a new folder, a tenth on one that is
    /// there; longer where it has to recover or to be installed first.
    ///
    /// # Errors
    /// A sentence that says what to do: no binaries, a folder in use, a folder of somebody else, …
    pub async fn start(options: Options) -> Result<Self, Error> {
        let control = Arc::new(Control::default());
        let (tell, ready) = oneshot::channel();
        let (alive, ended) = watch::channel(());
        let theirs = Arc::clone(&control);
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || supervisor::run(&options, &theirs, tell, alive))
            .map_err(|error| Error::Start(error.to_string()))?;
        let guard = Guard(&control);
        let ready = ready.await.unwrap_or_else(|_| Err(Error::Start("its supervisor ended".to_owned())))?;
        std::mem::forget(guard);
        tracing::info!("PostgreSQL answers on 127.0.0.1:{}, data in {}", ready.port, ready.folder.display());
        Ok(Self { access: Access { folder: ready.folder, port: ready.port }, control, ended })
    }

    /// How to reach it.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The superuser's URL for a database. `postgres` is always there.
    ///
    /// # Errors
    /// When the password cannot be read.
    pub fn url(&self, database: &str) -> Result<String, Error> {
        self.access.url(database)
    }

    /// As [`Access::create_database`].
    ///
    /// # Errors
    /// As there.
    pub async fn create_database(&self, name: &str, role: &str) -> Result<String, Error> {
        self.access.create_database(name, role).await
    }

    /// Returns when the server is gone for good: stopped, or ended so often in a row that it is not started again.
    pub async fn gone(&self) {
        // Nothing is ever sent: `changed` returns when the supervisor is gone.
        let _ = self.ended.clone().changed().await;
    }

    /// Stops the server and waits for its end. Connections are closed, what was committed is on disk.
    pub async fn stop(mut self) {
        for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
            self.control.stop(signal);
            // Nothing is ever sent: `changed` returns when the supervisor is gone.
            if tokio::time::timeout(Duration::from_secs(10), self.ended.changed()).await.is_ok() {
                return;
            }
        }
        tracing::error!("PostgreSQL does not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control.stop(Signal::INT);
    }
}

/// Stops a server whose start was given up.
struct Guard<'a>(&'a Control);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.stop(Signal::INT);
    }
}

/// How to reach a running server.
#[derive(Clone, Debug)]
pub struct Access {
    folder: PathBuf,
    port: u16,
}

impl Access {
    /// The server that another process of ours runs on this folder, if there is one.
    pub fn of_running(folder: &Path) -> Option<Self> {
        let state = std::fs::read_to_string(folder.join(folder::CLUSTER).join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = state.lines().map(str::trim).collect();
        let port = lines.get(3)?.parse().ok()?;
        (*lines.get(7)? == "ready").then(|| Self { folder: folder.to_owned(), port })
    }

    /// The superuser's URL for a database. `postgres` is always there.
    ///
    /// # Errors
    /// When the password cannot be read.
    pub fn url(&self, database: &str) -> Result<String, Error> {
        self.url_as(SUPERUSER, database)
    }

    fn url_as(&self, role: &str, database: &str) -> Result<String, Error> {
        let password = folder::password(&self.folder, role)?;
        Ok(format!("postgres://{role}:{password}@127.0.0.1:{}/{database}?sslmode=disable", self.port))
    }

    /// Makes a database and the role that owns it, where they are missing, and returns the role's URL for it.
    /// Nobody but that role (and the superuser) may connect to it.
    ///
    /// # Errors
    /// When a name is not a plain identifier, or the server refuses.
    pub async fn create_database(&self, name: &str, role: &str) -> Result<String, Error> {
        plain(name)?;
        plain(role)?;
        let url = self.url_as(role, name)?;
        let password = folder::password(&self.folder, role)?;
        let mut server = PgConnection::connect(&self.url("postgres")?).await?;
        // Names cannot be parameters in these statements; `plain` has seen that they need no quoting.
        let there: bool = exists(&mut server, "SELECT FROM pg_roles WHERE rolname = $1", role).await?;
        let verb = if there { "ALTER" } else { "CREATE" };
        run(&mut server, format!("{verb} ROLE {role} LOGIN PASSWORD '{password}'")).await?;
        if !exists(&mut server, "SELECT FROM pg_database WHERE datname = $1", name).await? {
            run(&mut server, format!("CREATE DATABASE {name} OWNER {role}")).await?;
        }
        run(&mut server, format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC")).await?;
        server.close().await?;
        Ok(url)
    }
}

async fn exists(server: &mut PgConnection, query: &'static str, name: &str) -> Result<bool, Error> {
    Ok(sqlx::query(query).bind(name).fetch_optional(server).await?.is_some())
}

async fn run(server: &mut PgConnection, statement: String) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(server).await?;
    Ok(())
}

fn plain(name: &str) -> Result<(), Error> {
    let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let good = letters && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 63;
    if good { Ok(()) } else { Err(Error::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["journal", "key_store", "t1"] {
            plain(good).unwrap();
        }
        for bad in ["", "1a", "A", "a-b", "a;b", "ä", "a\"", &"a".repeat(64)] {
            plain(bad).unwrap_err();
        }
    }
}
