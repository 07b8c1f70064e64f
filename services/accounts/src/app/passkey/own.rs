//! An account's passkeys, as their owner keeps them.

use super::name_place;
use crate::{
    Error,
    app::{
        Accounts,
        factor::{after_loss, may_remove},
        notice, standing, text,
    },
    domain::{Name, NoticeKind},
    store::{
        factor::{self, Factors},
        passkey,
    },
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// A passkey as its owner sees it.
pub struct MyPasskey {
    /// The passkey.
    pub passkey_id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it proved something last.
    pub used_at: Option<Timestamp>,
}

/// The passkeys of an account, oldest first. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn passkeys_of(accounts: &Accounts, account_id: Uuid) -> Result<Vec<MyPasskey>, Error> {
    let listed = passkey::list(&mut *accounts.pool.acquire().await?, account_id).await?;
    let key = accounts.vault.data_key(account_id).await?;
    let mine = listed.into_iter().map(|row| {
        Ok(MyPasskey {
            passkey_id: row.passkey_id,
            name: text(&key.open(&name_place(row.passkey_id), &row.name)?)?,
            created_at: row.created_at,
            used_at: row.used_at,
        })
    });
    mine.collect()
}

/// Seals a passkey's name. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn seal_passkey_name(
    accounts: &Accounts,
    account_id: Uuid,
    passkey_id: Uuid,
    name: &Name,
) -> Result<Vec<u8>, Error> {
    Ok(accounts.vault.data_key(account_id).await?.seal(&name_place(passkey_id), name.as_bytes()))
}

/// Names a passkey.
///
/// # Errors
/// [`Error::NoSuchFactor`]; [`Error::SessionOver`]; [`Error::ProofTooWeak`].
pub async fn rename_passkey(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    passkey_id: Uuid,
    sealed: &[u8],
) -> Result<(), Error> {
    standing::hold(accounts, conn, passport).await?;
    if passkey::rename(conn, passport.account_id, passkey_id, sealed).await? {
        Ok(())
    } else {
        Err(Error::NoSuchFactor)
    }
}

/// Takes a passkey away. Other sessions end unless they are to go on.
///
/// # Errors
/// [`Error::NoSuchFactor`]; [`Error::PasswordTooShortAlone`]; [`Error::SessionOver`]; [`Error::ProofTooWeak`].
pub async fn remove_passkey(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    passkey_id: Uuid,
    others_go_on: bool,
) -> Result<(), Error> {
    let account_id = passport.account_id;
    standing::hold(accounts, conn, passport).await?;
    if !passkey::remove(conn, account_id, passkey_id).await? {
        return Err(Error::NoSuchFactor);
    }
    let left: Factors = factor::of(conn, account_id).await?;
    may_remove(conn, account_id, left).await?;
    after_loss(accounts, conn, passport, others_go_on).await?;
    notice::tell(accounts, conn, account_id, NoticeKind::PasskeyRemoved, Some(passport.session_id)).await
}
