//! How the business of counselors can fail.

use chassis::{Code, Fault};

/// A failure that has to do with a counselor. None holds a name or a number.
#[derive(Debug, thiserror::Error)]
pub enum CounselorError {
    /// There is no such counselor, or none whom the caller may see.
    #[error("no such counselor")]
    NotFound,
    /// The caller never applied.
    #[error("no application of the caller's")]
    NotApplied,
    /// The account is linked or in a circle, so it is none for a practice.
    #[error("the account has a partner or a circle")]
    HasTies,
    /// The account is one for a practice, so it links with nobody and is in no circle.
    #[error("the account is for a practice")]
    KeepsPractice,
    /// What was decided on was changed meanwhile.
    #[error("changed meanwhile")]
    Changed,
    /// Nothing waits for a decision.
    #[error("nothing waits for a decision")]
    NothingWaits,
    /// None of the licences holds.
    #[error("no licence holds")]
    NoLicenceHolds,
    /// A counselor, or somebody who was suspended, has no application to take back.
    #[error("nothing to take back")]
    NotToTakeBack,
    /// The account is suspended.
    #[error("the account is suspended")]
    AccountSuspended,
    /// Everything of the account waits to be destroyed.
    #[error("everything of the account waits to be destroyed")]
    Leaving,
}

impl From<CounselorError> for Fault {
    fn from(error: CounselorError) -> Self {
        let not_now = |reason, message| Self::new(Code::FailedPrecondition, reason, message);
        match error {
            CounselorError::NotFound => {
                Self::new(Code::NotFound, "COUNSELOR_NOT_FOUND", "There is no such counselor.")
            }
            CounselorError::NotApplied => Self::new(
                Code::NotFound,
                "APPLICATION_NOT_FOUND",
                "You have not applied. Nothing was changed.",
            ),
            CounselorError::HasTies => not_now(
                "ACCOUNT_HAS_TIES",
                "This account is linked with somebody or in a circle. A practice needs an account of its own. \
                 Nothing was changed.",
            ),
            CounselorError::KeepsPractice => not_now(
                "ACCOUNT_KEEPS_PRACTICE",
                "This account is for your practice. For yourself, please use another one. Nothing was changed.",
            ),
            CounselorError::Changed => Self::new(
                Code::Aborted,
                "APPLICATION_CHANGED",
                "This was changed meanwhile. Nothing was decided. Please look at it again.",
            ),
            CounselorError::NothingWaits => {
                not_now("NOTHING_WAITS", "Nothing waits for a decision here. Nothing was changed.")
            }
            CounselorError::NoLicenceHolds => not_now(
                "NO_LICENCE_HOLDS",
                "No licence holds any more, or none is said. Nothing was changed.",
            ),
            CounselorError::AccountSuspended => not_now(
                "APPLICANT_SUSPENDED",
                "This account is suspended, so it becomes no counselor. Nothing was changed.",
            ),
            CounselorError::Leaving => not_now(
                "ERASURE_WAITS",
                "Everything of yours waits to be destroyed, so nobody new comes to you. Please call that off first. \
                 Nothing was changed.",
            ),
            CounselorError::NotToTakeBack => not_now(
                "NOT_TO_TAKE_BACK",
                "This was decided already, so it cannot be taken back. Nothing was changed.",
            ),
        }
    }
}
