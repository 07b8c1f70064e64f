//! All SQL of the bus.

use crate::Envelope;
use crate::replay::DeadLetter;
use bytes::Bytes;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// One row as the database gives it; every query that reads events selects these columns.
struct Row {
    id: Uuid,
    key: String,
    aggregate_id: Uuid,
    version: i64,
    time: jiff_sqlx::Timestamp,
    traceparent: Option<String>,
    body: Vec<u8>,
}

impl From<Row> for Envelope {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            key: row.key,
            aggregate_id: row.aggregate_id,
            version: row.version,
            time: row.time.to_jiff(),
            traceparent: row.traceparent,
            body: Bytes::from(row.body),
        }
    }
}

/// The columns of many events, as the arrays that `UNNEST` wants.
struct Columns {
    ids: Vec<Uuid>,
    keys: Vec<String>,
    aggregate_ids: Vec<Uuid>,
    versions: Vec<i64>,
    times: Vec<jiff_sqlx::Timestamp>,
    traceparents: Vec<Option<String>>,
    bodies: Vec<Vec<u8>>,
}

impl Columns {
    fn of<'a>(events: impl Iterator<Item = &'a Envelope> + Clone) -> Self {
        Self {
            ids: events.clone().map(|e| e.id).collect(),
            keys: events.clone().map(|e| e.key.clone()).collect(),
            aggregate_ids: events.clone().map(|e| e.aggregate_id).collect(),
            versions: events.clone().map(|e| e.version).collect(),
            times: events.clone().map(|e| e.time.to_sqlx()).collect(),
            traceparents: events.clone().map(|e| e.traceparent.clone()).collect(),
            bodies: events.map(|e| e.body.to_vec()).collect(),
        }
    }
}

/// Adds events to the outbox.
pub(crate) async fn append(conn: &mut PgConnection, events: &[Envelope]) -> Result<(), sqlx::Error> {
    let columns = Columns::of(events.iter());
    sqlx::query!(
        "INSERT INTO bus.outbox (id, key, aggregate_id, version, time, traceparent, body)
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::text[], $7::bytea[])",
        &columns.ids,
        &columns.keys,
        &columns.aggregate_ids,
        &columns.versions,
        &columns.times,
        &columns.traceparents as _,
        &columns.bodies,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rows a relay leases at once, at most.
pub(crate) const CLAIMED_AT_ONCE: usize = 256;

/// Which rows a relay leases: those that nobody is busy with `now`, oldest first, `until` then; or none.
pub(crate) struct Claim {
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) none: bool,
}

/// Moves confirmed rows to the log, dated `at`, and leases others. A row another relay has moved already is not moved again.
///
/// A transaction of its own, and no part of another: the commit is not waited for until it is on disk, which is all this would lose in a crash of the database: rows that are
/// as they were before, and are published again. The limit is no parameter, and the rows are named by an array: a plan for
/// any number of rows would read the whole table, which is mostly rows that are gone.
pub(crate) async fn log_and_claim(
    conn: &mut PgConnection,
    confirmed: &[Uuid],
    at: Timestamp,
    claim: Claim,
) -> Result<Vec<Envelope>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH commit AS MATERIALIZED (
             SELECT set_config('synchronous_commit', 'off', true) AS waits
         ), published AS (
             DELETE FROM bus.outbox WHERE id = ANY($1) AND (SELECT waits FROM commit) = 'off'
             RETURNING id, key, aggregate_id, version, time, traceparent, body
         ), logged AS (
             INSERT INTO bus.log (id, key, aggregate_id, version, time, traceparent, body, published_at)
             SELECT id, key, aggregate_id, version, time, traceparent, body, $2 FROM published
         ), due AS (
             SELECT id FROM bus.outbox
             WHERE NOT $5 AND (leased_until IS NULL OR leased_until <= $3) AND id <> ALL($1)
               AND (SELECT waits FROM commit) = 'off'
             ORDER BY id LIMIT 256 FOR UPDATE SKIP LOCKED
         )
         UPDATE bus.outbox o SET leased_until = $4 WHERE o.id = ANY(ARRAY(SELECT id FROM due))
         RETURNING o.id, o.key, o.aggregate_id, o.version, o.time, o.traceparent, o.body"#,
        confirmed,
        at.to_sqlx(),
        claim.now.to_sqlx(),
        claim.until.to_sqlx(),
        claim.none,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Envelope::from).collect())
}

