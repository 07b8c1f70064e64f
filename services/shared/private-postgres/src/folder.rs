//! The data folder: whose it is, who holds it, what lies in it.
//!
//! ```text
//! lock           held (flock) by the process that runs the server; its pid, for the sentence others read
//! passwords/     one generated password a role
//! cluster/       PostgreSQL's own data folder
//! postgres.log   what the server said, this run; postgres.log.1 is the run before
//! ```

use crate::{Error, account::Account};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::FlockOperation;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) const CLUSTER: &str = "cluster";
const PASSWORDS: &str = "passwords";
/// How long a server of an earlier run gets to finish.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder that is ours alone until this value is dropped.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) account: Account,
    lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and takes it.
    pub(crate) fn claim(path: &Path) -> Result<Self, Error> {
        private_folder(path)?;
        let path = path.canonicalize().map_err(Error::io("opening", path))?;
        let lock = lock(&path)?;
        let account = Account::choose(&path)?;
        let metadata = std::fs::metadata(&path).map_err(Error::io("reading", &path))?;
        if !account.change && metadata.uid() != account.uid {
            return Err(Error::NotOurs { folder: path, owner: metadata.uid() });
        }
        account.own(&path)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700))
            .map_err(Error::io("closing", &path))?;
        let passwords = path.join(PASSWORDS);
        private_folder(&passwords)?;
        account.own(&passwords)?;
        Ok(Self { path, account, lock })
    }

    pub(crate) fn cluster(&self) -> PathBuf {
        self.path.join(CLUSTER)
    }

    /// The major version of the data, if there are any.
    pub(crate) fn version(&self) -> Option<String> {
        Some(std::fs::read_to_string(self.cluster().join("PG_VERSION")).ok()?.trim().to_owned())
    }

    /// The log of this run; that of the run before is kept beside it.
    pub(crate) fn new_log(&self) -> Result<File, Error> {
        let path = self.path.join("postgres.log");
        drop(std::fs::rename(&path, self.path.join("postgres.log.1")));
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600).open(&path).map_err(Error::io("writing", &path))
    }

    /// Waits until nothing of an earlier run works in the folder any more, and clears what it left.
    /// A server whose parent was killed is shutting down already (see [`crate::child`]).
    pub(crate) fn clear_leftovers(&self) -> Result<(), Error> {
        let cluster = self.cluster();
        let deadline = Instant::now() + PATIENCE;
        while let Some(pid) = first_process_in(&cluster) {
            tracing::info!("waiting for PostgreSQL of an earlier run to end (process {pid})");
            if !ends_before(pid, deadline) {
                return Err(Error::Leftover { folder: self.path.clone(), pid: pid.as_raw_nonzero().get() });
            }
        }
        // The process it names is gone, or is somebody else's by now, which would stop the server from starting.
        drop(std::fs::remove_file(cluster.join("postmaster.pid")));
        let unfinished = self.path.join("cluster.new");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished).map_err(Error::io("removing", &unfinished))?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    /// Closing the file is not enough: a child that is being forked this very moment may hold a copy of it.
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }
}

/// The password of a role, made on first use.
pub(crate) fn password(folder: &Path, role: &str) -> Result<String, Error> {
    let path = folder.join(PASSWORDS).join(role);
    if let Ok(kept) = std::fs::read_to_string(&path)
        && !kept.is_empty()
    {
        return Ok(kept);
    }
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random).map_err(|error| Error::Initialise(error.to_string()))?;
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let half = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&half)
        .map_err(Error::io("writing", &half))?;
    file.write_all(password.as_bytes()).map_err(Error::io("writing", &half))?;
    Account::choose(folder)?.own(&half)?;
    std::fs::rename(&half, &path).map_err(Error::io("writing", &path))?;
    Ok(password)
}

/// Takes the folder's lock, or says who has it. The kernel gives it back when the process ends, however it ends.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(Error::io("opening", &path))?;
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        drop(file.read_to_string(&mut pid));
        return Err(Error::InUse { folder: folder.to_owned(), pid: pid.trim().to_owned() });
    }
    file.set_len(0).map_err(Error::io("writing", &path))?;
    writeln!(file, "{}", std::process::id()).map_err(Error::io("writing", &path))?;
    Ok(file)
}

fn private_folder(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(Error::io("making", parent))?;
    }
    DirBuilder::new().mode(0o700).create(path).map_err(Error::io("making", path))
}

/// A process whose working directory is the folder: PostgreSQL's processes all do that.
fn first_process_in(folder: &Path) -> Option<Pid> {
    let wanted = std::fs::metadata(folder).ok()?;
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let cwd = std::fs::metadata(entry.path().join("cwd")).ok()?;
        let same = cwd.dev() == wanted.dev() && cwd.ino() == wanted.ino();
        if same { Pid::from_raw(pid) } else { None }
    })
}

/// Waits for the end of any process, a child or not.
fn ends_before(pid: Pid, deadline: Instant) -> bool {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
        return true; // gone already
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let timeout = rustix::event::Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    };
    let mut watched = [PollFd::new(&process, PollFlags::IN)];
    !matches!(poll(&mut watched, Some(&timeout)), Ok(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::claim(folder.path()).unwrap();
        let Err(Error::InUse { pid, .. }) = Folder::claim(folder.path()) else { panic!("claimed twice") };
        assert_eq!(pid, std::process::id().to_string());
        drop(first);
        Folder::claim(folder.path()).unwrap();
    }

    #[test]
    fn passwords_are_made_once_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let _claimed = Folder::claim(folder.path()).unwrap();
        let made = password(folder.path(), "journal").unwrap();
        assert_eq!(made.len(), 48);
        assert_eq!(password(folder.path(), "journal").unwrap(), made);
        assert_ne!(password(folder.path(), "accounts").unwrap(), made);
        let metadata = std::fs::metadata(folder.path().join("passwords/journal")).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_process_that_works_in_a_folder_is_found_and_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        assert!(first_process_in(folder.path()).is_none());
        let mut child = std::process::Command::new("cat")
            .current_dir(folder.path())
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let found = first_process_in(folder.path()).unwrap();
        assert_eq!(found.as_raw_nonzero().get().unsigned_abs(), child.id());
        assert!(!ends_before(found, Instant::now()));
        drop(child.stdin.take());
        assert!(ends_before(found, Instant::now() + Duration::from_secs(10)));
        child.wait().unwrap();
    }
}
