//! What one person reads of another's shares and answers. Every query here asks `journal_audience`, and none of them
//! decides by itself.

use super::shares::{FactsRow, ShareFacts};
use crate::domain::{Cursor, MAX_LIFE};
use chassis::identity::Capability;
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgConnection;
use uuid::Uuid;

/// Who reads, as their capability says it, and when.
#[derive(Clone, Copy)]
pub struct Reader {
    owner_id: Uuid,
    reader_id: Uuid,
    session_id: Uuid,
    couple_id: Uuid,
    epoch: i64,
    ends: Timestamp,
    now: Timestamp,
    /// What opened at this moment or before is over: nothing lives so long.
    earliest: Timestamp,
}

impl Reader {
    /// Whoever shows this capability now.
    pub fn new(capability: &Capability, now: jiff::Timestamp) -> Self {
        Self {
            owner_id: capability.opening.owner_id,
            reader_id: capability.reader_id,
            session_id: capability.session_id,
            couple_id: capability.opening.relation_id,
            epoch: capability.opening.epoch,
            ends: capability.expires_at.to_sqlx(),
            now: now.to_sqlx(),
            earliest: now.saturating_sub(MAX_LIFE).unwrap_or(jiff::Timestamp::MIN).to_sqlx(),
        }
    }
}

/// A share as its reader may see it.
pub struct OpenShare {
    /// Its id.
    pub share_id: Uuid,
    /// What kind of thing, by its number.
    pub kind: i16,
    /// How much of it, by its number.
    pub depth: i16,
    /// What the owner would like in return, by its number.
    pub wished_response: i16,
    /// Since when it is open.
    pub open_time: jiff::Timestamp,
    /// Until when.
    pub expire_time: jiff::Timestamp,
    /// Whether the reader told the owner that they read it.
    pub told_read: bool,
    /// The reader's own answer, if there is one.
    pub own_answer: Option<SealedAnswer>,
}

/// An answer, sealed with the answerer's data key.
pub struct SealedAnswer {
    /// Names the row it is sealed in.
    pub answer_id: Uuid,
    /// Whose share it answers.
    pub owner_id: Uuid,
    /// The share.
    pub share_id: Uuid,
    /// The sealed text.
    pub body: Vec<u8>,
    /// When it was given.
    pub create_time: jiff::Timestamp,
}

/// The shares of the owner that are open to the reader, after a cursor, newest first, at most `limit`, and whether
/// there are more. What stands beside `journal_audience` only spares it those that are over, with an index.
pub async fn list_open(
    conn: &mut PgConnection,
    reader: &Reader,
    after: Cursor,
    limit: i64,
) -> Result<(Vec<OpenShare>, bool), sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.share_id AS "share_id!", s.kind AS "kind!", s.depth AS "depth!",
                  s.wished_response AS "wished_response!", s.open_time AS "open_time!", s.expire_time AS "expire_time!",
                  s.told_read_time IS NOT NULL AS "told_read!",
                  a.answer_id AS "answer_id?", a.body AS "answer_body?", a.create_time AS "answer_time?"
           FROM shares s LEFT JOIN share_answers a
             ON a.account_id = $2 AND a.owner_id = s.account_id AND a.share_id = s.share_id
           WHERE s.account_id = $1 AND s.recipient_id = $2 AND (s.open_time, s.share_id) < ($8, $9)
             AND s.couple_id = $4 AND s.withdraw_time IS NULL AND s.expire_time > $7
             AND s.open_time <= $7 AND s.open_time > $11
             AND journal_audience(s.account_id, s.recipient_id, s.couple_id, s.open_time, s.expire_time, s.withdraw_time,
                                  $1, $2, $3, $4, $5, $6, $7)
           ORDER BY s.open_time DESC, s.share_id DESC LIMIT $10"#,
        reader.owner_id,
        reader.reader_id,
        reader.session_id,
        reader.couple_id,
        reader.epoch,
        reader.ends as Timestamp,
        reader.now as Timestamp,
        after.time.to_sqlx() as Timestamp,
        after.id,
        limit + 1,
        reader.earliest as Timestamp,
    )
    .fetch_all(conn)
    .await?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = rows.len() > limit;
    let shares = rows.into_iter().take(limit).map(|row| row.open_share(reader.owner_id));
    Ok((shares.collect(), more))
}

