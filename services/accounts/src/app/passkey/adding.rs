//! Adding a passkey.

use super::{AskedDevice, Wish, index, keep, name_place, open_all, seal, site, take};
use crate::{
    Error, PasskeyError,
    app::{
        Accounts,
        factor::{FreshCodes, first_codes},
        notice, standing,
    },
    domain::{ChallengeToken, MOST_PASSKEYS, Name, NoticeKind},
    store::{
        factor,
        passkey::{self, NewPasskey},
        passkey_challenge::Purpose,
        session,
    },
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// Asks a device for a new passkey. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`PasskeyError::NotHere`]; [`PasskeyError::TooMany`]; [`Error::SessionOver`]; [`Error::ProofTooWeak`].
pub async fn begin_passkey(
    accounts: &Accounts,
    passport: &Passport,
    name: &Name,
) -> Result<AskedDevice, Error> {
    let (site, account_id) = (site(accounts)?, passport.account_id);
    let (key, own) = (accounts.vault.data_key(account_id).await?, accounts.key().await?);
    // Sealed for the row that the passkey will have.
    let challenge_id = accounts.ids.next();
    let sealed = key.seal(&name_place(challenge_id), name.as_bytes());
    let mut tx = accounts.pool.begin().await?;
    standing::hold(accounts, &mut tx, passport).await?;
    let listed = passkey::list(&mut tx, account_id).await?;
    if listed.len() >= MOST_PASSKEYS {
        return Err(PasskeyError::TooMany.into());
    }
    let known = open_all(&key, &listed)?;
    let asked = site.ask_for_new(account_id, name.as_str(), &known).ok_or(PasskeyError::Unaskable)?;
    let wish = Wish {
        challenge_id,
        purpose: Purpose::Register,
        account_id: Some(account_id),
        session_id: Some(passport.session_id),
        pending_hash: None,
        name: Some(&sealed),
    };
    let asked = keep(accounts, own, &mut tx, asked, &wish).await?;
    tx.commit().await?;
    Ok(asked)
}

/// A passkey that is ready to be added.
pub struct PreparedPasskey {
    passkey_id: Uuid,
    credential_index: [u8; 32],
    credential: Vec<u8>,
    name: Vec<u8>,
}

/// Checks a device's answer, and uses its challenge up. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`PasskeyError::Over`]; [`PasskeyError::Unusable`].
pub async fn prepare_passkey(
    accounts: &Accounts,
    passport: &Passport,
    token: &ChallengeToken,
    answer: &str,
) -> Result<PreparedPasskey, Error> {
    let (site, account_id) = (site(accounts)?, passport.account_id);
    let (taken, state) = take(accounts, token, Purpose::Register).await?.ok_or(PasskeyError::Over)?;
    let is_own = taken.account_id == Some(account_id) && taken.session_id == Some(passport.session_id);
    let name = taken.name.filter(|_| is_own).ok_or(PasskeyError::Over)?;
    let new = site.accept_new(&state, answer).ok_or(PasskeyError::Unusable)?;
    let (passkey_id, credential_index) = (taken.challenge_id, index(accounts, new.id()).await?);
    let credential = seal(&accounts.vault.data_key(account_id).await?, passkey_id, &new)?;
    Ok(PreparedPasskey { passkey_id, credential_index, credential, name })
}

/// Lets the passkey count. The session it was added in has proven two factors by that; with the first factor come
/// recovery codes.
///
/// # Errors
/// [`PasskeyError::Known`]; [`PasskeyError::TooMany`]; [`Error::SessionOver`]; [`Error::ProofTooWeak`].
pub async fn add_passkey(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    prepared: &PreparedPasskey,
) -> Result<Option<FreshCodes>, Error> {
    let (account_id, session_id) = (passport.account_id, passport.session_id);
    standing::hold(accounts, conn, passport).await?;
    let before = factor::of(conn, account_id).await?;
    if usize::try_from(before.passkeys).is_ok_and(|count| count >= MOST_PASSKEYS) {
        return Err(PasskeyError::TooMany.into());
    }
    let new = NewPasskey {
        passkey_id: prepared.passkey_id,
        account_id,
        credential_index: &prepared.credential_index,
        credential: &prepared.credential,
        name: &prepared.name,
    };
    if !passkey::insert(conn, &new, accounts.clock.now()).await? {
        return Err(PasskeyError::Known.into());
    }
    if !session::strengthen(conn, session_id, account_id).await? {
        return Err(Error::SessionOver);
    }
    notice::tell(accounts, conn, account_id, NoticeKind::PasskeyAdded, Some(session_id)).await?;
    first_codes(conn, account_id, before).await
}
