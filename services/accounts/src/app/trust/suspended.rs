//! What a suspended account can say for itself.

use crate::{
    Error, TrustError,
    app::{Accounts, standing, text},
    domain::{Appeal, SuspensionReason, Testimony},
    store::suspension::{self as store, Stored},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Where an appeal is sealed, under the suspension's own key.
fn appeal_place(suspension_id: Uuid) -> Place<'static> {
    Place { table: "suspension", column: "appeal", row: suspension_id }
}

/// A suspension as whoever is suspended, or an operator, sees it.
pub struct MySuspension {
    /// Why.
    pub reason: SuspensionReason,
    /// How the appeal stands.
    pub appeal_state: Appeal,
    /// What was written with it, or empty.
    pub appeal: String,
    /// All that is not sealed.
    pub stored: Stored,
}

/// An appeal, sealed and not kept yet.
pub struct SealedAppeal {
    suspension_id: Uuid,
    sealed: Vec<u8>,
}

/// The suspension of an account that holds, if there is one. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn my_suspension(accounts: &Accounts, account_id: Uuid) -> Result<Option<MySuspension>, Error> {
    let now = accounts.clock.now();
    let found = store::of_account(&mut *accounts.pool.acquire().await?, account_id, now).await?;
    match found {
        Some(stored) => Ok(Some(open(accounts, stored).await?)),
        None => Ok(None),
    }
}

/// Opens the appeal of a suspension with the suspension's own key.
pub(in crate::app) async fn open(accounts: &Accounts, stored: Stored) -> Result<MySuspension, Error> {
    let suspension_id = stored.suspension_id;
    let appeal = match &stored.appeal {
        Some(sealed) => {
            let key = accounts.vault.data_key(suspension_id).await?;
            text(&key.open(&appeal_place(suspension_id), sealed)?)?
        }
        None => String::new(),
    };
    Ok(MySuspension {
        reason: SuspensionReason::stored(&stored.reason).ok_or(Error::Unreadable)?,
        appeal_state: Appeal::of(stored.appeal.is_some(), stored.appeal_granted),
        appeal,
        stored,
    })
}

/// Seals an appeal under a key of the suspension's own. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`TrustError::NotSuspended`]; [`TrustError::AppealedAlready`]; when the key store is away.
pub async fn seal_appeal(
    accounts: &Accounts,
    account_id: Uuid,
    appeal: &Testimony,
) -> Result<SealedAppeal, Error> {
    let now = accounts.clock.now();
    let found = store::of_account(&mut *accounts.pool.acquire().await?, account_id, now).await?;
    let found = found.ok_or(TrustError::NotSuspended)?;
    if found.appeal.is_some() {
        return Err(TrustError::AppealedAlready.into());
    }
    let suspension_id = found.suspension_id;
    let key = accounts.vault.data_key(suspension_id).await?;
    Ok(SealedAppeal { suspension_id, sealed: key.seal(&appeal_place(suspension_id), appeal.as_bytes()) })
}

/// Keeps an appeal, once for each suspension.
///
/// # Errors
/// [`Error::SessionOver`]; [`TrustError::AppealedAlready`] where there is one, or the suspension is over by now.
pub async fn appeal(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    appeal: &SealedAppeal,
) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    let (id, now) = (appeal.suspension_id, accounts.clock.now());
    if store::appeal(conn, id, by.account_id, &appeal.sealed, now).await? {
        Ok(())
    } else {
        Err(TrustError::AppealedAlready.into())
    }
}
