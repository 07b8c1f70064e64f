//! Erasing what the audit says of a person.

use super::{Record, record};
use crate::{
    Error,
    app::Accounts,
    domain::audit::{Action, Actor, Details, Subject},
    store::audit,
};
use sqlx::PgConnection;
use uuid::Uuid;

/// Erases salt and content of every record of what an account did, or what was done to it. The commitments stay, and
/// with them the chain; without their salts they say nothing. How many it were is recorded, so that nobody can take
/// content away by hand and call it an erasure; it is returned as well.
///
/// # Errors
/// When the database fails.
pub async fn forget_account(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<u64, Error> {
    let erased = audit::forget_account(conn, account_id).await?;
    account_for(accounts, conn, erased).await
}

/// Erases salt and content of records that go with what they are about, as [`forget_account`] does.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn forget(
    accounts: &Accounts,
    conn: &mut PgConnection,
    record_ids: &[Uuid],
) -> Result<u64, Error> {
    let erased = audit::forget(conn, record_ids).await?;
    account_for(accounts, conn, erased).await
}

async fn account_for(accounts: &Accounts, conn: &mut PgConnection, erased: u64) -> Result<u64, Error> {
    if erased == 0 {
        return Ok(0);
    }
    let what = Record {
        actor: Actor::HOUSE,
        action: Action::RecordsErased,
        // Nobody's id: it must not say whose records they were.
        subject: Subject::thing(accounts.ids.next_opaque()),
        details: Details::none().number("records", i64::try_from(erased).unwrap_or(i64::MAX)),
        note: None,
    };
    record(conn, accounts, what).await?;
    Ok(erased)
}
