//! Candor as five processes: their settings, their first start, and each life after it.

use crate::process::{Process, binary, free_address};
use crate::{Database, Rest, TestClock, mailed_token, postgres};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;

/// The services with a database and a gRPC door.
pub const SERVICES: [&str; 4] = ["accounts", "journal", "reminders", "content"];
/// Every process.
pub const PROGRAMS: [&str; 5] = ["accounts", "journal", "reminders", "content", "gateway"];
/// Another replica of the journal, on the same database and queue. It is started by whoever needs it, with
/// [`Five::up`].
pub const SECOND_JOURNAL: &str = "journal-2";
/// The name of the database that holds the keys; the others are named after their services.
pub const KEYS: &str = "keys";
/// When the processes begin, unless the test says otherwise: five days before the clocks change in Europe.
pub const START: &str = "2026-03-24T18:00:00Z";

/// How long a program may take to prepare its stores.
const MIGRATION: Duration = Duration::from_secs(60);

/// The servers the processes stand on. Whoever makes them keeps them.
pub struct Servers {
    /// The URL of each service's database, and of [`KEYS`].
    pub databases: BTreeMap<&'static str, String>,
    /// The broker.
    pub amqp_url: String,
    /// The exchange, whose name begins every queue's.
    pub exchange: String,
}

/// A database on the shared test server for each service, and one for the keys, by their names.
///
/// # Panics
/// As [`postgres()`].
pub async fn databases() -> BTreeMap<&'static str, Database> {
    let mut databases = BTreeMap::new();
    for name in SERVICES.into_iter().chain([KEYS]) {
        databases.insert(name, postgres().await);
    }
    databases
}

impl Servers {
    /// These databases, and a broker.
    pub fn new(databases: &BTreeMap<&'static str, Database>, amqp_url: String, exchange: String) -> Self {
        let databases = databases.iter().map(|(name, database)| (*name, database.url())).collect();
        Self { databases, amqp_url, exchange }
    }
}

/// The service a program is a replica of.
fn service_of(program: &str) -> &str {
    if program == SECOND_JOURNAL { "journal" } else { program }
}

/// Five processes on free loopback ports. Killed when dropped.
pub struct Five {
    /// Time, as all of them see it, unless they run on the machine's clock. It stands still between moves.
    pub clock: TestClock,
    machines_clock: bool,
    more: Vec<(String, String)>,
    folder: TempDir,
    servers: Servers,
    addresses: BTreeMap<&'static str, SocketAddr>,
    operators: BTreeMap<&'static str, SocketAddr>,
    processes: BTreeMap<&'static str, Process>,
}

impl Five {
    /// Prepares every store, starts every process and waits until all are ready.
    ///
    /// # Panics
    /// With the log of the program that fails.
    pub async fn start(servers: Servers) -> Self {
        Self::new(servers).prepared_and_up().await
    }

    /// The same with more settings, for every program.
    ///
    /// # Panics
    /// As [`Five::start`].
    pub async fn start_with(servers: Servers, more: Vec<(String, String)>) -> Self {
        let five = Self { more, ..Self::new(servers) };
        five.prepared_and_up().await
    }

    /// The same on the machine's clock, for tests that measure how long something takes.
    ///
    /// # Panics
    /// As [`Five::start`].
    pub async fn start_on_the_machines_clock(servers: Servers) -> Self {
        let five = Self { machines_clock: true, ..Self::new(servers) };
        five.prepared_and_up().await
    }

    async fn prepared_and_up(self) -> Self {
        let mut five = self;
        let migrations = SERVICES.map(|service| {
            let (settings, log) = (five.settings(service), five.log_file(service));
            (service, Process::spawn(&binary(service), &["migrate"], &settings, &log))
        });
        for (service, migration) in migrations {
            let status = migration.ended(MIGRATION).await;
            assert!(status.success(), "{service} migrate: {}", five.logged(service));
        }
        five.up_all().await;
        five
    }

    /// Settings and addresses; nothing is started.
    pub fn new(servers: Servers) -> Self {
        let folder = tempfile::Builder::new().prefix("candor-five-").tempdir().unwrap();
        let clock = TestClock::new(folder.path().join("clock"), START.parse::<Timestamp>().unwrap());
        let programs = || PROGRAMS.into_iter().chain([SECOND_JOURNAL]);
        let free = || programs().map(|program| (program, free_address())).collect();
        let (addresses, operators) = (free(), free());
        let (processes, more) = (BTreeMap::new(), Vec::new());
        let five =
            Self { clock, machines_clock: false, more, processes, folder, servers, addresses, operators };
        five.write_kek();
        five
    }

    fn write_kek(&self) {
        let path = self.folder.path().join("kek");
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(b"test a2luZ2Zpc2hlci1raW5nZmlzaGVyLWtpbmdmaXNoZXI=\n").unwrap();
    }

