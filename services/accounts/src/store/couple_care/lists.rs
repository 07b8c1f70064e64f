//! Care of couples as each of the three sees it, and as events tell of it.

use crate::store::care::State;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Care as one of the two sees it.
pub struct Mine {
    /// The care.
    pub care_id: Uuid,
    /// The counselor.
    pub counselor_id: Uuid,
    /// The counselor's name, sealed under theirs.
    pub counselor_name: Option<Vec<u8>>,
    /// How it stands.
    pub state: String,
    /// Who proposed it.
    pub proposer_id: Uuid,
    /// Whether the person agreed.
    pub agreed: bool,
    /// Whether the person said no.
    pub said_no: bool,
    /// Whether the counselor may act for both, as far as both have said where they are.
    pub licensed: bool,
    /// Whether both were seen alone.
    pub joint_open: bool,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// When a proposal is over by itself.
    pub expires_at: Timestamp,
    /// When it began.
    pub started_at: Option<jiff_sqlx::Timestamp>,
}

/// Care as its counselor sees it.
pub struct Couple {
    /// The care.
    pub care_id: Uuid,
    /// How it stands.
    pub state: String,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// When a request is over by itself.
    pub expires_at: Timestamp,
    /// When it began.
    pub started_at: Option<jiff_sqlx::Timestamp>,
}

/// One of a couple as the counselor sees them.
pub struct Partner {
    /// The care.
    pub care_id: Uuid,
    /// The member.
    pub member_id: Uuid,
    /// Where they say they are.
    pub jurisdiction: String,
    /// Their name, sealed under their key.
    pub name: Vec<u8>,
    /// When the counselor confirmed having seen them alone.
    pub seen_alone_at: Option<jiff_sqlx::Timestamp>,
}

/// What somebody's couple has open, newest first.
pub async fn mine(
    conn: &mut PgConnection,
    member_id: Uuid,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Mine>, sqlx::Error> {
    sqlx::query_as!(
        Mine,
        r#"SELECT c.care_id, c.counselor_id, o.name AS "counselor_name?", c.state, c.proposer_id,
                  own.agreed_at IS NOT NULL AS "agreed!", own.said_no, two.licensed AS "licensed!",
                  c.state = 'active' AND two.seen AS "joint_open!", c.proposed_at, c.expires_at, c.started_at
           FROM couple_care_member own JOIN couple_care c USING (care_id)
           CROSS JOIN LATERAL (
               SELECT bool_and(m.jurisdiction IS NULL OR care_licensed(c.counselor_id, m.jurisdiction, $2)) AS licensed,
                      bool_and(m.seen_alone_at IS NOT NULL) AS seen
               FROM couple_care_member m WHERE m.care_id = c.care_id
           ) AS two
           LEFT JOIN counselor o ON o.account_id = c.counselor_id
           WHERE own.member_id = $1 AND (c.state = 'active' OR c.state IN ('proposed', 'asked') AND c.expires_at > $2)
           ORDER BY c.proposed_at DESC, c.care_id DESC LIMIT $3"#,
        member_id,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The couples who asked a counselor and who are in their care, before the given time and id, newest first: as far as the
/// counselor may act for both, and nobody keeps another away.
pub async fn couples(
    conn: &mut PgConnection,
    counselor_id: Uuid,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Couple>, sqlx::Error> {
    sqlx::query_as!(
        Couple,
        "SELECT care_id, state, proposed_at, expires_at, started_at FROM couple_care
         WHERE counselor_id = $1 AND (proposed_at, care_id) < ($2, $3) AND state IN ('asked', 'active')
           AND (state = 'active' OR expires_at > $4) AND couple_care_open_to(counselor_id, care_id, $4)
         ORDER BY proposed_at DESC, care_id DESC LIMIT $5",
        counselor_id,
        before.0.to_sqlx(),
        before.1,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The two of each of these, as the counselor sees them.
pub async fn partners(conn: &mut PgConnection, care_ids: &[Uuid]) -> Result<Vec<Partner>, sqlx::Error> {
    sqlx::query_as!(
        Partner,
        r#"SELECT care_id, member_id, jurisdiction AS "jurisdiction!", name AS "name!", seen_alone_at
           FROM couple_care_member
           WHERE care_id = ANY($1) AND jurisdiction IS NOT NULL AND name IS NOT NULL
           ORDER BY care_id, agreed_at, member_id"#,
        care_ids
    )
    .fetch_all(conn)
    .await
}

/// The members of couples in a counselor's care.
pub async fn members_of(conn: &mut PgConnection, counselor_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT m.member_id FROM couple_care c JOIN couple_care_member m USING (care_id)
         WHERE c.counselor_id = $1 AND c.state = 'active' ORDER BY m.member_id",
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
        r#"SELECT c.care_id, c.couple_id, c.counselor_id, c.started_at AS "started_at!", c.ended_at,
                  array_agg(m.member_id ORDER BY m.member_id) AS "member_ids!"
           FROM couple_care c JOIN couple_care_member m USING (care_id)
           WHERE c.care_id > $1 AND c.started_at IS NOT NULL GROUP BY c.care_id ORDER BY c.care_id LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let states = rows.into_iter().map(|row| State {
        care_id: row.care_id,
        member_ids: row.member_ids,
        counselor_id: row.counselor_id,
        couple_id: Some(row.couple_id),
        started_at: row.started_at.to_jiff(),
        ended_at: row.ended_at.map(|at| at.to_jiff()),
    });
    Ok(states.collect())
}
