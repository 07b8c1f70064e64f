//! What takes the place of a session's secret, and what it was before.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A live session, found by a secret that is, was or will be its own.
pub struct Found {
    /// The session.
    pub session_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// The hash of the secret it has now.
    pub secret_hash: Vec<u8>,
    /// Whether the one that it was found by is to be its next.
    pub is_next: bool,
    /// When the one that it was found by was replaced.
    pub replaced_at: Option<jiff_sqlx::Timestamp>,
}

/// A secret that is to take the place of another.
pub struct Offer<'a> {
    /// The session.
    pub session_id: Uuid,
    /// The hash of the secret that it has.
    pub secret_hash: &'a [u8; 32],
    /// The hash of its next.
    pub next_hash: &'a [u8; 32],
    /// One that was offered later than this still waits to be used, and there is no other.
    pub unless_since: Timestamp,
}

/// Keeps what will take the place of a session's secret; false when the session is over, has another secret, or one waits to
/// be used. One that waited for long is like a former one from now on.
pub async fn offer(conn: &mut PgConnection, offer: &Offer<'_>, now: Timestamp) -> Result<bool, sqlx::Error> {
    let offered = sqlx::query!(
        "WITH before AS MATERIALIZED (
             SELECT session_id, next_secret_hash FROM session
             WHERE session_id = $1 AND secret_hash = $2 AND ended_at IS NULL
               AND (next_secret_at IS NULL OR next_secret_at <= $5)
             FOR UPDATE
         ), former AS (
             INSERT INTO former_session_secret (secret_hash, session_id, replaced_at)
             SELECT next_secret_hash, session_id, $4 FROM before WHERE next_secret_hash IS NOT NULL
         )
         UPDATE session s SET next_secret_hash = $3, next_secret_at = $4
         FROM before WHERE s.session_id = before.session_id",
        offer.session_id,
        &offer.secret_hash[..],
        &offer.next_hash[..],
        now.to_sqlx() as _,
        offer.unless_since.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(offered.rows_affected() == 1)
}

/// Lets an offered secret take the place of its session's. Who comes second waits for the first, and changes nothing.
pub async fn take_over(
    conn: &mut PgConnection,
    next_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH taken AS MATERIALIZED (
             SELECT session_id, secret_hash FROM session
             WHERE next_secret_hash = $1 AND ended_at IS NULL AND LEAST(idle_until, absolute_until) > $2
             FOR UPDATE
         ), former AS (
             INSERT INTO former_session_secret (secret_hash, session_id, replaced_at)
             SELECT secret_hash, session_id, $2 FROM taken
         )
         UPDATE session s SET secret_hash = $1, secret_since = $2, next_secret_hash = NULL, next_secret_at = NULL
         FROM taken WHERE s.session_id = taken.session_id",
        &next_hash[..],
        now.to_sqlx() as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The live session that has, had or will have a secret.
pub async fn find(
    conn: &mut PgConnection,
    secret_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"SELECT s.session_id, s.account_id, s.secret_hash, COALESCE(s.next_secret_hash = $1, false) AS "is_next!",
                  f.replaced_at AS "replaced_at?"
           FROM session s LEFT JOIN former_session_secret f ON f.session_id = s.session_id AND f.secret_hash = $1
           WHERE (s.secret_hash = $1 OR s.next_secret_hash = $1
                  OR s.session_id = (SELECT session_id FROM former_session_secret WHERE secret_hash = $1))
             AND s.ended_at IS NULL AND LEAST(s.idle_until, s.absolute_until) > $2"#,
        &secret_hash[..],
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}
