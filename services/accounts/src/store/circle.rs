//! `circle` and `circle_member`: who is in whose circle, and who was.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Somebody's place in a circle as it is made.
pub struct NewPlace<'a> {
    /// The place.
    pub circle_id: Uuid,
    /// Whose circle.
    pub host_id: Uuid,
    /// Who is in it.
    pub guest_id: Uuid,
    /// What the guest reads as the host's name, sealed under the host's key.
    pub host_name: &'a [u8],
    /// What the host reads as the guest's name, sealed under the guest's key.
    pub guest_name: &'a [u8],
    /// What the host calls the guest, sealed under the host's key.
    pub called: &'a [u8],
    /// Why the host trusts the guest, sealed under the host's key.
    pub reason: Option<&'a [u8]>,
}

/// Somebody in a circle, as its host sees them.
pub struct Person {
    /// The place.
    pub circle_id: Uuid,
    /// Who is in it.
    pub guest_id: Uuid,
    /// The name the guest chose, sealed under the guest's key.
    pub guest_name: Vec<u8>,
    /// What the host calls the guest, sealed.
    pub called: Vec<u8>,
    /// Why the host trusts the guest, sealed.
    pub reason: Option<Vec<u8>>,
    /// Since when.
    pub joined_at: Timestamp,
}

/// A circle that somebody is in, as they see it.
pub struct Place {
    /// The place.
    pub circle_id: Uuid,
    /// Whose circle.
    pub host_id: Uuid,
    /// The name the host chose, sealed under the host's key.
    pub host_name: Vec<u8>,
    /// The name the guest chose, sealed.
    pub guest_name: Vec<u8>,
    /// Since when.
    pub joined_at: Timestamp,
}

/// The state an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The place.
    pub circle_id: Uuid,
    /// Whose circle.
    pub host_id: Uuid,
    /// Who is or was in it.
    pub guest_id: Uuid,
    /// Since when.
    pub joined_at: Timestamp,
    /// Until when.
    pub ended_at: Option<Timestamp>,
}

/// On which side of a place somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Whose circle it is.
    Host,
    /// Who is in it.
    Guest,
}

/// Puts somebody into a circle.
pub async fn join(conn: &mut PgConnection, new: &NewPlace<'_>, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH made AS (
             INSERT INTO circle (circle_id, host_id, guest_id, joined_at) VALUES ($1, $2, $3, $4)
         )
         INSERT INTO circle_member (circle_id, host_id, guest_id, host_name, guest_name, called, reason)
         VALUES ($1, $2, $3, $5, $6, $7, $8)",
        new.circle_id,
        new.host_id,
        new.guest_id,
        now.to_sqlx(),
        new.host_name,
        new.guest_name,
        new.called,
        new.reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who is in somebody's circle, in the order in which they came.
