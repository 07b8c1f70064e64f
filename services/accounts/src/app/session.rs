//! Sessions once they have started.

use super::{Accounts, announce, standing, text};
use crate::{
    Error,
    domain::{MOST_SESSIONS, SessionSecret},
    store::{
        known_device,
        session::{self, Ended, Live},
    },
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// A label, sealed for the session it belongs to.
pub struct SealedLabel {
    /// The session.
    pub(super) session_id: Uuid,
    /// The label.
    pub(super) sealed: Vec<u8>,
}

/// Where a label is sealed.
pub(super) fn label_place(session_id: Uuid) -> Place<'static> {
    Place { table: "session", column: "device_label", row: session_id }
}

/// A session as its owner sees it.
pub struct OwnSession {
    /// The session.
    pub session_id: Uuid,
    /// What its owner knows the device by.
    pub device_label: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// The live session of a secret: one statement.
///
/// # Errors
/// [`Error::SessionOver`] when it ended, timed out, or never was.
pub(super) async fn live_session(
    accounts: &Accounts,
    conn: &mut PgConnection,
    secret: &SessionSecret,
) -> Result<Live, Error> {
    let (now, idle) = (accounts.clock.now(), accounts.sessions.idle());
    let found = session::live(conn, &secret.hash(), now, idle, accounts.terms.required()).await?;
    found.ok_or(Error::SessionOver)
}

/// An account's live sessions, newest first.
///
/// # Errors
/// When the database or the key store fails.
pub async fn list_sessions(accounts: &Accounts, account_id: Uuid) -> Result<Vec<OwnSession>, Error> {
    let now = accounts.clock.now();
    let listed = session::list(&mut *accounts.pool.acquire().await?, account_id, now).await?;
    let key = accounts.vault.data_key(account_id).await?;
    listed
        .into_iter()
        .map(|row| {
            Ok(OwnSession {
                session_id: row.session_id,
                device_label: text(&key.open(&label_place(row.session_id), &row.device_label)?)?,
                created_at: row.created_at,
                expires_at: row.expires_at,
            })
        })
        .collect()
}

/// Ends a session of the account. Whoever ends another than this one does not know its device, and neither does the account
/// from then on. One that is over already stays so. Signing out asks for nothing; ending another session
/// takes one that lives, and was proven as strongly as the account can be.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; [`Error::SessionNotFound`] when there is none, or it is somebody else's.
pub async fn end_session(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    session_id: Uuid,
) -> Result<(), Error> {
    let (now, account_id) = (accounts.clock.now(), by.account_id);
    if session_id != by.session_id {
        standing::hold(accounts, conn, by).await?;
        known_device::forget_of(conn, account_id, session_id).await?;
    }
    if session::end(conn, session_id, account_id, now).await? {
        let ended = [Ended { session_id, account_id }];
        return Ok(announce::sessions_ended(conn, &accounts.ids, now, &ended).await?);
    }
    if session::exists(conn, session_id, account_id).await? { Ok(()) } else { Err(Error::SessionNotFound) }
}

/// Ends every session of the account, this one too or all others; returns how many have ended.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`].
pub async fn end_sessions(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    this_one_too: bool,
) -> Result<usize, Error> {
    standing::hold(accounts, conn, by).await?;
    end_all(accounts, conn, by.account_id, (!this_one_too).then_some(by.session_id)).await
}

/// Ends every session of an account that is held, or all but one, and forgets the devices of what ends; returns how many have
/// ended.
pub(super) async fn end_all(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    but: Option<Uuid>,
) -> Result<usize, Error> {
    let now = accounts.clock.now();
    known_device::forget_all(conn, account_id, but).await?;
    let ended = session::end_all(conn, account_id, but, now).await?;
    announce::sessions_ended(conn, &accounts.ids, now, &ended).await?;
    Ok(ended.len())
}

/// Ends those that began last where a new one makes too many.
pub(super) async fn make_room(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    newest: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let ended = session::trim(conn, account_id, newest, MOST_SESSIONS - 1, now).await?;
    Ok(announce::sessions_ended(conn, &accounts.ids, now, &ended).await?)
}

/// Ends sessions whose time is over, some at a time; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn end_expired_sessions(
    accounts: &Accounts,
    conn: &mut PgConnection,
    limit: i64,
) -> Result<usize, Error> {
    let now = accounts.clock.now();
    let ended = session::end_expired(conn, now, limit).await?;
    announce::sessions_ended(conn, &accounts.ids, now, &ended).await?;
    Ok(ended.len())
}