/// Of each wish, the share if it is open to its reader, with what it shows, sealed with the owner's data key. `now` is one
/// moment for all of them.
///
/// The arrays come by way of a row of their own, whose length the planner cannot see: it would plan anew for every length.
/// Each share is looked up by its key first (`OFFSET 0`): left to choose, the planner asked for every share in the table
/// whether its link has ended.
pub async fn find_open(
    conn: &mut PgConnection,
    wishes: &[(Reader, Uuid)],
    now: jiff::Timestamp,
) -> Result<Vec<Option<(OpenShare, Vec<u8>)>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT w.place AS "place!", s.share_id AS "share_id!", s.kind AS "kind!", s.depth AS "depth!",
                  s.wished_response AS "wished_response!", s.open_time AS "open_time!", s.expire_time AS "expire_time!",
                  s.told_read_time IS NOT NULL AS "told_read!", s.rendering AS "rendering!",
                  a.answer_id AS "answer_id?", a.body AS "answer_body?", a.create_time AS "answer_time?"
           FROM (SELECT $1::uuid[] AS owners, $2::uuid[] AS readers, $3::uuid[] AS sessions, $4::uuid[] AS couples,
                        $5::bigint[] AS epochs, $6::timestamptz[] AS ends, $7::uuid[] AS shares OFFSET 0) AS given,
                UNNEST(given.owners, given.readers, given.sessions, given.couples, given.epochs, given.ends, given.shares)
                    WITH ORDINALITY
                    AS w (owner_id, reader_id, session_id, couple_id, epoch, ends, share_id, place)
           CROSS JOIN LATERAL (SELECT * FROM shares
                               WHERE account_id = w.owner_id AND share_id = w.share_id AND rendering IS NOT NULL
                               OFFSET 0) AS s
           LEFT JOIN share_answers a
             ON a.account_id = w.reader_id AND a.owner_id = s.account_id AND a.share_id = s.share_id
           WHERE journal_audience(s.account_id, s.recipient_id, s.couple_id, s.open_time, s.expire_time, s.withdraw_time,
                                  w.owner_id, w.reader_id, w.session_id, w.couple_id, w.epoch, w.ends, $8)"#,
        &column(wishes, |reader| reader.owner_id),
        &column(wishes, |reader| reader.reader_id),
        &column(wishes, |reader| reader.session_id),
        &column(wishes, |reader| reader.couple_id),
        &column(wishes, |reader| reader.epoch),
        &column(wishes, |reader| reader.ends) as &[Timestamp],
        &wishes.iter().map(|(_, share_id)| *share_id).collect::<Vec<_>>(),
        now.to_sqlx() as Timestamp,
    )
    .fetch_all(conn)
    .await?;
    let mut found: Vec<_> = wishes.iter().map(|_| None).collect();
    for row in rows {
        let at = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
        if let (Some(slot), Some((reader, _))) = (found.get_mut(at), wishes.get(at)) {
            let share = Row {
                share_id: row.share_id,
                kind: row.kind,
                depth: row.depth,
                wished_response: row.wished_response,
                open_time: row.open_time,
                expire_time: row.expire_time,
                told_read: row.told_read,
                answer_id: row.answer_id,
                answer_body: row.answer_body,
                answer_time: row.answer_time,
            };
            *slot = Some((share.open_share(reader.owner_id), row.rendering));
        }
    }
    Ok(found)
}

fn column<T>(wishes: &[(Reader, Uuid)], of: impl Fn(&Reader) -> T) -> Vec<T> {
    wishes.iter().map(|(reader, _)| of(reader)).collect()
}

