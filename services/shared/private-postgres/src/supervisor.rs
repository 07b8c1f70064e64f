//! The thread that is the server's parent: it prepares the folder, starts the server, reads its log, and starts
//! it again when it ends unasked. It lives as long as the server, because the kernel ties the two together.

use crate::{Binaries, Error, Options, account::Account, binaries, child, folder::Folder};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// The server's own superuser.
pub(crate) const SUPERUSER: &str = "candor";
/// Between the choice of a free port and its use somebody else may take it.
const PORTS: u32 = 5;
/// A server that ends this soon, this often in a row, is not started again.
const QUICK: Duration = Duration::from_secs(30);
const QUICK_ENDS: u32 = 3;

/// What a stop needs to reach the server.
#[derive(Default)]
pub(crate) struct Control {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stopping: bool,
    /// A descriptor, not a number: it can never mean another process.
    process: Option<OwnedFd>,
}

impl Control {
    /// From now on an end of the server is wanted; tells a running one.
    pub(crate) fn stop(&self, signal: Signal) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopping = true;
        if let Some(process) = &state.process {
            let _ = pidfd_send_signal(process, signal);
        }
    }

    fn stopping(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopping
    }

    /// Takes note of a new process; one that starts while a stop is wanted is told at once.
    fn watch(&self, child: &Child) {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let process = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(process)) = (state.stopping, &process) {
            let _ = pidfd_send_signal(process, Signal::INT);
        }
        state.process = process;
    }
}

/// What the thread reports once the server answers.
pub(crate) struct Ready {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
}

/// The thread's whole life. `ended` is dropped, and with it closed, when the server is gone for good.
pub(crate) fn run(
    options: &Options,
    control: &Control,
    ready: oneshot::Sender<Result<Ready, Error>>,
    _ended: watch::Sender<()>,
) {
    match prepare(options) {
        Ok(mut post) => post.serve(control, ready),
        Err(error) => drop(ready.send(Err(error))),
    }
}

/// Everything a server needs before it can be started, or started again.
struct Post {
    folder: Folder,
    binaries: Binaries,
    settings: Vec<(String, String)>,
    port: Option<u16>,
    log: std::fs::File,
}

fn prepare(options: &Options) -> Result<Post, Error> {
    let folder = Folder::claim(&options.folder)?;
    folder.clear_leftovers()?;
    let version = folder.version();
    let binaries = binaries::find(options.binaries.as_deref(), version.as_deref(), options.install)?;
    // Installing may just have made the user postgres.
    let folder = if version.is_none() { reclaim(folder)? } else { folder };
    match version {
        None => initialise(&folder, &binaries)?,
        Some(data) if data != binaries.version => {
            return Err(Error::Version { folder: folder.path.clone(), data, found: binaries.version });
        }
        Some(_) => tracing::debug!(folder = %folder.path.display(), "the data folder is there"),
    }
    let log = folder.new_log()?;
    Ok(Post { folder, binaries, settings: options.settings.clone(), port: options.port, log })
}

fn reclaim(folder: Folder) -> Result<Folder, Error> {
    let account = Account::choose(&folder.path)?;
    if account == folder.account {
        return Ok(folder);
    }
    let path = folder.path.clone();
    drop(folder);
    Folder::claim(&path)
}

/// Makes PostgreSQL's data folder. Killed half-way, it leaves a `cluster.new` that the next start removes.
fn initialise(folder: &Folder, binaries: &Binaries) -> Result<(), Error> {
    tracing::info!("making a new PostgreSQL {} data folder in {}", binaries.version, folder.path.display());
    crate::folder::password(&folder.path, SUPERUSER)?;
    let failed = |error: std::io::Error| Error::Initialise(error.to_string());
    let output = child::command(folder.account, &folder.path, &binaries.folder.join("initdb"))
        .map_err(failed)?
        .args(["-D", &format!("{}/cluster.new", child::FOLDER)])
        .arg(format!("--pwfile={}/passwords/{SUPERUSER}", child::FOLDER))
        .arg(format!("--username={SUPERUSER}"))
        .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"])
        .output()
        .map_err(failed)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Initialise(said.lines().last().unwrap_or("initdb said nothing").to_owned()));
    }
    let cluster = folder.cluster();
    std::fs::rename(folder.path.join("cluster.new"), &cluster).map_err(Error::io("making", &cluster))
}

