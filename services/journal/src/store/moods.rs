//! Moods.

use super::Key;
use crate::domain::{Cursor, Mood, MoodRecord};
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgConnection;
use std::collections::HashSet;
use uuid::Uuid;

/// Inserts moods, and says which of them were not there yet. `request_macs` are those of moods recorded by
/// themselves.
pub async fn insert_moods(
    conn: &mut PgConnection,
    records: &[MoodRecord],
    request_macs: &[Option<&[u8]>],
) -> Result<HashSet<Key>, sqlx::Error> {
    let accounts: Vec<Uuid> = records.iter().map(|record| record.account_id).collect();
    let ids: Vec<Uuid> = records.iter().map(|record| record.mood_id).collect();
    let entries: Vec<Option<Uuid>> = records.iter().map(|record| record.entry_id).collect();
    let felt: Vec<Timestamp> = records.iter().map(|record| record.felt_time.to_sqlx()).collect();
    let pleasantness: Vec<i16> = records.iter().map(|record| record.mood.pleasantness()).collect();
    let energy: Vec<i16> = records.iter().map(|record| record.mood.energy()).collect();
    let signs: Vec<String> = records.iter().map(|record| array_literal(&record.mood)).collect();
    let created: Vec<Timestamp> = records.iter().map(|record| record.create_time.to_sqlx()).collect();
    let inserted = sqlx::query!(
        "INSERT INTO moods (account_id, mood_id, entry_id, felt_time, pleasantness, energy, body_signs, create_time, request_mac)
         SELECT account_id, mood_id, entry_id, felt_time, pleasantness, energy, signs::smallint[], create_time, request_mac
         FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::smallint[], $6::smallint[],
                     $7::text[], $8::timestamptz[], $9::bytea[])
           AS new (account_id, mood_id, entry_id, felt_time, pleasantness, energy, signs, create_time, request_mac)
         ON CONFLICT (account_id, mood_id) DO NOTHING
         RETURNING account_id, mood_id",
        &accounts,
        &ids,
        &entries as &[Option<Uuid>],
        &felt as &[Timestamp],
        &pleasantness,
        &energy,
        &signs,
        &created as &[Timestamp],
        request_macs as &[Option<&[u8]>],
    )
    .fetch_all(conn)
    .await?;
    Ok(inserted.into_iter().map(|row| (row.account_id, row.mood_id)).collect())
}

/// One of an account's moods, with the MAC of the request that recorded it (none when it came with an entry).
pub async fn find_mood(
    conn: &mut PgConnection,
    account_id: Uuid,
    mood_id: Uuid,
) -> Result<Option<(MoodRecord, Option<Vec<u8>>)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT entry_id, felt_time, pleasantness, energy, body_signs, create_time, request_mac
         FROM moods WHERE account_id = $1 AND mood_id = $2",
        account_id,
        mood_id,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let record = MoodRecord {
        account_id,
        mood_id,
        entry_id: row.entry_id,
        mood: mood(row.pleasantness, row.energy, &row.body_signs)?,
        felt_time: row.felt_time.to_jiff(),
        create_time: row.create_time.to_jiff(),
    };
    Ok(Some((record, row.request_mac)))
}

/// The moods after a cursor, newest first, at most `limit`, and whether there are more.
pub async fn list_moods(
    conn: &mut PgConnection,
    account_id: Uuid,
    after: Cursor,
    limit: i64,
) -> Result<(Vec<MoodRecord>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT mood_id, entry_id, felt_time, pleasantness, energy, body_signs, create_time
         FROM moods WHERE account_id = $1 AND (felt_time, mood_id) < ($2, $3)
         ORDER BY felt_time DESC, mood_id DESC LIMIT $4",
        account_id,
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
            account_id,
            mood_id: row.mood_id,
            entry_id: row.entry_id,
            mood: mood(row.pleasantness, row.energy, &row.body_signs)?,
            felt_time: row.felt_time.to_jiff(),
            create_time: row.create_time.to_jiff(),
        });
    }
    Ok((records, more))
}

/// A mood as its row says it.
pub(super) fn mood(pleasantness: i16, energy: i16, body_signs: &[i16]) -> Result<Mood, sqlx::Error> {
    let signs: Vec<i32> = body_signs.iter().copied().map(i32::from).collect();
    Mood::parse(pleasantness.into(), energy.into(), &signs)
        .map_err(|_| sqlx::Error::Decode("a row of moods holds no mood".into()))
}

/// UNNEST flattens arrays of arrays, so each row's signs travel as the text of an array.
pub(super) fn array_literal(mood: &Mood) -> String {
    let signs: Vec<String> = mood.body_signs().map(|sign| sign.number().to_string()).collect();
    format!("{{{}}}", signs.join(","))
}
