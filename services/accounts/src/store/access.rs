//! `access_epoch`, and the statement that opens one person's data to another.

use crate::domain::{Bonds, Grant, InCare, Pace, Purpose, Scope};
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
/// Which link or consent opens what is [`Tie::that_opens`](crate::domain::Tie::that_opens)'s to say; `tie` foresees it, so
/// that nothing is written for whoever is refused, and the answer holds both for the caller to compare. Of the consents of an
/// active care the one is looked at that is nearest to what is wanted: for the one item rather than for all, and the longest.
///
/// What a counselor opens goes on with no receipt: each opening has its own, named by its microsecond, so that the ledger
/// shows every one of them.
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
    let rows = sqlx::query_as!(
        Row,
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
                       WHERE e.owner_id = given.owner_id AND e.reader_id = given.reader_id) AS raised_to,
                      care.*
               FROM given
               LEFT JOIN LATERAL (
                   SELECT care_licensed(c.counselor_id, c.jurisdiction, $11) AS licensed,
                          care_kept_away(c.counselor_id, c.member_id, $11)
                              OR care_kept_away(c.member_id, c.counselor_id, $11) AS kept_apart,
                          account_suspended(c.member_id, $11) AS owner_suspended,
                          k.consent_id, k.scope AS consent_scope, k.item_id AS consent_item,
                          k.purpose AS consent_purpose, k.expires_at AS consent_expires, k.ended_at AS consent_ended
                   FROM care c
                   LEFT JOIN LATERAL (
                       SELECT * FROM consent
                       WHERE care_id = c.care_id AND owner_id = c.member_id AND counselor_id = c.counselor_id
                         AND scope = given.scope AND (item_id IS NULL OR item_id = given.item_id)
                         AND (given.purpose = 0 OR purpose = given.purpose)
                         AND ended_at IS NULL AND expires_at > $11
                       ORDER BY item_id IS NULL, expires_at DESC, consent_id LIMIT 1
                   ) AS k ON true
                   WHERE given.scope >= 5 AND c.member_id = given.owner_id AND c.counselor_id = given.reader_id
                     AND c.state = 'active'
               ) AS care ON true
           ), tie AS MATERIALIZED (
               SELECT bond.*, CASE WHEN scope >= 5 THEN 'counselor' WHEN couple_id IS NULL THEN 'trusted_person'
                                   ELSE 'partner' END AS relation,
                      found.relation_id, COALESCE(raised_to, 0) AS epoch
               FROM bond
               CROSS JOIN LATERAL (SELECT CASE WHEN scope < 5 THEN
                                                   COALESCE(couple_id, CASE scope WHEN 1 THEN in_owners_circle
                                                                                  WHEN 4 THEN in_readers_circle END)
                                               WHEN licensed AND NOT kept_apart AND NOT owner_suspended
                                                   THEN consent_id END
                                  ) AS found (relation_id)
               WHERE found.relation_id IS NOT NULL
           ), kept AS (
               INSERT INTO receipt AS known (owner_id, receipt_id, reader_id, session_id, relation, relation_id,
                                             scope, purpose, item_id, epoch, opened_at, hour)
               SELECT tie.owner_id, tie.fresh_id, tie.reader_id, tie.session_id, tie.relation, tie.relation_id,
                      tie.scope, tie.purpose, tie.item_id, tie.epoch, $11,
                      CASE WHEN tie.relation = 'counselor' THEN $16 ELSE COALESCE(same.hour, $15) END
               FROM tie JOIN turn USING (subject)
               LEFT JOIN LATERAL (
                   SELECT r.hour, r.receipt_id FROM receipt r
                   WHERE r.owner_id = tie.owner_id AND r.reader_id = tie.reader_id AND r.session_id = tie.session_id
                     AND r.relation = tie.relation AND r.relation_id = tie.relation_id AND r.scope = tie.scope
                     AND r.purpose = tie.purpose AND r.item_id IS NOT DISTINCT FROM tie.item_id
                     AND r.hour >= $13 AND r.opened_at >= $14 AND tie.relation <> 'counselor'
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
                  bond.licensed AS "licensed?", bond.kept_apart AS "kept_apart?",
                  bond.owner_suspended AS "owner_suspended?", bond.consent_id AS "consent_id?",
                  bond.consent_scope AS "consent_scope?", bond.consent_item AS "consent_item?",
                  bond.consent_purpose AS "consent_purpose?", bond.consent_expires AS "consent_expires?",
                  bond.consent_ended IS NOT NULL AS "consent_ended!",
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
        now.as_microsecond(),
    )
    .fetch_all(conn)
    .await?;
    let grant = |row: &Row| {
        Some(Grant {
            consent_id: row.consent_id?,
            scope: Scope::of(row.consent_scope?)?,
            item_id: row.consent_item,
            purpose: Purpose::of(row.consent_purpose?)?,
            expires_at: row.consent_expires?.to_jiff(),
            ended: row.consent_ended,
        })
    };
    let in_care = |row: &Row| {
        let (licensed, kept_apart, owner_suspended) = (row.licensed?, row.kept_apart?, row.owner_suspended?);
        Some(InCare { licensed, kept_apart, owner_suspended, grant: grant(row) })
    };
    Ok(rows
        .into_iter()
        .map(|row| Answer {
            has_turn: row.has_turn,
            has_session: row.has_session,
            bonds: Bonds {
                couple_id: row.couple_id,
                in_owners_circle: row.in_owners_circle,
                in_readers_circle: row.in_readers_circle,
                in_care: in_care(&row),
                software: None,
            },
            epoch: row.epoch,
            relation_id: row.relation_id,
            receipt_id: row.receipt_id,
        })
        .collect())
}

/// What the statement answers for one wish.
struct Row {
    has_turn: bool,
    has_session: bool,
    couple_id: Option<Uuid>,
    in_owners_circle: Option<Uuid>,
    in_readers_circle: Option<Uuid>,
    licensed: Option<bool>,
    kept_apart: Option<bool>,
    owner_suspended: Option<bool>,
    consent_id: Option<Uuid>,
    consent_scope: Option<i32>,
    consent_item: Option<Uuid>,
    consent_purpose: Option<i32>,
    consent_expires: Option<jiff_sqlx::Timestamp>,
    consent_ended: bool,
    epoch: Option<i64>,
    relation_id: Option<Uuid>,
    receipt_id: Option<Uuid>,
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
