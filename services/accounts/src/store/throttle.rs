//! `throttle`: how often something may happen to one subject, as the time its next turn is free.

use crate::domain::Pace;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

/// Takes a turn; false when none is free. A refusal changes nothing, so asking never makes the wait longer; but
/// a free turn goes to whoever asks first.
pub async fn take(
    conn: &mut PgConnection,
    subject: &[u8; 32],
    pace: Pace,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query!(
        "INSERT INTO throttle (subject, free_at) VALUES ($1, $2)
         ON CONFLICT (subject) DO UPDATE
             SET free_at = GREATEST(throttle.free_at, $3) + ($2::timestamptz - $3::timestamptz)
             WHERE throttle.free_at <= $4",
        &subject[..],
        (now + pace.interval).to_sqlx(),
        now.to_sqlx(),
        (now + pace.tolerance()).to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Takes a turn in any case and says how far ahead of the free ones it lies: a time in the past is now.
pub async fn reserve(
    conn: &mut PgConnection,
    subject: &[u8; 32],
    pace: Pace,
    now: Timestamp,
) -> Result<Timestamp, sqlx::Error> {
    let free_at = sqlx::query_scalar!(
        "INSERT INTO throttle (subject, free_at) VALUES ($1, $2)
         ON CONFLICT (subject) DO UPDATE
             SET free_at = GREATEST(throttle.free_at, $3) + ($2::timestamptz - $3::timestamptz)
         RETURNING free_at",
        &subject[..],
        (now + pace.interval).to_sqlx(),
        now.to_sqlx(),
    )
    .fetch_one(conn)
    .await?;
    Ok(free_at.to_jiff() - pace.interval - pace.tolerance())
}

/// Forgets what was counted.
pub async fn clear(conn: &mut PgConnection, subject: &[u8; 32]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM throttle WHERE subject = $1", &subject[..]).execute(conn).await?;
    Ok(())
}

/// Removes what no longer holds anybody back.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM throttle WHERE subject IN
             (SELECT subject FROM throttle WHERE free_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
