//! The authenticator app: proposed with a secret, and counting from its first code on.

use super::{after_loss, may_remove, recovery, secret_place};
use crate::{
    Error,
    app::{Accounts, notice, random, standing},
    domain::{
        NoticeKind, STEP_UP_PACE, Step, TOTP_PROPOSAL_LIFE, TOTP_SECRET_BYTES, Totp, totp_text, totp_uri,
    },
    store::{factor, factor::Factors, session, throttle},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use zeroize::Zeroizing;

/// An app that waits for its first code.
pub struct ProposedApp {
    /// The secret as it is typed.
    pub secret: Zeroizing<String>,
    /// The address that an app reads from a picture.
    pub uri: Zeroizing<String>,
}

/// Proposes an app: the one that this session was shown already, or one with a new secret. Never one that another session
/// was shown: whoever has seen a secret has its codes. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database or the key store is away.
pub async fn begin_app(accounts: &Accounts, passport: &Passport) -> Result<ProposedApp, Error> {
    let (now, account_id) = (accounts.clock.now(), passport.account_id);
    let key = accounts.vault.data_key(account_id).await?;
    let place = secret_place(account_id);
    let mut tx = accounts.pool.begin().await?;
    standing::hold(accounts, &mut tx, passport).await?;
    let waiting = factor::proposed_app(&mut tx, account_id, passport.session_id).await?;
    let secret = match waiting.filter(|app| now < app.created_at + TOTP_PROPOSAL_LIFE) {
        Some(app) => key.open(&place, &app.secret)?,
        None => {
            let fresh = Zeroizing::new(random()?);
            let secret = Zeroizing::new(fresh[..TOTP_SECRET_BYTES].to_vec());
            let sealed = key.seal(&place, &secret);
            factor::propose_app(&mut tx, account_id, passport.session_id, &sealed, now).await?;
            secret
        }
    };
    tx.commit().await?;
    Ok(ProposedApp { secret: totp_text(&secret), uri: totp_uri(&secret, accounts.host()) })
}

/// Takes a turn of the session for a first code.
///
/// # Errors
/// [`Error::TooManyProofs`].
pub async fn admit_confirmation(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
) -> Result<(), Error> {
    let subject = accounts.key().await?.mac("first code in a session", passport.session_id.as_bytes());
    if throttle::take(conn, &subject, STEP_UP_PACE, accounts.clock.now()).await? {
        Ok(())
    } else {
        Err(Error::TooManyProofs(STEP_UP_PACE.interval.unsigned_abs()))
    }
}

/// An app whose first code was right.
pub struct PreparedApp {
    sealed: Vec<u8>,
    step: Step,
}

/// Checks the first code of the app that waits. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::NoAppWaits`]; [`Error::ProofRefused`].
pub async fn prepare_app(accounts: &Accounts, passport: &Passport, code: &str) -> Result<PreparedApp, Error> {
    let (now, account_id) = (accounts.clock.now(), passport.account_id);
    let mut conn = accounts.pool.acquire().await?;
    let waiting = factor::proposed_app(&mut conn, account_id, passport.session_id).await?;
    drop(conn);
    let waiting = waiting.filter(|app| now < app.created_at + TOTP_PROPOSAL_LIFE).ok_or(Error::NoAppWaits)?;
    let key = accounts.vault.data_key(account_id).await?;
    let secret = key.open(&secret_place(account_id), &waiting.secret)?;
    let step = Totp::of(&secret).and_then(|totp| totp.step(code, now)).ok_or(Error::ProofRefused)?;
    Ok(PreparedApp { sealed: waiting.secret, step })
}

/// Lets the app count. The session it was set up in has proven two factors by that; with the first factor come recovery
/// codes. Where it takes the place of another, other sessions end unless they are to go on.
///
/// # Errors
/// [`Error::NoAppWaits`] when another one was proposed meanwhile; [`Error::SessionOver`]; [`Error::ProofTooWeak`].
pub async fn confirm_app(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    prepared: &PreparedApp,
    others_go_on: bool,
) -> Result<Option<recovery::FreshCodes>, Error> {
    let account_id = passport.account_id;
    standing::hold(accounts, conn, passport).await?;
    let before = factor::of(conn, account_id).await?;
    if !factor::confirm_app(conn, account_id, &prepared.sealed, prepared.step.0).await? {
        return Err(Error::NoAppWaits);
    }
    if !session::strengthen(conn, passport.session_id, account_id).await? {
        return Err(Error::SessionOver);
    }
    if before.totp {
        after_loss(accounts, conn, passport, others_go_on).await?;
    }
    notice::tell(accounts, conn, account_id, NoticeKind::AppAdded, Some(passport.session_id)).await?;
    recovery::first_codes(conn, account_id, before).await
}

/// Takes the app away. Other sessions end unless they are to go on.
///
/// # Errors
/// [`Error::NoSuchFactor`]; [`Error::PasswordTooShortAlone`]; [`Error::SessionOver`]; [`Error::ProofTooWeak`].
pub async fn remove_app(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    others_go_on: bool,
) -> Result<(), Error> {
    let account_id = passport.account_id;
    standing::hold(accounts, conn, passport).await?;
    let before = factor::of(conn, account_id).await?;
    if before.totp {
        may_remove(conn, account_id, Factors { totp: false, ..before }).await?;
    }
    if !factor::remove_app(conn, account_id).await? {
        return Err(Error::NoSuchFactor);
    }
    after_loss(accounts, conn, passport, others_go_on).await?;
    notice::tell(accounts, conn, account_id, NoticeKind::AppRemoved, Some(passport.session_id)).await
}
