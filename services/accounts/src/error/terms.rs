//! How the business of legal texts can fail.

use crate::domain::TermsKind;
use chassis::{Code, Fault};

/// A failure that has to do with a legal text.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// There is no such text, or no such version of it.
    #[error("no such text")]
    NotFound,
    /// Another version counts by now.
    #[error("another version counts")]
    Changed(TermsKind),
}

impl From<TermsError> for Fault {
    fn from(error: TermsError) -> Self {
        match error {
            TermsError::NotFound => {
                Self::new(Code::NotFound, "TERMS_NOT_FOUND", "There is no such version of this text.")
            }
            TermsError::Changed(kind) => {
                let what = match kind {
                    TermsKind::Use => "terms of use are",
                    TermsKind::Privacy => "privacy notice is",
                };
                let message = format!(
                    "The {what} newer than what you read. Nothing was stored. Please read the newer text, then go on."
                );
                Self::new(Code::FailedPrecondition, "TERMS_CHANGED", message)
            }
        }
    }
}
