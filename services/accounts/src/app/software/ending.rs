//! What consents to software end with, or are held by.

use crate::{
    Error,
    app::{Accounts, announce, notice},
    domain::NoticeKind,
    store::{
        access::Epoch,
        software::{self, Ended},
    },
};
use bus::outbox;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Tells that something is open no more, and raises the access epochs with it, so that what was opened before is good for
/// nothing.
pub(super) async fn close(
    accounts: &Accounts,
    conn: &mut PgConnection,
    ended: &[Ended],
    now: Timestamp,
) -> Result<(), Error> {
    if ended.is_empty() {
        return Ok(());
    }
    let (owners, readers): (Vec<_>, Vec<_>) =
        ended.iter().map(|ended| (ended.owner_id, ended.client_id)).unzip();
    let raised = software::raise_all(conn, &owners, &readers).await?;
    let told = ended.iter().map(|ended| announce::software_consent_revoked(&accounts.ids, now, ended, now));
    outbox::append(conn, &told.collect::<Vec<_>>()).await?;
    tell_raised(accounts, conn, &raised, now).await
}

async fn tell_raised(
    accounts: &Accounts,
    conn: &mut PgConnection,
    raised: &[Epoch],
    now: Timestamp,
) -> Result<(), Error> {
    let told = raised.iter().map(|raised| announce::epoch_raised(&accounts.ids, now, raised));
    Ok(outbox::append(conn, &told.collect::<Vec<_>>()).await?)
}

/// Ends what was opened to a counselor's software under care that is over.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn end_of_care(
    accounts: &Accounts,
    conn: &mut PgConnection,
    care_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let ended = software::end_of_care(conn, care_id, now).await?;
    close(accounts, conn, &ended, now).await
}

/// Ends all that somebody opened to software: they want everything of theirs destroyed.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn end_of_owner(
    accounts: &Accounts,
    conn: &mut PgConnection,
    owner_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let ended = software::end_of_owner(conn, owner_id, now).await?;
    close(accounts, conn, &ended, now).await
}

/// Ends all that was opened to a client that was disabled, and tells whoever had opened something.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn disabled(
    accounts: &Accounts,
    conn: &mut PgConnection,
    client_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let ended = software::end_of_client(conn, client_id, now).await?;
    let mut owners: Vec<_> = ended.iter().map(|ended| ended.owner_id).collect();
    owners.sort_unstable();
    owners.dedup();
    // All notices before any epoch: a member who is just leaving holds their account first, then the epochs.
    for owner_id in owners {
        notice::tell(accounts, conn, owner_id, NoticeKind::SoftwareOver, None).await?;
    }
    close(accounts, conn, &ended, now).await
}

/// Closes what is open to a counselor's software, because the counselor is none for now. The consents stay.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn hold_of_counselor(
    accounts: &Accounts,
    conn: &mut PgConnection,
    counselor_id: Uuid,
) -> Result<(), Error> {
    let raised = software::raise_of_counselor(conn, counselor_id).await?;
    tell_raised(accounts, conn, &raised, accounts.clock.now()).await
}

/// Closes what somebody opened to software, because their account is suspended. The consents stay, and open again once that is
/// over, as far as their own time goes.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn hold_of_owner(
    accounts: &Accounts,
    conn: &mut PgConnection,
    owner_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let raised = software::raise_of_owner(conn, owner_id, now).await?;
    tell_raised(accounts, conn, &raised, now).await
}
