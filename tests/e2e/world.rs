//! Candor from outside, in either form: addresses, mail, time, and the processes behind them.

use candor_tests::five::{Five, START, Servers, databases};
use candor_tests::{Database, Process, Rabbit, Rest, TestClock, binary, eventually, mailed_token};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;

/// A running Candor.
pub(crate) enum World {
    One(Box<One>),
    Five(Box<Apart>),
}

/// `candor run`.
pub(crate) struct One {
    clock: TestClock,
    folder: TempDir,
    http: String,
    grpc: BTreeMap<String, String>,
    mail: PathBuf,
    process: Option<Process>,
}

/// Five processes, their databases, and a broker whose files can be searched.
pub(crate) struct Apart {
    five: Five,
    rabbit: Rabbit,
    databases: BTreeMap<&'static str, Database>,
}

impl World {
    /// `candor run`: one process, its own PostgreSQL, the in-memory bus.
    pub(crate) async fn one_process() -> Self {
        let folder = tempfile::Builder::new().prefix("candor-e2e-").tempdir().unwrap();
        // The private PostgreSQL may run as another user and must be able to pass through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let clock = TestClock::new(folder.path().join("clock"), START.parse::<Timestamp>().unwrap());
        let (http, grpc, mail) = (String::new(), BTreeMap::new(), PathBuf::new());
        let mut one = One { clock, folder, http, grpc, mail, process: None };
        one.start().await;
        Self::One(Box::new(one))
    }

    /// Five processes with PostgreSQL and RabbitMQ.
    pub(crate) async fn five_processes() -> Self {
        let (databases, rabbit) = tokio::join!(databases(), Rabbit::start());
        let servers = Servers::new(&databases, rabbit.url(), "candor.events".to_owned());
        Self::Five(Box::new(Apart { five: Five::start(servers).await, rabbit, databases }))
    }

    /// Time, as every process sees it.
    pub(crate) fn clock(&self) -> &TestClock {
        match self {
            Self::One(one) => &one.clock,
            Self::Five(apart) => &apart.five.clock,
        }
    }

    pub(crate) fn rest(&self) -> Rest {
        match self {
            Self::One(one) => Rest::new(&one.http),
            Self::Five(apart) => apart.five.rest(),
        }
    }

    /// A connection to a service of the four.
    pub(crate) fn grpc(&self, service: &str) -> Channel {
        match self {
            Self::One(one) => {
                Channel::from_shared(format!("http://{}", one.grpc[service])).unwrap().connect_lazy()
            }
            Self::Five(apart) => apart.five.grpc(service),
        }
    }

    /// The token of the newest verification mail to `email`.
    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        match self {
            Self::One(one) => mailed_token(&one.mail, email).await,
            Self::Five(apart) => apart.five.mailed_token(email).await,
        }
    }

    /// Kills every process as a power cut would, and starts them again on the same data.
    pub(crate) async fn kill_and_start_again(&mut self) {
        match self {
            Self::One(one) => {
                one.process.take().unwrap().kill();
                one.start().await;
            }
            Self::Five(apart) => {
                apart.five.kill_all();
                apart.five.up_all().await;
            }
        }
        eventually("the gateway serves again", Duration::from_secs(30), async || {
            self.rest().call("GET", "/v1/articles", None, None).await.0 == 200
        })
        .await;
    }

    /// No byte of private text in any log or database file; in five processes, in no file of the broker and in no row of
    /// any table either.
    pub(crate) async fn assert_nowhere_readable(&self, canary: &str) {
        let folder = match self {
            Self::One(one) => one.folder.path(),
            Self::Five(apart) => apart.five.folder(),
        };
        assert!(has_logs(folder), "the processes log");
        let mut found = Vec::new();
        search(folder, canary.as_bytes(), &mut found);
        if let Self::Five(apart) = self {
            search(apart.rabbit.folder(), canary.as_bytes(), &mut found);
        }
        assert!(found.is_empty(), "private text is readable in {found:?}");
        let Self::Five(apart) = self else { return };
        for (name, database) in &apart.databases {
            let dump = rows_of_every_table(database).await;
            assert!(!dump.is_empty());
            for hidden in [canary, &hex(canary), "anna@example.org", &hex("anna@example.org")] {
                assert!(!dump.contains(hidden), "private text is readable in the database of {name}");
            }
        }
    }

    /// Stops everything by asking; each process ends well.
    pub(crate) async fn stop(self) {
        match self {
            Self::One(one) => assert!(one.process.unwrap().stop().await.success()),
            Self::Five(apart) => apart.five.stop().await,
        }
    }
}

impl One {
    async fn start(&mut self) {
        let folder = self.folder.path();
        let (ready, data) = (folder.join("ready.json"), folder.join("data"));
        let _ = fs::remove_file(&ready);
        let free = "127.0.0.1:0";
        let arguments =
            ["run", "--data", text(&data), "--http", free, "--grpc", free, "--ready-file", text(&ready)];
        let settings = [
            ("PROFILE".to_owned(), "test".to_owned()),
            ("CLOCK__FILE".to_owned(), self.clock.path().display().to_string()),
        ];
        let process = Process::spawn(&binary("candor"), &arguments, &settings, &folder.join("candor.log"));
        let file: Value = serde_json::from_str(&process.wrote(&ready).await).unwrap();
        assert_eq!(file["pid"], process.pid());
        self.http = file["http"].as_str().unwrap().to_owned();
        self.mail = file["mail_dir"].as_str().unwrap().into();
        self.grpc = serde_json::from_value(file["grpc"].clone()).unwrap();
        self.process = Some(process);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn has_logs(folder: &Path) -> bool {
    let logs = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut logs =
        logs.filter(|path| path.extension().is_some_and(|extension| extension == "log")).peekable();
    logs.peek().is_some() && logs.all(|log| fs::metadata(log).is_ok_and(|log| log.len() > 0))
}

/// The files below a folder that hold the text. One that cannot be read is no proof of anything, unless it is gone.
fn search(folder: &Path, canary: &[u8], found: &mut Vec<PathBuf>) {
    for entry in there(fs::read_dir(folder), folder).into_iter().flatten() {
        let Some(entry) = there(entry, folder) else { continue };
        let path = entry.path();
        let Some(kind) = there(entry.file_type(), &path) else { continue };
        if kind.is_dir() {
            search(&path, canary, found);
        } else if kind.is_file() {
            let bytes = there(fs::read(&path), &path).unwrap_or_default();
            if bytes.windows(canary.len()).any(|window| window == canary) {
                found.push(path);
            }
        }
    }
}

/// What was read; nothing, when it vanished in the meantime.
fn there<T>(read: std::io::Result<T>, path: &Path) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{} cannot be searched: {error}", path.display()),
    }
}

async fn rows_of_every_table(database: &Database) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let mut dump = String::new();
    for table in tables {
        let query = sqlx::AssertSqlSafe(format!("SELECT row::text FROM {table} AS row"));
        let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(database.pool()).await.unwrap();
        dump.extend(rows);
    }
    dump
}
