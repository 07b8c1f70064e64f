//! `access_epoch`, and the statement that opens one person's data to another.

use crate::domain::{Bonds, Pace};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Who asks to open what.
pub struct Asked<'a> {
    /// What the reader's turns are counted as.
    pub subject: &'a [u8; 32],
    /// How often the reader may ask.
    pub pace: Pace,
    /// Who reads.
    pub reader_id: Uuid,
    /// The reader's session.
    pub session_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// The number of the scope.
    pub scope: i32,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the purpose.
    pub purpose: i32,
    /// The receipt to go on with, and no other.
    pub receipt_id: Option<Uuid>,
    /// The receipt to write if there is none to go on with and none was named.
    pub new_receipt_id: Uuid,
    /// A receipt that was opened before is not gone on with.
    pub since: Timestamp,
}

/// What was found, all of it at one moment.
pub struct Answer {
    /// Whether the reader had a turn.
    pub has_turn: bool,
    /// Whether the reader's session lives.
    pub has_session: bool,
    /// What links the two.
    pub bonds: Bonds,
    /// The access epoch of the two, where they are linked.
    pub epoch: Option<i64>,
    /// What the receipt is written on.
    pub relation_id: Option<Uuid>,
    /// The receipt that was written or gone on with.
    pub receipt_id: Option<Uuid>,
}

/// The epoch of an owner and a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Whose data.
    pub owner_id: Uuid,
    /// Who reads.
    pub reader_id: Uuid,
    /// The epoch.
    pub epoch: i64,
}

