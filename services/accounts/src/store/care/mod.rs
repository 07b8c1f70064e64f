//! `care`: which member is in which counselor's care, or was. Whether a counselor may act for somebody is decided by
//! `care_licensed`, and who is kept away from whom by `care_kept_away`, in the reading query itself.

mod ending;
mod lists;

pub use ending::{Ended, end, end_all_of, end_between, expire, sweep, unanswered};
pub use lists::{Mine, Person, members_of, mine, people, states_after};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A request as it is kept.
pub struct NewCare<'a> {
    /// The care.
    pub care_id: Uuid,
    /// Who asks.
    pub member_id: Uuid,
    /// Who is asked.
    pub counselor_id: Uuid,
    /// Where the member says they are.
    pub jurisdiction: &'a str,
    /// The member's name, sealed under their key.
    pub member_name: &'a [u8],
    /// What they say with it, sealed under their key.
    pub note: Option<&'a [u8]>,
    /// When it is over by itself.
    pub expires_at: Timestamp,
}

/// The state an event tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The care.
    pub care_id: Uuid,
    /// Whose care: one member, or the two of a couple.
    pub member_ids: Vec<Uuid>,
    /// The counselor.
    pub counselor_id: Uuid,
    /// The couple's link, where it is care of a couple.
    pub couple_id: Option<Uuid>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// A request that a counselor looks at to answer.
pub struct Request {
    /// Who asked.
    pub member_id: Uuid,
    /// How it stands.
    pub state: String,
    /// Whether the counselor may act for the member.
    pub licensed: bool,
}

/// Keeps a request.
pub async fn insert(conn: &mut PgConnection, new: &NewCare<'_>, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO care (care_id, member_id, counselor_id, state, jurisdiction, member_name, note, asked_at, expires_at)
         VALUES ($1, $2, $3, 'asked', $4, $5, $6, $7, $8)",
        new.care_id,
        new.member_id,
        new.counselor_id,
        new.jurisdiction,
        new.member_name,
        new.note,
        now.to_sqlx(),
        new.expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The request or care that is open between a member and a counselor.
pub async fn open_between(
    conn: &mut PgConnection,
    member_id: Uuid,
    counselor_id: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT care_id FROM care WHERE member_id = $1 AND counselor_id = $2 AND state IN ('asked', 'active')",
        member_id,
        counselor_id
    )
    .fetch_optional(conn)
    .await
}

/// The other of the two of a care, whatever became of it.
pub async fn other_of(
    conn: &mut PgConnection,
    care_id: Uuid,
    account_id: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT CASE member_id WHEN $2 THEN counselor_id ELSE member_id END AS "other!" FROM care
           WHERE care_id = $1 AND $2 IN (member_id, counselor_id)"#,
        care_id,
        account_id
    )
    .fetch_optional(conn)
    .await
}

/// How many of a member's requests wait.
pub async fn count_asked(conn: &mut PgConnection, member_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM care WHERE member_id = $1 AND state = 'asked'"#,
        member_id
    )
    .fetch_one(conn)
    .await
}

/// Whether a counselor may act for somebody in a place.
pub async fn is_licensed(
    conn: &mut PgConnection,
    counselor_id: Uuid,
    jurisdiction: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT care_licensed($1, $2, $3) AS "is!""#,
        counselor_id,
        jurisdiction,
        now.to_sqlx() as _
    )
    .fetch_one(conn)
    .await
}

/// Whether somebody is kept away by somebody else.
pub async fn is_kept_away(
    conn: &mut PgConnection,
    account_id: Uuid,
    keeper_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT care_kept_away($1, $2, $3) AS "is!""#,
        account_id,
        keeper_id,
        now.to_sqlx() as _
    )
    .fetch_one(conn)
    .await
}

/// two keeps the other away.
pub async fn hold_open(
    conn: &mut PgConnection,
    care_id: Uuid,
    counselor_id: Uuid,
    now: Timestamp,
) -> Result<Option<Request>, sqlx::Error> {
    sqlx::query_as!(
        Request,
        r#"SELECT member_id, state, care_licensed(counselor_id, jurisdiction, $3) AS "licensed!"
           FROM care
           WHERE care_id = $1 AND counselor_id = $2 AND (state = 'active' OR state = 'asked' AND expires_at > $3)
             AND NOT care_kept_away(counselor_id, member_id, $3) AND NOT care_kept_away(member_id, counselor_id, $3)
           FOR UPDATE"#,
        care_id,
        counselor_id,
        now.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await
}

/// Begins care that is held.
pub async fn start(conn: &mut PgConnection, care_id: Uuid, now: Timestamp) -> Result<State, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE care SET state = 'active', started_at = $2 WHERE care_id = $1 AND state = 'asked'
         RETURNING member_id, counselor_id",
        care_id,
        now.to_sqlx()
    )
    .fetch_one(conn)
    .await?;
    Ok(State {
        care_id,
        member_ids: vec![row.member_id],
        counselor_id: row.counselor_id,
        couple_id: None,
        started_at: now,
        ended_at: None,
    })
}

/// Declines a request that is held.
pub async fn decline(conn: &mut PgConnection, care_id: Uuid, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE care SET state = 'declined', ended_at = $2, member_name = NULL, note = NULL
         WHERE care_id = $1 AND state = 'asked'",
        care_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}
