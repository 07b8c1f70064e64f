//! `session`: who is signed in where.

use crate::domain::RequiredTerms;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A session as it begins.
pub struct NewSession<'a> {
    /// The session.
    pub session_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// The hash of its secret.
    pub secret_hash: &'a [u8; 32],
    /// What its owner knows the device by, sealed.
    pub device_label: &'a [u8],
    /// It ends unless it is used before this.
    pub idle_until: Timestamp,
    /// It ends then whatever happens.
    pub absolute_until: Timestamp,
    /// Whether a second factor was part of the proof.
    pub strong: bool,
}

/// A session that lives, and the account it speaks for.
pub struct Live {
    /// The session.
    pub session_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// What the account may do, as stored.
    pub kind: String,
    /// When the person last proved who they are.
    pub proved_at: Timestamp,
    /// Whether a second factor was part of a proof.
    pub strong: bool,
    /// Whether the account is suspended.
    pub suspended: bool,
    /// Whether it has yet to accept a legal text.
    pub terms_due: bool,
    /// Since when its secret is the one it is.
    pub secret_since: Timestamp,
}

/// A session in its owner's list.
pub struct Listed {
    /// The session.
    pub session_id: Uuid,
    /// What its owner knows the device by, sealed.
    pub device_label: Vec<u8>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A session that has ended.
pub struct Ended {
    /// The session.
    pub session_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
}

/// Begins a session.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewSession<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO session (session_id, account_id, secret_hash, device_label, created_at, proved_at, used_at,
                              idle_until, absolute_until, strong)
         VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7, $8)",
        new.session_id,
        new.account_id,
        &new.secret_hash[..],
        new.device_label,
        now.to_sqlx(),
        new.idle_until.to_sqlx(),
        new.absolute_until.to_sqlx(),
        new.strong,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The live session of a secret. In the same statement its use is noted, at most once an hour, so that
/// minting passports writes next to nothing.
pub async fn live(
    conn: &mut PgConnection,
    secret_hash: &[u8; 32],
    now: Timestamp,
    idle: SignedDuration,
    required: &RequiredTerms,
) -> Result<Option<Live>, sqlx::Error> {
    sqlx::query_as!(
        Live,
        r#"WITH live AS (
             SELECT s.session_id, s.account_id, a.kind, s.proved_at, s.strong, s.used_at,
                    account_suspended(s.account_id, $2) AS suspended,
                    account_terms_due(s.account_id, $5, $6) AS terms_due,
                    COALESCE(s.secret_since, s.created_at) AS secret_since
             FROM session s JOIN account a USING (account_id)
             WHERE s.secret_hash = $1 AND s.ended_at IS NULL AND LEAST(s.idle_until, s.absolute_until) > $2
         ), noted AS (
             UPDATE session s SET used_at = $2, idle_until = $3 FROM live
             WHERE s.session_id = live.session_id AND live.used_at < $4 AND s.ended_at IS NULL
         )
         SELECT session_id, account_id, kind, proved_at, strong, suspended AS "suspended!",
                terms_due AS "terms_due!", secret_since AS "secret_since!" FROM live"#,
        &secret_hash[..],
        now.to_sqlx() as _,
        (now + idle).to_sqlx(),
        (now - SignedDuration::from_hours(1)).to_sqlx(),
        &required.kinds,
        &required.versions,
    )
    .fetch_optional(conn)
    .await
}

/// Notes that the person of a live session has proven who they are, by two factors or one; `None` when the session is
/// over.
pub async fn prove(
    conn: &mut PgConnection,
    session_id: Uuid,
    account_id: Uuid,
    strong: bool,
    now: Timestamp,
    required: &RequiredTerms,
) -> Result<Option<Live>, sqlx::Error> {
    sqlx::query_as!(
        Live,
        r#"UPDATE session s SET proved_at = GREATEST(s.proved_at, $3), strong = s.strong OR $4 FROM account a
         WHERE s.session_id = $1 AND s.account_id = $2 AND a.account_id = s.account_id AND s.ended_at IS NULL
             AND LEAST(s.idle_until, s.absolute_until) > $3
         RETURNING s.session_id, s.account_id, a.kind, s.proved_at, s.strong,
             account_suspended(s.account_id, $3) AS "suspended!",
             account_terms_due(s.account_id, $5, $6) AS "terms_due!",
             COALESCE(s.secret_since, s.created_at) AS "secret_since!""#,
        session_id,
        account_id,
        now.to_sqlx() as _,
        strong,
        &required.kinds,
        &required.versions
    )
    .fetch_optional(conn)
    .await
}