/// Lets go of rows, each under the lease it was claimed with, not to be claimed again before `until`. A row that is
/// another relay's by now stays that one's.
pub(crate) async fn release(
    conn: &mut PgConnection,
    leased: &[(Uuid, Timestamp)],
    until: Timestamp,
) -> Result<(), sqlx::Error> {
    let (ids, leases): (Vec<_>, Vec<_>) = leased.iter().map(|(id, lease)| (*id, lease.to_sqlx())).unzip();
    sqlx::query!(
        "UPDATE bus.outbox o SET leased_until = $3
         FROM UNNEST($1::uuid[], $2::timestamptz[]) AS mine (id, lease)
         WHERE o.id = mine.id AND o.leased_until = mine.lease",
        &ids,
        &leases as &[jiff_sqlx::Timestamp],
        until.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What waits in the outbox.
pub(crate) struct Backlog {
    /// How many events.
    pub(crate) rows: u64,
    /// When the oldest of them happened.
    pub(crate) oldest: Option<Timestamp>,
}

/// What waits in the outbox; looks at no more than `limit` rows, the oldest ids first.
pub(crate) async fn backlog(conn: &mut PgConnection, limit: i64) -> Result<Backlog, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "rows!", min(time) AS oldest
           FROM (SELECT time FROM bus.outbox ORDER BY id LIMIT $1) AS waiting"#,
        limit
    )
    .fetch_one(conn)
    .await?;
    Ok(Backlog {
        rows: u64::try_from(row.rows).unwrap_or_default(),
        oldest: row.oldest.map(jiff_sqlx::Timestamp::to_jiff),
    })
}

/// How many events a consumer keeps aside: waiting for another attempt, and dead; counts no further than `limit`.
pub(crate) async fn aside(
    conn: &mut PgConnection,
    consumer: &str,
    limit: i64,
) -> Result<(u64, u64), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE dead_at IS NULL) AS "retries!", count(dead_at) AS "dead!"
           FROM (SELECT dead_at FROM bus.inbox_retry WHERE consumer = $1 LIMIT $2) AS aside"#,
        consumer,
        limit,
    )
    .fetch_one(conn)
    .await?;
    Ok((u64::try_from(row.retries).unwrap_or_default(), u64::try_from(row.dead).unwrap_or_default()))
}

/// Makes the log's partition for the day of an instant.
pub(crate) async fn make_log_partition(conn: &mut PgConnection, at: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT bus.make_log_partition($1)", at.to_sqlx()).execute(conn).await?;
    Ok(())
}

/// Drops the log's partitions of days that ended before an instant.
pub(crate) async fn drop_log_partitions(
    conn: &mut PgConnection,
    before: Timestamp,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT bus.drop_log_partitions($1) AS "dropped!""#, before.to_sqlx())
        .fetch_one(conn)
        .await
}