/// Takes a turn, looks whether the session lives and what links the two, reads the epoch, and writes the receipt if
/// all of it is so, or goes on with the one of the same. One statement sees one moment: the epoch is never newer than
/// the link it was read with. And it is one round trip and one commit, on a path as busy as reading itself.
///
/// Which link opens what is [`Tie::that_opens`](crate::domain::Tie::that_opens)'s to say; `tie` foresees it, so that
/// nothing is written for whoever is refused, and the answer holds both for the caller to compare.
///
/// What is gone on with is found as of that moment and named by its hour, so that the insert meets it; two who come at
/// once and find nothing name the same hour, and the second meets the first's.
pub async fn open(conn: &mut PgConnection, asked: &Asked<'_>, now: Timestamp) -> Result<Answer, sqlx::Error> {
    let row = sqlx::query!(
        r#"WITH turn AS (
               INSERT INTO throttle (subject, free_at) VALUES ($1, $2)
               ON CONFLICT (subject) DO UPDATE
                   SET free_at = GREATEST(throttle.free_at, $3) + ($2::timestamptz - $3::timestamptz)
                   WHERE throttle.free_at <= $4
               RETURNING subject
           ), live AS (
               SELECT session_id FROM session
               WHERE session_id = $5 AND account_id = $6 AND ended_at IS NULL
                 AND LEAST(idle_until, absolute_until) > $3
           ), bond AS (
               SELECT (SELECT couple_id FROM couple_member WHERE account_id = $6 AND partner_id = $7) AS couple_id,
                      (SELECT circle_id FROM circle_member WHERE host_id = $7 AND guest_id = $6) AS in_owners_circle,
                      (SELECT circle_id FROM circle_member WHERE host_id = $6 AND guest_id = $7) AS in_readers_circle
           ), tie AS (
               SELECT CASE WHEN couple_id IS NULL THEN 'trusted_person' ELSE 'partner' END AS relation,
                      found.relation_id, COALESCE(e.epoch, 0) AS epoch
               FROM bond
               CROSS JOIN LATERAL (SELECT COALESCE(couple_id, CASE $8::integer WHEN 1 THEN in_owners_circle
                                                                              WHEN 4 THEN in_readers_circle END)
                                  ) AS found (relation_id)
               LEFT JOIN access_epoch e ON e.owner_id = $7 AND e.reader_id = $6
               WHERE found.relation_id IS NOT NULL
           ), same AS (
               SELECT r.hour FROM receipt r, tie
               WHERE r.owner_id = $7 AND r.reader_id = $6 AND r.session_id = $5 AND r.relation = tie.relation
                 AND r.relation_id = tie.relation_id AND r.scope = $8 AND r.purpose = $9
                 AND r.item_id IS NOT DISTINCT FROM $10 AND r.hour >= $11 AND r.opened_at >= $12
                 AND ($13::uuid IS NULL OR r.receipt_id = $13)
               ORDER BY r.hour DESC LIMIT 1
           ), kept AS (
               INSERT INTO receipt AS known (owner_id, receipt_id, reader_id, session_id, relation, relation_id,
                                             scope, purpose, item_id, epoch, opened_at, hour)
               SELECT $7, $14, $6, $5, tie.relation, tie.relation_id, $8, $9, $10, tie.epoch, $3,
                      COALESCE(same.hour, $15)
               FROM turn, live, tie LEFT JOIN same ON true
               WHERE $13 IS NULL OR same.hour IS NOT NULL
               ON CONFLICT (owner_id, reader_id, session_id, relation, relation_id, scope, purpose, hour, item_id)
                   DO UPDATE SET renewed_at = excluded.opened_at, epoch = excluded.epoch
               RETURNING receipt_id
           )
           SELECT EXISTS (SELECT FROM turn) AS "has_turn!", EXISTS (SELECT FROM live) AS "has_session!",
                  couple_id, in_owners_circle, in_readers_circle,
                  (SELECT epoch FROM tie) AS epoch, (SELECT relation_id FROM tie) AS relation_id,
                  (SELECT receipt_id FROM kept) AS receipt_id
           FROM bond"#,
        &asked.subject[..],
        (now + asked.pace.interval).to_sqlx(),
        now.to_sqlx(),
        (now + asked.pace.tolerance()).to_sqlx(),
        asked.session_id,
        asked.reader_id,
        asked.owner_id,
        asked.scope,
        asked.purpose,
        asked.item_id,
        hour(asked.since),
        asked.since.to_sqlx(),
        asked.receipt_id,
        asked.new_receipt_id,
        hour(now),
    )
    .fetch_one(conn)
    .await?;
    let bonds = Bonds {
        couple_id: row.couple_id,
        in_owners_circle: row.in_owners_circle,
        in_readers_circle: row.in_readers_circle,
    };
    Ok(Answer {
        has_turn: row.has_turn,
        has_session: row.has_session,
        bonds,
        epoch: row.epoch,
        relation_id: row.relation_id,
        receipt_id: row.receipt_id,
    })
}

/// Whole hours since 1970.
fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60 * 60)
}

/// Raises the epoch of an owner and a reader by one.
pub async fn raise(conn: &mut PgConnection, owner_id: Uuid, reader_id: Uuid) -> Result<Epoch, sqlx::Error> {
    sqlx::query_as!(
        Epoch,
        "INSERT INTO access_epoch AS known (owner_id, reader_id, epoch) VALUES ($1, $2, 1)
         ON CONFLICT (owner_id, reader_id) DO UPDATE SET epoch = known.epoch + 1
         RETURNING owner_id, reader_id, epoch",
        owner_id,
        reader_id
    )
    .fetch_one(conn)
    .await
}

/// The epochs after the given owner and reader, in their order.
pub async fn epochs_after(
    conn: &mut PgConnection,
    (owner_id, reader_id): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<Epoch>, sqlx::Error> {
    sqlx::query_as!(
        Epoch,
        "SELECT owner_id, reader_id, epoch FROM access_epoch WHERE (owner_id, reader_id) > ($1, $2)
         ORDER BY owner_id, reader_id LIMIT $3",
        owner_id,
        reader_id,
        limit
    )
    .fetch_all(conn)
    .await
}
