//! Proving again who one is, in the middle of a session: asked before what cannot be undone.

use super::{Accounts, password_place, text};
use crate::{
    Error,
    domain::{Password, STEP_UP_PACE},
    store::{account, account::Credentials, session, session::Live, throttle},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use zeroize::Zeroizing;

/// Takes a turn of the session, and finds what its person proves themself with.
///
/// # Errors
/// [`Error::TooManyProofs`]; [`Error::AccountGone`]; or the database or the key store is away.
pub async fn admit_step_up(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
) -> Result<Credentials, Error> {
    let subject = accounts.key().await?.mac("proof in a session", passport.session_id.as_bytes());
    if !throttle::take(conn, &subject, STEP_UP_PACE, accounts.clock.now()).await? {
        return Err(Error::TooManyProofs(STEP_UP_PACE.interval.unsigned_abs()));
    }
    account::credentials_of(conn, passport.account_id).await?.ok_or(Error::AccountGone)
}

/// Checks the password. Runs Argon2 once; no transaction may be open.
///
/// # Errors
/// [`Error::ProofRefused`]; [`Error::Busy`].
pub async fn still_fits(accounts: &Accounts, known: &Credentials, password: Password) -> Result<(), Error> {
    let opened = accounts.key().await?.open(&password_place(known.account_id), &known.password_hash)?;
    let hash = Zeroizing::new(text(&opened)?);
    if accounts.hashing.fits(password, Some(hash)).await? { Ok(()) } else { Err(Error::ProofRefused) }
}

/// Notes the proof in the session.
///
/// # Errors
/// [`Error::SessionOver`] when it ended meanwhile.
pub async fn step_up(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
) -> Result<Live, Error> {
    let now = accounts.clock.now();
    session::prove(conn, passport.session_id, passport.account_id, now).await?.ok_or(Error::SessionOver)
}
