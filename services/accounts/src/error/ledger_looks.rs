//! How looking at somebody's ledger can fail.

use chassis::{Code, Fault};
use std::time::Duration;

/// A failure that has to do with a look at a ledger. None holds a word.
#[derive(Debug, thiserror::Error)]
pub enum LedgerLookError {
    /// There is no such report or look, or none for the caller.
    #[error("nothing to ask for")]
    NoCause,
    /// There is no such request, or none for the caller.
    #[error("no such request")]
    NotFound,
    /// The id of a request was used for another one.
    #[error("the id of the request was used for another one")]
    IdReused,
    /// One operator has asked too often.
    #[error("too many requests by one account")]
    TooMany(Duration),
    /// Whoever asked does not answer.
    #[error("another operator has to agree")]
    AnotherOperator,
    /// It was answered or taken back, or nobody answered in time.
    #[error("does not wait any more")]
    NotWaiting,
    /// Nobody else agreed, or the time is over.
    #[error("not open")]
    NotOpen,
}

impl From<LedgerLookError> for Fault {
    fn from(error: LedgerLookError) -> Self {
        let not_now = |reason, message| Self::new(Code::FailedPrecondition, reason, message);
        let not_found = |reason, message| Self::new(Code::NotFound, reason, message);
        match error {
            LedgerLookError::NoCause => not_found(
                "LEDGER_LOOK_WITHOUT_CAUSE",
                "There is no such report for you, and no such look of support within 30 days. Nothing was asked for.",
            ),
            LedgerLookError::NotFound => {
                not_found("LEDGER_LOOK_NOT_FOUND", "There is no such request for you.")
            }
            LedgerLookError::IdReused => Self::new(
                Code::AlreadyExists,
                "LEDGER_LOOK_ID_REUSED",
                "This id was used for another request. Nothing was asked for.",
            ),
            LedgerLookError::TooMany(wait) => Self::new(
                Code::ResourceExhausted,
                "TOO_MANY_LEDGER_LOOKS",
                "You have asked for many ledgers today. Please try again later.",
            )
            .retry_after(wait),
            LedgerLookError::AnotherOperator => not_now(
                "ANOTHER_OPERATOR_AGREES",
                "You asked for this, so another operator agrees to it or not. Nothing was changed.",
            ),
            LedgerLookError::NotWaiting => not_now(
                "LEDGER_LOOK_NOT_WAITING",
                "This request does not wait any more. Nothing was changed.",
            ),
            LedgerLookError::NotOpen => not_now(
                "LEDGER_LOOK_NOT_OPEN",
                "This ledger is not open. It takes another operator who agrees, and is open for an hour then.",
            ),
        }
    }
}
