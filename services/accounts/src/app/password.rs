//! Passwords after the first: changed by whoever is signed in, or set anew with a link from a mail.

use super::{
    Accounts, Checked, device, email_place, factor, notice, password_place,
    session::{self, SealedLabel},
    sign_in::seal_label,
    standing, text,
};
use crate::{
    Error,
    domain::{
        DeviceLabel, DeviceToken, FACTOR_PACE, NEW_PASSWORD_PACE, NoticeKind, Password, Personal, ResetToken,
    },
    store::{email_change, factor as factors, pending_sign_in, reset, security, throttle},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What is wrong with a new password is said of this field.
const FIELD: &str = "new_password";

/// A new password, hashed and sealed.
pub struct NewHash {
    account_id: Uuid,
    sealed: Vec<u8>,
    stands_alone: bool,
}

/// Judges, hashes and seals the new password of somebody who is signed in. Runs Argon2 once; no transaction may be open.
///
/// # Errors
/// [`Error::Invalid`] for one that is easily guessed; [`Error::TooManyAttempts`]; [`Error::AccountGone`]; [`Error::Busy`].
pub async fn prepare_password(
    accounts: &Accounts,
    account_id: Uuid,
    password: Password,
) -> Result<NewHash, Error> {
    let (found, factors) = {
        let mut conn = accounts.pool.acquire().await?;
        admit(accounts, &mut conn, account_id.as_bytes()).await?;
        (security::get(&mut conn, account_id).await?, factors::of(&mut conn, account_id).await?)
    };
    let found = found.ok_or(Error::AccountGone)?;
    if !factors.any() {
        password.must_stand_alone(FIELD)?;
    }
    hash(accounts, account_id, &found.email, password).await
}

/// Takes a turn of whoever chooses a new password: an account, or the bearer of a link.
async fn admit(accounts: &Accounts, conn: &mut PgConnection, whose: &[u8]) -> Result<(), Error> {
    let subject = accounts.key().await?.mac("new passwords", whose);
    if throttle::take(conn, &subject, NEW_PASSWORD_PACE, accounts.clock.now()).await? {
        Ok(())
    } else {
        Err(Error::TooManyAttempts(NEW_PASSWORD_PACE.interval.unsigned_abs()))
    }
}

async fn hash(
    accounts: &Accounts,
    account_id: Uuid,
    email: &[u8],
    password: Password,
) -> Result<NewHash, Error> {
    let opened = accounts.vault.data_key(account_id).await?.open(&email_place(account_id), email)?;
    let address = Zeroizing::new(text(&opened)?);
    let stands_alone = password.stands_alone();
    let hash = accounts.hashing.choose(FIELD, password, Personal::of_address(&address)).await?;
    let sealed = accounts.key().await?.seal(&password_place(account_id), hash.as_bytes());
    Ok(NewHash { account_id, sealed, stands_alone })
}

/// Puts a new password in the place of the one before. Other sessions end unless they are to go on.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database fails.
pub async fn change_password(
    accounts: &Accounts,
    conn: &mut PgConnection,
    new: &NewHash,
    passport: &Passport,
    others_go_on: bool,
) -> Result<(), Error> {
    let session_id = Some(passport.session_id);
    standing::hold(accounts, conn, passport).await?;
    set(accounts, conn, new).await?;
    if !others_go_on {
        session::end_all(accounts, conn, new.account_id, session_id).await?;
    }
    notice::tell(accounts, conn, new.account_id, NoticeKind::PasswordChanged, session_id).await
}

/// Sets the password of an account that is held, and makes worthless what was begun with the one before.
async fn set(accounts: &Accounts, conn: &mut PgConnection, new: &NewHash) -> Result<(), Error> {
    // Looked at again: the factor that a short password stands beside may be gone.
    if !new.stands_alone && !factors::of(conn, new.account_id).await?.any() {
        return Err(Error::PasswordTooShortAlone);
    }
    device::start_afresh(accounts, conn, new.account_id).await?;
    let now = accounts.clock.now();
    security::set_password(conn, new.account_id, &new.sealed, new.stands_alone, now).await?;
    reset::clear(conn, new.account_id).await?;
    factors::withdraw_app(conn, new.account_id).await?;
    email_change::clear(conn, new.account_id).await?;
    Ok(pending_sign_in::clear(conn, new.account_id).await?)
}

/// What the bearer of a link from a mail chooses.
pub struct Choice {
    /// The new password.
    pub password: Password,
    /// What they will know this device by.
    pub label: DeviceLabel,
    /// What it brought, if it was known to anybody here.
    pub device: Option<DeviceToken>,
}

/// A link from a mail, what its bearer chose, and their second factor.
pub struct Reset {
    token_hash: [u8; 32],
    new: NewHash,
    checked: Option<Checked>,
    label: SealedLabel,
    device: Option<DeviceToken>,
}

/// Looks a link up, checks the second factor where there is one, and judges, hashes and seals the new password. Argon2 runs
/// only for a link that is good: nobody guesses 256 random bits, so its speed tells nothing. No transaction may be open.
///
/// # Errors
/// [`Error::ResetNotFound`]; [`Error::SecondFactorMissing`] and [`Error::CodeRefused`], after which the link is still
/// good; [`Error::Invalid`] for a password that is too short or easily guessed; [`Error::Busy`].
pub async fn prepare_reset(
    accounts: &Accounts,
    token: &ResetToken,
    Choice { password, label, device }: Choice,
    code: &str,
) -> Result<Reset, Error> {
    let token_hash = token.hash();
    let (found, factors) = {
        let mut conn = accounts.pool.acquire().await?;
        let found = reset::find(&mut conn, &token_hash, accounts.clock.now()).await?;
        let found = found.ok_or(Error::ResetNotFound)?;
        admit(accounts, &mut conn, &token_hash).await?;
        let factors = factors::of(&mut conn, found.account_id).await?;
        (found, factors)
    };
    let checked = if factors.any() {
        Some(check_code(accounts, found.account_id, code).await?)
    } else {
        password.must_stand_alone(FIELD)?;
        None
    };
    let new = hash(accounts, found.account_id, &found.email, password).await?;
    let label = seal_label(accounts, found.account_id, &label).await?;
    Ok(Reset { token_hash, new, checked, label, device })
}

/// Whoever reads the mail shows the second factor too. The turns are those of resets alone: a partner who has the mail
/// must not be able to use up those of a sign-in.
async fn check_code(accounts: &Accounts, account_id: Uuid, code: &str) -> Result<Checked, Error> {
    if code.trim().is_empty() {
        return Err(Error::SecondFactorMissing);
    }
    let subject = accounts.key().await?.mac("second factor at a reset", account_id.as_bytes());
    {
        let mut conn = accounts.pool.acquire().await?;
        factor::admit_code(accounts, &mut conn, account_id, &subject, FACTOR_PACE).await?;
    }
    factor::check_code(accounts, account_id, code).await
}

/// Sets the password anew. Whoever was signed in anywhere is so no more, and of all devices only this one is known: its bearer,
/// who has shown the mail and the second factor, signs in there without waiting behind a stranger who takes every other turn.
/// Returns what the device is known by.
///
/// # Errors
/// [`Error::ResetNotFound`] when the link was used meanwhile; [`Error::CodeRefused`] when the code was.
pub async fn reset_password(
    accounts: &Accounts,
    conn: &mut PgConnection,
    prepared: &Reset,
) -> Result<DeviceToken, Error> {
    let (now, account_id) = (accounts.clock.now(), prepared.new.account_id);
    // The account before its tokens, as everywhere.
    if !security::hold(conn, account_id).await? || !reset::take(conn, &prepared.token_hash, now).await? {
        return Err(Error::ResetNotFound);
    }
    match &prepared.checked {
        Some(checked) => factor::use_up(accounts, conn, checked, None).await?,
        // Looked at again: the owner may have set one up since.
        None if factors::of(conn, account_id).await?.any() => return Err(Error::SecondFactorMissing),
        None => {}
    }
    set(accounts, conn, &prepared.new).await?;
    session::end_all(accounts, conn, account_id, None).await?;
    notice::tell(accounts, conn, account_id, NoticeKind::PasswordReset, None).await?;
    device::welcome(accounts, conn, account_id, &prepared.label, prepared.device.as_ref()).await
}
