//! Forgetting what nobody asks for any more, a limited number of rows at a time.

use crate::error::Error;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

/// Forgets what arrived before a moment, read or not; returns how many items that was.
pub async fn inbox_items(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "DELETE FROM inbox_items WHERE inbox_item_id IN (
             SELECT inbox_item_id FROM inbox_items WHERE created_at < $1 ORDER BY created_at LIMIT $2
             FOR UPDATE SKIP LOCKED)",
        before.to_sqlx() as _,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets what fired or was cancelled before a moment and is in no inbox; returns how many schedules that was.
pub async fn schedules(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "DELETE FROM schedules WHERE schedule_id IN (
             SELECT schedule_id FROM schedules s
             WHERE settled_at < $1 AND NOT EXISTS (SELECT FROM inbox_items i WHERE i.schedule_id = s.schedule_id)
             ORDER BY settled_at LIMIT $2
             FOR UPDATE SKIP LOCKED)",
        before.to_sqlx() as _,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets links that accounts never told of, heard of before a moment, and what waited for them; returns how many links
/// that was.
pub async fn unheard_couples(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, Error> {
    let couples = sqlx::query_scalar!(
        "SELECT couple_id FROM couples WHERE version = 0 AND changed_at < $1 ORDER BY changed_at LIMIT $2
         FOR UPDATE SKIP LOCKED",
        before.to_sqlx() as _,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM schedules WHERE couple_id = ANY ($1)", &couples).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM withdrawn_shares WHERE couple_id = ANY ($1)", &couples)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM couples WHERE couple_id = ANY ($1)", &couples).execute(conn).await?;
    Ok(couples.len() as u64)
}
