//! A private PostgreSQL and a private RabbitMQ around one command.

use candor_tests::{AMQP_URL, POSTGRES_URL, Rabbit};
use private_postgres::{Options, Server, apt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// A PostgreSQL for tests: nothing in it is meant to survive, so it need not wait for the disk.
pub(crate) async fn postgres(folder: &Path) -> Result<Server, String> {
    let settings = [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")];
    let options = Options {
        folder: folder.to_owned(),
        install: true,
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..Options::default()
    };
    Server::start(options).await.map_err(|error| error.to_string())
}

/// Runs a command with both servers; ends with the command's code, and the servers end with it.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> Result<ExitCode, String> {
    let folder = tempfile::Builder::new().prefix("candor-testbed-").tempdir().map_err(|e| e.to_string())?;
    install_rabbit().await?;
    eprintln!("testbed: starting PostgreSQL and RabbitMQ in temporary folders");
    let stopped = Stop::new().map_err(|error| error.to_string())?;
    let postgres = postgres(&folder.path().join("postgres")).await?;
    let mut rabbit = Rabbit::start().await;
    let url = postgres.url("postgres").map_err(|error| error.to_string())?;
    let child = Command::new("setpriv")
        .args(["--pdeathsig", "TERM", program])
        .args(arguments)
        .env(POSTGRES_URL, url)
        .env(AMQP_URL, rabbit.url())
        .spawn()
        .map_err(|error| format!("{program} does not start: {error}"))?;
    let status = stopped.watch(child).await;
    rabbit.kill(); // nothing in it is worth six seconds
    postgres.stop().await;
    let status = status.map_err(|error| error.to_string())?;
    Ok(ExitCode::from(code(status)))
}

/// As a shell says it: the command's own code, or 128 and the signal that ended it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// SIGINT and SIGTERM end the command, not us: we end after it, in order.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    async fn watch(mut self, mut child: Child) -> std::io::Result<ExitStatus> {
        loop {
            let kind = tokio::select! {
                status = child.wait() => return status,
                _ = self.interrupt.recv() => rustix::process::Signal::INT,
                _ = self.terminate.recv() => rustix::process::Signal::TERM,
            };
            let pid =
                child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
            if let Some(pid) = pid {
                let _ = rustix::process::kill_process(pid, kind);
            }
        }
    }
}

async fn install_rabbit() -> Result<(), String> {
    if Path::new("/usr/lib/rabbitmq/lib").is_dir() {
        return Ok(());
    }
    if !apt::available() {
        return Err("RabbitMQ is not installed: as root, apt-get install rabbitmq-server".to_owned());
    }
    eprintln!("testbed: installing RabbitMQ");
    let installed = tokio::task::spawn_blocking(|| apt::install(&["rabbitmq-server"])).await;
    installed.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}
