//! Signing in.

use super::{Accounts, device, password_place, random, session, text};
use crate::{
    Error,
    domain::{Address, DeviceLabel, DeviceToken, Password, SIGN_IN_PACE, SessionSecret},
    store::{account, account::Credentials, session as sessions, suspension, terms, throttle},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A session that has started.
pub struct Started {
    /// What a passport is minted from.
    pub live: sessions::Live,
    /// Its secret.
    pub secret: SessionSecret,
    /// What the device is known by from now on.
    pub device: DeviceToken,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// An attempt to sign in with an address.
pub struct Attempt {
    email_index: [u8; 32],
    counted_as: [u8; 32],
}

impl Attempt {
    /// What the turns of its address are counted by.
    pub(super) fn counted_as(&self) -> &[u8; 32] {
        &self.counted_as
    }
}

/// What an attempt with an address is looked up and counted as.
///
/// # Errors
/// When the key store is away.
pub async fn attempt(accounts: &Accounts, address: &Address) -> Result<Attempt, Error> {
    let email_index = accounts.index(address).await?;
    let counted_as = accounts.key().await?.mac("sign-in with an address", &email_index);
    Ok(Attempt { email_index, counted_as })
}

/// Lets an attempt through, whether or not the address is known. Whoever comes from a device that the account knows has
/// turns of their own, which nobody else can use up; what a device brings is looked for whether or not there is an account.
///
/// # Errors
/// [`Error::TooManyAttempts`]. Being refused counts for nothing, so the wait never grows.
pub async fn admit_attempt(
    accounts: &Accounts,
    conn: &mut PgConnection,
    attempt: &mut Attempt,
    found: Option<&Credentials>,
    device: Option<&DeviceToken>,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let account_id = found.map_or(Uuid::nil(), |found| found.account_id);
    if let Some(hash) = device::known(accounts, conn, account_id, device).await? {
        attempt.counted_as = from(accounts, &hash).await?;
    }
    if throttle::take(conn, &attempt.counted_as, SIGN_IN_PACE, now).await? {
        Ok(())
    } else {
        Err(Error::TooManyAttempts(SIGN_IN_PACE.interval.unsigned_abs()))
    }
}

/// What attempts from a device that an account knows are counted by.
pub(super) async fn from(accounts: &Accounts, device_hash: &[u8; 32]) -> Result<[u8; 32], Error> {
    Ok(accounts.key().await?.mac("sign-in from a known device", device_hash))
}

/// What an attempt is checked against, if the address is known.
///
/// # Errors
/// When the database fails.
pub async fn credentials(conn: &mut PgConnection, attempt: &Attempt) -> Result<Option<Credentials>, Error> {
    Ok(account::credentials(conn, &attempt.email_index).await?)
}

/// Checks a password. Runs Argon2 once whatever was found; needs no transaction.
///
/// # Errors
/// [`Error::SignInRefused`] without saying why; [`Error::Busy`].
pub async fn prove(
    accounts: &Accounts,
    found: Option<Credentials>,
    password: Password,
) -> Result<Credentials, Error> {
    let key = accounts.key().await?;
    let hash = match &found {
        Some(found) => {
            let opened = key.open(&password_place(found.account_id), &found.password_hash)?;
            Some(Zeroizing::new(text(&opened)?))
        }
        None => None,
    };
    let fits = accounts.hashing.fits(password, hash).await?;
    found.filter(|found| fits && found.verified).ok_or(Error::SignInRefused)
}

/// Holds the account of whoever has proven who they are, before anything begins in its name: what ended all its sessions while
/// the password was checked ends this sign-in as well, and what will, waits for it.
///
/// # Errors
/// [`Error::SignInRefused`] when the account has another password or address by now, or is gone.
pub async fn still_proven(
    conn: &mut PgConnection,
    proven: Credentials,
    attempt: &Attempt,
) -> Result<Credentials, Error> {
    let held = account::hold(conn, proven.account_id).await?.ok_or(Error::SignInRefused)?;
    if held.password_hash != proven.password_hash || held.email_index != attempt.email_index {
        return Err(Error::SignInRefused);
    }
    Ok(Credentials { kind: held.kind, ..proven })
}

/// Holds the account of half a sign-in, or of one with a passkey, before anything of it is used up; what it may do.
pub(super) async fn hold(conn: &mut PgConnection, account_id: Uuid) -> Result<String, Error> {
    Ok(account::hold(conn, account_id).await?.ok_or(Error::SignInOver)?.kind)
}

/// Starts a session of an account that has proven who it is, and forgets the failed attempts before.
/// The label is sealed with the account's key by [`seal_label`] before the transaction.
///
/// # Errors
/// [`Error::TooManyAttempts`] after many sign-ins: each costs a run of Argon2, a row, and from elsewhere its owner's attention.
pub async fn start_session(
    accounts: &Accounts,
    conn: &mut PgConnection,
    proven: Credentials,
    attempt: &Attempt,
    label: &session::SealedLabel,
    device: Option<&DeviceToken>,
) -> Result<Started, Error> {
    throttle::clear(conn, &attempt.counted_as).await?;
    let by = By { account_id: proven.account_id, kind: proven.kind, strong: false };
    begin(accounts, conn, by, label, device).await
}

/// An account that has proven who it is.
pub(super) struct By {
    /// The account.
    pub(super) account_id: Uuid,
    /// What it may do, as stored.
    pub(super) kind: String,
    /// Whether by two factors.
    pub(super) strong: bool,
}

/// Starts a session of an account that has proven who it is.
pub(super) async fn begin(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: By,
    label: &session::SealedLabel,
    device: Option<&DeviceToken>,
) -> Result<Started, Error> {
    let By { account_id, kind, strong } = by;
    device::admit(accounts, conn, account_id, device).await?;
    let now = accounts.clock.now();
    let secret = SessionSecret::of(random()?);
    let (idle_until, absolute_until) = (now + accounts.sessions.idle(), now + accounts.sessions.absolute());
    let new = sessions::NewSession {
        session_id: label.session_id,
        account_id,
        secret_hash: &secret.hash(),
        device_label: &label.sealed,
        idle_until,
        absolute_until,
        strong,
    };
    sessions::insert(conn, &new, now).await?;
    session::make_room(accounts, conn, account_id, label.session_id).await?;
    let device = device::recognise(accounts, conn, account_id, label, device).await?;
    let suspended = suspension::is_suspended(conn, account_id, now).await?;
    let session_id = label.session_id;
    let terms_due = terms::is_due(conn, account_id, accounts.terms.required()).await?;
    let live = sessions::Live {
        session_id,
        account_id,
        kind,
        proved_at: now,
        strong,
        suspended,
        terms_due,
        secret_since: now,
    };
    Ok(Started { live, secret, device, expires_at: idle_until.min(absolute_until) })
}

/// Seals the label of a session that is about to start. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn seal_label(
    accounts: &Accounts,
    account_id: Uuid,
    label: &DeviceLabel,
) -> Result<session::SealedLabel, Error> {
    let session_id = accounts.ids.next();
    let key = accounts.vault.data_key(account_id).await?;
    let sealed = key.seal(&session::label_place(session_id), label.as_bytes());
    Ok(session::SealedLabel { session_id, sealed })
}