pub async fn people(conn: &mut PgConnection, host_id: Uuid, limit: i64) -> Result<Vec<Person>, sqlx::Error> {
    sqlx::query_as!(
        Person,
        "SELECT m.circle_id, m.guest_id, m.guest_name, m.called, m.reason, c.joined_at
         FROM circle_member m JOIN circle c USING (circle_id)
         WHERE m.host_id = $1 ORDER BY c.joined_at, m.circle_id LIMIT $2",
        host_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The circles somebody is in, in the order in which they came into them.
pub async fn places(conn: &mut PgConnection, guest_id: Uuid, limit: i64) -> Result<Vec<Place>, sqlx::Error> {
    sqlx::query_as!(
        Place,
        "SELECT m.circle_id, m.host_id, m.host_name, m.guest_name, c.joined_at
         FROM circle_member m JOIN circle c USING (circle_id)
         WHERE m.guest_id = $1 ORDER BY c.joined_at, m.circle_id LIMIT $2",
        guest_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How much of somebody's circle is taken: by people, and by invitations that are open.
pub async fn taken(conn: &mut PgConnection, host_id: Uuid, now: Timestamp) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM circle_member WHERE host_id = $1)
                + (SELECT count(*) FROM invitation
                   WHERE inviter_id = $1 AND kind = 'circle' AND ended_at IS NULL AND expires_at > $2) AS "taken!""#,
        host_id,
        now.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// How many circles somebody is in.
pub async fn count_places(conn: &mut PgConnection, guest_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM circle_member WHERE guest_id = $1"#, guest_id)
        .fetch_one(conn)
        .await
}

/// Whether somebody is in somebody's circle.
pub async fn is_in(conn: &mut PgConnection, host_id: Uuid, guest_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM circle_member WHERE host_id = $1 AND guest_id = $2) AS "is!""#,
        host_id,
        guest_id
    )
    .fetch_one(conn)
    .await
}

/// Keeps what a host calls somebody in their circle and why they trust them; false when there is no such place in it.
pub async fn update(
    conn: &mut PgConnection,
    host_id: Uuid,
    circle_id: Uuid,
    called: &[u8],
    reason: Option<&[u8]>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE circle_member SET called = $3, reason = $4 WHERE host_id = $1 AND circle_id = $2",
        host_id,
        circle_id,
        called,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a place for somebody on that side of it and returns it; `None` when there is none, or it ended a moment ago.
pub async fn end(
    conn: &mut PgConnection,
    circle_id: Uuid,
    account_id: Uuid,
    side: Side,
    now: Timestamp,
) -> Result<Option<State>, sqlx::Error> {
    let row = sqlx::query!(
        "WITH gone AS (
             DELETE FROM circle_member
             WHERE circle_id = $1 AND CASE WHEN $3 THEN host_id ELSE guest_id END = $2
             RETURNING circle_id
         )
         UPDATE circle c SET ended_at = $4 FROM gone WHERE c.circle_id = gone.circle_id
         RETURNING c.circle_id, c.host_id, c.guest_id, c.joined_at",
        circle_id,
        account_id,
        side == Side::Host,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| State {
        circle_id: row.circle_id,
        host_id: row.host_id,
        guest_id: row.guest_id,
        joined_at: row.joined_at.to_jiff(),
        ended_at: Some(now),
    }))
}

/// What somebody reads as the name of another in one of their circles, sealed under the other's key: whose place it is, and
/// whether the other is the host.
pub async fn name_between(
    conn: &mut PgConnection,
    account_id: Uuid,
    other_id: Uuid,
) -> Result<Option<(Uuid, bool, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT circle_id, host_id = $2 AS "hosts!",
                  CASE host_id WHEN $2 THEN host_name ELSE guest_name END AS "name!"
           FROM circle_member WHERE host_id = $1 AND guest_id = $2 OR host_id = $2 AND guest_id = $1 LIMIT 1"#,
        account_id,
        other_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.circle_id, row.hosts, row.name)))
}

/// Ends the places that two people have in each other's circles.
pub async fn end_between(
    conn: &mut PgConnection,
    [one, other]: [Uuid; 2],
    now: Timestamp,
) -> Result<Vec<State>, sqlx::Error> {
    let rows = sqlx::query!(
        "WITH gone AS (
             DELETE FROM circle_member
             WHERE host_id = $1 AND guest_id = $2 OR host_id = $2 AND guest_id = $1
             RETURNING circle_id
         )
         UPDATE circle c SET ended_at = $3 FROM gone WHERE c.circle_id = gone.circle_id
         RETURNING c.circle_id, c.host_id, c.guest_id, c.joined_at",
        one,
        other,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await?;
    let states = rows.into_iter().map(|row| State {
        circle_id: row.circle_id,
        host_id: row.host_id,
        guest_id: row.guest_id,
        joined_at: row.joined_at.to_jiff(),
        ended_at: Some(now),
    });
    Ok(states.collect())
}

/// The places after the given one, in the order of their ids, as events would tell of them.
pub async fn states_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<State>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT circle_id, host_id, guest_id, joined_at, ended_at FROM circle
         WHERE circle_id > $1 ORDER BY circle_id LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let states = rows.into_iter().map(|row| State {
        circle_id: row.circle_id,
        host_id: row.host_id,
        guest_id: row.guest_id,
        joined_at: row.joined_at.to_jiff(),
        ended_at: row.ended_at.map(|at| at.to_jiff()),
    });
    Ok(states.collect())
}
