//! `verification`: proofs of an address that wait to be given.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Keeps the hash of a token.
pub async fn insert(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    account_id: Uuid,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO verification (token_hash, account_id, expires_at) VALUES ($1, $2, $3)",
        &token_hash[..],
        account_id,
        expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a token up; false when it is gone or too old.
pub async fn take(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query!(
        "DELETE FROM verification WHERE token_hash = $1 AND expires_at > $2",
        &token_hash[..],
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Makes every token of an account worthless.
pub async fn clear(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM verification WHERE account_id = $1", account_id).execute(conn).await?;
    Ok(())
}

/// Removes tokens that are too old.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM verification WHERE token_hash IN
             (SELECT token_hash FROM verification WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
