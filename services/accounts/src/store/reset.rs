//! `password_reset`: links that let a password be set anew.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Whose password a link sets.
pub struct Resettable {
    /// The account.
    pub account_id: Uuid,
    /// Its address, sealed.
    pub email: Vec<u8>,
}

/// Keeps the hash of a token.
pub async fn insert(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    account_id: Uuid,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO password_reset (token_hash, account_id, expires_at) VALUES ($1, $2, $3)",
        &token_hash[..],
        account_id,
        expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose password a token sets, while it is good.
pub async fn find(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Resettable>, sqlx::Error> {
    sqlx::query_as!(
        Resettable,
        "SELECT account_id, a.email FROM password_reset r JOIN account a USING (account_id)
         WHERE r.token_hash = $1 AND r.expires_at > $2 AND a.verified_at IS NOT NULL",
        &token_hash[..],
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Uses a token up; false when it is gone or too old.
pub async fn take(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query!(
        "DELETE FROM password_reset WHERE token_hash = $1 AND expires_at > $2",
        &token_hash[..],
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Makes every token of an account worthless.
pub async fn clear(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM password_reset WHERE account_id = $1", account_id).execute(conn).await?;
    Ok(())
}

/// Removes tokens that are too old.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM password_reset WHERE token_hash IN
             (SELECT token_hash FROM password_reset WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
