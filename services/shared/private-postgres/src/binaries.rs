//! Where PostgreSQL's binaries are, and how they get there.

use crate::{Error, apt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The folder.
    pub folder: PathBuf,
    /// The major version, such as "15".
    pub version: String,
}

impl Binaries {
    /// The binaries of a folder, if they are there and say their version.
    fn of(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let said = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let version = major(&String::from_utf8_lossy(&said.stdout))?;
        Some(Self { folder: folder.to_owned(), version })
    }
}

/// "postgres (PostgreSQL) 15.18 (Debian …)" → "15".
fn major(said: &str) -> Option<String> {
    let number = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = number.chars().take_while(char::is_ascii_digit).collect();
    Some(digits)
}

/// Finds PostgreSQL: on the `PATH`, then the newest of `/usr/lib/postgresql/*/bin`. Where there is none and
/// `install` allows it, root on Debian or Ubuntu gets it from apt, without a service and without a cluster.
///
/// # Errors
/// A sentence that says what to install.
pub fn ensure_binaries(install: bool) -> Result<Binaries, Error> {
    find(None, None, install)
}

/// As [`ensure_binaries`], but an explicit folder comes first, and a version that the data need is preferred.
pub(crate) fn find(explicit: Option<&Path>, version: Option<&str>, install: bool) -> Result<Binaries, Error> {
    if let Some(folder) = explicit {
        let missing = || format!("there is no initdb and postgres in {}", folder.display());
        return Binaries::of(folder).ok_or_else(|| Error::NoBinaries(missing()));
    }
    if let Some(found) = present(version) {
        return Ok(found);
    }
    if !install || !apt::available() {
        return Err(Error::NoBinaries("install it, as root: apt-get install postgresql".to_owned()));
    }
    apt::install(&["postgresql"])?;
    present(version).ok_or_else(|| Error::NoBinaries("apt-get brought no initdb and postgres".to_owned()))
}

/// The best of what is installed: the wanted version, or the first on the `PATH`, or the newest.
fn present(version: Option<&str>) -> Option<Binaries> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    let mut all: Vec<_> = on_path.chain(packaged()).filter_map(|folder| Binaries::of(&folder)).collect();
    let wanted = version.and_then(|version| all.iter().position(|found| found.version == version));
    (!all.is_empty()).then(|| all.swap_remove(wanted.unwrap_or(0)))
}

/// Debian's folders, newest first.
fn packaged() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<u32> =
        versions.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").as_deref(), Some("15"));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n").as_deref(), Some("18"));
        assert_eq!(major("nothing"), None);
    }

    #[test]
    fn a_folder_without_binaries_is_refused_with_its_name() {
        let said = find(Some(Path::new("/nonexistent")), None, false).unwrap_err().to_string();
        assert_eq!(said, "PostgreSQL is not installed: there is no initdb and postgres in /nonexistent");
    }
}
