//! How the business of passkeys can fail.

use chassis::{Code, Fault};

/// A failure that has to do with a passkey. None holds what a device said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// A passkey is unknown, of somebody else, or its device's answer does not fit: nobody is told which.
    #[error("the passkey does not fit")]
    Refused,
    /// A challenge that was answered, took too long, or never was, of somebody who is signed in.
    #[error("the challenge is over")]
    Over,
    /// A device's answer makes no passkey for this place.
    #[error("the device's answer makes no passkey")]
    Unusable,
    /// The passkey is kept already.
    #[error("the passkey is kept already")]
    Known,
    /// One account has as many passkeys as there can be.
    #[error("too many passkeys")]
    TooMany,
    /// The place has no name that a passkey could be for.
    #[error("this place has no name that a passkey could be for")]
    NotHere,
    /// Nothing can be asked of a device.
    #[error("a passkey cannot be asked for")]
    Unaskable,
}

impl From<PasskeyError> for Fault {
    fn from(error: PasskeyError) -> Self {
        let not_now = |reason, message| Self::new(Code::FailedPrecondition, reason, message);
        match error {
            PasskeyError::Refused => Self::new(
                Code::Unauthenticated,
                "PASSKEY_REFUSED",
                "This passkey does not fit here. It may have been taken away. You can sign in with your password.",
            ),
            PasskeyError::Over => not_now(
                "PASSKEY_CHALLENGE_OVER",
                "This took longer than five minutes, or was finished already. Nothing was changed. Please begin again.",
            ),
            PasskeyError::Unusable => not_now(
                "PASSKEY_UNUSABLE",
                "Nothing was changed: this device's answer makes no passkey here. Another device may.",
            ),
            PasskeyError::Known => Self::new(
                Code::AlreadyExists,
                "PASSKEY_KNOWN",
                "This passkey is here already. Nothing was changed.",
            ),
            PasskeyError::TooMany => not_now(
                "TOO_MANY_PASSKEYS",
                "There is room for 20 passkeys. You can take one away first. Nothing was changed.",
            ),
            PasskeyError::NotHere => not_now(
                "PASSKEYS_NEED_A_NAME",
                "Browsers take passkeys only where an address has a name. This one is a number. Nothing was changed.",
            ),
            PasskeyError::Unaskable => Self::internal(&error),
        }
    }
}
