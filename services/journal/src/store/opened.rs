//! What a member opens to their counselor or to software. Every query here asks who reads: the owner, or whoever
//! `chassis.admits`; none of them decides by itself.

use super::moods::mood;
use crate::domain::{Cursor, MoodRecord, SealedAssessment, SealedEntry};
use chassis::identity::Capability;
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgConnection;
use uuid::Uuid;

/// Whose data is read by whom, as their capability says it, and when.
#[derive(Clone, Copy)]
pub struct Audience {
    owner_id: Uuid,
    reader_id: Uuid,
    session_id: Uuid,
    epoch: i64,
    ends: Timestamp,
    now: Timestamp,
}

impl Audience {
    /// Somebody looks at their own.
    pub fn own(account_id: Uuid, now: jiff::Timestamp) -> Self {
        let (owner_id, reader_id) = (account_id, account_id);
        Self {
            owner_id,
            reader_id,
            session_id: Uuid::nil(),
            epoch: 0,
            ends: now.to_sqlx(),
            now: now.to_sqlx(),
        }
    }

    /// Whoever shows this capability now.
    pub fn of(capability: &Capability, now: jiff::Timestamp) -> Self {
        Self {
            owner_id: capability.opening.owner_id,
            reader_id: capability.reader_id,
            session_id: capability.session_id,
            epoch: capability.opening.epoch,
            ends: capability.expires_at.to_sqlx(),
            now: now.to_sqlx(),
        }
    }

    /// Whose data.
    pub fn owner_id(&self) -> Uuid {
        self.owner_id
    }
}

/// What there is to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Entries.
    Entries,
    /// Moods.
    Moods,
    /// Self-checks that are scored.
    SelfChecks,
}

/// How many there are of a kind; `None` where they are not open to whoever asks.
pub async fn count(
    conn: &mut PgConnection,
    audience: &Audience,
    kind: Kind,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT CASE $7 WHEN 'entries' THEN (SELECT count(*) FROM entries WHERE account_id = $1)
                          WHEN 'moods' THEN (SELECT count(*) FROM moods WHERE account_id = $1)
                          ELSE (SELECT count(*) FROM assessments WHERE account_id = $1 AND score_time IS NOT NULL)
                  END AS "count!"
           WHERE $2 = $1 OR chassis.admits($1, $2, $3, $4, $5, $6)"#,
        audience.owner_id,
        audience.reader_id,
        audience.session_id,
        audience.epoch,
        audience.ends as Timestamp,
        audience.now as Timestamp,
        match kind {
            Kind::Entries => "entries",
            Kind::Moods => "moods",
            Kind::SelfChecks => "self_checks",
        },
    )
    .fetch_optional(conn)
    .await
}

/// Entries after a cursor, newest first, without moods, at most `limit` and as many as it takes to exceed `budget` bytes of
/// text; and whether there are more.
pub async fn entries(
    conn: &mut PgConnection,
    audience: &Audience,
    after: Cursor,
    limit: i64,
    budget: usize,
) -> Result<(Vec<SealedEntry>, bool), sqlx::Error> {
    let rows = sqlx::query_as!(
        EntryRow,
        "SELECT entry_id, body, title, entry_time, time_zone, create_time FROM entries
         WHERE account_id = $1 AND (entry_time, entry_id) < ($7, $8)
           AND ($2 = $1 OR chassis.admits($1, $2, $3, $4, $5, $6))
         ORDER BY entry_time DESC, entry_id DESC LIMIT $9",
        audience.owner_id,
        audience.reader_id,
        audience.session_id,
        audience.epoch,
        audience.ends as Timestamp,
        audience.now as Timestamp,
        after.time.to_sqlx() as Timestamp,
        after.id,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.len();
    let (mut entries, mut bytes) = (Vec::with_capacity(found), 0);
    for row in rows.into_iter().take(usize::try_from(limit).unwrap_or_default()) {
        if bytes >= budget {
            break;
        }
        bytes += row.body.len();
        entries.push(row.sealed(audience.owner_id));
    }
    let more = found > entries.len();
    Ok((entries, more))
}

/// One entry, without its mood.
pub async fn entry(
    conn: &mut PgConnection,
    audience: &Audience,
    entry_id: Uuid,
) -> Result<Option<SealedEntry>, sqlx::Error> {
    let row = sqlx::query_as!(
        EntryRow,
        "SELECT entry_id, body, title, entry_time, time_zone, create_time FROM entries
         WHERE account_id = $1 AND entry_id = $7 AND ($2 = $1 OR chassis.admits($1, $2, $3, $4, $5, $6))",
        audience.owner_id,
        audience.reader_id,
        audience.session_id,
        audience.epoch,
        audience.ends as Timestamp,
        audience.now as Timestamp,
        entry_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.sealed(audience.owner_id)))
}

