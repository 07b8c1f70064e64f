//! `security_notice`: what the owner of an account is told about its security.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A notice as it is kept.
pub struct NewNotice {
    /// The notice.
    pub notice_id: Uuid,
    /// Who is told.
    pub account_id: Uuid,
    /// What happened, as stored.
    pub kind: &'static str,
    /// In which session, if in one.
    pub session_id: Option<Uuid>,
}

/// A notice in its owner's list.
pub struct Listed {
    /// The notice.
    pub notice_id: Uuid,
    /// What happened, as stored.
    pub kind: String,
    /// In which session, if in one.
    pub session_id: Option<Uuid>,
    /// When.
    pub happened_at: Timestamp,
}

/// Keeps a notice.
pub async fn insert(conn: &mut PgConnection, new: &NewNotice, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO security_notice (notice_id, account_id, kind, session_id, happened_at)
         VALUES ($1, $2, $3, $4, $5)",
        new.notice_id,
        new.account_id,
        new.kind,
        new.session_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account's notices from before a place, newest first.
pub async fn list(
    conn: &mut PgConnection,
    account_id: Uuid,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        "SELECT notice_id, kind, session_id, happened_at FROM security_notice
         WHERE account_id = $1 AND (happened_at, notice_id) < ($2, $3)
         ORDER BY happened_at DESC, notice_id DESC LIMIT $4",
        account_id,
        before.0.to_sqlx(),
        before.1,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Whether an account was told of a kind since the given time.
pub async fn is_told(
    conn: &mut PgConnection,
    account_id: Uuid,
    kind: &str,
    since: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM security_notice
                          WHERE account_id = $1 AND kind = $2 AND happened_at > $3) AS "is_told!""#,
        account_id,
        kind,
        since.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// Removes notices from before the given time.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM security_notice WHERE notice_id IN
             (SELECT notice_id FROM security_notice WHERE happened_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
