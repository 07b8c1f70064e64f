//! Devices that an account knows: whoever signs in from another is told of to the owner, who sees and forgets them.

use super::{
    Accounts, notice, random,
    session::{SealedLabel, label_place},
    sign_in, standing, text,
};
use crate::{
    Error,
    domain::{
        DEVICE_LIFE, DeviceToken, FIRST_WITHIN, KNOWN_DEVICE_PACE, MOST_DEVICES, NoticeKind,
        UNKNOWN_DEVICE_PACE,
    },
    store::{
        known_device::{self, Seen},
        throttle,
    },
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// A device as its owner sees it.
pub struct OwnDevice {
    /// The device.
    pub device_id: Uuid,
    /// What its owner knows it by, as it called itself at the newest sign-in.
    pub label: String,
    /// The newest session that began there.
    pub session_id: Uuid,
    /// Since when it is known.
    pub created_at: Timestamp,
    /// When somebody signed in there last.
    pub used_at: Timestamp,
}

/// What tells devices of an account from each other, if one was brought that it knows.
pub(super) async fn known(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    brought: Option<&DeviceToken>,
) -> Result<Option<[u8; 32]>, Error> {
    let Some(brought) = brought else { return Ok(None) };
    let hash = brought.hash_with(account_id);
    Ok(known_device::is_known(conn, account_id, &hash, accounts.clock.now()).await?.then_some(hash))
}

/// Takes a turn of a sign-in that is proven. A known device has turns of its own, which nobody else can use up.
///
/// # Errors
/// [`Error::TooManyAttempts`].
pub(super) async fn admit(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    brought: Option<&DeviceToken>,
) -> Result<(), Error> {
    let (subject, pace) = match known(accounts, conn, account_id, brought).await? {
        Some(hash) => (from(accounts, &hash).await?, KNOWN_DEVICE_PACE),
        None => (elsewhere(accounts, account_id).await?, UNKNOWN_DEVICE_PACE),
    };
    if throttle::take(conn, &subject, pace, accounts.clock.now()).await? {
        Ok(())
    } else {
        Err(Error::TooManyAttempts(pace.interval.unsigned_abs()))
    }
}

/// Forgets how often somebody signed in from elsewhere: whoever did so has another password to find now.
pub(super) async fn start_afresh(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<(), Error> {
    Ok(throttle::clear(conn, &elsewhere(accounts, account_id).await?).await?)
}

async fn elsewhere(accounts: &Accounts, account_id: Uuid) -> Result<[u8; 32], Error> {
    Ok(accounts.key().await?.mac("sign-ins from unknown devices", account_id.as_bytes()))
}

async fn from(accounts: &Accounts, device_hash: &[u8; 32]) -> Result<[u8; 32], Error> {
    Ok(accounts.key().await?.mac("sign-ins from a known device", device_hash))
}

/// Makes the device known where somebody set a password anew, as the only one. What was tried there before, be it by its owner
/// who did not remember, holds up no sign-in. Its label is sealed for a session that never is, so nothing but this row has that
/// id. Tells nobody: that the password was set anew is told.
pub(super) async fn welcome(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    label: &SealedLabel,
    brought: Option<&DeviceToken>,
) -> Result<DeviceToken, Error> {
    let device = brought_or_new(brought)?;
    let device_hash = device.hash_with(account_id);
    note(accounts, conn, account_id, label, &device_hash).await?;
    for subject in [sign_in::from(accounts, &device_hash).await?, from(accounts, &device_hash).await?] {
        throttle::clear(conn, &subject).await?;
    }
    Ok(device)
}

/// Notes that a session began on a device, and tells the owner where the account did not know it, unless it is the first of
/// all. The session is kept by then, and by that the account is held before its devices. Returns what the device is known
/// by: what it brought, or something new.
pub(super) async fn recognise(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    label: &SealedLabel,
    brought: Option<&DeviceToken>,
) -> Result<DeviceToken, Error> {
    let since = accounts.clock.now() - FIRST_WITHIN;
    let is_first = known_device::is_untouched(conn, account_id, label.session_id, since).await?;
    let device = brought_or_new(brought)?;
    if !note(accounts, conn, account_id, label, &device.hash_with(account_id)).await? {
        known_device::trim(conn, account_id, label.session_id, MOST_DEVICES - 1).await?;
        if !is_first {
            notice::tell(accounts, conn, account_id, NoticeKind::DeviceAdded, Some(label.session_id)).await?;
        }
    }
    Ok(device)
}

fn brought_or_new(brought: Option<&DeviceToken>) -> Result<DeviceToken, Error> {
    match brought {
        Some(brought) => Ok(brought.clone()),
        None => Ok(DeviceToken::of(random()?)),
    }
}

/// False when the account did not know the device until now.
async fn note(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    label: &SealedLabel,
    device_hash: &[u8; 32],
) -> Result<bool, Error> {
    let now = accounts.clock.now();
    let seen = Seen {
        device_id: accounts.ids.next(),
        account_id,
        device_hash,
        session_id: label.session_id,
        device_label: &label.sealed,
        at: now,
        expires_at: now + DEVICE_LIFE,
    };
    Ok(known_device::note(conn, &seen).await?)
}

/// The devices that an account knows, the one that was signed in from last first. Asks the vault, so no transaction may be
/// open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn list_devices(accounts: &Accounts, account_id: Uuid) -> Result<Vec<OwnDevice>, Error> {
    let now = accounts.clock.now();
    let listed = known_device::list(&mut *accounts.pool.acquire().await?, account_id, now).await?;
    let key = accounts.vault.data_key(account_id).await?;
    let own = listed.into_iter().map(|row| {
        Ok(OwnDevice {
            device_id: row.device_id,
            label: text(&key.open(&label_place(row.session_id), &row.device_label)?)?,
            session_id: row.session_id,
            created_at: row.created_at,
            used_at: row.used_at,
        })
    });
    own.collect()
}

/// Forgets a device of the account: the next sign-in there is one from elsewhere. Sessions there go on.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; [`Error::DeviceNotFound`] when there is none, or it is somebody else's.
pub async fn forget_device(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    device_id: Uuid,
) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    if known_device::forget(conn, by.account_id, device_id).await? {
        Ok(())
    } else {
        Err(Error::DeviceNotFound)
    }
}
