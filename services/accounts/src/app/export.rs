//! Taking everything along: when it may be. It opens a day after it was asked for, and its owner is told at once. What is
//! taken is put together by whoever asks, with calls that are the member's own anyhow; nothing of it lies anywhere.

use super::{Accounts, notice, standing};
use crate::{
    Error,
    domain::{EXPORT_OPEN_FOR, EXPORT_WAIT, NoticeKind},
    store::export::{self, Export},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// Asks for everything to be taken along. Where one waits or is open, it stays as it is.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database fails.
pub async fn request_export(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
) -> Result<Export, Error> {
    standing::hold(accounts, conn, by).await?;
    let now = accounts.clock.now();
    let opens_at = now + EXPORT_WAIT;
    let new = Export { requested_at: now, opens_at, expires_at: opens_at + EXPORT_OPEN_FOR, taken: 0 };
    if export::keep(conn, by.account_id, &new).await? {
        notice::tell(accounts, conn, by.account_id, NoticeKind::ExportRequested, Some(by.session_id)).await?;
    }
    // As it is kept: the clock may be finer than the database.
    export::of(conn, by.account_id, now).await?.ok_or(Error::ExportNotFound)
}

/// Calls an export off; without one nothing changes.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database fails.
pub async fn cancel_export(accounts: &Accounts, conn: &mut PgConnection, by: &Passport) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    if export::cancel(conn, by.account_id, accounts.clock.now()).await? {
        notice::tell(accounts, conn, by.account_id, NoticeKind::ExportCancelled, Some(by.session_id)).await?;
    }
    Ok(())
}

/// Somebody's export, if one waits or is open.
///
/// # Errors
/// When the database fails.
pub async fn export_of(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<Option<Export>, Error> {
    Ok(export::of(conn, account_id, accounts.clock.now()).await?)
}

/// Notes that an open export is taken.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; [`Error::ExportNotFound`]; [`Error::ExportNotOpen`].
pub async fn take_export(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
) -> Result<Export, Error> {
    standing::hold(accounts, conn, by).await?;
    let now = accounts.clock.now();
    let found = export::of(conn, by.account_id, now).await?.ok_or(Error::ExportNotFound)?;
    if now < found.opens_at {
        return Err(Error::ExportNotOpen);
    }
    export::take(conn, by.account_id).await?;
    notice::tell(accounts, conn, by.account_id, NoticeKind::ExportTaken, Some(by.session_id)).await?;
    Ok(Export { taken: found.taken + 1, ..found })
}
