//! What operators see of requests, and of a ledger that is open to one of them.

use super::{hold, note_place, record, state};
use crate::{
    Error, LedgerLookError,
    app::{
        Accounts, audit,
        care::cut,
        ledger::{OwnReceipt, list_receipts},
        notice, random_id, standing, text,
        trust::at,
    },
    domain::{
        Cursor, LOOKS_LISTED, LedgerLookReason, LookState, NoticeKind, PageSize,
        audit::{Action, Details, Subject},
    },
    store::{
        ledger_look::{self as store, Stored},
        support::{self, NewLook},
    },
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// A request as an operator sees it.
pub struct Request {
    /// Why.
    pub reason: LedgerLookReason,
    /// How it stands.
    pub state: LookState,
    /// All that is not sealed.
    pub stored: Stored,
}

/// A page of a ledger.
pub struct Read {
    /// The reads its owner knows of, newest first.
    pub receipts: Vec<OwnReceipt>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
    /// Until when it can be read.
    pub until: Timestamp,
}

fn request(stored: Stored, now: Timestamp) -> Result<Request, Error> {
    let reason = LedgerLookReason::stored(&stored.reason).ok_or(Error::Unreadable)?;
    Ok(Request { reason, state: state(&stored, now), stored })
}

/// A page of the requests that an operator may know of, newest first, and where the next one begins. That it is looked at is
/// recorded.
///
/// # Errors
/// When the database fails.
pub async fn requests(
    accounts: &Accounts,
    by: &Passport,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Request>, Option<Cursor>), Error> {
    let (now, before) = (accounts.clock.now(), (after.time, after.id));
    let mut conn = accounts.pool.acquire().await?;
    let since = now - LOOKS_LISTED;
    let mut found = store::list(&mut conn, by.account_id, since, before, now, size.get() + 1).await?;
    let next = cut(&mut found, size, |one| at(one.asked_at, one.request_id));
    let what = (Action::LedgerRequestsListed, Details::none());
    audit::listed(&mut conn, accounts, by, what, found.len()).await?;
    Ok((found.into_iter().map(|one| request(one, now)).collect::<Result<_, _>>()?, next))
}

/// One request with what was written for whoever decides. Asks the vault; [`note_look`] records it.
///
/// # Errors
/// [`LedgerLookError::NotFound`].
pub async fn look_at(
    accounts: &Accounts,
    operator_id: Uuid,
    request_id: Uuid,
) -> Result<(Request, String), Error> {
    let now = accounts.clock.now();
    let found = store::find(&mut *accounts.pool.acquire().await?, operator_id, request_id, now).await?;
    let found = found.ok_or(LedgerLookError::NotFound)?;
    let note = text(&accounts.key().await?.open(&note_place(request_id), &found.note)?)?;
    Ok((request(found, now)?, note))
}

/// Records that an operator looked at a request, who may still do so.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`].
pub async fn note_look(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    request_id: Uuid,
) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    let looked = (Action::LedgerRequestLookedAt, Subject::thing(request_id));
    record(accounts, conn, by, looked, Details::none(), None).await
}

/// A page of the ledger that another operator agreed to, for whoever asked. The look stands in that ledger before it is
/// answered; its owner is told of the first.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`LedgerLookError::NotFound`] for everybody but who asked;
/// [`LedgerLookError::NotOpen`].
pub async fn read(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    request_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<Read, Error> {
    let (found, now) = (hold(accounts, conn, by, request_id).await?, accounts.clock.now());
    if found.asked_by != by.account_id {
        return Err(LedgerLookError::NotFound.into());
    }
    let until = found.read_until.filter(|_| state(&found, now) == LookState::Open);
    let until = until.ok_or(LedgerLookError::NotOpen)?.to_jiff();
    let Request { reason, stored: found, .. } = request(found, now)?;
    let account_id = found.account_id;
    let (receipts, next) = list_receipts(conn, account_id, size, after).await?;
    let first = !support::was_looked_at(conn, request_id).await?;
    let look_id = random_id()?;
    let ledger = Some((reason.as_str(), request_id));
    let look = NewLook { look_id, account_id, staff_id: by.account_id, ledger };
    support::note_look(conn, &look, now).await?;
    if first {
        notice::tell(accounts, conn, account_id, NoticeKind::LedgerLooked, None).await?;
    }
    let details = Details::none().id("request", request_id).id("look", look_id);
    let looked = (Action::LedgerRead, Subject::account(account_id));
    record(accounts, conn, by, looked, details.code("reason", reason.as_str()), None).await?;
    Ok(Read { receipts, next, until })
}
