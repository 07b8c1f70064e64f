//! The log of what was published: one partition a day (UTC), made ahead, dropped after 30 days.

use crate::store;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use sqlx::PgConnection;

/// How long a published event stays in the log.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many days after today have their partition already.
const AHEAD: i64 = 3;

/// The day of an instant, as the log cuts them.
pub(crate) fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Makes the partitions of today and the days ahead, then drops those that are over 30 days old.
/// Cheap when there is nothing to do. A dropped partition's events are gone: the log is no backup.
pub async fn maintain(conn: &mut PgConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    for days in 0..=AHEAD {
        let at = now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        store::make_log_partition(conn, at).await?;
    }
    let oldest = now.saturating_sub(KEPT).unwrap_or(now);
    let dropped = store::drop_log_partitions(conn, oldest).await?;
    if dropped > 0 {
        tracing::info!(dropped, "old days of the event log are gone");
    }
    Ok(())
}
