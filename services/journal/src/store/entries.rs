//! Entries, each with the mood it came with.

use super::Key;
use super::moods::mood;
use crate::domain::{Cursor, Facts, Mood, SealedEntry};
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Inserts entries, and says which of them were not there yet. Of rows with equal keys only the first goes in.
pub async fn insert_entries(
    conn: &mut PgConnection,
    entries: &[&SealedEntry],
    request_macs: &[&[u8]],
) -> Result<HashSet<Key>, sqlx::Error> {
    let accounts: Vec<Uuid> = entries.iter().map(|entry| entry.account_id).collect();
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.entry_id).collect();
    let bodies: Vec<&[u8]> = entries.iter().map(|entry| entry.body.as_slice()).collect();
    let titles: Vec<Option<&[u8]>> = entries.iter().map(|entry| entry.title.as_deref()).collect();
    let times: Vec<Timestamp> = entries.iter().map(|entry| entry.entry_time.to_sqlx()).collect();
    let zones: Vec<&str> = entries.iter().map(|entry| entry.time_zone.as_str()).collect();
    let moods: Vec<Option<Uuid>> =
        entries.iter().map(|entry| entry.mood.as_ref().map(|(id, _)| *id)).collect();
    let created: Vec<Timestamp> = entries.iter().map(|entry| entry.create_time.to_sqlx()).collect();
    let inserted = sqlx::query!(
        "INSERT INTO entries (account_id, entry_id, body, title, entry_time, time_zone, mood_id, create_time, request_mac)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::timestamptz[], $6::text[],
                              $7::uuid[], $8::timestamptz[], $9::bytea[])
         ON CONFLICT (account_id, entry_id) DO NOTHING
         RETURNING account_id, entry_id",
        &accounts,
        &ids,
        &bodies as &[&[u8]],
        &titles as &[Option<&[u8]>],
        &times as &[Timestamp],
        &zones as &[&str],
        &moods as &[Option<Uuid>],
        &created as &[Timestamp],
        request_macs as &[&[u8]],
    )
    .fetch_all(conn)
    .await?;
    Ok(inserted.into_iter().map(|row| (row.account_id, row.entry_id)).collect())
}

/// The request MACs of the entries that exist among these.
pub async fn entry_macs(conn: &mut PgConnection, keys: &[Key]) -> Result<HashMap<Key, Vec<u8>>, sqlx::Error> {
    let (accounts, ids): (Vec<Uuid>, Vec<Uuid>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        "SELECT e.account_id, e.entry_id, e.request_mac
         FROM UNNEST($1::uuid[], $2::uuid[]) AS wanted (account_id, entry_id)
         JOIN entries e USING (account_id, entry_id)",
        &accounts,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.account_id, row.entry_id), row.request_mac)).collect())
}

/// One of an account's entries.
pub async fn find_entry(
    conn: &mut PgConnection,
    account_id: Uuid,
    entry_id: Uuid,
) -> Result<Option<SealedEntry>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT e.body AS "body!", e.title, e.entry_time AS "entry_time!", e.time_zone AS "time_zone!",
                  e.create_time AS "create_time!", e.mood_id,
                  m.pleasantness AS "pleasantness?", m.energy AS "energy?", m.body_signs AS "body_signs?"
           FROM entries e LEFT JOIN moods m ON m.account_id = e.account_id AND m.mood_id = e.mood_id
           WHERE e.account_id = $1 AND e.entry_id = $2"#,
        account_id,
        entry_id,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SealedEntry {
        account_id,
        entry_id,
        body: row.body,
        title: row.title,
        entry_time: row.entry_time.to_jiff(),
        time_zone: row.time_zone,
        mood: entry_mood(row.mood_id, row.pleasantness, row.energy, row.body_signs)?,
        create_time: row.create_time.to_jiff(),
    }))
}

/// The entries after a cursor, newest first, at most `limit`, and whether there are more. The page ends early,
/// after at least one entry, when the texts together pass `budget` bytes: a page is one message.
pub async fn list_entries(
    conn: &mut PgConnection,
    account_id: Uuid,
    after: Cursor,
    limit: i64,
    budget: usize,
) -> Result<(Vec<SealedEntry>, bool), sqlx::Error> {
    // LATERAL, so that an entry without a mood costs no look at the moods. Parameters come through rows of their own: what the
    // planner can look at it plans anew each time, which took four times as long as reading. The inner limit is a page's most
    // and one more, so that the plan is for few rows all the same.
    let rows = sqlx::query!(
        r#"SELECT e.entry_id AS "entry_id!", e.body AS "body!", e.title, e.entry_time AS "entry_time!",
                  e.time_zone AS "time_zone!", e.create_time AS "create_time!", e.mood_id,
                  m.pleasantness AS "pleasantness?", m.energy AS "energy?", m.body_signs AS "body_signs?"
           FROM (
               SELECT entry_id, body, title, entry_time, time_zone, create_time, mood_id FROM entries
               WHERE account_id = (SELECT $1::uuid)
                   AND (entry_time, entry_id) < ((SELECT $2::timestamptz), (SELECT $3::uuid))
               ORDER BY entry_time DESC, entry_id DESC LIMIT 101
           ) e
           LEFT JOIN LATERAL (
               SELECT pleasantness, energy, body_signs FROM moods
               WHERE account_id = (SELECT $1::uuid) AND mood_id = e.mood_id LIMIT 1
           ) m ON e.mood_id IS NOT NULL
           ORDER BY e.entry_time DESC, e.entry_id DESC LIMIT (SELECT $4::bigint)"#,
        account_id,
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
        entries.push(SealedEntry {
            account_id,
            entry_id: row.entry_id,
            body: row.body,
            title: row.title,
            entry_time: row.entry_time.to_jiff(),
            time_zone: row.time_zone,
            mood: entry_mood(row.mood_id, row.pleasantness, row.energy, row.body_signs)?,
            create_time: row.create_time.to_jiff(),
        });
    }
    let more = found > entries.len();
    Ok((entries, more))
}

/// Facts of entries of all accounts, by account and id, after one of them. For telling all of them again; nothing
/// that a member waits for.
pub async fn entries_after(
    conn: &mut PgConnection,
    after: Key,
    limit: i64,
) -> Result<Vec<Facts>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id, entry_id, entry_time, time_zone, mood_id IS NOT NULL AS "has_mood!", create_time
           FROM entries WHERE (account_id, entry_id) > ($1, $2) ORDER BY account_id, entry_id LIMIT $3"#,
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let facts = rows.into_iter().map(|row| Facts {
        account_id: row.account_id,
        entry_id: row.entry_id,
        entry_time: row.entry_time.to_jiff(),
        time_zone: row.time_zone,
        has_mood: row.has_mood,
        create_time: row.create_time.to_jiff(),
    });
    Ok(facts.collect())
}

/// The mood an entry came with, if it came with one.
fn entry_mood(
    id: Option<Uuid>,
    pleasantness: Option<i16>,
    energy: Option<i16>,
    body_signs: Option<Vec<i16>>,
) -> Result<Option<(Uuid, Mood)>, sqlx::Error> {
    match (id, pleasantness, energy, body_signs) {
        (None, ..) => Ok(None),
        (Some(id), Some(pleasantness), Some(energy), Some(signs)) => {
            Ok(Some((id, mood(pleasantness, energy, &signs)?)))
        }
        (Some(_), ..) => Err(sqlx::Error::Decode("an entry's mood is gone".into())),
    }
}
