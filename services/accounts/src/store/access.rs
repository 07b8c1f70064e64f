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

/// Of each wish: takes a turn, looks whether the session lives and what links the two, reads the epoch, and writes the
/// receipt if all of it is so, or goes on with the one of the same. One statement sees one moment: the epoch is never newer
/// than the link it was read with. And it is one round trip and one commit, on a path as busy as reading itself.
///
/// No reader may be among them twice: a statement counts a turn and finds a receipt once.
///
/// Which link opens what is [`Tie::that_opens`](crate::domain::Tie::that_opens)'s to say; `tie` foresees it, so that
/// nothing is written for whoever is refused, and the answer holds both for the caller to compare.
///
/// What is gone on with is found as of that moment and named by its hour, so that the insert meets it; two who come at
/// once and find nothing name the same hour, and the second meets the first's. Turns and receipts are locked in one order
/// everywhere, turns first. The arrays come by way of a row of their own, whose length the planner cannot see: it would
/// plan anew for every length.
pub async fn open(
    conn: &mut PgConnection,
    wishes: &[Asked<'_>],
    pace: Pace,
    (now, since): (Timestamp, Timestamp),
) -> Result<Vec<Answer>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH given AS MATERIALIZED (
               SELECT w.* FROM
                   (SELECT $1::bytea[] AS subjects, $2::uuid[] AS readers, $3::uuid[] AS sessions, $4::uuid[] AS owners,
                           $5::integer[] AS scopes, $6::uuid[] AS items, $7::integer[] AS purposes, $8::uuid[] AS named,
                           $9::uuid[] AS fresh OFFSET 0) AS a,
                   UNNEST(a.subjects, a.readers, a.sessions, a.owners, a.scopes, a.items, a.purposes, a.named, a.fresh)
                       WITH ORDINALITY
                       AS w (subject, reader_id, session_id, owner_id, scope, item_id, purpose, named_id, fresh_id, place)
           ), turn AS (
               INSERT INTO throttle (subject, free_at) SELECT subject, $10 FROM given ORDER BY subject
               ON CONFLICT (subject) DO UPDATE
                   SET free_at = GREATEST(throttle.free_at, $11) + ($10::timestamptz - $11::timestamptz)
                   WHERE throttle.free_at <= $12
               RETURNING subject
           ), bond AS MATERIALIZED (
               SELECT given.*,
                      (SELECT true FROM session s
                       WHERE s.session_id = given.session_id AND s.account_id = given.reader_id AND s.ended_at IS NULL
                         AND LEAST(s.idle_until, s.absolute_until) > $11) AS is_live,
                      (SELECT couple_id FROM couple_member
                       WHERE account_id = given.reader_id AND partner_id = given.owner_id) AS couple_id,
                      (SELECT circle_id FROM circle_member
                       WHERE host_id = given.owner_id AND guest_id = given.reader_id) AS in_owners_circle,
                      (SELECT circle_id FROM circle_member
                       WHERE host_id = given.reader_id AND guest_id = given.owner_id) AS in_readers_circle,
                      (SELECT epoch FROM access_epoch e
                       WHERE e.owner_id = given.owner_id AND e.reader_id = given.reader_id) AS raised_to
               FROM given
           ), tie AS MATERIALIZED (
               SELECT bond.*, CASE WHEN couple_id IS NULL THEN 'trusted_person' ELSE 'partner' END AS relation,
                      found.relation_id, COALESCE(raised_to, 0) AS epoch
               FROM bond
               CROSS JOIN LATERAL (SELECT COALESCE(couple_id, CASE scope WHEN 1 THEN in_owners_circle
                                                                         WHEN 4 THEN in_readers_circle END)
                                  ) AS found (relation_id)
               WHERE found.relation_id IS NOT NULL
           ), kept AS (
               INSERT INTO receipt AS known (owner_id, receipt_id, reader_id, session_id, relation, relation_id,
                                             scope, purpose, item_id, epoch, opened_at, hour)
               SELECT tie.owner_id, tie.fresh_id, tie.reader_id, tie.session_id, tie.relation, tie.relation_id,
                      tie.scope, tie.purpose, tie.item_id, tie.epoch, $11, COALESCE(same.hour, $15)
               FROM tie JOIN turn USING (subject)
               LEFT JOIN LATERAL (
                   SELECT r.hour, r.receipt_id FROM receipt r
                   WHERE r.owner_id = tie.owner_id AND r.reader_id = tie.reader_id AND r.session_id = tie.session_id
                     AND r.relation = tie.relation AND r.relation_id = tie.relation_id AND r.scope = tie.scope
                     AND r.purpose = tie.purpose AND r.item_id IS NOT DISTINCT FROM tie.item_id
                     AND r.hour >= $13 AND r.opened_at >= $14
                     AND (tie.named_id IS NULL OR r.receipt_id = tie.named_id)
                   ORDER BY r.hour DESC LIMIT 1
               ) AS same ON true
               WHERE tie.is_live AND (tie.named_id IS NULL OR same.hour IS NOT NULL)
               ORDER BY COALESCE(same.receipt_id, tie.fresh_id)
               ON CONFLICT (owner_id, reader_id, session_id, relation, relation_id, scope, purpose, hour, item_id)
                   DO UPDATE SET renewed_at = excluded.opened_at, epoch = excluded.epoch
               RETURNING reader_id, receipt_id
           )
           SELECT turn.subject IS NOT NULL AS "has_turn!", bond.is_live IS NOT NULL AS "has_session!",
                  bond.couple_id, bond.in_owners_circle, bond.in_readers_circle,
                  tie.epoch AS "epoch?", tie.relation_id AS "relation_id?", kept.receipt_id AS "receipt_id?"
           FROM bond
           LEFT JOIN turn ON turn.subject = bond.subject
           LEFT JOIN tie ON tie.place = bond.place
           LEFT JOIN kept ON kept.reader_id = bond.reader_id
           ORDER BY bond.place"#,
        &column(wishes, |asked| &asked.subject[..]) as &[&[u8]],
        &column(wishes, |asked| asked.reader_id),
        &column(wishes, |asked| asked.session_id),
        &column(wishes, |asked| asked.owner_id),
        &column(wishes, |asked| asked.scope),
        &column(wishes, |asked| asked.item_id) as &[Option<Uuid>],
        &column(wishes, |asked| asked.purpose),
        &column(wishes, |asked| asked.receipt_id) as &[Option<Uuid>],
        &column(wishes, |asked| asked.new_receipt_id),
        (now + pace.interval).to_sqlx(),
        now.to_sqlx(),
        (now + pace.tolerance()).to_sqlx(),
        hour(since),
        since.to_sqlx(),
        hour(now),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Answer {
            has_turn: row.has_turn,
            has_session: row.has_session,
            bonds: Bonds {
                couple_id: row.couple_id,
                in_owners_circle: row.in_owners_circle,
                in_readers_circle: row.in_readers_circle,
            },
            epoch: row.epoch,
            relation_id: row.relation_id,
            receipt_id: row.receipt_id,
        })
        .collect())
}

fn column<'a, T>(wishes: &'a [Asked<'a>], of: impl Fn(&'a Asked<'a>) -> T) -> Vec<T> {
    wishes.iter().map(of).collect()
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
