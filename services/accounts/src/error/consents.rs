//! How opening something to a counselor can fail, and what a member is told.

use crate::domain::ConsentText;
use chassis::{Code, Fault};

/// A failure around consents.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// There is no such consent for whoever asks.
    #[error("no such consent")]
    NotFound,
    /// There are no such words.
    #[error("no such words of a consent")]
    NoSuchText,
    /// The member is not in that person's care, whoever it is.
    #[error("not in that counselor's care")]
    NotInCare,
    /// Care is on hold.
    #[error("care is on hold")]
    OnHold,
    /// Other words count by now.
    #[error("the words of the consent changed")]
    TextChanged(&'static ConsentText),
    /// As many consents of one member are open as may be.
    #[error("too many consents are open")]
    TooMany,
}

impl From<ConsentError> for Fault {
    fn from(error: ConsentError) -> Self {
        let not_now = |reason, message| Self::new(Code::FailedPrecondition, reason, message);
        match error {
            ConsentError::NotFound => Self::new(
                Code::NotFound,
                "CONSENT_NOT_FOUND",
                "You have opened nothing under this name. Nothing was changed.",
            ),
            ConsentError::NoSuchText => {
                Self::new(Code::NotFound, "CONSENT_TEXT_NOT_FOUND", "There are no such words of a consent.")
            }
            ConsentError::NotInCare => not_now(
                "NOT_IN_CARE",
                "You are in no care with this person as your counselor. Nothing was opened.",
            ),
            ConsentError::OnHold => not_now(
                "CARE_ON_HOLD",
                "Your care is on hold, so nothing can be opened for now. Nothing was changed.",
            ),
            ConsentError::TextChanged(text) => Self::new(
                Code::FailedPrecondition,
                "CONSENT_TEXT_CHANGED",
                format!(
                    "The words of this consent are others by now. Nothing was opened. Please read version {} of {} first.",
                    text.version, text.id
                ),
            ),
            ConsentError::TooMany => not_now(
                "TOO_MANY_CONSENTS",
                "A hundred things of yours are open. You can take one back first. Nothing was opened.",
            ),
        }
    }
}