/// Notes on a share of the owner that is open to the reader that it is answered, and says what may be told of it; nothing
/// when it is not open to them. The database asks again when a withdrawal came in between.
pub async fn mark_answered(
    conn: &mut PgConnection,
    reader: &Reader,
    share_id: Uuid,
) -> Result<Option<ShareFacts>, sqlx::Error> {
    let row = sqlx::query_as!(
        FactsRow,
        r#"UPDATE shares s SET answer_time = COALESCE(s.answer_time, $7)
           WHERE s.account_id = $1 AND s.share_id = $8
             AND journal_audience(s.account_id, s.recipient_id, s.couple_id, s.open_time, s.expire_time, s.withdraw_time,
                                  $1, $2, $3, $4, $5, $6, $7)
           RETURNING s.account_id, s.share_id, s.recipient_id, s.couple_id, s.open_time, s.expire_time, s.create_time,
                     s.answer_time, FALSE AS "withdrawn!""#,
        reader.owner_id,
        reader.reader_id,
        reader.session_id,
        reader.couple_id,
        reader.epoch,
        reader.ends as Timestamp,
        reader.now as Timestamp,
        share_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ShareFacts::from))
}

/// Notes on a share of the owner that is open to the reader that they told of reading it. `Some(true)` when they had
/// not before, nothing when it is not open to them.
pub async fn mark_told(
    conn: &mut PgConnection,
    reader: &Reader,
    share_id: Uuid,
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH known AS (
               SELECT s.account_id, s.share_id, s.told_read_time IS NULL AS fresh FROM shares s
               WHERE s.account_id = $1 AND s.share_id = $8
                 AND journal_audience(s.account_id, s.recipient_id, s.couple_id, s.open_time, s.expire_time,
                                      s.withdraw_time, $1, $2, $3, $4, $5, $6, $7)
               FOR UPDATE
           )
           UPDATE shares s SET told_read_time = COALESCE(s.told_read_time, $7)
           FROM known WHERE s.account_id = known.account_id AND s.share_id = known.share_id
           RETURNING known.fresh AS "fresh!""#,
        reader.owner_id,
        reader.reader_id,
        reader.session_id,
        reader.couple_id,
        reader.epoch,
        reader.ends as Timestamp,
        reader.now as Timestamp,
        share_id,
    )
    .fetch_optional(conn)
    .await
}

/// The answer that the capability's owner gave to a share of the reader, sealed with the owner's data key. It is open
/// while the link lasts, whatever became of the share.
pub async fn find_answer(
    conn: &mut PgConnection,
    reader: &Reader,
    share_id: Uuid,
) -> Result<Option<SealedAnswer>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT a.answer_id, a.body, a.create_time FROM share_answers a
         WHERE a.account_id = $1 AND a.owner_id = $2 AND a.share_id = $8
           AND journal_audience(a.account_id, a.owner_id, a.couple_id, a.create_time, 'infinity', NULL,
                                $1, $2, $3, $4, $5, $6, $7)",
        reader.owner_id,
        reader.reader_id,
        reader.session_id,
        reader.couple_id,
        reader.epoch,
        reader.ends as Timestamp,
        reader.now as Timestamp,
        share_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| SealedAnswer {
        answer_id: row.answer_id,
        owner_id: reader.reader_id,
        share_id,
        body: row.body,
        create_time: row.create_time.to_jiff(),
    }))
}

struct Row {
    share_id: Uuid,
    kind: i16,
    depth: i16,
    wished_response: i16,
    open_time: Timestamp,
    expire_time: Timestamp,
    told_read: bool,
    answer_id: Option<Uuid>,
    answer_body: Option<Vec<u8>>,
    answer_time: Option<Timestamp>,
}

impl Row {
    fn open_share(self, owner_id: Uuid) -> OpenShare {
        let answer = |((answer_id, body), time): ((Uuid, Vec<u8>), Timestamp)| SealedAnswer {
            answer_id,
            owner_id,
            share_id: self.share_id,
            body,
            create_time: time.to_jiff(),
        };
        OpenShare {
            share_id: self.share_id,
            kind: self.kind,
            depth: self.depth,
            wished_response: self.wished_response,
            open_time: self.open_time.to_jiff(),
            expire_time: self.expire_time.to_jiff(),
            told_read: self.told_read,
            own_answer: self.answer_id.zip(self.answer_body).zip(self.answer_time).map(answer),
        }
    }
}
