//! A child process that ends with us, and whose end can be waited for.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use tokio::sync::watch;

/// A running child. A thread of its own is its parent: the kernel kills the child when that thread is gone.
pub(crate) struct Child {
    process: OwnedFd,
    pub(crate) pid: u32,
    ended: watch::Receiver<Option<ExitStatus>>,
}

/// `program`, to be given arguments and environment; `signal` is what it gets when we die first.
pub(crate) fn command(program: &Path, signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]).arg(program).stdin(Stdio::null());
    command
}

impl Child {
    /// Starts a command made by [`command`].
    pub(crate) fn spawn(mut command: Command) -> std::io::Result<Self> {
        let (tell, told) = std::sync::mpsc::channel();
        let (report, ended) = watch::channel(None);
        std::thread::spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
            drop(tell.send(process.map(|process| (process, child.id())).map_err(Into::into)));
            report.send_replace(child.wait().ok());
        });
        let (process, pid) = told.recv().map_err(std::io::Error::other)??;
        Ok(Self { process, pid, ended })
    }

    /// Sends a signal; a child that is gone gets none.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.process, signal);
    }

    /// The child's status, once it has ended.
    pub(crate) async fn wait(&mut self) -> Option<ExitStatus> {
        match self.ended.wait_for(Option::is_some).await {
            Ok(status) => *status,
            Err(_) => None,
        }
    }

    /// Whether it runs.
    pub(crate) fn alive(&self) -> bool {
        self.ended.borrow().is_none() && self.ended.has_changed().is_ok()
    }

    /// Kills it and waits for its end, wherever the caller runs.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = rustix::event::poll(
            &mut [rustix::event::PollFd::new(&self.process, rustix::event::PollFlags::IN)],
            Some(&rustix::event::Timespec { tv_sec: 10, tv_nsec: 0 }),
        );
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
