//! Devices that an account knows: whoever signs in from another is told of to the owner, who sees and forgets them.

use super::{
    Accounts, notice, random,
    session::{SealedLabel, label_place},
    standing, text,
};
use crate::{
    Error,
    domain::{DEVICE_LIFE, DeviceToken, FIRST_WITHIN, MOST_DEVICES, NoticeKind},
    store::known_device::{self, Seen},
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
    let now = accounts.clock.now();
    let is_first = known_device::is_untouched(conn, account_id, label.session_id, now - FIRST_WITHIN).await?;
    let device = match brought {
        Some(brought) => brought.clone(),
        None => DeviceToken::of(random()?),
    };
    let seen = Seen {
        device_id: accounts.ids.next(),
        account_id,
        device_hash: &device.hash_with(account_id),
        session_id: label.session_id,
        device_label: &label.sealed,
        at: now,
        expires_at: now + DEVICE_LIFE,
    };
    if !known_device::note(conn, &seen).await? {
        known_device::trim(conn, account_id, MOST_DEVICES).await?;
        if !is_first {
            notice::tell(accounts, conn, account_id, NoticeKind::DeviceAdded, Some(label.session_id)).await?;
        }
    }
    Ok(device)
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
