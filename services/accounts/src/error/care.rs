//! How the business of care can fail.

use chassis::{Code, Fault};
use std::time::Duration;

/// A failure that has to do with care. None holds a name or a word.
#[derive(Debug, thiserror::Error)]
pub enum CareError {
    /// There is no such care, or none that waits for the caller.
    #[error("no such care")]
    NotFound,
    /// No licence of the counselor's holds where the member is.
    #[error("no licence holds there")]
    NotLicensedThere,
    /// The member blocked the counselor, or has a pause from them.
    #[error("the member keeps the counselor away")]
    Blocked,
    /// The counselor takes on nobody new.
    #[error("no room")]
    NoRoom,
    /// The member has no partner here.
    #[error("not linked")]
    NotLinked,
    /// The couple is in somebody's care.
    #[error("the couple is in care")]
    CoupleInCare,
    /// The member's partner proposed the same counselor.
    #[error("proposed by the partner already")]
    AlreadyProposed,
    /// As many proposals of one of a couple are open as may be.
    #[error("too many proposals are open")]
    TooManyProposals,
    /// Another confidentiality is proposed already.
    #[error("a proposal waits")]
    ProposalWaits,
    /// What was proposed is gone, or something else is proposed by now.
    #[error("no such proposal")]
    ProposalGone,
    /// It is that already.
    #[error("the same confidentiality")]
    SameConfidentiality,
    /// As many requests of one member wait as may.
    #[error("too many requests wait")]
    TooMany,
    /// One member has asked too often.
    #[error("asked too often")]
    TooOften(Duration),
}

impl From<CareError> for Fault {
    fn from(error: CareError) -> Self {
        let not_now = |reason, message| Self::new(Code::FailedPrecondition, reason, message);
        match error {
            CareError::NotFound => Self::new(
                Code::NotFound,
                "CARE_NOT_FOUND",
                "There is nothing of the kind. It may be over, or was taken back.",
            ),
            CareError::NotLicensedThere => not_now(
                "NOT_LICENSED_THERE",
                "No licence that was checked holds in that place. Nothing was changed.",
            ),
            CareError::Blocked => not_now(
                "BLOCKED_BY_YOU",
                "You blocked this person. You can lift that first. Nothing was asked.",
            ),
            CareError::NoRoom => {
                not_now("NO_ROOM", "There is no room for new people at the moment. Nothing was asked.")
            }
            CareError::NotLinked => not_now(
                "NOT_LINKED",
                "You are not linked with anybody. Care for two needs a link. Nothing was changed.",
            ),
            CareError::CoupleInCare => not_now(
                "COUPLE_IN_CARE",
                "The two of you are in somebody's care already. You can end that first. Nothing was changed.",
            ),
            CareError::AlreadyProposed => not_now(
                "ALREADY_PROPOSED",
                "Your partner proposed this counselor already. You can agree to that, or not.",
            ),
            CareError::TooManyProposals => not_now(
                "TOO_MANY_PROPOSALS",
                "Three proposals of yours are open. You can take one back first. Nothing was changed.",
            ),
            CareError::ProposalWaits => not_now(
                "PROPOSAL_WAITS",
                "Something is proposed already. It counts once all three agree, or ends by itself.",
            ),
            CareError::ProposalGone => Self::new(
                Code::Aborted,
                "PROPOSAL_GONE",
                "This is not proposed any more. Nothing was agreed to. Please look at it again.",
            ),
            CareError::SameConfidentiality => {
                not_now("SAME_CONFIDENTIALITY", "That is how it is already. Nothing was changed.")
            }
            CareError::TooMany => not_now(
                "TOO_MANY_REQUESTS",
                "Five requests of yours wait for an answer. You can take one back first. Nothing was asked.",
            ),
            CareError::TooOften(wait) => Self::new(
                Code::ResourceExhausted,
                "ASKED_TOO_OFTEN",
                "You have asked several counselors today. Nothing is lost. Please ask again later.",
            )
            .retry_after(wait),
        }
    }
}
