//! How the business of clients can fail.

use chassis::{Code, Fault};
use std::time::Duration;

/// A failure that has to do with a client. None holds an assertion, a token or an address.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no such client, or it is not the caller's to see.
    #[error("no such client")]
    NotFound,
    /// There is another client of the chosen id.
    #[error("another client has this id")]
    Exists,
    /// The client is disabled.
    #[error("the client is disabled")]
    Disabled,
    /// A counselor's client, which only they change.
    #[error("the client is a counselor's")]
    NotYours,
    /// As many clients as one may have.
    #[error("too many clients")]
    TooMany,
    /// One account has registered too many clients.
    #[error("too many registrations of one account")]
    TooManyRegistrations(Duration),
    /// One account has named too many addresses.
    #[error("too many addresses of one account")]
    TooManyAddresses(Duration),
    /// Unknown client, wrong signature, used before: nobody is told which.
    #[error("the assertion proves nothing")]
    Refused,
    /// None of the scopes asked for can be granted, or the list of them breaks its syntax.
    #[error("no scope can be granted")]
    ScopeRefused,
    /// One client has asked too often.
    #[error("too many tokens of one client")]
    TooManyTokens(Duration),
    /// The client's keys are at an address, and not at hand just now.
    #[error("the client's keys are not at hand")]
    KeysAway(Duration),
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        let precondition = |reason, message| Self::new(Code::FailedPrecondition, reason, message);
        let too_often =
            |reason, message, wait| Self::new(Code::ResourceExhausted, reason, message).retry_after(wait);
        match error {
            ClientError::NotFound => {
                Self::new(Code::NotFound, "CLIENT_NOT_FOUND", "There is no such client.")
            }
            ClientError::Exists => {
                let message =
                    "There is another client with this id. Nothing was changed. Please choose another id.";
                Self::new(Code::AlreadyExists, "CLIENT_EXISTS", message)
            }
            ClientError::Disabled => precondition(
                "CLIENT_DISABLED",
                "This client is disabled for good. To go on, please register another.",
            ),
            ClientError::NotYours => {
                let message =
                    "This client is a counselor's, who alone can change its keys. You can disable it.";
                Self::new(Code::PermissionDenied, "CLIENT_NOT_YOURS", message)
            }
            ClientError::TooMany => precondition(
                "TOO_MANY_CLIENTS",
                "There are as many clients as there can be. Disable one that is not needed any more first.",
            ),
            ClientError::TooManyRegistrations(wait) => too_often(
                "TOO_MANY_REGISTRATIONS",
                "You registered many clients within a short time. Nothing was registered. Please try again later.",
                wait,
            ),
            ClientError::TooManyAddresses(wait) => too_often(
                "TOO_MANY_ADDRESSES",
                "You named many addresses of keys within a short time. Nothing was changed. Please try again later.",
                wait,
            ),
            ClientError::Refused => {
                let message =
                    "This software could not be identified. Nothing was issued and nothing was changed.";
                Self::new(Code::Unauthenticated, "CLIENT_REFUSED", message)
            }
            ClientError::ScopeRefused => {
                let message =
                    "None of these scopes can be granted. Ask for some that the client is registered for.";
                Self::new(Code::InvalidArgument, "SCOPE_REFUSED", message)
            }
            ClientError::TooManyTokens(wait) => too_often(
                "TOO_MANY_TOKENS",
                "This client asked for many tokens within a short time. Each is good for five minutes.",
                wait,
            ),
            ClientError::KeysAway(wait) => {
                let message =
                    "This client's keys could not be fetched from its address. Please try again in a moment.";
                Self::new(Code::Unavailable, "CLIENT_KEYS_AWAY", message).retry_after(wait)
            }
        }
    }
}
