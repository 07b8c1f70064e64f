//! Putting an earlier address back, with the link that went to it. Whoever reads that mailbox needs no session: the one who
//! changed the address may hold every device.

use super::{email_change, email_place, given_up_place, notice};
use crate::{
    AddressError, Error,
    app::{Accounts, announce},
    domain::{NoticeKind, UndoToken},
    store::{factor, known_device, pending_sign_in, reset, security, session},
};
use sqlx::PgConnection;
use uuid::Uuid;
use vault::DataKey;

/// A link that puts an address back, and whose.
pub struct Undo {
    token_hash: [u8; 32],
    account_id: Uuid,
    key: DataKey,
}

/// Looks a link up. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`AddressError::UndoNotFound`] for one that was used, or is too old.
pub async fn prepare_undo(accounts: &Accounts, token: &UndoToken) -> Result<Undo, Error> {
    let (now, token_hash) = (accounts.clock.now(), token.hash());
    let found = email_change::undoes(&mut *accounts.pool.acquire().await?, &token_hash, now).await?;
    let account_id = found.ok_or(AddressError::UndoNotFound)?;
    let key = accounts.vault.data_key(account_id).await?;
    Ok(Undo { token_hash, account_id, key })
}

/// Puts an earlier address back. Every later change is undone with it, every session ends, no device is known any more, and
/// whatever was begun and not finished is worthless: sign-ins, links, another address, an app. The password and second factors
/// stay: whoever reads a mailbox is not by that alone the owner.
///
/// # Errors
/// [`AddressError::UndoNotFound`] when the link was used meanwhile.
pub async fn undo_email_change(
    accounts: &Accounts,
    conn: &mut PgConnection,
    undo: &Undo,
) -> Result<(), Error> {
    let (now, account_id) = (accounts.clock.now(), undo.account_id);
    // The account before what hangs on it, as everywhere.
    if !security::hold(conn, account_id).await? {
        return Err(AddressError::UndoNotFound.into());
    }
    let earlier = email_change::take_back(conn, account_id, &undo.token_hash, now).await?;
    let earlier = earlier.ok_or(AddressError::UndoNotFound)?;
    let address = undo.key.open(&given_up_place(account_id), &earlier.email)?;
    let sealed = undo.key.seal(&email_place(account_id), &address);
    if !email_change::replace(conn, account_id, &earlier.email_index, &sealed).await? {
        return Err(AddressError::UndoNotFound.into());
    }
    email_change::clear(conn, account_id).await?;
    reset::clear(conn, account_id).await?;
    pending_sign_in::clear(conn, account_id).await?;
    factor::withdraw_app(conn, account_id).await?;
    known_device::forget_all(conn, account_id, None).await?;
    let ended = session::end_all(conn, account_id, None, now).await?;
    announce::sessions_ended(conn, &accounts.ids, now, &ended).await?;
    notice::tell(accounts, conn, account_id, NoticeKind::EmailChangeUndone, None).await
}