/// Holds a live session until the transaction ends: whether a second factor was part of a proof in it; `None` when it is
/// over.
pub async fn hold(
    conn: &mut PgConnection,
    session_id: Uuid,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT strong FROM session
         WHERE session_id = $1 AND account_id = $2 AND ended_at IS NULL
             AND LEAST(idle_until, absolute_until) > $3
         FOR UPDATE",
        session_id,
        account_id,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Notes that a second factor was part of a proof in a session; false when the session is over.
pub async fn strengthen(
    conn: &mut PgConnection,
    session_id: Uuid,
    account_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let strong = sqlx::query!(
        "UPDATE session SET strong = true WHERE session_id = $1 AND account_id = $2 AND ended_at IS NULL",
        session_id,
        account_id
    )
    .execute(conn)
    .await?;
    Ok(strong.rows_affected() == 1)
}

/// Notes that no session of an account is proven by a second factor any more: there is none.
pub async fn weaken(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE session SET strong = false WHERE account_id = $1 AND strong", account_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that in no session of an account but one anything is proven by a second factor, nor later than the given time.
pub async fn doubt_others(
    conn: &mut PgConnection,
    account_id: Uuid,
    but: Uuid,
    stale: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE session SET strong = false, proved_at = LEAST(proved_at, $3)
         WHERE account_id = $1 AND session_id <> $2 AND ended_at IS NULL",
        account_id,
        but,
        stale.to_sqlx() as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account's live sessions, newest first.
pub async fn list(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        r#"SELECT session_id, device_label, created_at, LEAST(idle_until, absolute_until) AS "expires_at!"
           FROM session
           WHERE account_id = $1 AND ended_at IS NULL AND LEAST(idle_until, absolute_until) > $2
           ORDER BY session_id DESC"#,
        account_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Ends a session of an account; false when it was over already or is not the account's.
pub async fn end(
    conn: &mut PgConnection,
    session_id: Uuid,
    account_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query!(
        "UPDATE session SET ended_at = $3 WHERE session_id = $1 AND account_id = $2 AND ended_at IS NULL",
        session_id,
        account_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends every session of an account, or every other one, and returns those that were not over.
pub async fn end_all(
    conn: &mut PgConnection,
    account_id: Uuid,
    but: Option<Uuid>,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE session SET ended_at = $3
         WHERE account_id = $1 AND ended_at IS NULL AND ($2::uuid IS NULL OR session_id <> $2)
         RETURNING session_id, account_id",
        account_id,
        but,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Ends the live sessions that began last, beyond the given number besides one, and returns them.
pub async fn trim(
    conn: &mut PgConnection,
    account_id: Uuid,
    newest: Uuid,
    besides: i64,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE session SET ended_at = $4
         WHERE ended_at IS NULL AND session_id IN
             (SELECT session_id FROM session
              WHERE account_id = $1 AND session_id <> $2 AND ended_at IS NULL AND LEAST(idle_until, absolute_until) > $4
              ORDER BY created_at, session_id OFFSET $3)
         RETURNING session_id, account_id",
        account_id,
        newest,
        besides,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Whether an account has, or lately had, a session of that id.
pub async fn exists(
    conn: &mut PgConnection,
    session_id: Uuid,
    account_id: Uuid,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM session WHERE session_id = $1 AND account_id = $2) AS "exists!""#,
        session_id,
        account_id
    )
    .fetch_one(conn)
    .await
}

/// Ends sessions whose time is over and returns them.
pub async fn end_expired(
    conn: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE session SET ended_at = LEAST(idle_until, absolute_until)
         WHERE session_id IN (SELECT session_id FROM session
                              WHERE ended_at IS NULL AND LEAST(idle_until, absolute_until) <= $1
                              LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING session_id, account_id",
        now.to_sqlx(),
        limit
    )
    .fetch_all(conn)
    .await
}

/// Removes sessions that ended before the given time.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM session WHERE session_id IN
             (SELECT session_id FROM session WHERE ended_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
