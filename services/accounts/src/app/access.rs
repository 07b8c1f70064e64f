//! Opening one person's data to another: decided here, shown to the service that holds the data as a capability.

use super::{Accounts, random_id, signing::Signer};
use crate::{
    Error,
    domain::{OPENING_PACE, RENEWABLE, Scope, Tie, Wanted},
    store::access::{self, Answer, Asked},
};
use chassis::Clock;
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
    /// The receipt to go on with; with none, the one of the same within an hour, or a new one. A counselor's are never gone
    /// on with.
    pub receipt_id: Option<Uuid>,
}

/// A wish with everything at hand to decide it.
#[derive(Clone)]
pub struct Application {
    reader: Passport,
    wish: Wish,
    signer: Signer,
    counted_as: [u8; 32],
    new_receipt_id: Uuid,
}

/// A yes, and the moment it was decided.
pub struct Granted {
    opening: Opening,
    until: Option<Timestamp>,
    now: Timestamp,
}

impl Granted {
    /// What is opened to whom.
    pub fn opening(&self) -> Opening {
        self.opening
    }
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
pub async fn apply_for_access(
    accounts: &Accounts,
    reader: Passport,
    wish: Wish,
) -> Result<Application, Error> {
    let signer = accounts.signing.signer(accounts).await?;
    let counted_as = accounts.key().await?.mac("openings by an account", reader.account_id.as_bytes());
    Ok(Application { reader, wish, signer, counted_as, new_receipt_id: random_id()? })
}

/// Decides on each, and keeps the receipts, in one statement. No reader may be among them twice: whoever calls sees to it.
///
/// The time is taken before the statement sees the links. So a capability ends at most ten seconds after the last
/// moment at which the link was there, however long the statement has to wait; and it carries the epoch of that
/// moment, which whoever ends the link raises above it.
///
/// # Errors
/// When the database fails, or a reader is there twice: then nobody was told anything, and what was kept is a receipt that
/// nobody reads with. Of each: [`Error::TooManyOpenings`]; [`Error::SessionOver`]; [`Error::NothingOpen`] for everybody who
/// opened nothing to the reader, the reader themself and whoever does not exist; [`Error::ReceiptNotFound`].
pub async fn open_access(
    clock: &Clock,
    conn: &mut PgConnection,
    applications: &[Application],
) -> Result<Vec<Result<Granted, Error>>, sqlx::Error> {
    let now = clock.now();
    let asked: Vec<_> = applications.iter().map(Application::asked).collect();
    let answers = access::open(conn, &asked, OPENING_PACE, (now, now - RENEWABLE)).await?;
    Ok(applications
        .iter()
        .zip(answers)
        .map(|(application, answer)| application.decide(&answer, now))
        .collect())
}

/// A no to whoever opens too much at once.
pub fn too_many_openings() -> Error {
    Error::TooManyOpenings(OPENING_PACE.interval.unsigned_abs())
}

impl Application {
    /// Who asks.
    pub fn reader_id(&self) -> Uuid {
        self.reader.account_id
    }

    fn asked(&self) -> Asked<'_> {
        let Self { reader, wish, .. } = self;
        Asked {
            subject: &self.counted_as,
            reader_id: reader.account_id,
            session_id: reader.session_id,
            owner_id: wish.owner_id,
            scope: wish.scope.number(),
            item_id: wish.item_id,
            purpose: wish.purpose,
            receipt_id: wish.receipt_id,
            new_receipt_id: self.new_receipt_id,
        }
    }

    fn decide(&self, answer: &Answer, now: Timestamp) -> Result<Granted, Error> {
        let Wish { owner_id, item_id, scope, purpose, .. } = self.wish;
        if !answer.has_turn {
            return Err(too_many_openings());
        }
        if !answer.has_session {
            return Err(Error::SessionOver);
        }
        // The statement foresaw the decision; where the two differ, nothing is open.
        let tie = Tie::that_opens(&Wanted { scope, item_id, purpose }, &answer.bonds, now);
        let tie = tie.filter(|tie| answer.relation_id == Some(tie.relation_id)).zip(answer.epoch);
        let (Tie { relation_id, until, .. }, epoch) = tie.ok_or(Error::NothingOpen)?;
        let receipt_id = answer.receipt_id.ok_or(Error::ReceiptNotFound)?;
        let scope = scope.number();
        let opening = Opening { owner_id, relation_id, scope, item_id, epoch, receipt_id };
        Ok(Granted { opening, until, now })
    }
}

/// Signs what was granted. It lives no longer than the consent it rests on.
///
/// # Errors
/// [`Error::SigningKey`] when the key cannot sign.
pub fn sign_access(application: &Application, granted: &Granted) -> Result<Opened, Error> {
    let Granted { opening, until, now } = granted;
    sign(&application.signer, &application.reader, opening, *until, *now)
}

/// A capability for what is opened to a reader now, which lives no longer than what it rests on.
pub(super) fn sign(
    signer: &Signer,
    reader: &Passport,
    opening: &Opening,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Opened, Error> {
    let mut claims = Claims::new(reader, opening, now);
    if let Some(until) = until {
        claims.exp = claims.exp.min(until.as_second());
    }
    let token = claims.sign(&signer.tokens).map_err(|_| Error::SigningKey)?;
    let expires_at = claims.expires_at().map_err(|_| Error::SigningKey)?;
    Ok(Opened { token: Zeroizing::new(token), expires_at, receipt_id: opening.receipt_id })
}
