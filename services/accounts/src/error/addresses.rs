//! How the business of another address can fail.

use chassis::{Code, Fault};
use std::time::Duration;

/// A failure that has to do with another address. None holds one.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The link is another account's, was used, replaced or is too old, or somebody has its address: nobody is told which.
    #[error("no such link to another address")]
    LinkNotFound,
    /// The link that puts an address back was used, or is too old.
    #[error("no such link to an earlier address")]
    UndoNotFound,
    /// No other address waits.
    #[error("no other address waits")]
    NothingAsked,
    /// One account asked for other addresses too often.
    #[error("too many requests for another address")]
    TooMany(Duration),
}

impl From<AddressError> for Fault {
    fn from(error: AddressError) -> Self {
        let not_found = |reason, message| Self::new(Code::NotFound, reason, message);
        match error {
            AddressError::LinkNotFound => not_found(
                "EMAIL_CHANGE_NOT_FOUND",
                "This link is too old, was used already, or belongs to another account. Your address is what it was. \
                 You can ask for another link.",
            ),
            AddressError::UndoNotFound => not_found(
                "EMAIL_UNDO_NOT_FOUND",
                "This link is too old or was used already. Nothing was changed.",
            ),
            AddressError::NothingAsked => not_found(
                "NO_EMAIL_CHANGE",
                "No other address waits to be confirmed. Nothing was changed.",
            ),
            AddressError::TooMany(wait) => Self::new(
                Code::ResourceExhausted,
                "TOO_MANY_ATTEMPTS",
                "You asked for other addresses several times. Nothing was changed. Please try again in a few minutes.",
            )
            .retry_after(wait),
        }
    }
}