/// Moods after a cursor, newest first, at most `limit`, and whether there are more. Which entry one came with is not told.
pub async fn moods(
    conn: &mut PgConnection,
    audience: &Audience,
    after: Cursor,
    limit: i64,
) -> Result<(Vec<MoodRecord>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT mood_id, felt_time, pleasantness, energy, body_signs, create_time FROM moods
         WHERE account_id = $1 AND (felt_time, mood_id) < ($7, $8)
           AND ($2 = $1 OR chassis.admits($1, $2, $3, $4, $5, $6))
         ORDER BY felt_time DESC, mood_id DESC LIMIT $9",
        audience.owner_id,
        audience.reader_id,
        audience.session_id,
        audience.epoch,
        audience.ends as Timestamp,
        audience.now as Timestamp,
        after.time.to_sqlx() as Timestamp,
        after.id,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = rows.len() > limit;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows.into_iter().take(limit) {
        records.push(MoodRecord {
            account_id: audience.owner_id,
            mood_id: row.mood_id,
            entry_id: None,
            mood: mood(row.pleasantness, row.energy, &row.body_signs)?,
            felt_time: row.felt_time.to_jiff(),
            create_time: row.create_time.to_jiff(),
        });
    }
    Ok((records, more))
}

/// Scored assessments after a cursor, newest first, without answers, at most `limit`, and whether there are more. With an id
/// that one alone.
pub async fn self_checks(
    conn: &mut PgConnection,
    audience: &Audience,
    only: Option<Uuid>,
    after: Cursor,
    limit: i64,
) -> Result<(Vec<SealedAssessment>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT assessment_id, instrument_id, instrument_version, create_time, score_time AS "score_time!"
           FROM assessments
           WHERE account_id = $1 AND score_time IS NOT NULL AND (create_time, assessment_id) < ($7, $8)
             AND ($10::uuid IS NULL OR assessment_id = $10)
             AND ($2 = $1 OR chassis.admits($1, $2, $3, $4, $5, $6))
           ORDER BY create_time DESC, assessment_id DESC LIMIT $9"#,
        audience.owner_id,
        audience.reader_id,
        audience.session_id,
        audience.epoch,
        audience.ends as Timestamp,
        audience.now as Timestamp,
        after.time.to_sqlx() as Timestamp,
        after.id,
        limit + 1,
        only,
    )
    .fetch_all(conn)
    .await?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = rows.len() > limit;
    let scored = rows.into_iter().take(limit).map(|row| SealedAssessment {
        account_id: audience.owner_id,
        assessment_id: row.assessment_id,
        instrument_id: row.instrument_id,
        instrument_version: row.instrument_version,
        answers: Vec::new(),
        create_time: row.create_time.to_jiff(),
        score_time: Some(row.score_time.to_jiff()),
    });
    Ok((scored.collect(), more))
}

struct EntryRow {
    entry_id: Uuid,
    body: Vec<u8>,
    title: Option<Vec<u8>>,
    entry_time: Timestamp,
    time_zone: String,
    create_time: Timestamp,
}

impl EntryRow {
    fn sealed(self, account_id: Uuid) -> SealedEntry {
        SealedEntry {
            account_id,
            entry_id: self.entry_id,
            body: self.body,
            title: self.title,
            entry_time: self.entry_time.to_jiff(),
            time_zone: self.time_zone,
            mood: None,
            create_time: self.create_time.to_jiff(),
        }
    }
}
