//! What a passport says, as a JSON Web Token (RFC 7519) signed with Ed25519 (RFC 8037). Accounts mints with
//! this, everybody verifies with it.

use super::{Kind, Passport};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who issues passports: `iss`.
pub const ISSUER: &str = "candor";
/// Whom they are for: `aud`.
pub const AUDIENCE: &str = "candor";
/// How long a passport may live.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_secs(60);

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
    /// When it was minted.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
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
            iat: now.as_second(),
            exp: now.as_second() + MAX_LIFETIME.as_secs(),
        }
    }

    /// The signed token. `pkcs8` is the Ed25519 private key in PKCS #8 DER.
    ///
    /// # Errors
    /// When the key is not such a key.
    pub fn sign(&self, key_id: &str, pkcs8: &[u8]) -> Result<String, SignError> {
        let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, self, &EncodingKey::from_ed_der(pkcs8)).map_err(|_| SignError)
    }

    /// When it ends.
    ///
    /// # Errors
    /// When the number is no time.
    pub fn expires_at(&self) -> Result<Timestamp, jiff::Error> {
        Timestamp::from_second(self.exp)
    }

    pub(super) fn passport(&self) -> Result<Passport, jiff::Error> {
        Ok(Passport {
            account_id: self.sub,
            kind: self.kind,
            session_id: self.sid,
            authenticated_at: Timestamp::from_second(self.auth_time)?,
            expires_at: self.expires_at()?,
        })
    }
}

/// The private key cannot sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key is not an Ed25519 key in PKCS #8")]
pub struct SignError;
