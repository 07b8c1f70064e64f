//! Proving again who one is, in the middle of a session: asked before what cannot be undone.

use super::{Accounts, Checked, factor, password_place, text};
use crate::{
    Error,
    domain::{Password, STEP_UP_PACE},
    store::{account, account::Credentials, factor as factors, session, session::Live},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use zeroize::Zeroizing;

/// What somebody who is signed in proves themself with.
pub struct KnownPerson {
    credentials: Credentials,
    has_factor: bool,
}

/// Takes a turn of the session, and finds what its person proves themself with.
///
/// # Errors
/// [`Error::TooManyProofs`]; [`Error::AccountGone`]; or the database or the key store is away.
pub async fn admit_step_up(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
) -> Result<KnownPerson, Error> {
    let subject = accounts.key().await?.mac("proof in a session", passport.session_id.as_bytes());
    factor::admit_code(accounts, conn, passport.account_id, &subject, STEP_UP_PACE).await?;
    let credentials = account::credentials_of(conn, passport.account_id).await?.ok_or(Error::AccountGone)?;
    let has_factor = factors::of(conn, passport.account_id).await?.any();
    Ok(KnownPerson { credentials, has_factor })
}

/// Checks the password. Runs Argon2 once; no transaction may be open.
///
/// # Errors
/// [`Error::ProofRefused`]; [`Error::Busy`].
pub async fn still_fits(accounts: &Accounts, known: &KnownPerson, password: Password) -> Result<(), Error> {
    let Credentials { account_id, password_hash, .. } = &known.credentials;
    let opened = accounts.key().await?.open(&password_place(*account_id), password_hash)?;
    let hash = Zeroizing::new(text(&opened)?);
    if accounts.hashing.fits(password, Some(hash)).await? { Ok(()) } else { Err(Error::ProofRefused) }
}

/// Checks the code where there is a second factor. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::CodeMissing`]; [`Error::ProofRefused`].
pub async fn show_code(
    accounts: &Accounts,
    known: &KnownPerson,
    code: &str,
) -> Result<Option<Checked>, Error> {
    match (known.has_factor, code.trim().is_empty()) {
        (false, _) => Ok(None),
        (true, true) => Err(Error::CodeMissing),
        (true, false) => {
            factor::check_code(accounts, known.credentials.account_id, code).await.map(Some).map_err(refused)
        }
    }
}

/// Notes the proof in the session.
///
/// # Errors
/// [`Error::ProofRefused`] when the code was used before; [`Error::SessionOver`] when it ended meanwhile.
pub async fn step_up(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    checked: Option<&Checked>,
) -> Result<Live, Error> {
    if let Some(checked) = checked {
        factor::use_up(accounts, conn, checked, Some(passport.session_id)).await.map_err(refused)?;
    }
    let (now, strong) = (accounts.clock.now(), checked.is_some());
    let (session_id, account_id) = (passport.session_id, passport.account_id);
    let required = accounts.terms.required();
    let live = session::prove(conn, session_id, account_id, strong, now, required).await?;
    live.ok_or(Error::SessionOver)
}

/// Whoever is signed in is told that it did not fit, not that they are not signed in.
fn refused(error: Error) -> Error {
    match error {
        Error::CodeRefused => Error::ProofRefused,
        other => other,
    }
}
