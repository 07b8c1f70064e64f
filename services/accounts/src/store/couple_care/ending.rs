//! The end of care of a couple, and of proposals of it.

use crate::store::care::State;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// What ended.
pub struct Ended {
    /// The care.
    pub care_id: Uuid,
    /// The link.
    pub couple_id: Uuid,
    /// The counselor.
    pub counselor_id: Uuid,
    /// The two, the lower id first.
    pub member_ids: Vec<Uuid>,
    /// When it began, if it had.
    pub started_at: Option<jiff_sqlx::Timestamp>,
}

impl Ended {
    /// What is told of it, where it had begun.
    pub fn state(&self, now: Timestamp) -> Option<State> {
        Some(State {
            care_id: self.care_id,
            member_ids: self.member_ids.clone(),
            counselor_id: self.counselor_id,
            couple_id: Some(self.couple_id),
            started_at: self.started_at?.to_jiff(),
            ended_at: Some(now),
        })
    }
}

/// What a couple has open.
pub async fn open_of_couple(conn: &mut PgConnection, couple_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT care_id FROM couple_care WHERE couple_id = $1 AND state IN ('proposed', 'asked', 'active')",
        couple_id
    )
    .fetch_all(conn)
    .await
}

/// What is open with a counselor.
pub async fn open_of_counselor(
    conn: &mut PgConnection,
    counselor_id: Uuid,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT care_id FROM couple_care WHERE counselor_id = $1 AND state IN ('proposed', 'asked', 'active')",
        counselor_id
    )
    .fetch_all(conn)
    .await
}

/// What is open of one of a couple with a counselor.
pub async fn open_between(
    conn: &mut PgConnection,
    member_id: Uuid,
    counselor_id: Uuid,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT care_id FROM couple_care c JOIN couple_care_member m USING (care_id)
         WHERE m.member_id = $1 AND c.counselor_id = $2 AND c.state IN ('proposed', 'asked', 'active')",
        member_id,
        counselor_id
    )
    .fetch_all(conn)
    .await
}

/// Ends what is open of these, with the names of the two.
pub async fn end(
    conn: &mut PgConnection,
    care_ids: &[Uuid],
    state: &str,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        r#"WITH ended AS (
               UPDATE couple_care SET state = $2, ended_at = $3
               WHERE care_id = ANY($1) AND state IN ('proposed', 'asked', 'active')
               RETURNING care_id, couple_id, counselor_id, started_at
           ), gone AS (
               UPDATE couple_care_member m SET name = NULL FROM ended WHERE m.care_id = ended.care_id
               RETURNING m.care_id, m.member_id
           )
           SELECT care_id AS "care_id!", ended.couple_id AS "couple_id!", ended.counselor_id AS "counselor_id!",
                  array_agg(gone.member_id ORDER BY gone.member_id) AS "member_ids!",
                  ended.started_at
           FROM ended JOIN gone USING (care_id)
           GROUP BY care_id, ended.couple_id, ended.counselor_id, ended.started_at ORDER BY care_id"#,
        care_ids,
        state,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Ends proposals and requests whose time is over, some at a time; returns how many. Whoever is at one of them now is left
/// alone.
pub async fn expire(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let expired = sqlx::query!(
        "WITH over AS (
             UPDATE couple_care SET state = 'expired', ended_at = expires_at
             WHERE care_id IN (SELECT care_id FROM couple_care
                               WHERE state IN ('proposed', 'asked') AND expires_at <= $1
                               LIMIT $2 FOR UPDATE SKIP LOCKED)
             RETURNING care_id
         )
         UPDATE couple_care_member m SET name = NULL FROM over WHERE m.care_id = over.care_id",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(expired.rows_affected() / 2)
}

/// Removes what was over before the given time without having begun.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM couple_care WHERE care_id IN
             (SELECT care_id FROM couple_care WHERE started_at IS NULL AND ended_at < $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
