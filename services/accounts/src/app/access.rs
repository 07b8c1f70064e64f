//! Opening one person's data to another: decided here, shown to the service that holds the data as a capability.

use super::{Accounts, random_id, signing::Signer};
use crate::{
    Error,
    domain::{OPENING_PACE, RENEWABLE, Scope, Tie},
    store::access::{self, Asked},
};
use chassis::identity::{
    Passport,
    capability::{Claims, Opening},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What somebody asks to read.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Whose data.
    pub owner_id: Uuid,
    /// What kind.
    pub scope: Scope,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the `candor.accounts.v1.AccessPurpose`.
    pub purpose: i32,
    /// The receipt to go on with; with none, the one of the same within an hour, or a new one.
    pub receipt_id: Option<Uuid>,
}

/// A wish with everything at hand to decide it.
pub struct Application<'a> {
    reader: &'a Passport,
    wish: Wish,
    signer: Signer,
    counted_as: [u8; 32],
    new_receipt_id: Uuid,
}

/// A yes, and the moment it was decided.
pub struct Granted {
    opening: Opening,
    now: Timestamp,
}

/// What is opened, signed.
pub struct Opened {
    /// The capability.
    pub token: Zeroizing<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The receipt.
    pub receipt_id: Uuid,
}

/// Gets ready what a wish is decided with. May ask the vault, so no connection may be held.
///
/// # Errors
/// [`Error::NoSigningKey`] in the first moments of an installation; or the database or the key store is away.
pub async fn apply_for_access<'a>(
    accounts: &Accounts,
    reader: &'a Passport,
    wish: Wish,
) -> Result<Application<'a>, Error> {
    let signer = accounts.signing.signer(accounts).await?;
    let counted_as = accounts.key().await?.mac("openings by an account", reader.account_id.as_bytes());
    Ok(Application { reader, wish, signer, counted_as, new_receipt_id: random_id()? })
}

/// Decides, and keeps the receipt, in one statement that is a transaction of its own.
///
/// The time is taken before the statement sees the link. So a capability ends at most ten seconds after the last
/// moment at which the link was there, however long the statement has to wait; and it carries the epoch of that
/// moment, which whoever ends the link raises above it.
///
/// # Errors
/// [`Error::TooManyOpenings`]; [`Error::SessionOver`]; [`Error::NothingOpen`] for everybody who opened nothing to
/// the reader, the reader themself and whoever does not exist; [`Error::ReceiptNotFound`].
pub async fn open_access(
    accounts: &Accounts,
    conn: &mut PgConnection,
    application: &Application<'_>,
) -> Result<Granted, Error> {
    let (now, wish) = (accounts.clock.now(), application.wish);
    let answer = access::open(conn, &application.asked(now), now).await?;
    if !answer.has_turn {
        return Err(Error::TooManyOpenings(OPENING_PACE.interval.unsigned_abs()));
    }
    if !answer.has_session {
        return Err(Error::SessionOver);
    }
    // The statement foresaw the decision; where the two differ, nothing is open.
    let tie = Tie::that_opens(wish.scope, &answer.bonds);
    let tie = tie.filter(|tie| answer.relation_id == Some(tie.relation_id)).zip(answer.epoch);
    let (Tie { relation_id, .. }, epoch) = tie.ok_or(Error::NothingOpen)?;
    let receipt_id = answer.receipt_id.ok_or(Error::ReceiptNotFound)?;
    let Wish { owner_id, item_id, .. } = wish;
    let scope = wish.scope.number();
    Ok(Granted { opening: Opening { owner_id, relation_id, scope, item_id, epoch, receipt_id }, now })
}

impl Application<'_> {
    fn asked(&self, now: Timestamp) -> Asked<'_> {
        let Self { reader, wish, .. } = self;
        Asked {
            subject: &self.counted_as,
            pace: OPENING_PACE,
            reader_id: reader.account_id,
            session_id: reader.session_id,
            owner_id: wish.owner_id,
            scope: wish.scope.number(),
            item_id: wish.item_id,
            purpose: wish.purpose,
            receipt_id: wish.receipt_id,
            new_receipt_id: self.new_receipt_id,
            since: now - RENEWABLE,
        }
    }
}

/// Signs what was granted.
///
/// # Errors
/// [`Error::SigningKey`] when the key cannot sign.
pub fn sign_access(application: &Application<'_>, granted: &Granted) -> Result<Opened, Error> {
    let claims = Claims::new(application.reader, &granted.opening, granted.now);
    let signer = &application.signer;
    let token = claims.sign(&signer.key_id.to_string(), &signer.pkcs8).map_err(|_| Error::SigningKey)?;
    let expires_at = claims.expires_at().map_err(|_| Error::SigningKey)?;
    Ok(Opened { token: Zeroizing::new(token), expires_at, receipt_id: granted.opening.receipt_id })
}
