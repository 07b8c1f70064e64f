//! `couple` and `couple_member`: who is linked, and who was.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// One of two people who link.
pub struct NewMember<'a> {
    /// The account.
    pub account_id: Uuid,
    /// What the other reads as their name, sealed.
    pub own_name: &'a [u8],
}

/// A link as one of the two sees it.
pub struct Mine {
    /// The link.
    pub couple_id: Uuid,
    /// The other.
    pub partner_id: Uuid,
    /// The other's name, sealed under the other's key.
    pub partner_name: Vec<u8>,
    /// The person's own name, sealed.
    pub own_name: Vec<u8>,
    /// Since when.
    pub linked_at: Timestamp,
    /// When the person said it ends.
    pub leaves_at: Option<Timestamp>,
}

/// The state an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The link.
    pub couple_id: Uuid,
    /// The lower id of the two.
    pub first_id: Uuid,
    /// The other.
    pub second_id: Uuid,
    /// Since when.
    pub linked_at: Timestamp,
    /// Until when.
    pub unlinked_at: Option<Timestamp>,
}

/// Holds accounts until the transaction ends, in the order of their ids, so that nobody waits in a circle; whoever
/// changes what somebody is linked with or invites to does so first. Returns how many there are.
pub async fn lock_accounts(conn: &mut PgConnection, account_ids: &[Uuid]) -> Result<usize, sqlx::Error> {
    let held = sqlx::query_scalar!(
        "SELECT account_id FROM account WHERE account_id = ANY($1) ORDER BY account_id FOR NO KEY UPDATE",
        account_ids
    )
    .fetch_all(conn)
    .await?;
    Ok(held.len())
}

/// Whether somebody is linked.
pub async fn is_linked(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM couple_member WHERE account_id = $1) AS "is!""#,
        account_id
    )
    .fetch_one(conn)
    .await
}

/// Whether two people are linked with each other.
pub async fn are_linked(conn: &mut PgConnection, one: Uuid, other: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM couple_member WHERE account_id = $1 AND partner_id = $2) AS "are!""#,
        one,
        other
    )
    .fetch_one(conn)
    .await
}

/// Links two people, the one with the lower id first.
pub async fn link(
    conn: &mut PgConnection,
    couple_id: Uuid,
    [first, second]: [&NewMember<'_>; 2],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH made AS (
             INSERT INTO couple (couple_id, first_id, second_id, linked_at) VALUES ($1, $2, $3, $4)
         )
         INSERT INTO couple_member (account_id, partner_id, couple_id, own_name)
         VALUES ($2, $3, $1, $5), ($3, $2, $1, $6)",
        couple_id,
        first.account_id,
        second.account_id,
        now.to_sqlx(),
        first.own_name,
        second.own_name,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody's link.
pub async fn mine(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Mine>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT own.couple_id, own.partner_id, partner.own_name AS partner_name, own.own_name, c.linked_at,
                own.leave_at
         FROM couple_member own
         JOIN couple_member partner ON partner.account_id = own.partner_id
         JOIN couple c ON c.couple_id = own.couple_id
         WHERE own.account_id = $1",
        account_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Mine {
        couple_id: row.couple_id,
        partner_id: row.partner_id,
        partner_name: row.partner_name,
        own_name: row.own_name,
        linked_at: row.linked_at.to_jiff(),
        leaves_at: row.leave_at.map(|at| at.to_jiff()),
    }))
}

/// A link that was ended just now.
pub struct Ended {
    /// The link.
    pub couple: State,
    /// Who of the two had said when they would leave.
    pub leavers: Vec<Uuid>,
}

/// Ends somebody's link and returns it; `None` when there is none, or the other ended it a moment ago. The couple's
/// row decides between two who do so at once.
pub async fn unlink(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<Ended>, sqlx::Error> {
    end(conn, account_id, None, now).await
}

/// Ends somebody's link as [`unlink`] does, if they said that it ends by now.
pub async fn unlink_due(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<Ended>, sqlx::Error> {
    end(conn, account_id, Some(now), now).await
}

async fn end(
    conn: &mut PgConnection,
    account_id: Uuid,
    due_by: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Ended>, sqlx::Error> {
    let row = sqlx::query!(
        r#"WITH ended AS (
             UPDATE couple SET unlinked_at = $2
             WHERE couple_id = (SELECT couple_id FROM couple_member
                                WHERE account_id = $1 AND ($3::timestamptz IS NULL OR leave_at <= $3))
               AND unlinked_at IS NULL
             RETURNING couple_id, first_id, second_id, linked_at
         ), gone AS (
             DELETE FROM couple_member m USING ended WHERE m.couple_id = ended.couple_id
             RETURNING m.account_id, m.leave_at
         )
         SELECT couple_id, first_id, second_id, linked_at,
                ARRAY(SELECT account_id FROM gone WHERE leave_at IS NOT NULL) AS "leavers!" FROM ended"#,
        account_id,
        now.to_sqlx(),
        due_by.map(|at| at.to_sqlx()) as _,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Ended {
        couple: State {
            couple_id: row.couple_id,
            first_id: row.first_id,
            second_id: row.second_id,
            linked_at: row.linked_at.to_jiff(),
            unlinked_at: Some(now),
        },
        leavers: row.leavers,
    }))
}

/// Whom somebody was linked with until lately; `None` where that is longer ago, or another link came since.
pub async fn parted(
    conn: &mut PgConnection,
    account_id: Uuid,
    since: Timestamp,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT other AS "other!" FROM (
               (SELECT second_id AS other, linked_at, unlinked_at FROM couple
                WHERE first_id = $1 ORDER BY linked_at DESC LIMIT 1)
               UNION ALL
               (SELECT first_id, linked_at, unlinked_at FROM couple
                WHERE second_id = $1 ORDER BY linked_at DESC LIMIT 1)
               ORDER BY linked_at DESC LIMIT 1
           ) AS newest WHERE unlinked_at >= $2"#,
        account_id,
        since.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Notes when somebody's link is to end, or that it is not; false without a link.
pub async fn set_leaving(
    conn: &mut PgConnection,
    account_id: Uuid,
    at: Option<Timestamp>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE couple_member SET leave_at = $2 WHERE account_id = $1",
        account_id,
        at.map(|at| at.to_sqlx()) as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whose links are to end by the given time, longest due first.
pub async fn leaving(conn: &mut PgConnection, by: Timestamp, limit: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT account_id FROM couple_member WHERE leave_at <= $1 ORDER BY leave_at LIMIT $2",
        by.to_sqlx(),
        limit
    )
    .fetch_all(conn)
    .await
}

/// The couples after the given one, in the order of their ids, as events would tell of them.
pub async fn states_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<State>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT couple_id, first_id, second_id, linked_at, unlinked_at FROM couple
         WHERE couple_id > $1 ORDER BY couple_id LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let states = rows.into_iter().map(|row| State {
        couple_id: row.couple_id,
        first_id: row.first_id,
        second_id: row.second_id,
        linked_at: row.linked_at.to_jiff(),
        unlinked_at: row.unlinked_at.map(|at| at.to_jiff()),
    });
    Ok(states.collect())
}
