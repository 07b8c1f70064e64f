//! The keys of reports and suspensions: destroyed with what they seal.

use crate::{
    Error,
    app::Accounts,
    domain::{REPORTS_KEPT, UNDECIDED_KEPT},
    store::{report, suspension},
};
use uuid::Uuid;

/// Reports and suspensions removed at a time.
const AT_A_TIME: i64 = 200;

/// The keys of reports by somebody and about them, and of their appeals: they go with the person.
///
/// # Errors
/// When the database fails.
pub async fn keys_of(accounts: &Accounts, account_id: Uuid) -> Result<Vec<Uuid>, Error> {
    let mut conn = accounts.pool.acquire().await?;
    let mut keys = report::of_account(&mut conn, account_id).await?;
    keys.extend(suspension::with_keys(&mut conn, account_id).await?);
    Ok(keys)
}

/// Removes reports and suspensions whose time is over, some at a time: first the key, so that nothing is left readable
/// whatever comes in between. Returns how many.
///
/// # Errors
/// When the database or the key store fails.
pub async fn destroy_over(accounts: &Accounts) -> Result<usize, Error> {
    let now = accounts.clock.now();
    let (reports, suspensions) = {
        let mut conn = accounts.pool.acquire().await?;
        let reports =
            report::over(&mut conn, now - REPORTS_KEPT, now - UNDECIDED_KEPT, now, AT_A_TIME).await?;
        (reports, suspension::over(&mut conn, now - REPORTS_KEPT, AT_A_TIME).await?)
    };
    for (id, own_key) in reports.iter().chain(&suspensions) {
        if *own_key {
            accounts.vault.shred(*id).await?;
        }
    }
    let ids = |of: &[(Uuid, bool)]| of.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    let mut conn = accounts.pool.acquire().await?;
    report::remove_all(&mut conn, &ids(&reports)).await?;
    suspension::remove_all(&mut conn, &ids(&suspensions)).await?;
    Ok(reports.len() + suspensions.len())
}
