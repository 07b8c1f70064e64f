//! `suspension`: which accounts are suspended. Whether one is at a moment is decided by `account_suspended`.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A suspension as it begins.
pub struct NewSuspension {
    /// Its id.
    pub suspension_id: Uuid,
    /// Who is suspended.
    pub account_id: Uuid,
    /// The report that it follows from.
    pub report_id: Uuid,
    /// The word of the reason.
    pub reason: &'static str,
    /// The operator.
    pub by: Uuid,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// A suspension.
pub struct Stored {
    /// Its id.
    pub suspension_id: Uuid,
    /// Who is suspended.
    pub account_id: Uuid,
    /// The report that it followed from, while that is kept.
    pub report_id: Option<Uuid>,
    /// The word of the reason.
    pub reason: String,
    /// The operator.
    pub suspended_by: Uuid,
    /// Since when.
    pub suspended_at: jiff_sqlx::Timestamp,
    /// When it ends by itself.
    pub until: Option<jiff_sqlx::Timestamp>,
    /// When it was lifted.
    pub ended_at: Option<jiff_sqlx::Timestamp>,
    /// The appeal, sealed.
    pub appeal: Option<Vec<u8>>,
    /// What was decided on it.
    pub appeal_granted: Option<bool>,
}

/// Whether an account is suspended.
pub async fn is_suspended(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT account_suspended($1, $2) AS "is!""#, account_id, now.to_sqlx() as _)
        .fetch_one(conn)
        .await
}

/// Begins a suspension in the place of whichever holds or is over by itself.
pub async fn begin(conn: &mut PgConnection, new: &NewSuspension, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE suspension SET ended_at = LEAST(until, $2) WHERE account_id = $1 AND ended_at IS NULL",
        new.account_id,
        now.to_sqlx() as _
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO suspension (suspension_id, account_id, report_id, reason, suspended_by, suspended_at, until)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new.suspension_id,
        new.account_id,
        new.report_id,
        new.reason,
        new.by,
        now.to_sqlx(),
        new.until.map(|until| until.to_sqlx()) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The suspension of an account that holds.
pub async fn of_account(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        r#"SELECT suspension_id, account_id, NULL::uuid AS report_id, reason, suspended_by, suspended_at, until, ended_at,
                  appeal, appeal_granted
           FROM suspension WHERE account_id = $1 AND ended_at IS NULL AND (until IS NULL OR until > $2)"#,
        account_id,
        now.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await
}

/// Keeps an appeal against the suspension of an account; false where it does not hold, or there is one.
pub async fn appeal(
    conn: &mut PgConnection,
    suspension_id: Uuid,
    account_id: Uuid,
    appeal: &[u8],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let kept = sqlx::query!(
        "UPDATE suspension SET appeal = $3, appealed_at = $4
         WHERE suspension_id = $1 AND account_id = $2 AND appeal IS NULL AND ended_at IS NULL
           AND (until IS NULL OR until > $4)",
        suspension_id,
        account_id,
        appeal,
        now.to_sqlx() as _
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Suspensions that hold of others than the operator themself, newest first, beginning before a time and an id: all, or
/// those whose appeal waits.
pub async fn list(
    conn: &mut PgConnection,
    operator_id: Uuid,
    appealed: bool,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        r#"SELECT s.suspension_id, s.account_id, r.report_id AS "report_id?", s.reason, s.suspended_by, s.suspended_at,
                  s.until, s.ended_at, s.appeal, s.appeal_granted
           FROM suspension s LEFT JOIN report r USING (report_id)
           WHERE s.ended_at IS NULL AND (s.until IS NULL OR s.until > $5) AND s.account_id <> $1
             AND (NOT $2 OR s.appeal IS NOT NULL AND s.appeal_granted IS NULL)
             AND (s.suspended_at, s.suspension_id) < ($3, $4)
           ORDER BY s.suspended_at DESC, s.suspension_id DESC LIMIT $6"#,
        operator_id,
        appealed,
        before.0.to_sqlx() as _,
        before.1,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await
}

/// One suspension of somebody other than the operator themself.
pub async fn find(
    conn: &mut PgConnection,
    operator_id: Uuid,
    suspension_id: Uuid,
) -> Result<Option<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        r#"SELECT s.suspension_id, s.account_id, r.report_id AS "report_id?", s.reason, s.suspended_by, s.suspended_at,
                  s.until, s.ended_at, s.appeal, s.appeal_granted
           FROM suspension s LEFT JOIN report r USING (report_id)
           WHERE s.suspension_id = $2 AND s.account_id <> $1"#,
        operator_id,
        suspension_id
    )
    .fetch_optional(conn)
    .await
}

/// Ends a suspension; an appeal that waits is granted with it.
pub async fn end(conn: &mut PgConnection, suspension_id: Uuid, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE suspension SET ended_at = $2,
             appeal_granted = CASE WHEN appeal IS NULL THEN NULL ELSE COALESCE(appeal_granted, true) END
         WHERE suspension_id = $1 AND ended_at IS NULL",
        suspension_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that an appeal was not granted.
pub async fn refuse_appeal(conn: &mut PgConnection, suspension_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE suspension SET appeal_granted = false WHERE suspension_id = $1", suspension_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// What an account may do, as stored; `None` when it is gone.
pub async fn kind_of(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT kind FROM account WHERE account_id = $1", account_id)
        .fetch_optional(conn)
        .await
}

/// Whether there is another operator than this one.
pub async fn other_operators(conn: &mut PgConnection, operator_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM account WHERE kind = 'operator' AND account_id <> $1) AS "are!""#,
        operator_id
    )
    .fetch_one(conn)
    .await
}

/// The suspensions of somebody that have an appeal, and so a key of their own.
pub async fn with_keys(conn: &mut PgConnection, account_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT suspension_id FROM suspension WHERE account_id = $1 AND appeal IS NOT NULL",
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Suspensions that were over before the given time, some at a time, and whether they have a key of their own.
pub async fn over(
    conn: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(Uuid, bool)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT suspension_id, appeal IS NOT NULL AS "own_key!" FROM suspension
           WHERE COALESCE(ended_at, until) < $1 LIMIT $2"#,
        before.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.suspension_id, row.own_key)).collect())
}

/// Removes suspensions.
pub async fn remove_all(conn: &mut PgConnection, suspension_ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM suspension WHERE suspension_id = ANY($1)", suspension_ids)
        .execute(conn)
        .await?;
    Ok(())
}
