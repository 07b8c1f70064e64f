//! How the business of trust and safety can fail.

use chassis::{Code, Fault};
use std::time::Duration;

/// A failure that has to do with a report, a block or a suspension. None holds a word.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// There is nobody of that id, or nobody the caller has or had to do with.
    #[error("nobody the caller knows")]
    PersonNotKnown,
    /// One person has reported too often.
    #[error("too many reports of one account")]
    TooManyReports(Duration),
    /// The id of an attempt was used for another report.
    #[error("the id of the attempt was used for another report")]
    AttemptReused,
    /// There is no such report, or none for the caller to decide on.
    #[error("no such report")]
    ReportNotFound,
    /// It was decided.
    #[error("decided already")]
    DecidedAlready,
    /// The account is one of those who run the place.
    #[error("not an account to suspend")]
    NotToSuspend,
    /// There is no such suspension, or none for the caller to decide on.
    #[error("no such suspension")]
    SuspensionNotFound,
    /// The caller's account is not suspended.
    #[error("not suspended")]
    NotSuspended,
    /// There was an appeal, or the suspension is over.
    #[error("appealed already")]
    AppealedAlready,
    /// No appeal waits.
    #[error("no appeal waits")]
    NoAppealWaits,
    /// Another operator has to decide.
    #[error("another operator has to decide")]
    AnotherOperator,
}

impl From<TrustError> for Fault {
    fn from(error: TrustError) -> Self {
        let not_now = |reason, message| Self::new(Code::FailedPrecondition, reason, message);
        let not_found = |reason, message| Self::new(Code::NotFound, reason, message);
        match error {
            TrustError::PersonNotKnown => not_found(
                "PERSON_NOT_KNOWN",
                "There is nobody here of that kind whom you have or had to do with. Nothing was changed.",
            ),
            TrustError::TooManyReports(wait) => Self::new(
                Code::ResourceExhausted,
                "TOO_MANY_REPORTS",
                "You have reported a lot today. What you sent before is there. Please try again later.",
            )
            .retry_after(wait),
            TrustError::AttemptReused => Self::new(
                Code::AlreadyExists,
                "ATTEMPT_ID_REUSED",
                "This attempt's id was used for another report, which is there. Nothing was sent.",
            ),
            TrustError::ReportNotFound => not_found("REPORT_NOT_FOUND", "There is no such report for you."),
            TrustError::DecidedAlready => {
                not_now("DECIDED_ALREADY", "This was decided already. Nothing was changed.")
            }
            TrustError::NotToSuspend => not_now(
                "NOT_TO_SUSPEND",
                "This account is one of those who run the place. It is taken away at the machine, not suspended.",
            ),
            TrustError::SuspensionNotFound => {
                not_found("SUSPENSION_NOT_FOUND", "There is no such suspension for you.")
            }
            TrustError::NotSuspended => not_found("NOT_SUSPENDED", "Your account is not suspended."),
            TrustError::AppealedAlready => not_now(
                "APPEALED_ALREADY",
                "You have objected to this suspension, or it is over. Nothing was changed.",
            ),
            TrustError::NoAppealWaits => {
                not_now("NO_APPEAL_WAITS", "No appeal waits here. Nothing was changed.")
            }
            TrustError::AnotherOperator => not_now(
                "ANOTHER_OPERATOR_DECIDES",
                "You suspended this account, so another operator decides on the appeal. Nothing was changed.",
            ),
        }
    }
}
