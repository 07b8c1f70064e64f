//! `export`: what was asked to be taken along.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// An export that waits or is open.
pub struct Export {
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it opens.
    pub opens_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
    /// How often it was taken.
    pub taken: i32,
}

/// Keeps an export in the place of one that is over; false while there is another.
pub async fn keep(conn: &mut PgConnection, account_id: Uuid, new: &Export) -> Result<bool, sqlx::Error> {
    let kept = sqlx::query!(
        "INSERT INTO export AS kept (account_id, requested_at, opens_at, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id) DO UPDATE
             SET requested_at = excluded.requested_at, opens_at = excluded.opens_at, expires_at = excluded.expires_at,
                 taken = 0
             WHERE kept.expires_at <= excluded.requested_at",
        account_id,
        new.requested_at.to_sqlx() as _,
        new.opens_at.to_sqlx() as _,
        new.expires_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Somebody's export that is not over.
pub async fn of(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<Export>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT requested_at, opens_at, expires_at, taken FROM export WHERE account_id = $1 AND expires_at > $2",
        account_id,
        now.to_sqlx() as _,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Export {
        requested_at: row.requested_at.to_jiff(),
        opens_at: row.opens_at.to_jiff(),
        expires_at: row.expires_at.to_jiff(),
        taken: row.taken,
    }))
}

/// Notes that somebody's export was taken.
pub async fn take(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE export SET taken = taken + 1 WHERE account_id = $1", account_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes an export back; false where there is none that is not over.
pub async fn cancel(conn: &mut PgConnection, account_id: Uuid, now: Timestamp) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM export WHERE account_id = $1 AND expires_at > $2",
        account_id,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected() == 1)
}

/// Removes exports that are over.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM export WHERE account_id IN
             (SELECT account_id FROM export WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx() as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
