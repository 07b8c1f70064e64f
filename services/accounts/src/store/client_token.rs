//! `client_assertion` and `client_token`: what proved once who a client is, and what it got for it.

use super::session::Ended;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Uses an assertion up; false when it was used before and its time is not over.
pub async fn use_up(
    conn: &mut PgConnection,
    client_id: Uuid,
    id_hash: &[u8; 32],
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let used = sqlx::query!(
        "INSERT INTO client_assertion (client_id, id_hash, until) VALUES ($1, $2, $3)
         ON CONFLICT (client_id, id_hash) DO UPDATE SET until = excluded.until
             WHERE client_assertion.until <= $4",
        client_id,
        &id_hash[..],
        until.to_sqlx(),
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Keeps a token's id.
pub async fn insert(
    conn: &mut PgConnection,
    token_id: Uuid,
    client_id: Uuid,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO client_token (token_id, client_id, expires_at) VALUES ($1, $2, $3)",
        token_id,
        client_id,
        expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a token still counts: it was not taken back, and its client may act.
pub async fn is_live(conn: &mut PgConnection, token_id: Uuid, now: Timestamp) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM client_token t JOIN client c USING (client_id)
               WHERE t.token_id = $1 AND t.ended_at IS NULL AND t.expires_at > $2
                 AND client_acts(c.holder_id, c.disabled_at)
           ) AS "is_live!""#,
        token_id,
        now.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// Takes back tokens of a client that would still count: one of them, or all.
pub async fn end(
    conn: &mut PgConnection,
    client_id: Uuid,
    token_id: Option<Uuid>,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE client_token SET ended_at = $3
         WHERE client_id = $1 AND ($2::uuid IS NULL OR token_id = $2) AND ended_at IS NULL AND expires_at > $3
         RETURNING token_id AS session_id, client_id AS account_id",
        client_id,
        token_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Takes back the tokens of all clients of a holder that would still count.
pub async fn end_of_holder(
    conn: &mut PgConnection,
    holder_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE client_token t SET ended_at = $2 FROM client c
         WHERE c.client_id = t.client_id AND c.holder_id = $1 AND t.ended_at IS NULL AND t.expires_at > $2
         RETURNING t.token_id AS session_id, t.client_id AS account_id",
        holder_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Removes assertions whose time is over: they prove nothing any more.
pub async fn sweep_assertions(
    conn: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM client_assertion WHERE (client_id, id_hash) IN
             (SELECT client_id, id_hash FROM client_assertion WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes tokens that ended by themselves.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM client_token WHERE token_id IN
             (SELECT token_id FROM client_token WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
