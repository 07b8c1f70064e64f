//! How the vault can fail. No error holds key material or a sealed value.

use chassis::{Code, Fault};
use std::{borrow::Cow, path::PathBuf};

/// A failure of the vault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The KEK file cannot be used; the sentence says why.
    #[error("the key file {} {problem}", path.display())]
    KekFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, to be read after its name.
        problem: Cow<'static, str>,
    },
    /// A data key is wrapped by a KEK that the file does not hold.
    #[error("the key file does not hold the key {0}, which wraps a data key")]
    UnknownKek(String),
    /// The owner's data key was destroyed: what it sealed is gone for good.
    #[error("the data key was destroyed")]
    Destroyed,
    /// A sealed value or wrapped key was altered, or belongs to another place.
    #[error("a sealed value was altered, or belongs elsewhere")]
    Refused,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
    /// The key store failed or is away.
    #[error("the key store failed")]
    Store(#[from] sqlx::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Destroyed => {
                Self::new(Code::NotFound, "NOT_FOUND", "This does not exist, or not any more.")
            }
            Error::Store(cause) => Self::from(cause),
            Error::KekFile { .. } | Error::Random => Self::unavailable(&error),
            Error::UnknownKek(_) | Error::Refused => Self::internal(&error),
        }
    }
}
