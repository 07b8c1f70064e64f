//! Another address for an account: asked for by whoever is signed in and has proven it lately, given by whoever opens the link
//! in its mailbox while signed in to that account, and for a week put back by whoever reads the mailbox of the one before.

mod settling;
mod undoing;

pub(super) use settling::{ChangePlan, plan_change, settle_change, tell_holder};
pub use undoing::{Undo, prepare_undo, undo_email_change};

use super::{Accounts, announce, email_place, notice, outgoing, random, standing, text};
use crate::{
    AddressError, Error,
    domain::{
        Address, EMAIL_CHANGE_LIFE, EMAIL_CHANGE_PACE, EMAIL_UNDO_LIFE, Invalid, Letter, LetterKind,
        NewAddressToken, NoticeKind, UndoToken,
    },
    store::{
        account,
        email_change::{self, Asked, NewChange, NewUndo, Owned},
        known_device, pending_sign_in,
        request::{self, NewRequest, Wish},
        reset, session, throttle,
    },
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::{DataKey, Place};

/// Where an address is sealed that waits.
fn asked_place(change_id: Uuid) -> Place<'static> {
    Place { table: "email_change", column: "email", row: change_id }
}

/// Where an address is sealed that was given up.
fn given_up_place(account_id: Uuid) -> Place<'static> {
    Place { table: "email_undo", column: "email", row: account_id }
}

/// Another address, sealed.
pub struct WantedAddress {
    change_id: Uuid,
    email_index: [u8; 32],
    sealed: Vec<u8>,
    /// What the account's requests are one of.
    ticket: [u8; 32],
    /// Whose turns are counted.
    turns: [u8; 32],
}

/// Seals another address. Asks the vault, so no transaction may be open. The same work for every address: whether it is known
/// is looked at once the caller was answered.
///
/// # Errors
/// When the key store is away.
pub async fn prepare_email_change(
    accounts: &Accounts,
    account_id: Uuid,
    address: &Address,
) -> Result<WantedAddress, Error> {
    let (key, change_id) = (accounts.vault.data_key(account_id).await?, accounts.ids.next());
    let own = accounts.key().await?;
    Ok(WantedAddress {
        change_id,
        email_index: accounts.index(address).await?,
        sealed: key.seal(&asked_place(change_id), address.as_str().as_bytes()),
        ticket: own.mac("request for another address", account_id.as_bytes()),
        turns: own.mac("requests for another address", account_id.as_bytes()),
    })
}

/// Keeps what somebody asks for, to be settled. It takes the place of what they asked for before.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; [`Error::Invalid`] for the address they have; [`AddressError::TooMany`].
pub async fn request_email_change(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    wanted: &WantedAddress,
) -> Result<(), Error> {
    let (now, account_id) = (accounts.clock.now(), passport.account_id);
    standing::hold(accounts, conn, passport).await?;
    let current = email_change::current(conn, account_id).await?.ok_or(Error::AccountGone)?;
    if current.email_index == wanted.email_index {
        return Err(Error::Invalid(Invalid { field: "email", description: "is the address you have" }));
    }
    if !throttle::take(conn, &wanted.turns, EMAIL_CHANGE_PACE, now).await? {
        return Err(AddressError::TooMany(EMAIL_CHANGE_PACE.interval.unsigned_abs()).into());
    }
    let new = NewChange {
        account_id,
        change_id: wanted.change_id,
        email_index: &wanted.email_index,
        email: &wanted.sealed,
        expires_at: now + EMAIL_CHANGE_LIFE,
    };
    email_change::ask(conn, &new, now).await?;
    let settle = NewRequest { request_id: wanted.change_id, email_index: &wanted.ticket, wish: Wish::Change };
    request::put(conn, &settle, now).await?;
    let session_id = Some(passport.session_id);
    notice::tell(accounts, conn, account_id, NoticeKind::EmailChangeAsked, session_id).await
}

/// Calls off what was asked for. Asks for no fresh proof: it keeps things as they are.
///
/// # Errors
/// [`Error::SessionOver`]; [`AddressError::NothingAsked`] where nothing waits.
pub async fn cancel_email_change(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
) -> Result<(), Error> {
    standing::hold(accounts, conn, passport).await?;
    if email_change::clear(conn, passport.account_id).await? {
        Ok(())
    } else {
        Err(AddressError::NothingAsked.into())
    }
}

