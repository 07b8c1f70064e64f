//! Candor as one process, `candor run`: its own PostgreSQL, the in-memory bus.

use crate::process::{Process, binary};
use crate::{Rest, TestClock, mailed_token};
use private_postgres::Access;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tonic::transport::Channel;

/// A running `candor run` on a folder of its own. Killed when dropped.
pub struct One {
    /// Time, as the process sees it, if the test moves it.
    clock: Option<TestClock>,
    more: Vec<(String, String)>,
    folder: TempDir,
    http: String,
    grpc: BTreeMap<String, String>,
    mail: PathBuf,
    process: Option<Process>,
}

impl One {
    /// Starts it at [`crate::five::START`]; time stands still between moves.
    ///
    /// # Panics
    /// With the end of its log, when it does not come up.
    pub async fn start() -> Self {
        Self::start_with(Vec::new()).await
    }

    /// The same with more settings.
    ///
    /// # Panics
    /// As [`One::start`].
    pub async fn start_with(more: Vec<(String, String)>) -> Self {
        let folder = folder();
        let start = crate::five::START.parse().unwrap();
        let clock = TestClock::new(folder.path().join("clock"), start);
        Self::start_on(folder, Some(clock), more).await
    }

    /// Starts it on the machine's clock, for tests that measure how long something takes.
    ///
    /// # Panics
    /// As [`One::start`].
    pub async fn start_on_the_machines_clock() -> Self {
        Self::start_on(folder(), None, Vec::new()).await
    }

    async fn start_on(folder: TempDir, clock: Option<TestClock>, more: Vec<(String, String)>) -> Self {
        let (http, grpc, mail) = (String::new(), BTreeMap::new(), PathBuf::new());
        let mut one = Self { clock, more, folder, http, grpc, mail, process: None };
        one.up().await;
        one
    }

    async fn up(&mut self) {
        let folder = self.folder.path();
        let (ready, data) = (folder.join("ready.json"), self.data());
        let _ = fs::remove_file(&ready);
        let free = "127.0.0.1:0";
        let arguments =
            ["run", "--data", text(&data), "--http", free, "--grpc", free, "--ready-file", text(&ready)];
        let process =
            Process::spawn(&binary("candor"), &arguments, &self.settings(), &folder.join("candor.log"));
        let file: Value = serde_json::from_str(&process.wrote(&ready).await).unwrap();
        assert_eq!(file["pid"], process.pid());
        self.http = file["http"].as_str().unwrap().to_owned();
        self.mail = file["mail_dir"].as_str().unwrap().into();
        self.grpc = serde_json::from_value(file["grpc"].clone()).unwrap();
        self.process = Some(process);
    }

    fn settings(&self) -> Vec<(String, String)> {
        let mut settings = self.more.clone();
        if let Some(clock) = &self.clock {
            settings.push(("PROFILE".to_owned(), "test".to_owned()));
            settings.push(("CLOCK__FILE".to_owned(), clock.path().display().to_string()));
        }
        settings
    }

    /// Time, as the process sees it.
    ///
    /// # Panics
    /// When it runs on the machine's clock.
    pub fn clock(&self) -> &TestClock {
        self.clock.as_ref().expect("a clock that the test moves")
    }

    /// Where data, log and clock lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The gateway's address, as links and tokens name it.
    pub fn origin(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The gateway.
    pub fn rest(&self) -> Rest {
        Rest::new(&self.http)
    }

    /// A connection to a service of the four, made when it is first used.
    pub fn grpc(&self, service: &str) -> Channel {
        Channel::from_shared(format!("http://{}", self.grpc[service])).unwrap().connect_lazy()
    }

    /// The process's id.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().pid()
    }

    /// The superuser's URL for a service's database; good until the process ends.
    ///
    /// # Panics
    /// When it does not run.
    pub fn database_url(&self, service: &str) -> String {
        let access = Access::of_running(&self.data().join("postgres")).expect("a running PostgreSQL");
        access.url(service).expect("a password that can be read")
    }

    /// The token of the newest verification mail to `email`.
    ///
    /// # Panics
    /// When there is none within 30 s.
    pub async fn mailed_token(&self, email: &str) -> String {
        mailed_token(&self.mail, email).await
    }

    /// Runs another command of the same program on the same data, such as `["operator", "create", …]`, with `input`
    /// on its standard input.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn command(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(binary("candor"));
        command.args(arguments).args(["--data", text(&self.data())]).envs(self.settings());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that needs no input may have ended by now.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Kills it as a power cut would, and starts it again on the same data.
    ///
    /// # Panics
    /// As [`One::start`].
    pub async fn kill_and_start_again(&mut self) {
        self.process.take().unwrap().kill();
        self.up().await;
    }

    /// Asks it to end.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn stop(mut self) {
        assert!(self.process.take().unwrap().stop().await.success());
    }
}

fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("candor-one-").tempdir().unwrap();
    // The private PostgreSQL may run as another user and must be able to pass through.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
