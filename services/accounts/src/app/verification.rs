//! The proof of an address, and what an owner sees of their account.

use super::{Accounts, announce, email_place, password_place, text};
use crate::{
    Error,
    domain::{AccountKind, Password, VERIFICATION_PACE, VerificationToken},
    store::{
        account::{self, Registrant},
        mail, throttle, verification,
    },
};
use bus::outbox;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A token, and the registration it seems to belong to.
pub struct PendingProof {
    token_hash: [u8; 32],
    registrant: Option<Registrant>,
}

/// A token whose bearer knows the password its registration was made with.
pub struct Proof {
    token_hash: [u8; 32],
    registrant: Registrant,
}

/// Looks a token up and takes a turn, which is counted alike for a token that is known and one that is not.
///
/// # Errors
/// [`Error::TooManyAttempts`]; or the database or the key store is away.
pub async fn pending_proof(
    accounts: &Accounts,
    conn: &mut PgConnection,
    token: &VerificationToken,
) -> Result<PendingProof, Error> {
    let (now, token_hash) = (accounts.clock.now(), token.hash());
    let key = accounts.key().await?;
    let registrant = account::find_by_token(conn, &token_hash, now).await?;
    let subject = match &registrant {
        Some(registrant) => key.mac("proof of an address", registrant.account_id.as_bytes()),
        None => key.mac("proof of an address", &token_hash),
    };
    if !throttle::take(conn, &subject, VERIFICATION_PACE, now).await? {
        return Err(Error::TooManyAttempts(VERIFICATION_PACE.interval.unsigned_abs()));
    }
    Ok(PendingProof { token_hash, registrant })
}

/// Checks the password that the registration was made with: whoever reads a mail is not by that alone who
/// caused it. Runs Argon2 once whatever was found; no transaction may be open.
///
/// # Errors
/// [`Error::VerificationNotFound`] without saying why; [`Error::Busy`].
pub async fn prove_registration(
    accounts: &Accounts,
    pending: PendingProof,
    password: Password,
) -> Result<Proof, Error> {
    let hash = match &pending.registrant {
        Some(found) => {
            let opened =
                accounts.key().await?.open(&password_place(found.account_id), &found.password_hash)?;
            Some(Zeroizing::new(text(&opened)?))
        }
        None => None,
    };
    let fits = accounts.hashing.fits(password, hash).await?;
    let registrant = pending.registrant.filter(|_| fits).ok_or(Error::VerificationNotFound)?;
    Ok(Proof { token_hash: pending.token_hash, registrant })
}

/// Uses a proven token up and marks its account's address as proven.
///
/// # Errors
/// [`Error::VerificationNotFound`] for a token that was used, replaced or is too old, or whose registration is
/// no longer the one that the password was checked against.
pub async fn verify_email(accounts: &Accounts, conn: &mut PgConnection, proof: &Proof) -> Result<(), Error> {
    let now = accounts.clock.now();
    let held = account::lock_by_token(conn, &proof.token_hash).await?.ok_or(Error::VerificationNotFound)?;
    // Looked at again now that the account is held: somebody else may have registered since.
    if held.account_id != proof.registrant.account_id
        || held.password_hash != proof.registrant.password_hash
        || !verification::take(conn, &proof.token_hash, now).await?
    {
        return Err(Error::VerificationNotFound);
    }
    let account_id = held.account_id;
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
