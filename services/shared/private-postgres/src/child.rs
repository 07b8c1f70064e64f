//! A child process that cannot outlive the thread that started it.

use crate::account::Account;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The folder, as the child sees it.
///
/// A path would need every parent of the folder to be open to the child's user; a descriptor that was opened
/// before the change of user does not. PostgreSQL takes it like any other path.
pub(crate) const FOLDER: &str = "/proc/self/fd/9";

/// Checks that the parent is still the one that asked (it may have been killed before the death signal was set),
/// and moves the folder from standard input to descriptor 9.
const HANDOVER: &str = r#"[ "$PPID" = "$1" ] || exit 1; shift; exec 9<&0 </dev/null; exec "$@""#;

/// A command that runs `program` as `account`, gets SIGINT when the calling *thread* ends, and finds `folder`
/// at [`FOLDER`]. It has a process group of its own, so that Ctrl-C in a terminal reaches us alone.
pub(crate) fn command(account: Account, folder: &Path, program: &Path) -> io::Result<Command> {
    // A shell's background jobs ignore SIGINT, and children inherit that: `env` puts it back.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", "setpriv", "--pdeathsig", "INT"]);
    if account.change {
        command.arg(format!("--reuid={}", account.uid)).arg(format!("--regid={}", account.gid));
        command.arg("--clear-groups");
    }
    command.args(["sh", "-c", HANDOVER, "sh"]).arg(std::process::id().to_string()).arg(program);
    command.stdin(File::open(folder)?).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.current_dir("/").process_group(0);
    // What the caller's environment says of other servers must not steer this one.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C.UTF-8");
    Ok(command)
}
