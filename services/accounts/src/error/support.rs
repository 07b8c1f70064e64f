//! How the business of support can fail.

use chassis::{Code, Fault};
use std::time::Duration;

/// A failure that has to do with support. None holds a code.
#[derive(Debug, thiserror::Error)]
pub enum SupportError {
    /// The code is unknown, used, or over.
    #[error("no such support code")]
    CodeNotFound,
    /// One of those who support has looked too often.
    #[error("too many looks by one account")]
    TooManyLooks(Duration),
}

impl From<SupportError> for Fault {
    fn from(error: SupportError) -> Self {
        match error {
            SupportError::CodeNotFound => Self::new(
                Code::NotFound,
                "SUPPORT_CODE_NOT_FOUND",
                "This code does not open. It may be mistyped, used, or older than a quarter of an hour.",
            ),
            SupportError::TooManyLooks(wait) => Self::new(
                Code::ResourceExhausted,
                "TOO_MANY_LOOKS",
                "You have tried many codes. Nothing is locked. Please try again in a minute.",
            )
            .retry_after(wait),
        }
    }
}
