//! The end of care, and of requests for it.

use super::State;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// What somebody ended.
pub struct Ended {
    /// The care.
    pub care_id: Uuid,
    /// The member.
    pub member_id: Uuid,
    /// The counselor.
    pub counselor_id: Uuid,
    /// When it began, if it had.
    pub started_at: Option<jiff_sqlx::Timestamp>,
}

impl Ended {
    /// What is told of it, where it had begun.
    pub fn state(&self, now: Timestamp) -> Option<State> {
        let started_at = self.started_at?.to_jiff();
        let Self { care_id, member_id, counselor_id, .. } = *self;
        let member_ids = vec![member_id];
        Some(State { care_id, member_ids, counselor_id, couple_id: None, started_at, ended_at: Some(now) })
    }
}

/// Ends care for one of its two.
pub async fn end(
    conn: &mut PgConnection,
    care_id: Uuid,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE care SET state = 'ended', ended_at = $3, member_name = NULL, note = NULL
         WHERE care_id = $1 AND $2 IN (member_id, counselor_id) AND state IN ('asked', 'active')
         RETURNING care_id, member_id, counselor_id, started_at",
        care_id,
        account_id,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Ends all care between two, whichever of them is the counselor.
pub async fn end_between(
    conn: &mut PgConnection,
    [one, other]: [Uuid; 2],
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE care SET state = 'ended', ended_at = $3, member_name = NULL, note = NULL
         WHERE (member_id = $1 AND counselor_id = $2 OR member_id = $2 AND counselor_id = $1)
           AND state IN ('asked', 'active')
         RETURNING care_id, member_id, counselor_id, started_at",
        one,
        other,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Ends all care of somebody, as the member and as the counselor.
pub async fn end_all_of(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE care SET state = 'ended', ended_at = $2, member_name = NULL, note = NULL
         WHERE (member_id = $1 OR counselor_id = $1) AND state IN ('asked', 'active')
         RETURNING care_id, member_id, counselor_id, started_at",
        account_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Members whose requests are over by themselves and not ended yet.
pub async fn unanswered(
    conn: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT DISTINCT member_id FROM care WHERE state = 'asked' AND expires_at <= $1 LIMIT $2",
        now.to_sqlx(),
        limit
    )
    .fetch_all(conn)
    .await
}

/// Ends a member's requests whose time is over; returns how many.
pub async fn expire(conn: &mut PgConnection, member_id: Uuid, now: Timestamp) -> Result<u64, sqlx::Error> {
    let expired = sqlx::query!(
        "UPDATE care SET state = 'expired', ended_at = expires_at, member_name = NULL, note = NULL
         WHERE member_id = $1 AND state = 'asked' AND expires_at <= $2",
        member_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(expired.rows_affected())
}

/// Removes what was over before the given time without having begun.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM care WHERE care_id IN
             (SELECT care_id FROM care WHERE started_at IS NULL AND ended_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
