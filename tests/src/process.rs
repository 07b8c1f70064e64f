//! Programs of ours, as children.

use crate::child::{self, Child};
use crate::eventually;
use rustix::process::Signal;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// A program of ours that runs as a child. Killed when dropped, and by the kernel when the test dies.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Where cargo put a program of this workspace.
///
/// # Panics
/// With the command that builds it, when it is not there.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let found = test.ancestors().skip(1).take(3).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built: run `cargo build -p {name}` first, or `make test`"))
}

/// A loopback address that nobody listens on just now. The kernel does not give its port to outgoing connections, so
/// it stays free while whatever listens there is down, and nobody who tries to connect meanwhile meets themselves.
///
/// # Panics
/// When no such port is free.
pub fn free_address() -> SocketAddr {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    // Below the usual range of ports for outgoing connections. Tests that run side by side begin apart.
    const FIRST: u16 = 10_240;
    const MANY: u16 = 22_000;
    const APART: u32 = 64;
    let begin = (std::process::id().wrapping_mul(APART) % u32::from(MANY)) as u16;
    let next = || COUNT.fetch_add(1, Ordering::Relaxed);
    let mut ports = std::iter::repeat_with(|| FIRST + (begin + next() % MANY) % MANY).take(usize::from(MANY));
    let free = ports.find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    free.expect("a free port").local_addr().unwrap()
}

impl Process {
    /// Starts a program with arguments and settings. Of the test's own environment it sees only the basics, so
    /// that no setting slips in. Everything it says goes to `log`, which grows over several lives.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(program: &Path, arguments: &[&str], settings: &[(String, String)], log: &Path) -> Self {
        let file = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let mut command = child::command(program, "KILL");
        command.args(arguments).env_clear();
        for basic in ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "RUST_BACKTRACE"] {
            if let Some(value) = std::env::var_os(basic) {
                command.env(basic, value);
            }
        }
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let child = Child::spawn(command).unwrap_or_else(|error| panic!("{name} did not start: {error}"));
        Self { name, child, log: log.to_owned() }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.pid
    }

    /// Whether it runs.
    pub fn alive(&self) -> bool {
        self.child.alive()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until gRPC health on `address` says that it serves.
    ///
    /// # Panics
    /// With the end of its log, when it ends first or takes longer than 60 s.
    pub async fn ready(&self, address: SocketAddr) {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}"))
            .unwrap()
            .timeout(Duration::from_secs(5));
        self.until("it serves", async || {
            let Ok(channel) = endpoint.connect().await else { return false };
            let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
            answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
        })
        .await;
    }

    /// Waits for a file it writes to say something, and answers with its text.
    ///
    /// # Panics
    /// As [`Process::ready`].
    pub async fn wrote(&self, file: &Path) -> String {
        // A shell makes the file before it writes to it.
        let read = || std::fs::read_to_string(file).unwrap_or_default();
        self.until("its file is written", async || !read().is_empty()).await;
        read()
    }

    /// Waits for a condition that only holds while it runs.
    pub(crate) async fn until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let what = format!("{} runs and {what}", self.name);
        eventually(&what, Duration::from_secs(60), async || {
            let alive = self.child.alive(); // asked first: what it did before its end counts
            let holds = condition().await;
            assert!(holds || alive, "{} ended; it said:\n{}", self.name, self.last_words());
            holds
        })
        .await;
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Stops it in its tracks: its connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        self.child.signal(Signal::STOP);
    }

    /// Lets it go on where it was.
    pub fn thaw(&self) {
        self.child.signal(Signal::CONT);
    }

    /// Asks it to end (SIGTERM); [`Process::ended`] waits for that.
    pub fn ask_to_end(&self) {
        self.child.signal(Signal::TERM);
    }

    /// Asks it to end (SIGTERM) and waits for that.
    ///
    /// # Panics
    /// When it takes longer than 20 s.
    pub async fn stop(mut self) -> ExitStatus {
        self.ask_to_end();
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        let Ok(Some(status)) = ended else {
            panic!("{} does not end; it said:\n{}", self.name, self.last_words());
        };
        status
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// With the end of its log, when it takes longer than `timeout`.
    pub async fn ended(mut self, timeout: Duration) -> ExitStatus {
        let ended = tokio::time::timeout(timeout, self.child.wait()).await;
        ended
            .ok()
            .flatten()
            .unwrap_or_else(|| panic!("{} still runs; it said:\n{}", self.name, self.last_words()))
    }

    /// Kills it at once (SIGKILL).
    pub fn kill(mut self) {
        self.child.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ_and_are_free() {
        let addresses: std::collections::BTreeSet<_> = (0..200).map(|_| free_address()).collect();
        assert_eq!(addresses.len(), 200);
        assert!(addresses.into_iter().all(|address| TcpListener::bind(address).is_ok()));
    }

    #[tokio::test]
    async fn a_process_is_watched_stopped_and_killed() {
        let folder = tempfile::tempdir().unwrap();
        let (log, file) = (folder.path().join("log"), folder.path().join("ready"));
        let script = format!("echo hello >&2; echo up > {}; exec cat", file.display());
        let shell = Path::new("/bin/sh");
        let process = Process::spawn(shell, &["-c", &script], &[], &log);
        assert_eq!(process.wrote(&file).await, "up\n");
        assert_eq!(process.ended(Duration::from_secs(10)).await.code(), Some(0), "no input is its end");
        let process = Process::spawn(shell, &["-c", "echo there >&2; exec sleep 60"], &[], &log);
        eventually("it spoke", Duration::from_secs(10), async || process.log().contains("there")).await;
        assert_eq!(process.stop().await.code(), None, "ended by the signal");
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "hello\nthere\n");
    }
}
