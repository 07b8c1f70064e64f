//! `pending_sign_in`: whoever gave the right password and not yet their second factor.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Half a sign-in.
pub struct Pending {
    /// The account.
    pub account_id: Uuid,
    /// What the session will be.
    pub session_id: Uuid,
    /// What its owner knows the device by, sealed.
    pub device_label: Vec<u8>,
    /// What an attempt with the address is counted as.
    pub counted_as: Vec<u8>,
}

/// Half a sign-in as it is kept.
pub struct NewPending<'a> {
    /// The hash of what its bearer holds.
    pub token_hash: &'a [u8; 32],
    /// The account.
    pub account_id: Uuid,
    /// What the session will be.
    pub session_id: Uuid,
    /// What its owner knows the device by, sealed.
    pub device_label: &'a [u8],
    /// What an attempt with the address is counted as.
    pub counted_as: &'a [u8; 32],
    /// It is good until then.
    pub expires_at: Timestamp,
}

/// Keeps half a sign-in.
pub async fn insert(conn: &mut PgConnection, new: &NewPending<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO pending_sign_in (token_hash, account_id, session_id, device_label, counted_as, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &new.token_hash[..],
        new.account_id,
        new.session_id,
        new.device_label,
        &new.counted_as[..],
        new.expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The half that a token belongs to, while it is good.
pub async fn find(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Pending>, sqlx::Error> {
    sqlx::query_as!(
        Pending,
        "SELECT account_id, session_id, device_label, counted_as FROM pending_sign_in
         WHERE token_hash = $1 AND expires_at > $2",
        &token_hash[..],
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Uses a half up; false when it was used already.
pub async fn take(conn: &mut PgConnection, token_hash: &[u8; 32]) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query!("DELETE FROM pending_sign_in WHERE token_hash = $1", &token_hash[..])
        .execute(conn)
        .await?;
    Ok(taken.rows_affected() == 1)
}

/// Makes every half of an account worthless: the password it was begun with is another now.
pub async fn clear(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM pending_sign_in WHERE account_id = $1", account_id).execute(conn).await?;
    Ok(())
}

/// Removes those that are too old.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM pending_sign_in WHERE token_hash IN
             (SELECT token_hash FROM pending_sign_in WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
