//! Candor from outside, in either form: addresses, mail, time, and the processes behind them.

use crate::rest::Rest;
use candor_tests::{Broker, Database, Process, TestClock, binary, eventually, free_address, postgres, rabbit};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;

const START: &str = "2026-03-24T18:00:00Z"; // five days before the clocks change in Europe
const SERVICES: [&str; 4] = ["accounts", "journal", "reminders", "content"];

/// A running Candor.
pub(crate) struct World {
    pub(crate) clock: TestClock,
    folder: TempDir,
    form: Form,
    http: String,
    grpc: BTreeMap<String, String>,
    mail: PathBuf,
    processes: Vec<Process>,
}

enum Form {
    One,
    Five(Box<Apart>),
}

/// What five processes share.
struct Apart {
    databases: BTreeMap<&'static str, Database>,
    broker: Broker,
    addresses: BTreeMap<&'static str, SocketAddr>,
}

impl World {
    /// `candor run`: one process, its own PostgreSQL, the in-memory bus.
    pub(crate) async fn one_process() -> Self {
        let mut world = Self::new(Form::One);
        world.start().await;
        world
    }

    /// Five processes with PostgreSQL and RabbitMQ.
    pub(crate) async fn five_processes() -> Self {
        let mut databases = BTreeMap::new();
        for name in SERVICES.into_iter().chain(["keys"]) {
            databases.insert(name, postgres().await);
        }
        let addresses = SERVICES.into_iter().chain(["gateway"]).map(|name| (name, free_address())).collect();
        let mut world = Self::new(Form::Five(Box::new(Apart { databases, broker: rabbit().await, addresses })));
        world.write_kek();
        for service in SERVICES {
            let migrate = Process::spawn(&binary(service), &["migrate"], &world.settings(), &world.log());
            assert!(migrate.ended(Duration::from_secs(60)).await.success(), "{service} migrate: {}", world.logged());
        }
        world.start().await;
        world
    }

    fn new(form: Form) -> Self {
        let folder = tempfile::Builder::new().prefix("candor-e2e-").tempdir().unwrap();
        // The private PostgreSQL may run as another user and must be able to pass through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let clock = TestClock::new(folder.path().join("clock"), START.parse::<Timestamp>().unwrap());
        let mail = folder.path().join("mail");
        Self { clock, folder, form, http: String::new(), grpc: BTreeMap::new(), mail, processes: Vec::new() }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn write_kek(&self) {
        let file = fs::File::options().write(true).create_new(true).mode(0o600).open(self.folder.path().join("kek"));
        std::io::Write::write_all(&mut file.unwrap(), b"test a2luZ2Zpc2hlci1raW5nZmlzaGVyLWtpbmdmaXNoZXI=\n").unwrap();
    }

    /// The settings every process gets; each takes its own section and leaves the others'.
    fn settings(&self) -> Vec<(String, String)> {
        let mut settings = vec![
            ("PROFILE".to_owned(), "test".to_owned()),
            ("CLOCK__FILE".to_owned(), self.clock.path().display().to_string()),
        ];
        let Form::Five(apart) = &self.form else { return settings };
        let accounts_url = format!("http://{}", apart.addresses["accounts"]);
        let mut set = |service: &str, key: &str, value: String| {
            settings.push((format!("{}__{key}", service.to_uppercase()), value));
        };
        for service in SERVICES {
            set(service, "LISTEN__ADDRESS", apart.addresses[service].to_string());
            set(service, "DATABASE__URL", apart.databases[service].url());
            set(service, "BUS__AMQP_URL", apart.broker.url.clone());
            set(service, "BUS__EXCHANGE", apart.broker.exchange.clone());
            if service != "accounts" {
                set(service, "ACCOUNTS_URL", accounts_url.clone());
            }
            set("gateway", &format!("{}_URL", service.to_uppercase()), format!("http://{}", apart.addresses[service]));
        }
        for service in ["accounts", "journal"] {
            set(service, "VAULT__KEYSTORE__URL", apart.databases["keys"].url());
            set(service, "VAULT__KEK_FILE", self.folder.path().join("kek").display().to_string());
        }
        set("accounts", "PUBLIC_URL", format!("http://{}", apart.addresses["gateway"]));
        set("accounts", "MAIL__FOLDER", self.mail.display().to_string());
        set("accounts", "MAIL__FROM", "Candor <no-reply@example.org>".to_owned());
        set("gateway", "LISTEN__ADDRESS", apart.addresses["gateway"].to_string());
        settings
    }

    async fn start(&mut self) {
        match &self.form {
            Form::One => self.start_one().await,
            Form::Five(_) => self.start_five().await,
        }
    }

    async fn start_one(&mut self) {
        let ready = self.folder.path().join("ready.json");
        let _ = fs::remove_file(&ready);
        let data = self.folder.path().join("data");
        let arguments = [
            "run", "--data", text(&data), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--ready-file", text(&ready),
        ];
        let process = Process::spawn(&binary("candor"), &arguments, &self.settings(), &self.log());
        let file: Value = serde_json::from_str(&process.wrote(&ready).await).unwrap();
        assert_eq!(file["pid"], process.pid());
        self.http = file["http"].as_str().unwrap().to_owned();
        self.mail = file["mail_dir"].as_str().unwrap().into();
        self.grpc = serde_json::from_value(file["grpc"].clone()).unwrap();
        self.processes.push(process);
    }

    async fn start_five(&mut self) {
        let Form::Five(apart) = &self.form else { return };
        for service in SERVICES.into_iter().chain(["gateway"]) {
            self.processes.push(Process::spawn(&binary(service), &["run"], &self.settings(), &self.log()));
        }
        for (service, process) in SERVICES.into_iter().zip(&self.processes) {
            process.ready(apart.addresses[service]).await;
            self.grpc.insert(service.to_owned(), apart.addresses[service].to_string());
        }
        self.http = apart.addresses["gateway"].to_string();
        eventually("the gateway answers", Duration::from_secs(30), async || {
            tokio::net::TcpStream::connect(&self.http).await.is_ok()
        })
        .await;
    }

    pub(crate) fn rest(&self) -> Rest {
        Rest::new(&self.http)
    }

    /// A connection to a service of the four.
    pub(crate) fn grpc(&self, service: &str) -> Channel {
        Channel::from_shared(format!("http://{}", self.grpc[service])).unwrap().connect_lazy()
    }

    /// The token of the newest verification mail to `email`.
    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        let mut token = None;
        eventually("the verification mail is there", Duration::from_secs(30), async || {
            token = newest_mail(&self.mail, email).and_then(|mail| token_in(&mail));
            token.is_some()
        })
        .await;
        token.unwrap()
    }

