//! What operators see of reports, and decide. A report about or by an operator themself is none to them.

use crate::domain::Outcome;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A report without its words. Who made it is not read.
pub struct Listed {
    /// Its id.
    pub report_id: Uuid,
    /// The word of its kind.
    pub kind: String,
    /// What they are to whoever reports.
    pub relation: Option<String>,
    /// The number of the reason.
    pub reason: i32,
    /// Whom it is about.
    pub about_id: Uuid,
    /// When it came.
    pub reported_at: jiff_sqlx::Timestamp,
    /// When it was decided.
    pub decided_at: Option<jiff_sqlx::Timestamp>,
    /// What came of it.
    pub outcome: Option<String>,
}

/// A report with its note.
pub struct Opened {
    /// Without words.
    pub listed: Listed,
    /// The share, where it is about one.
    pub share_id: Option<Uuid>,
    /// The note, sealed.
    pub note: Option<Vec<u8>>,
    /// The suspension of the account that holds.
    pub suspension_id: Option<Uuid>,
}

/// A report that is held to be decided.
pub struct Decidable {
    /// Whom it is about.
    pub about_id: Uuid,
    /// Whether it waits.
    pub waits: bool,
}

/// Reports that wait for somebody other than the operator themself, longest first, beginning after a time and an id.
pub async fn waiting(
    conn: &mut PgConnection,
    operator_id: Uuid,
    after: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        "SELECT report_id, kind, relation, reason, about_id, reported_at, decided_at, outcome FROM report
         WHERE decided_at IS NULL AND (reported_at, report_id) > ($2, $3)
           AND about_id <> $1 AND reporter_id IS DISTINCT FROM $1
         ORDER BY reported_at, report_id LIMIT $4",
        operator_id,
        after.0.to_sqlx() as _,
        after.1,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Reports that were decided, latest first, beginning before a time and an id.
pub async fn decided(
    conn: &mut PgConnection,
    operator_id: Uuid,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        "SELECT report_id, kind, relation, reason, about_id, reported_at, decided_at, outcome FROM report
         WHERE decided_at IS NOT NULL AND (decided_at, report_id) < ($2, $3)
           AND about_id <> $1 AND reporter_id IS DISTINCT FROM $1
         ORDER BY decided_at DESC, report_id DESC LIMIT $4",
        operator_id,
        before.0.to_sqlx() as _,
        before.1,
        limit
    )
    .fetch_all(conn)
    .await
}

/// One report.
pub async fn find(
    conn: &mut PgConnection,
    operator_id: Uuid,
    report_id: Uuid,
    now: Timestamp,
) -> Result<Option<Opened>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT r.report_id, r.kind, r.relation, r.reason, r.about_id, r.reported_at, r.decided_at, r.outcome,
                  r.share_id, r.note, s.suspension_id AS "suspension_id?"
           FROM report r LEFT JOIN suspension s ON s.account_id = r.about_id AND s.ended_at IS NULL
                                               AND (s.until IS NULL OR s.until > $3)
           WHERE r.report_id = $2 AND r.about_id <> $1 AND r.reporter_id IS DISTINCT FROM $1"#,
        operator_id,
        report_id,
        now.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Opened {
        listed: Listed {
            report_id: row.report_id,
            kind: row.kind,
            relation: row.relation,
            reason: row.reason,
            about_id: row.about_id,
            reported_at: row.reported_at,
            decided_at: row.decided_at,
            outcome: row.outcome,
        },
        share_id: row.share_id,
        note: row.note,
        suspension_id: row.suspension_id,
    }))
}

/// What was attached to reports, sealed: of which, where, the number of its kind, and the words.
pub async fn evidence(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> Result<Vec<(Uuid, i32, i32, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT report_id, position, kind, words FROM report_evidence WHERE report_id = ANY($1)
         ORDER BY report_id, position",
        report_ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.report_id, row.position, row.kind, row.words)).collect())
}

/// Holds a report until the transaction ends.
pub async fn hold(
    conn: &mut PgConnection,
    operator_id: Uuid,
    report_id: Uuid,
) -> Result<Option<Decidable>, sqlx::Error> {
    sqlx::query_as!(
        Decidable,
        r#"SELECT about_id, decided_at IS NULL AS "waits!" FROM report
           WHERE report_id = $2 AND about_id <> $1 AND reporter_id IS DISTINCT FROM $1 FOR UPDATE"#,
        operator_id,
        report_id
    )
    .fetch_optional(conn)
    .await
}

/// Notes what came of a report that is held.
pub async fn decide(
    conn: &mut PgConnection,
    report_id: Uuid,
    by: Uuid,
    outcome: Outcome,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE report SET decided_at = $3, decided_by = $2, outcome = $4 WHERE report_id = $1",
        report_id,
        by,
        now.to_sqlx(),
        outcome.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}
