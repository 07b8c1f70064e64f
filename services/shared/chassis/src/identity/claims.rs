//! What a passport says, as a JSON Web Token (RFC 7519) signed with Ed25519 (RFC 8037). Accounts mints with
//! this, everybody verifies with it.

use super::{Assurance, Kind, Passport, Scopes, SignError, TokenSigner};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who issues passports: `iss`.
pub const ISSUER: &str = "candor";
/// Whom they are for: `aud`.
pub const AUDIENCE: &str = "candor";
/// How long a passport of a person may live.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// How long a token of software may live. Nobody mints it a new one from a session, so it is longer.
pub const MAX_CLIENT_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// How long a passport of a kind of caller may live.
pub(super) fn max_lifetime(kind: Kind) -> SignedDuration {
    match kind {
        Kind::Client => MAX_CLIENT_LIFETIME,
        Kind::Member | Kind::Counselor | Kind::Operator | Kind::Editor | Kind::Support => MAX_LIFETIME,
    }
}

/// The claims of a passport. Times are in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// [`ISSUER`].
    pub iss: String,
    /// [`AUDIENCE`].
    pub aud: String,
    /// The account.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// What kind of caller.
    pub kind: Kind,
    /// When the person last proved who they are.
    pub auth_time: i64,
    /// By how many factors; one, where it does not say.
    #[serde(default)]
    pub acr: Assurance,
    /// When it was minted.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// What software may use it for, as a list of scopes; nobody else's passport has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whether the account is suspended; it is not, where it does not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// Whether it has yet to accept a legal text; it has not, where it does not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terms_due: bool,
}

impl Claims {
    /// The claims of a passport minted now, which lives as long as a passport may.
    pub fn new(
        account_id: Uuid,
        session_id: Uuid,
        kind: Kind,
        authenticated_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: account_id,
            sid: session_id,
            kind,
            auth_time: authenticated_at.as_second(),
            acr: Assurance::One,
            iat: now.as_second(),
            exp: now.as_second() + max_lifetime(kind).as_secs(),
            scope: None,
            suspended: false,
            terms_due: false,
        }
    }

    /// The claims of software's token made now, which lives as long as one may. Nobody proved who they are with it, so it
    /// is good for nothing that asks for that.
    pub fn of_client(client_id: Uuid, token_id: Uuid, scopes: &Scopes, now: Timestamp) -> Self {
        let claims = Self::new(client_id, token_id, Kind::Client, Timestamp::UNIX_EPOCH, now);
        Self { scope: Some(scopes.to_string()), ..claims }
    }

    /// The same claims of somebody who proved themself by so many factors.
    #[must_use]
    pub fn with(self, assurance: Assurance) -> Self {
        Self { acr: assurance, ..self }
    }

    /// The same claims of an account that is suspended, or is not.
    #[must_use]
    pub fn of_suspended(self, suspended: bool) -> Self {
        Self { suspended, ..self }
    }

    /// The same claims of an account that has yet to accept a legal text, or has not.
    #[must_use]
    pub fn with_terms_due(self, terms_due: bool) -> Self {
        Self { terms_due, ..self }
    }

    /// The signed token.
    ///
    /// # Errors
    /// When the claims are not JSON.
    pub fn sign(&self, signer: &TokenSigner) -> Result<String, SignError> {
        signer.sign(self)
    }

    /// When it ends.
    ///
    /// # Errors
    /// When the number is no time.
    pub fn expires_at(&self) -> Result<Timestamp, jiff::Error> {
        Timestamp::from_second(self.exp)
    }

    /// The passport, if the claims make one: software has scopes, and nobody else does.
    pub(super) fn passport(&self) -> Option<Passport> {
        let scopes = match (self.kind, &self.scope) {
            (Kind::Client, Some(list)) => Scopes::exactly(list)?,
            (Kind::Client, None) | (_, Some(_)) => return None,
            (_, None) => Scopes::default(),
        };
        Some(Passport {
            account_id: self.sub,
            kind: self.kind,
            session_id: self.sid,
            authenticated_at: Timestamp::from_second(self.auth_time).ok()?,
            assurance: self.acr,
            expires_at: self.expires_at().ok()?,
            scopes,
            suspended: self.suspended,
            terms_due: self.terms_due,
        })
    }
}
