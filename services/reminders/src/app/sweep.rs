//! Forgetting what nobody asks for any more.

use crate::error::Error;
use crate::store::sweep;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

/// How long what arrived, fired or was cancelled is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long something waits for accounts to tell of its link.
const WAITS: SignedDuration = SignedDuration::from_hours(40 * 24);

/// Forgets at most `limit` of each kind of what is over: inbox items and schedules of more than a year ago, and links
/// that nobody told of for 40 days, with what waited for them. Returns the largest of the numbers.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, Error> {
    let items = sweep::inbox_items(conn, now - KEPT, limit).await?;
    let schedules = sweep::schedules(conn, now - KEPT, limit).await?;
    let couples = sweep::unheard_couples(conn, now - WAITS, limit).await?;
    Ok(items.max(schedules).max(couples))
}
