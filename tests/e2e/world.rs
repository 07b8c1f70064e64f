//! Candor from outside, in either form: addresses, mail, time, and the processes behind them.

use candor_tests::five::{Five, KEYS, Servers, databases};
use candor_tests::{Database, One, Rabbit, Rest, TestClock, eventually};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;
use tonic::transport::Channel;

/// The database of the wrapped keys, in one process.
const KEYS_OF_ONE: &str = "key_store";

/// What a test needs of a Candor that it does not look into, in either form.
pub(crate) trait Candor {
    /// The gateway.
    fn rest(&self) -> Rest;
    /// Time, as every process sees it.
    fn clock(&self) -> &TestClock;
    /// Runs a command of whoever operates it, with something on its standard input.
    fn command(&self, line: &[&str], input: &str) -> Output;
}

impl Candor for One {
    fn rest(&self) -> Rest {
        self.rest()
    }

    fn clock(&self) -> &TestClock {
        self.clock()
    }

    fn command(&self, line: &[&str], input: &str) -> Output {
        self.command(line, input)
    }
}

impl Candor for World {
    fn rest(&self) -> Rest {
        self.rest()
    }

    fn clock(&self) -> &TestClock {
        self.clock()
    }

    fn command(&self, line: &[&str], input: &str) -> Output {
        match self {
            Self::One(one) => one.command(line, input),
            Self::Five(apart) => apart.five.command(line, input),
        }
    }
}

/// A running Candor.
pub(crate) enum World {
    One(Box<One>),
    Five(Box<Apart>),
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
        Self::One(Box::new(One::start().await))
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
            Self::One(one) => one.clock(),
            Self::Five(apart) => &apart.five.clock,
        }
    }

    pub(crate) fn rest(&self) -> Rest {
        match self {
            Self::One(one) => one.rest(),
            Self::Five(apart) => apart.five.rest(),
        }
    }

    /// A connection to a service of the four.
    pub(crate) fn grpc(&self, service: &str) -> Channel {
        match self {
            Self::One(one) => one.grpc(service),
            Self::Five(apart) => apart.five.grpc(service),
        }
    }

    /// The token of the newest verification mail to `email`.
    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        match self {
            Self::One(one) => one.mailed_token(email).await,
            Self::Five(apart) => apart.five.mailed_token(email).await,
        }
    }

    /// Kills every process as a power cut would, and starts them again on the same data.
    pub(crate) async fn kill_and_start_again(&mut self) {
        match self {
            Self::One(one) => one.kill_and_start_again().await,
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

    /// The URL of a service's database, or of that of the keys.
    pub(crate) fn database_url(&self, name: &str) -> String {
        match self {
            Self::One(one) => one.database_url(if name == KEYS { KEYS_OF_ONE } else { name }),
            Self::Five(apart) => apart.five.database_url(name).to_owned(),
        }
    }

    /// The queues of the broker and how many events are in each; none, where there is no broker.
    pub(crate) fn queues(&self) -> BTreeMap<String, u64> {
        match self {
            Self::One(_) => BTreeMap::new(),
            Self::Five(apart) => apart.rabbit.queues(),
        }
    }

    /// No byte of private text in any log or database file; in five processes, in no file of the broker and in no row of
    /// any table either.
    pub(crate) async fn assert_nowhere_readable(&self, canary: &str) {
        let folder = match self {
            Self::One(one) => one.folder(),
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
            Self::One(one) => one.stop().await,
            Self::Five(apart) => apart.five.stop().await,
        }
    }
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