    /// Kills every process as a power cut would, and starts them again on the same data.
    pub(crate) async fn kill_and_start_again(&mut self) {
        self.processes.drain(..).for_each(Process::kill);
        self.start().await;
        eventually("the gateway serves again", Duration::from_secs(30), async || {
            self.rest().call("GET", "/v1/articles", None, None).await.0 == 200
        })
        .await;
    }

    /// No byte of private text in any log or database file; in five processes, in no row of any table either.
    pub(crate) async fn assert_nowhere_readable(&self, canary: &str) {
        assert!(!self.logged().is_empty(), "the processes log");
        let mut found = Vec::new();
        search(self.folder.path(), canary.as_bytes(), &mut found);
        assert!(found.is_empty(), "private text is readable in {found:?}");
        let Form::Five(apart) = &self.form else { return };
        for (name, database) in &apart.databases {
            let dump = rows_of_every_table(database).await;
            assert!(!dump.is_empty());
            for hidden in [canary, &hex(canary), "anna@example.org", &hex("anna@example.org")] {
                assert!(!dump.contains(hidden), "private text is readable in the database of {name}");
            }
        }
    }

    /// Stops everything by asking; each process ends well.
    pub(crate) async fn stop(mut self) {
        for process in self.processes.drain(..).rev() {
            assert!(process.stop().await.success());
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn newest_mail(folder: &Path, email: &str) -> Option<String> {
    let mut files: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    files.sort_by_key(|path| fs::metadata(path).and_then(|m| m.modified()).ok());
    files.iter().rev().filter_map(|path| fs::read_to_string(path).ok()).find(|mail| mail.contains(email))
}

fn token_in(mail: &str) -> Option<String> {
    let plain = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let rest = plain.split("token=").nth(1)?;
    Some(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect())
}

fn search(folder: &Path, canary: &[u8], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            search(&path, canary, found);
        } else if fs::read(&path).is_ok_and(|bytes| bytes.windows(canary.len()).any(|window| window == canary)) {
            found.push(path);
        }
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
