//! A capability: what accounts decided that one person may read of another, shown to the service that holds the data.
//! A JSON Web Token like a passport, of another audience, good for one session, one scope and ten seconds.

use super::claims::ISSUER;
use super::{Passport, SignError, TokenSigner};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whom capabilities are for: `aud`. Never the audience of passports, so that neither passes for the other.
pub const AUDIENCE: &str = "candor-capability";
/// How long a capability may live.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_secs(10);
/// The metadata key, and over HTTP/2 the header, that carries it beside the passport.
pub const HEADER: &str = "candor-capability";

/// The claims of a capability. Times are in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// [`ISSUER`].
    pub iss: String,
    /// [`AUDIENCE`].
    pub aud: String,
    /// The reader.
    pub sub: Uuid,
    /// The reader's session.
    pub sid: Uuid,
    /// Whose data.
    pub own: Uuid,
    /// The relation it rests on, by the id that accounts gave it.
    pub rel: Uuid,
    /// The number of the `candor.options.v1.Scope`.
    pub scp: i32,
    /// The one item, or none for everything of the scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub itm: Option<Uuid>,
    /// The access epoch of owner and reader.
    pub epo: i64,
    /// The receipt.
    pub rcp: Uuid,
    /// When it was made.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
}

/// What is opened to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Whose data.
    pub owner_id: Uuid,
    /// The relation it rests on, by the id that accounts gave it.
    pub relation_id: Uuid,
    /// The number of the `candor.options.v1.Scope`.
    pub scope: i32,
    /// The one item, or none for everything of the scope.
    pub item_id: Option<Uuid>,
    /// The access epoch of owner and reader.
    pub epoch: i64,
    /// The receipt.
    pub receipt_id: Uuid,
}

impl Claims {
    /// The claims of a capability made now for the passport's session, which lives as long as a capability may and no
    /// longer than the passport.
    pub fn new(reader: &Passport, opening: &Opening, now: Timestamp) -> Self {
        let longest = now.as_second() + MAX_LIFETIME.as_secs();
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: reader.account_id,
            sid: reader.session_id,
            own: opening.owner_id,
            rel: opening.relation_id,
            scp: opening.scope,
            itm: opening.item_id,
            epo: opening.epoch,
            rcp: opening.receipt_id,
            iat: now.as_second(),
            exp: longest.min(reader.expires_at.as_second()),
        }
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

    pub(super) fn capability(&self) -> Result<Capability, jiff::Error> {
        Ok(Capability {
            opening: Opening {
                owner_id: self.own,
                relation_id: self.rel,
                scope: self.scp,
                item_id: self.itm,
                epoch: self.epo,
                receipt_id: self.rcp,
            },
            reader_id: self.sub,
            session_id: self.sid,
            expires_at: self.expires_at()?,
        })
    }
}

/// A verified capability. It is only half of the decision: the service that holds the data decides in the reading
/// query, with `chassis.admits` ([`crate::audience`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// What is opened.
    pub opening: Opening,
    /// Who reads.
    pub reader_id: Uuid,
    /// The reader's session.
    pub session_id: Uuid,
    /// When it ends.
    pub expires_at: Timestamp,
}
