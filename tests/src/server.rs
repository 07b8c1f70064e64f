//! A PostgreSQL server of a test's own.

use crate::process::free_address;
use private_postgres::{Options, Server};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A PostgreSQL of one's own, on one loopback port, that may be stopped, frozen and started again. Gone when
/// dropped, with everything it kept.
pub struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
    server: Option<Server>,
    frozen: Vec<Pid>,
}

impl Postgres {
    /// Makes a server and waits until it answers: about a second.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not come up.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("candor-postgres-").tempdir().unwrap();
        // It may run as another user, who must be able to pass through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let mut postgres = Self { folder, port: free_address().port(), server: None, frozen: Vec::new() };
        postgres.up().await;
        postgres
    }

    /// Starts the server again, where it was.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn up(&mut self) {
        let options = Options {
            folder: self.folder.path().join("server"),
            settings: vec![("fsync".to_owned(), "off".to_owned())],
            port: Some(self.port),
            ..Options::default()
        };
        self.server = Some(Server::start(options).await.expect("PostgreSQL starts"));
    }

    /// Stops the server; whoever is connected is thrown out.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Makes a database and a role of its name, and answers with the role's URL for it.
    ///
    /// # Panics
    /// When the server does not.
    pub async fn create(&self, name: &str) -> String {
        self.server.as_ref().expect("the server runs").create_database(name, name).await.expect("a database")
    }

    /// What the server has said in this life and in the one before.
    pub fn logged(&self) -> String {
        let said = |name: &str| {
            std::fs::read_to_string(self.folder.path().join("server").join(name)).unwrap_or_default()
        };
        said("postgres.log.1") + &said("postgres.log")
    }

    /// Stops every process of the server in its tracks: connections stay open, new ones are taken by the kernel,
    /// and nothing is answered.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&mut self) {
        let file = self.folder.path().join("server/cluster/postmaster.pid");
        let state = std::fs::read_to_string(file).expect("the server runs");
        let main = state.lines().next().and_then(pid).expect("a process id");
        // The main process first: then no new ones come.
        self.hold(main);
        for child in children(main) {
            self.hold(child);
        }
    }

    fn hold(&mut self, process: Pid) {
        if kill_process(process, Signal::STOP).is_ok() {
            self.frozen.push(process);
        }
    }

    /// Lets it go on where it was.
    pub fn thaw(&mut self) {
        // The main process last, when its children can answer it.
        while let Some(process) = self.frozen.pop() {
            let _ = kill_process(process, Signal::CONT);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // What is frozen would not even hear that it is to end.
        self.thaw();
        let Some(server) = self.server.take() else { return };
        // Its folder goes away next, so it is waited for: on a thread of its own, since the test's runtime may be
        // going down.
        let stopped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(server.stop());
        });
        drop(stopped.join());
    }
}

fn pid(text: &str) -> Option<Pid> {
    text.trim().parse().ok().and_then(Pid::from_raw)
}

fn children(parent: Pid) -> Vec<Pid> {
    let parent = parent.as_raw_nonzero();
    let file = PathBuf::from(format!("/proc/{parent}/task/{parent}/children"));
    std::fs::read_to_string(file).unwrap_or_default().split_whitespace().filter_map(pid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{Connection, PgConnection};
    use std::time::Duration;

    #[tokio::test]
    async fn a_server_survives_a_frost_and_a_stop_on_the_same_address() {
        let mut postgres = Postgres::start().await;
        let url = postgres.create("kept").await;
        let mut connection = PgConnection::connect(&url).await.unwrap();
        postgres.freeze();
        let frozen = tokio::time::timeout(Duration::from_millis(200), connection.ping()).await;
        assert!(frozen.is_err(), "nobody answers");
        postgres.thaw();
        sqlx::raw_sql("CREATE TABLE kept (n INT)")
            .execute(&mut PgConnection::connect(&url).await.unwrap())
            .await
            .unwrap();
        postgres.stop().await;
        PgConnection::connect(&url).await.unwrap_err();
        postgres.up().await;
        sqlx::raw_sql("SELECT n FROM kept")
            .execute(&mut PgConnection::connect(&url).await.unwrap())
            .await
            .unwrap();
    }
}
