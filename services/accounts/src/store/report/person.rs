//! Reports of persons and things: who may be reported, what is kept, and how it goes.

use crate::domain::Acquaintance;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Whom a report is about, and of what of theirs.
pub struct About {
    /// The account.
    pub account_id: Uuid,
    /// What they are to whoever reports, or were.
    pub relation: Acquaintance,
    /// The share, where it is about one.
    pub share_id: Option<Uuid>,
}

/// A report as it is kept.
pub struct NewPersonReport<'a> {
    /// Its id.
    pub report_id: Uuid,
    /// Who reports.
    pub reporter_id: Uuid,
    /// Whom it is about.
    pub about: &'a About,
    /// The word of its kind.
    pub kind: &'static str,
    /// The number of the reason.
    pub reason: i32,
    /// What was written, sealed.
    pub note: Option<&'a [u8]>,
    /// What was attached, sealed, by the number of its kind.
    pub evidence: &'a [(i32, Vec<u8>)],
    /// The id that the client chose for the attempt, and what it was an attempt at.
    pub attempt: Option<(Uuid, [u8; 32])>,
}

/// A report as whoever made it sees it.
pub struct Own {
    /// Its id.
    pub report_id: Uuid,
    /// Whom it is about.
    pub about_id: Uuid,
    /// The share, where it is about one.
    pub share_id: Option<Uuid>,
    /// The number of the reason.
    pub reason: i32,
    /// What was written, sealed.
    pub note: Option<Vec<u8>>,
    /// When.
    pub reported_at: Timestamp,
}

/// What somebody is or was to somebody else; `None` where the two never had to do with each other, or one is gone.
pub async fn known(
    conn: &mut PgConnection,
    account_id: Uuid,
    other_id: Uuid,
) -> Result<Option<Acquaintance>, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"SELECT CASE
               WHEN EXISTS (SELECT FROM couple c WHERE c.first_id = $1 AND c.second_id = $2
                                                    OR c.first_id = $2 AND c.second_id = $1) THEN 'partner'
               WHEN EXISTS (SELECT FROM circle c WHERE c.host_id = $1 AND c.guest_id = $2
                                                    OR c.host_id = $2 AND c.guest_id = $1) THEN 'circle'
               WHEN EXISTS (SELECT FROM care c WHERE c.member_id = $1 AND c.counselor_id = $2)
                 OR EXISTS (SELECT FROM couple_care c JOIN couple_care_member m USING (care_id)
                            WHERE m.member_id = $1 AND c.counselor_id = $2) THEN 'counselor'
               WHEN EXISTS (SELECT FROM care c WHERE c.member_id = $2 AND c.counselor_id = $1
                                                 AND c.started_at IS NOT NULL)
                 OR EXISTS (SELECT FROM couple_care c JOIN couple_care_member m USING (care_id)
                            WHERE m.member_id = $2 AND c.counselor_id = $1 AND c.started_at IS NOT NULL) THEN 'client'
           END AS known
           FROM account WHERE account_id = $2 AND $1 <> $2"#,
        account_id,
        other_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(known.flatten().and_then(|known| Acquaintance::stored(&known)))
}

/// Whether members find somebody among the counselors.
pub async fn is_counselor(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM counselor c JOIN counselor_licence l USING (account_id)
               WHERE c.account_id = $1 AND c.state = 'verified' AND l.checked_at IS NOT NULL AND l.valid_until > $2
           ) AS "is!""#,
        account_id,
        now.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// The report that somebody's attempt led to, and whether it was an attempt at the same.
pub async fn of_attempt(
    conn: &mut PgConnection,
    reporter_id: Uuid,
    attempt_id: Uuid,
    attempt_mac: &[u8; 32],
) -> Result<Option<(Uuid, bool)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT report_id, attempt_mac = $3 AS "same!" FROM report WHERE reporter_id = $1 AND attempt_id = $2"#,
        reporter_id,
        attempt_id,
        &attempt_mac[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.report_id, row.same)))
}

/// Keeps a report of a person.
pub async fn insert_person(
    conn: &mut PgConnection,
    new: &NewPersonReport<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (attempt_id, attempt_mac) = new.attempt.map(|(id, mac)| (id, mac.to_vec())).unzip();
    sqlx::query!(
        "INSERT INTO report (report_id, kind, about_id, reporter_id, relation, share_id, reason, note, reported_at,
                             attempt_id, attempt_mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.report_id,
        new.kind,
        new.about.account_id,
        new.reporter_id,
        new.about.relation.as_str(),
        new.about.share_id,
        new.reason,
        new.note,
        now.to_sqlx(),
        attempt_id,
        attempt_mac
    )
    .execute(&mut *conn)
    .await?;
    let (kinds, words): (Vec<i32>, Vec<Vec<u8>>) = new.evidence.iter().cloned().unzip();
    sqlx::query!(
        "INSERT INTO report_evidence (report_id, position, kind, words)
         SELECT $1, position::integer, kind, words
         FROM unnest($2::integer[], $3::bytea[]) WITH ORDINALITY AS given(kind, words, position)",
        new.report_id,
        &kinds,
        &words
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What somebody reported, newest first, beginning before a time and an id.
pub async fn own(
    conn: &mut PgConnection,
    reporter_id: Uuid,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Own>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT report_id, about_id, share_id, reason, note, reported_at FROM report
         WHERE reporter_id = $1 AND (reported_at, report_id) < ($2, $3)
         ORDER BY reported_at DESC, report_id DESC LIMIT $4",
        reporter_id,
        before.0.to_sqlx() as _,
        before.1,
        limit
    )
    .fetch_all(conn)
    .await?;
    let own = rows.into_iter().map(|row| Own {
        report_id: row.report_id,
        about_id: row.about_id,
        share_id: row.share_id,
        reason: row.reason,
        note: row.note,
        reported_at: row.reported_at.to_jiff(),
    });
    Ok(own.collect())
}

/// The reports by somebody or about them that have a key of their own.
pub async fn of_account(conn: &mut PgConnection, account_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT report_id FROM report WHERE (reporter_id = $1 OR about_id = $1) AND kind <> 'invitation'",
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Reports whose time is over, some at a time, and whether they have a key of their own: those decided before the one time
/// and without a suspension that holds, and those that came before the other and were never decided.
pub async fn over(
    conn: &mut PgConnection,
    decided_before: Timestamp,
    came_before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(Uuid, bool)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT report_id, kind <> 'invitation' AS "own_key!" FROM report r
           WHERE (r.decided_at < $1 OR r.decided_at IS NULL AND r.reported_at < $2)
             AND NOT EXISTS (SELECT FROM suspension s
                             WHERE s.report_id = r.report_id AND s.ended_at IS NULL
                               AND (s.until IS NULL OR s.until > $3))
           LIMIT $4"#,
        decided_before.to_sqlx() as _,
        came_before.to_sqlx() as _,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.report_id, row.own_key)).collect())
}

/// Removes reports with what was attached.
pub async fn remove_all(conn: &mut PgConnection, report_ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM report WHERE report_id = ANY($1)", report_ids).execute(conn).await?;
    Ok(())
}
