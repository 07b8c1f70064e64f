//! How opening something to software can fail, and what a member or the software is told.

use chassis::{Code, Fault, rpc::insufficient_scope};

/// A failure around software and consents to it.
#[derive(Debug, thiserror::Error)]
pub enum SoftwareError {
    /// There is no such software that the member could open something to.
    #[error("no such software for this member")]
    NotFound,
    /// There is no such consent for whoever asks.
    #[error("no such consent to software")]
    NoConsent,
    /// It is not registered for that.
    #[error("the software is not registered for that")]
    Unreached,
    /// Care is on hold.
    #[error("care is on hold")]
    OnHold,
    /// As many consents to software of one member are open as may be.
    #[error("too many consents to software are open")]
    TooMany,
    /// The token's scopes do not cover it.
    #[error("the token does not cover it")]
    InsufficientScope,
    /// The token has ended.
    #[error("the token is over")]
    TokenOver,
}

impl From<SoftwareError> for Fault {
    fn from(error: SoftwareError) -> Self {
        let not_now = |reason, message| Self::new(Code::FailedPrecondition, reason, message);
        match error {
            SoftwareError::NotFound => Self::new(
                Code::NotFound,
                "SOFTWARE_NOT_FOUND",
                "There is no such software that you can open something to. Nothing was opened.",
            ),
            SoftwareError::NoConsent => Self::new(
                Code::NotFound,
                "CONSENT_NOT_FOUND",
                "You have opened nothing under this name. Nothing was changed.",
            ),
            SoftwareError::Unreached => not_now(
                "SOFTWARE_CANNOT_READ",
                "This software is not registered to read that. Nothing was opened.",
            ),
            SoftwareError::OnHold => not_now(
                "CARE_ON_HOLD",
                "Your care is on hold, so nothing can be opened for now. Nothing was changed.",
            ),
            SoftwareError::TooMany => not_now(
                "TOO_MANY_CONSENTS",
                "A hundred things of yours are open to software. You can take one back first. Nothing was opened.",
            ),
            SoftwareError::InsufficientScope => insufficient_scope(),
            SoftwareError::TokenOver => Self::new(
                Code::Unauthenticated,
                "TOKEN_ENDED",
                "This token has ended. Please get another one.",
            ),
        }
    }
}