impl Post {
    /// Runs the server until it is stopped.
    fn serve(&mut self, control: &Control, ready: oneshot::Sender<Result<Ready, Error>>) {
        let mut ready = Some(ready);
        let mut port = self.port;
        let mut quick_ends = 0;
        let folder = self.folder.path.clone();
        while !control.stopping() {
            let began = Instant::now();
            let ended = self.serve_once(control, port, &mut |chosen| {
                port = Some(chosen);
                let report = Ready { folder: folder.clone(), port: chosen };
                ready.take().is_none_or(|ready| ready.send(Ok(report)).is_ok())
            });
            if control.stopping() {
                break;
            }
            if let (Some(ready), Err(error)) = (ready.take(), &ended) {
                drop(ready.send(Err(Error::Start(error.clone()))));
                return;
            }
            quick_ends = if began.elapsed() < QUICK { quick_ends + 1 } else { 0 };
            let reason = ended.err().unwrap_or_default();
            if quick_ends >= QUICK_ENDS {
                tracing::error!(reason, "PostgreSQL keeps ending; it is not started again");
                return;
            }
            tracing::error!(reason, "PostgreSQL ended by itself; starting it again");
        }
        tracing::info!("PostgreSQL has stopped");
    }
}

// The log line that says the server answers. `lc_messages=C` keeps it in English.
const READY: &str = "database system is ready to accept connections";

impl Post {
    /// One life of the server. Before it has answered once, a port that somebody took is replaced by another.
    fn serve_once(
        &mut self,
        control: &Control,
        port: Option<u16>,
        on_ready: &mut dyn FnMut(u16) -> bool,
    ) -> Result<(), String> {
        for _ in 0..PORTS {
            let chosen = match port {
                Some(port) => port,
                None => free_port().map_err(|error| error.to_string())?,
            };
            let mut server =
                self.command(chosen).and_then(|mut command| command.spawn()).map_err(|error| {
                    format!(
                        "{error} (this needs `env` and `setpriv`, Debian packages coreutils and util-linux)"
                    )
                })?;
            control.watch(&server);
            let mut said = Said::default();
            if let Some(log) = server.stderr.take() {
                self.read(log, &mut said, &mut || on_ready(chosen));
            }
            let status = server.wait().map_err(|error| error.to_string())?;
            if said.answered {
                return Err(format!("{status}"));
            }
            if !said.port_taken || port.is_some() {
                return Err(said.last_fatal.unwrap_or_else(|| status.to_string()));
            }
        }
        Err("no port stayed free".to_owned())
    }

    /// Reads the log to its end, which comes when the last of the server's processes is gone.
    fn read(&mut self, log: impl std::io::Read, said: &mut Said, on_ready: &mut dyn FnMut() -> bool) {
        for line in BufReader::new(log).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            drop(writeln!(self.log, "{line}")); // a full disk must not stop us from reading
            said.hear(&line);
            if line.contains(READY) && !on_ready() {
                tracing::debug!("nobody waits for the server any more");
            }
        }
    }

    fn command(&self, port: u16) -> std::io::Result<Command> {
        let Self { folder, binaries, settings, .. } = self;
        let mut command = child::command(folder.account, &folder.path, &binaries.folder.join("postgres"))?;
        command.args(["-D", &format!("{}/{}", child::FOLDER, crate::folder::CLUSTER)]);
        command.arg("-c").arg(format!("port={port}"));
        for (name, value) in SETTINGS {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdout(Stdio::null());
        Ok(command)
    }
}

/// On the command line, so that they hold whatever the folder's own files say.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "300"),
    ("fsync", "on"),
    ("password_encryption", "scram-sha-256"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
    // Private text may be in a statement, a parameter, an error's details, even in its first line.
    ("log_statement", "none"),
    ("log_min_duration_statement", "-1"),
    ("log_duration", "off"),
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    ("log_error_verbosity", "terse"),
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_lock_waits", "off"),
    ("debug_print_parse", "off"),
    ("jit", "off"),
    // Pages are on flash or in memory: a list that an index has in order is read in that order, instead of whole and sorted.
    ("random_page_cost", "1.1"),
];

/// What matters of what the server said.
#[derive(Default)]
struct Said {
    answered: bool,
    port_taken: bool,
    last_fatal: Option<String>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        self.answered |= line.contains(READY);
        self.port_taken |= line.contains("could not bind");
        if let Some((_, reason)) = line.split_once("FATAL:") {
            self.last_fatal = Some(reason.trim().to_owned());
        } else if self.last_fatal.is_none() && line.contains("rror") {
            self.last_fatal = Some(line.trim().to_owned());
        }
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
