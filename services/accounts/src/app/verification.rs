//! The proof of an address, and what an owner sees of their account.

use super::{Accounts, announce, email_place, text};
use crate::{
    Error,
    domain::{AccountKind, VerificationToken},
    store::{account, mail, verification},
};
use bus::outbox;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Uses a token up and marks its account's address as proven.
///
/// # Errors
/// [`Error::VerificationNotFound`] for a token that was used, replaced, never made, or is too old.
pub async fn verify_email(
    accounts: &Accounts,
    conn: &mut PgConnection,
    token: &VerificationToken,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let hash = token.hash();
    let account_id = account::lock_by_token(conn, &hash).await?.ok_or(Error::VerificationNotFound)?;
    // Looked at again now that the account is held: a newer registrant may have made it worthless.
    if !verification::take(conn, &hash, now).await? {
        return Err(Error::VerificationNotFound);
    }
    verification::clear(conn, account_id).await?;
    mail::take_waiting(conn, account_id).await?;
    if let Some(state) = account::verify(conn, account_id, now).await? {
        outbox::append(conn, &[announce::verified(&accounts.ids, now, &state)]).await?;
    }
    Ok(())
}

/// An account as its owner sees it.
pub struct MyAccount {
    /// The account.
    pub account_id: Uuid,
    /// The address.
    pub email: String,
    /// The IANA zone.
    pub time_zone: String,
    /// The language tag.
    pub locale: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it may do.
    pub kind: AccountKind,
}

/// The caller's own account.
///
/// # Errors
/// [`Error::AccountGone`] when it was erased while the passport lives.
pub async fn me(accounts: &Accounts, account_id: Uuid) -> Result<MyAccount, Error> {
    let profile = account::profile(&mut *accounts.pool.acquire().await?, account_id).await?;
    let profile = profile.ok_or(Error::AccountGone)?;
    let key = accounts.vault.data_key(account_id).await?;
    Ok(MyAccount {
        account_id,
        email: text(&key.open(&email_place(account_id), &profile.email)?)?,
        time_zone: profile.time_zone,
        locale: profile.locale,
        created_at: profile.created_at,
        kind: AccountKind::stored(&profile.kind),
    })
}
