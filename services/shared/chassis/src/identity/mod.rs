//! Who calls: a passport, verified before the message is decoded.

pub mod capability;
pub mod claims;
mod keyring;
mod remote;
mod resources;
mod scope;
mod signing;

pub use capability::Capability;
pub use keyring::{ClientTokens, KeySource, Keyring, PublicKey};
pub use scope::{Context, Interactions, MOST_SCOPES, Malformed, Scope, Scopes, UnknownScope};
pub use signing::{SignError, TokenSigner};

use crate::{Code, Fault};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What kind of caller a passport speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A member.
    Member,
    /// A professional, who reads what a member consented to.
    Counselor,
    /// Someone who runs the platform, and can read nobody's journal.
    Operator,
    /// Someone who keeps the library.
    Editor,
    /// Someone who helps people with the use of the platform, and sees nothing of theirs.
    Support,
    /// Software that acts under consents, with a token of OAuth 2.0.
    Client,
}

impl Kind {
    /// The name in the token's `kind` claim.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Counselor => "counselor",
            Self::Operator => "operator",
            Self::Editor => "editor",
            Self::Support => "support",
            Self::Client => "client",
        }
    }
}

impl Kind {
    /// Whether a password alone gives it no authority: others' trust hangs on it.
    pub fn needs_second_factor(self) -> bool {
        matches!(self, Self::Counselor | Self::Operator | Self::Editor | Self::Support)
    }
}

/// By how many factors somebody has proven who they are, in the words of NIST SP 800-63B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Assurance {
    /// By one.
    #[default]
    #[serde(rename = "aal1")]
    One,
    /// By two.
    #[serde(rename = "aal2")]
    Two,
}

/// A verified caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passport {
    /// The account; of software its client id.
    pub account_id: Uuid,
    /// What kind of caller.
    pub kind: Kind,
    /// The session it was minted from; software has none, so there each token has an id of its own.
    pub session_id: Uuid,
    /// When the person last proved who they are.
    pub authenticated_at: Timestamp,
    /// By how many factors.
    pub assurance: Assurance,
    /// When the passport ends.
    pub expires_at: Timestamp,
    /// What software may use it for at most; nothing for everybody else, whom scopes do not bound.
    pub scopes: Scopes,
    /// Whether the account is suspended: it reaches only what is never gated.
    pub suspended: bool,
    /// Whether it has yet to accept a legal text: it reaches only what is never gated.
    pub terms_due: bool,
}

/// The caller of a request, as the identity layer found it.
///
/// # Errors
/// UNAUTHENTICATED when no passport came with it.
pub fn caller(extensions: &tonic::Extensions) -> Result<&Passport, Fault> {
    extensions
        .get::<Passport>()
        .ok_or_else(|| Fault::new(Code::Unauthenticated, "UNAUTHENTICATED", "Please sign in first."))
}

/// The capability token of a request, if one came with it.
pub(crate) fn shown_capability(headers: &http::HeaderMap) -> Result<Option<&str>, Fault> {
    let mut values = headers.get_all(capability::HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| keyring::no_capability()),
        (Some(_), Some(_)) => Err(keyring::no_capability()),
    }
}

/// The one bearer token of a request. Identity comes from it alone; no other header means anything.
pub(crate) fn bearer(headers: &http::HeaderMap) -> Result<&str, Fault> {
    let missing = || Fault::new(Code::Unauthenticated, "UNAUTHENTICATED", "Please sign in first.");
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(missing()) };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token) } else { Err(missing()) }
}