/// Takes events over for a consumer; returns those that were not taken over before.
pub(crate) async fn receive(
    conn: &mut PgConnection,
    consumer: &str,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Uuid>, sqlx::Error> {
    // Sorted, so that two replicas with overlapping batches wait for each other instead of deadlocking.
    sqlx::query_scalar!(
        "INSERT INTO bus.inbox (consumer, event_id, received_at)
         SELECT $1, id, $3 FROM UNNEST($2::uuid[]) AS id ORDER BY id
         ON CONFLICT DO NOTHING RETURNING event_id",
        consumer,
        ids,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}

/// Deletes up to `limit` of the oldest inbox rows from before an instant; says how many.
pub(crate) async fn sweep_inbox(
    conn: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let swept = sqlx::query!(
        "DELETE FROM bus.inbox WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM bus.inbox WHERE received_at < $1 LIMIT $2))",
        before.to_sqlx(),
        limit,
    )
    .execute(conn)
    .await?;
    Ok(swept.rows_affected())
}

/// A failed event with what happens to it next.
pub(crate) struct Parked<'a> {
    pub(crate) event: &'a Envelope,
    pub(crate) attempts: i32,
    pub(crate) next_at: Timestamp,
    pub(crate) reason: String,
    pub(crate) dead_at: Option<Timestamp>,
}

/// Keeps newly failed events aside. A row can be there already: of an event that was forgotten since it died.
pub(crate) async fn park(
    conn: &mut PgConnection,
    consumer: &str,
    parked: &[Parked<'_>],
) -> Result<(), sqlx::Error> {
    let columns = Columns::of(parked.iter().map(|p| p.event));
    let attempts: Vec<i32> = parked.iter().map(|p| p.attempts).collect();
    let next_at: Vec<jiff_sqlx::Timestamp> = parked.iter().map(|p| p.next_at.to_sqlx()).collect();
    let reasons: Vec<String> = parked.iter().map(|p| p.reason.clone()).collect();
    let dead_at: Vec<Option<jiff_sqlx::Timestamp>> =
        parked.iter().map(|p| p.dead_at.map(|at| at.to_sqlx())).collect();
    sqlx::query!(
        "INSERT INTO bus.inbox_retry (consumer, event_id, key, aggregate_id, version, time, traceparent, body,
                                      attempts, next_at, reason, dead_at)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::timestamptz[], $7::text[],
                                  $8::bytea[], $9::integer[], $10::timestamptz[], $11::text[], $12::timestamptz[])
         ON CONFLICT (consumer, event_id) DO UPDATE
         SET attempts = excluded.attempts, next_at = excluded.next_at, reason = excluded.reason,
             dead_at = excluded.dead_at",
        consumer,
        &columns.ids,
        &columns.keys,
        &columns.aggregate_ids,
        &columns.versions,
        &columns.times,
        &columns.traceparents as _,
        &columns.bodies,
        &attempts,
        &next_at,
        &reasons,
        &dead_at as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that an event kept aside failed again. False when it is not as this attempt found it: meanwhile another replica
/// has handled it, or tried it as well, and knows better.
pub(crate) async fn park_again(
    conn: &mut PgConnection,
    consumer: &str,
    parked: &Parked<'_>,
    before: i32,
) -> Result<bool, sqlx::Error> {
    let updated = sqlx::query!(
        "UPDATE bus.inbox_retry SET attempts = $4, next_at = $5, reason = $6, dead_at = $7
         WHERE consumer = $1 AND event_id = $2 AND attempts = $3 AND dead_at IS NULL",
        consumer,
        parked.event.id,
        before,
        parked.attempts,
        parked.next_at.to_sqlx(),
        parked.reason,
        parked.dead_at.map(|at| at.to_sqlx()) as _,
    )
    .execute(conn)
    .await?;
    Ok(updated.rows_affected() > 0)
}

/// Events whose next attempt is due, with the attempts so far; locked until the transaction ends.
pub(crate) async fn due(
    conn: &mut PgConnection,
    consumer: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(Envelope, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT event_id, key, aggregate_id, version, time, traceparent, body, attempts
         FROM bus.inbox_retry WHERE consumer = $1 AND dead_at IS NULL AND next_at <= $2
         ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED",
        consumer,
        now.to_sqlx(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let event = Envelope {
                id: row.event_id,
                key: row.key,
                aggregate_id: row.aggregate_id,
                version: row.version,
                time: row.time.to_jiff(),
                traceparent: row.traceparent,
                body: Bytes::from(row.body),
            };
            (event, row.attempts)
        })
        .collect())
}

/// Forgets events that were handled after all.
pub(crate) async fn unpark(conn: &mut PgConnection, consumer: &str, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM bus.inbox_retry WHERE consumer = $1 AND event_id = ANY($2)", consumer, ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Dead letters after the given one, in the order of consumer and event.
pub(crate) async fn dead_letters(
    conn: &mut PgConnection,
    after: Option<(&str, Uuid)>,
    limit: i64,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    let (consumer, event_id) = after.unwrap_or(("", Uuid::nil()));
    let rows = sqlx::query!(
        r#"SELECT consumer, event_id, key, aggregate_id, attempts, reason, dead_at AS "dead_at!"
           FROM bus.inbox_retry WHERE dead_at IS NOT NULL AND (consumer, event_id) > ($1, $2)
           ORDER BY consumer, event_id LIMIT $3"#,
        consumer,
        event_id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DeadLetter {
            consumer: row.consumer,
            event_id: row.event_id,
            key: row.key,
            aggregate_id: row.aggregate_id,
            attempts: row.attempts,
            reason: row.reason,
            dead_at: row.dead_at.to_jiff(),
        })
        .collect())
}

/// Brings one dead letter back to life; says whether there was one.
pub(crate) async fn revive(
    conn: &mut PgConnection,
    consumer: &str,
    event_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let revived = sqlx::query!(
        "UPDATE bus.inbox_retry SET attempts = 0, dead_at = NULL, next_at = $3
         WHERE consumer = $1 AND event_id = $2 AND dead_at IS NOT NULL",
        consumer,
        event_id,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(revived.rows_affected() > 0)
}

/// Brings all dead letters back to life, of one consumer or of all; says how many.
pub(crate) async fn revive_all(
    conn: &mut PgConnection,
    consumer: Option<&str>,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let revived = sqlx::query!(
        "UPDATE bus.inbox_retry SET attempts = 0, dead_at = NULL, next_at = $2
         WHERE dead_at IS NOT NULL AND ($1::text IS NULL OR consumer = $1)",
        consumer,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(revived.rows_affected())
}