    /// The settings a program gets: one list for all, of which each takes its own section; only the operators'
    /// endpoint differs.
    pub fn settings(&self, program: &str) -> Vec<(String, String)> {
        let mut settings = vec![
            ("PROFILE".to_owned(), "test".to_owned()),
            ("OPS__ADDRESS".to_owned(), self.operators[program].to_string()),
        ];
        if !self.machines_clock {
            settings.push(("CLOCK__FILE".to_owned(), self.clock.path().display().to_string()));
        }
        let mut set = |service: &str, key: &str, value: String| {
            settings.push((format!("{}__{key}", service.to_uppercase()), value));
        };
        let url = |service: &str| format!("http://{}", self.addresses[service]);
        for service in SERVICES {
            let own = if service == service_of(program) { program } else { service };
            set(service, "LISTEN__ADDRESS", self.addresses[own].to_string());
            set(service, "DATABASE__URL", self.servers.databases[service].clone());
            set(service, "BUS__AMQP_URL", self.servers.amqp_url.clone());
            set(service, "BUS__EXCHANGE", self.servers.exchange.clone());
            if service != "accounts" {
                set(service, "ACCOUNTS_URL", url("accounts"));
            }
            set("gateway", &format!("{}_URL", service.to_uppercase()), url(service));
        }
        for service in ["accounts", "journal"] {
            set(service, "VAULT__KEYSTORE__URL", self.servers.databases[KEYS].clone());
            set(service, "VAULT__KEK_FILE", self.folder.path().join("kek").display().to_string());
        }
        set("accounts", "PUBLIC_URL", url("gateway"));
        set("accounts", "MAIL__FOLDER", self.mail().display().to_string());
        set("accounts", "MAIL__FROM", "Candor <no-reply@example.org>".to_owned());
        set("gateway", "LISTEN__ADDRESS", self.addresses["gateway"].to_string());
        settings.extend(self.more.clone());
        settings
    }

    /// Where logs, mail, keys and the clock lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn mail(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    fn log_file(&self, program: &str) -> PathBuf {
        self.folder.path().join(format!("{program}.log"))
    }

    /// What a program has said in all its lives.
    pub fn logged(&self, program: &str) -> String {
        fs::read_to_string(self.log_file(program)).unwrap_or_default()
    }

    /// The URL of a service's database, or of [`KEYS`].
    pub fn database_url(&self, name: &str) -> &str {
        &self.servers.databases[name]
    }

    /// Where a program answers.
    pub fn address(&self, program: &str) -> SocketAddr {
        self.addresses[program]
    }

    /// The gateway.
    pub fn rest(&self) -> Rest {
        Rest::new(&self.addresses["gateway"].to_string())
    }

    /// A program's endpoint for operators.
    pub fn operators(&self, program: &str) -> Rest {
        Rest::new(&self.operators[program].to_string())
    }

    /// A connection to a service of the four, or to [`SECOND_JOURNAL`], made when it is first used.
    pub fn grpc(&self, program: &str) -> Channel {
        let address = format!("http://{}", self.addresses[program]);
        Channel::from_shared(address).unwrap().connect_timeout(Duration::from_secs(2)).connect_lazy()
    }

    /// The token of the newest verification mail to `email`.
    ///
    /// # Panics
    /// When there is none within 30 s.
    pub async fn mailed_token(&self, email: &str) -> String {
        mailed_token(&self.mail(), email).await
    }

    /// Starts a program that does not run, without waiting for anything.
    ///
    /// # Panics
    /// When it runs already.
    pub fn launch(&mut self, program: &'static str) {
        let (file, log) = (binary(service_of(program)), self.log_file(program));
        let process = Process::spawn(&file, &["run"], &self.settings(program), &log);
        assert!(self.processes.insert(program, process).is_none(), "{program} runs already");
    }

    /// Waits until a program is ready to do its work.
    ///
    /// # Panics
    /// With the end of its log, when it ends first or takes longer than 60 s.
    pub async fn ready(&self, program: &str) {
        let operators = self.operators(program);
        self.processes[program]
            .until("it is ready", async || {
                operators.send("GET", "/readyz", None, None).await.is_ok_and(|answer| answer.status == 200)
            })
            .await;
    }

    /// Starts a program that does not run, and waits until it is ready.
    ///
    /// # Panics
    /// As [`Five::launch`] and [`Five::ready`].
    pub async fn up(&mut self, program: &'static str) {
        self.launch(program);
        self.ready(program).await;
    }

    /// Starts every program, and waits until all are ready.
    ///
    /// # Panics
    /// As [`Five::launch`] and [`Five::ready`].
    pub async fn up_all(&mut self) {
        for program in PROGRAMS {
            self.launch(program);
        }
        for program in PROGRAMS {
            self.ready(program).await;
        }
    }

    /// Runs a command of whoever operates it on the same databases, such as `["operator", "create", …]`, with `input` on its
    /// standard input.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn command(&self, line: &[&str], input: &str) -> Output {
        let mut command = Command::new(binary("candor"));
        command
            .args(line)
            .arg("--data")
            .arg(self.folder.path().join("commands"))
            .envs(self.settings("accounts"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that needs no input may have ended by now.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// A program's process.
    pub fn process(&self, program: &str) -> &Process {
        &self.processes[program]
    }

    /// A program's process, for whoever wants to see its end; it may be started again.
    pub fn take(&mut self, program: &str) -> Process {
        self.processes.remove(program).unwrap()
    }

    /// Kills a program as a power cut would.
    pub fn kill(&mut self, program: &str) {
        self.take(program).kill();
    }

    /// Kills every program.
    pub fn kill_all(&mut self) {
        while let Some((_, process)) = self.processes.pop_first() {
            process.kill();
        }
    }

    /// Asks every program to end, the edge first.
    ///
    /// # Panics
    /// When one does not end well.
    pub async fn stop(mut self) {
        for program in PROGRAMS.into_iter().chain([SECOND_JOURNAL]).rev() {
            if let Some(process) = self.processes.remove(program) {
                let status: ExitStatus = process.stop().await;
                assert!(status.success(), "{program}: {status}");
            }
        }
    }
}
