//! What is kept of new entries, in one statement.

use crate::domain::{MoodRecord, SealedEntry};
use crate::store::moods::array_literal;
use bus::Envelope;
use chassis::idempotency::Claim;
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgConnection;
use uuid::Uuid;

/// An entry with the claim of its key, the record of its mood and the event it causes.
pub struct NewEntry<'a> {
    /// The entry.
    pub entry: &'a SealedEntry,
    /// The write's key. Its MAC is also the entry's own.
    pub claim: &'a Claim,
    /// The mood it came with.
    pub mood: Option<MoodRecord>,
    /// `journal.v1.entry_written`.
    pub event: &'a Envelope,
}

/// Keeps entries all of which are new, and everything that comes with them: in one statement, which is one round trip
/// and one commit where no transaction is open.
///
/// Rows go in as they come, so give them in one order everywhere: then two batches never wait for each other. The
/// claims are inserted first, as by [`claim_many`](chassis::idempotency::claim_many): the statement proper runs
/// before what its WITH only adds, and of that the last before the first.
///
/// The events are leased to the relay of this process until `lease`, which is handed them after the commit.
///
/// One array of each kind comes through a row of its own: where the planner sees how long all of them are, it plans every
/// batch anew.
///
/// # Errors
/// A unique violation when anything of it is there already; then, as after any other failure, nothing was kept.
pub async fn keep_entries(
    conn: &mut PgConnection,
    rows: &[NewEntry<'_>],
    lease: Option<jiff::Timestamp>,
) -> Result<(), sqlx::Error> {
    let (accounts, ids) = keys(rows);
    let mut claims: Vec<&Claim> = rows.iter().map(|row| row.claim).collect();
    claims.sort_by_key(|claim| (claim.account_id, claim.key));
    let moods: Vec<&MoodRecord> = rows.iter().filter_map(|row| row.mood.as_ref()).collect();
    let (events, times) = (rows.iter().map(|row| row.event), |time: jiff::Timestamp| time.to_sqlx());
    sqlx::query!(
        "WITH told AS (
             INSERT INTO bus.outbox (id, key, aggregate_id, version, time, traceparent, body, leased_until)
             SELECT *, $31::timestamptz
             FROM UNNEST((SELECT $1::uuid[]), $2::text[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::text[], $7::bytea[])),
         felt AS (
             INSERT INTO moods (account_id, mood_id, entry_id, felt_time, pleasantness, energy, body_signs, create_time)
             SELECT account_id, mood_id, entry_id, felt_time, pleasantness, energy, signs::smallint[], create_time
             FROM UNNEST((SELECT $8::uuid[]), $9::uuid[], $10::uuid[], $11::timestamptz[], $12::smallint[], $13::smallint[],
                         $14::text[], $15::timestamptz[])
               AS new (account_id, mood_id, entry_id, felt_time, pleasantness, energy, signs, create_time)),
         kept AS (
             INSERT INTO entries (account_id, entry_id, body, title, entry_time, time_zone, mood_id, create_time, request_mac)
             SELECT * FROM UNNEST((SELECT $16::uuid[]), $17::uuid[], $18::bytea[], $19::bytea[], $20::timestamptz[], $21::text[],
                                  $22::uuid[], $23::timestamptz[], $24::bytea[]))
         INSERT INTO chassis.idempotency (account_id, method, key, body_mac, resource_id, expires_at)
         SELECT * FROM UNNEST((SELECT $25::uuid[]), $26::text[], $27::uuid[], $28::bytea[], $29::uuid[], $30::timestamptz[])",
        &events.clone().map(|event| event.id).collect::<Vec<_>>(),
        &events.clone().map(|event| event.key.as_str()).collect::<Vec<_>>() as &[&str],
        &events.clone().map(|event| event.aggregate_id).collect::<Vec<_>>(),
        &events.clone().map(|event| event.version).collect::<Vec<_>>(),
        &events.clone().map(|event| times(event.time)).collect::<Vec<_>>() as &[Timestamp],
        &events.clone().map(|event| event.traceparent.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
        &events.map(|event| event.body.as_ref()).collect::<Vec<&[u8]>>() as &[&[u8]],
        &moods.iter().map(|mood| mood.account_id).collect::<Vec<_>>(),
        &moods.iter().map(|mood| mood.mood_id).collect::<Vec<_>>(),
        &moods.iter().map(|mood| mood.entry_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &moods.iter().map(|mood| times(mood.felt_time)).collect::<Vec<_>>() as &[Timestamp],
        &moods.iter().map(|mood| mood.mood.pleasantness()).collect::<Vec<_>>(),
        &moods.iter().map(|mood| mood.mood.energy()).collect::<Vec<_>>(),
        &moods.iter().map(|mood| array_literal(&mood.mood)).collect::<Vec<_>>(),
        &moods.iter().map(|mood| times(mood.create_time)).collect::<Vec<_>>() as &[Timestamp],
        &accounts,
        &ids,
        &rows.iter().map(|row| row.entry.body.as_slice()).collect::<Vec<_>>() as &[&[u8]],
        &rows.iter().map(|row| row.entry.title.as_deref()).collect::<Vec<_>>() as &[Option<&[u8]>],
        &rows.iter().map(|row| times(row.entry.entry_time)).collect::<Vec<_>>() as &[Timestamp],
        &rows.iter().map(|row| row.entry.time_zone.as_str()).collect::<Vec<_>>() as &[&str],
        &rows.iter().map(|row| row.entry.mood.as_ref().map(|(id, _)| *id)).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| times(row.entry.create_time)).collect::<Vec<_>>() as &[Timestamp],
        &rows.iter().map(|row| row.claim.body_mac.as_slice()).collect::<Vec<_>>() as &[&[u8]],
        &claims.iter().map(|claim| claim.account_id).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.method).collect::<Vec<_>>() as &[&str],
        &claims.iter().map(|claim| claim.key).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.body_mac.as_slice()).collect::<Vec<_>>() as &[&[u8]],
        &claims.iter().map(|claim| claim.resource_id).collect::<Vec<_>>(),
        &claims.iter().map(|claim| times(claim.expires_at)).collect::<Vec<_>>() as &[Timestamp],
        lease.map(times) as Option<Timestamp>,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn keys(rows: &[NewEntry<'_>]) -> (Vec<Uuid>, Vec<Uuid>) {
    rows.iter().map(|row| (row.entry.account_id, row.entry.entry_id)).unzip()
}
