//! What can go wrong, each as a sentence that says what to do.

use std::path::{Path, PathBuf};

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no binaries, and they were not to be installed, or could not be.
    #[error("PostgreSQL is not installed: {0}")]
    NoBinaries(String),
    /// The package manager failed.
    #[error("installing {packages} failed: {reason}")]
    Install {
        /// What was to be installed.
        packages: String,
        /// What the package manager said last.
        reason: String,
    },
    /// Another process runs a server on the folder.
    #[error("{} is in use by process {pid}: stop that one first, or choose another folder", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process that holds it.
        pid: String,
    },
    /// The folder belongs to somebody else.
    #[error("{} belongs to another user (uid {owner}): run as that user or as root, or choose another folder", folder.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// PostgreSQL refuses to run as root, and there is nobody else to run it as.
    #[error(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody"
    )]
    NoAccount,
    /// A server of an earlier run does not end.
    #[error(
        "PostgreSQL of an earlier run (process {pid}) still works in {} and does not end: stop it with `kill -INT {pid}`", folder.display()
    )]
    Leftover {
        /// The folder.
        folder: PathBuf,
        /// The process.
        pid: i32,
    },
    /// The data were written by another major version.
    #[error(
        "the data in {} were written by PostgreSQL {data}, and only {found} is here: install postgresql-{data}", folder.display()
    )]
    Version {
        /// The folder.
        folder: PathBuf,
        /// The major version of the data.
        data: String,
        /// The major version of the binaries.
        found: String,
    },
    /// The data folder could not be made.
    #[error("making the data folder failed: {0}")]
    Initialise(String),
    /// The server did not come up.
    #[error("PostgreSQL did not start: {0}")]
    Start(String),
    /// A name that is not a plain identifier.
    #[error("{0:?} is no name for a database or role: use a-z, 0-9 and _, a letter first, at most 63")]
    Name(String),
    /// A file could not be read or written.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was tried, such as "writing".
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The server refused a statement, or could not be reached.
    #[error("PostgreSQL: {0}")]
    Sql(#[from] sqlx::Error),
}

impl Error {
    /// For `map_err`: what was tried, and where.
    pub(crate) fn io<E: Into<std::io::Error>>(doing: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source: source.into() }
    }
}
