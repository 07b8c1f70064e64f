//! Installing Debian packages without starting the services they bring.

use crate::Error;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const POLICY: &str = "/usr/sbin/policy-rc.d";
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/candor-no-main-cluster.conf";

/// Whether packages can be installed here: as root, on a system with apt.
pub fn available() -> bool {
    rustix::process::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists()
}

/// Installs packages. No service is started, none is left enabled, no database cluster is made: while this runs,
/// a `policy-rc.d` forbids starts (unless the machine has one of its own) and PostgreSQL's packages are told
/// not to make their main cluster.
///
/// # Errors
/// What apt said last.
pub fn install(packages: &[&str]) -> Result<(), Error> {
    tracing::info!("installing {} with apt-get; this takes a moment", packages.join(", "));
    let _no_start = Temporary::write(Path::new(POLICY), "#!/bin/sh\nexit 101\n", 0o755)?;
    let _no_cluster = Temporary::write(Path::new(NO_CLUSTER), "create_main_cluster = false\n", 0o644)?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    // The package lists of a fresh machine are empty or old: ask again once with new ones.
    if let Err(first) = apt_get(&arguments, packages) {
        tracing::debug!("{first}");
        apt_get(&["update"], packages)?;
        apt_get(&arguments, packages)?;
    }
    disable(packages);
    Ok(())
}

fn apt_get(arguments: &[&str], packages: &[&str]) -> Result<(), Error> {
    let failed = |reason: String| Error::Install { packages: packages.join(" "), reason };
    let output = Command::new("apt-get")
        .args(["-qq", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| line.starts_with("E:")).or(said.lines().last());
    Err(failed(last.unwrap_or("apt-get said nothing").to_owned()))
}

/// A package enables its service for the next boot of the machine; nobody asked for that.
fn disable(packages: &[&str]) {
    if !Path::new("/run/systemd/system").exists() {
        return;
    }
    for package in packages {
        let quiet = Command::new("systemctl")
            .args(["disable", "--quiet", package])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        tracing::debug!(package, done = quiet.is_ok_and(|status| status.success()), "service disabled");
    }
}

/// A file that is there as long as this value, unless there was one already.
struct Temporary(Option<PathBuf>);

impl Temporary {
    fn write(path: &Path, text: &str, mode: u32) -> Result<Self, Error> {
        if path.exists() {
            return Ok(Self(None));
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("making", folder))?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(mode).open(path).map_err(Error::io("writing", path))?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(Error::io("writing", path))?;
        Ok(Self(Some(path.to_owned())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            drop(std::fs::remove_file(path));
        }
    }
}
