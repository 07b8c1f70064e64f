//! Care as each of the two sees it, and as events tell of it.

use super::State;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Care as its member sees it.
pub struct Mine {
    /// The care.
    pub care_id: Uuid,
    /// The counselor.
    pub counselor_id: Uuid,
    /// How it stands.
    pub state: String,
    /// Where the member says they are.
    pub jurisdiction: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When a request is over by itself.
    pub expires_at: Timestamp,
    /// When it began.
    pub started_at: Option<jiff_sqlx::Timestamp>,
    /// When it was over.
    pub ended_at: Option<jiff_sqlx::Timestamp>,
    /// The counselor's name, sealed under theirs.
    pub counselor_name: Option<Vec<u8>>,
    /// Whether the counselor may act for the member.
    pub licensed: bool,
}

/// Care as its counselor sees it.
pub struct Person {
    /// The care.
    pub care_id: Uuid,
    /// The member.
    pub member_id: Uuid,
    /// How it stands.
    pub state: String,
    /// Where the member says they are.
    pub jurisdiction: String,
    /// The member's name, sealed under their key.
    pub member_name: Vec<u8>,
    /// What they said with it, sealed under their key.
    pub note: Option<Vec<u8>>,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When a request is over by itself.
    pub expires_at: Timestamp,
    /// When it began.
    pub started_at: Option<jiff_sqlx::Timestamp>,
}

/// A member's care before the given time and id, newest first.
pub async fn mine(
    conn: &mut PgConnection,
    member_id: Uuid,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Mine>, sqlx::Error> {
    sqlx::query_as!(
        Mine,
        r#"SELECT c.care_id, c.counselor_id,
                  CASE WHEN c.state = 'asked' AND c.expires_at <= $4 THEN 'expired' ELSE c.state END AS "state!",
                  c.jurisdiction, c.asked_at, c.expires_at, c.started_at, c.ended_at, o.name AS "counselor_name?",
                  care_licensed(c.counselor_id, c.jurisdiction, $4) AS "licensed!"
           FROM care c LEFT JOIN counselor o ON o.account_id = c.counselor_id
           WHERE c.member_id = $1 AND (c.asked_at, c.care_id) < ($2, $3)
           ORDER BY c.asked_at DESC, c.care_id DESC LIMIT $5"#,
        member_id,
        before.0.to_sqlx(),
        before.1,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await
}

/// act for them, and neither keeps the other away.
pub async fn people(
    conn: &mut PgConnection,
    counselor_id: Uuid,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Person>, sqlx::Error> {
    sqlx::query_as!(
        Person,
        r#"SELECT care_id, member_id, state, jurisdiction, member_name AS "member_name!", note, asked_at, expires_at,
                  started_at
           FROM care
           WHERE counselor_id = $1 AND (asked_at, care_id) < ($2, $3) AND state IN ('asked', 'active')
             AND (state = 'active' OR expires_at > $4) AND care_licensed(counselor_id, jurisdiction, $4)
             AND NOT care_kept_away(counselor_id, member_id, $4) AND NOT care_kept_away(member_id, counselor_id, $4)
           ORDER BY asked_at DESC, care_id DESC LIMIT $5"#,
        counselor_id,
        before.0.to_sqlx(),
        before.1,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The members in a counselor's care.
pub async fn members_of(conn: &mut PgConnection, counselor_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT member_id FROM care WHERE counselor_id = $1 AND state = 'active' ORDER BY member_id",
        counselor_id
    )
    .fetch_all(conn)
    .await
}

/// Care that began, after the given one, in the order of their ids, as events would tell of it.
pub async fn states_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<State>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT care_id, member_id, counselor_id, started_at AS "started_at!", ended_at FROM care
           WHERE care_id > $1 AND started_at IS NOT NULL ORDER BY care_id LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let states = rows.into_iter().map(|row| State {
        care_id: row.care_id,
        member_ids: vec![row.member_id],
        counselor_id: row.counselor_id,
        couple_id: None,
        started_at: row.started_at.to_jiff(),
        ended_at: row.ended_at.map(|at| at.to_jiff()),
    });
    Ok(states.collect())
}