/// What waits for its proof, as its owner sees it.
pub struct WaitingAddress {
    /// The address.
    pub email: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How long the link in its mail works.
    pub expires_at: Timestamp,
}

/// What an account waits for. It looks the same whether or not the address is somebody's already.
///
/// # Errors
/// When the database or the key store fails.
pub(super) async fn waiting(accounts: &Accounts, account_id: Uuid) -> Result<Option<WaitingAddress>, Error> {
    let now = accounts.clock.now();
    let asked = email_change::of(&mut *accounts.pool.acquire().await?, account_id, now).await?;
    let Some(asked) = asked else { return Ok(None) };
    let key = accounts.vault.data_key(account_id).await?;
    Ok(Some(WaitingAddress {
        email: text(&key.open(&asked_place(asked.change_id), &asked.email)?)?,
        requested_at: asked.requested_at,
        expires_at: asked.expires_at,
    }))
}

/// The key of whoever proves an address. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn prepare_confirmation(accounts: &Accounts, account_id: Uuid) -> Result<DataKey, Error> {
    Ok(accounts.vault.data_key(account_id).await?)
}

/// Gives the account the address that its token came to. The one before gets a mail with which it is put back, for a week, and
/// nobody else can have it until then. Whoever is signed in elsewhere is so no more, and links of before are worthless.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; [`AddressError::LinkNotFound`] for a link that is another account's, was
/// used, replaced or is too old, or whose address somebody has by now: nobody is told which.
pub async fn confirm_email_change(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    key: &DataKey,
    token: &NewAddressToken,
) -> Result<(), Error> {
    let (now, account_id) = (accounts.clock.now(), passport.account_id);
    standing::hold(accounts, conn, passport).await?;
    let asked = email_change::take(conn, account_id, &token.hash(), now).await?;
    let asked = asked.ok_or(AddressError::LinkNotFound)?;
    let before = email_change::current(conn, account_id).await?.ok_or(Error::AccountGone)?;
    move_in(conn, key, &asked, now).await?;
    give_up(accounts, conn, account_id, key, &before).await?;
    reset::clear(conn, account_id).await?;
    pending_sign_in::clear(conn, account_id).await?;
    let session_id = Some(passport.session_id);
    known_device::forget_all(conn, account_id, session_id).await?;
    let ended = session::end_all(conn, account_id, session_id, now).await?;
    announce::sessions_ended(conn, &accounts.ids, now, &ended).await?;
    notice::tell(accounts, conn, account_id, NoticeKind::EmailChanged, session_id).await
}

/// Moves an account into its new address. An account that somebody made with it and never proved gives way, as it does to an
/// operator's.
async fn move_in(conn: &mut PgConnection, key: &DataKey, asked: &Asked, now: Timestamp) -> Result<(), Error> {
    let account_id = asked.account_id;
    let address = key.open(&asked_place(asked.change_id), &asked.email)?;
    account::delete_unverified(conn, &asked.email_index).await?;
    let sealed = key.seal(&email_place(account_id), &address);
    let moved = email_change::replace(conn, account_id, &asked.email_index, &sealed).await?;
    // Asked once it is ours: whoever gives it up at this moment is waited for, and is seen.
    if !moved || email_change::holder(conn, &asked.email_index, Some(account_id), now).await?.is_some() {
        return Err(AddressError::LinkNotFound.into());
    }
    Ok(())
}

/// Keeps the address of before for its owner, and writes to it.
async fn give_up(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    key: &DataKey,
    before: &Owned,
) -> Result<(), Error> {
    let (now, token) = (accounts.clock.now(), UndoToken::of(random()?));
    let address = key.open(&email_place(account_id), &before.email)?;
    let given_up = NewUndo {
        token_hash: &token.hash(),
        account_id,
        email_index: &before.email_index,
        email: &key.seal(&given_up_place(account_id), &address),
        expires_at: now + EMAIL_UNDO_LIFE,
    };
    email_change::keep(conn, &given_up, now).await?;
    let letter = Letter { to: text(&address)?, token: Some(token.text().to_string()) };
    outgoing::queue_letter(accounts, conn, (account_id, key), LetterKind::AddressChanged, &letter, now).await
}
