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
/// Only a missing today is an error; for the rest, whose locks a long reader may hold up, there is another day.
pub async fn maintain(conn: &mut PgConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    store::make_log_partition(conn, now).await?;
    match look_ahead_and_back(conn, now).await {
        Ok(0) => {}
        Ok(dropped) => tracing::info!(dropped, "old days of the event log are gone"),
        Err(error) => {
            tracing::warn!(%error, "the event log's days ahead and behind have to wait until tomorrow")
        }
    }
    Ok(())
}

async fn look_ahead_and_back(conn: &mut PgConnection, now: Timestamp) -> Result<i32, sqlx::Error> {
    for days in 1..=AHEAD {
        let at = now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        store::make_log_partition(conn, at).await?;
    }
    store::drop_log_partitions(conn, now.saturating_sub(KEPT).unwrap_or(now)).await
}
