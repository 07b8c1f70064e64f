//! All SQL of the bus: here what is sent and logged, in `inbox` what is taken over.

mod inbox;

use crate::Envelope;
use bytes::Bytes;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) use inbox::{
    Parked, Received, aside, commit_whole, dead_letters, due, park, park_again, receive, revive, revive_all,
    sweep_inbox, unpark,
};

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

/// Adds events to the outbox, leased until then, if at all.
pub(crate) async fn append(
    conn: &mut PgConnection,
    events: &[Envelope],
    leased_until: Option<Timestamp>,
) -> Result<(), sqlx::Error> {
    let columns = Columns::of(events.iter());
    sqlx::query!(
        "INSERT INTO bus.outbox (id, key, aggregate_id, version, time, traceparent, body, leased_until)
         SELECT *, $8::timestamptz
         FROM UNNEST((SELECT $1::uuid[]), $2::text[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::text[], $7::bytea[])",
        &columns.ids,
        &columns.keys,
        &columns.aggregate_ids,
        &columns.versions,
        &columns.times,
        &columns.traceparents as _,
        &columns.bodies,
        leased_until.map(|until| until.to_sqlx()) as _,
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
/// A transaction of its own, and no part of another: the commit is not waited for until it is on disk, which is all
/// this would lose in a crash of the database: rows that are as they were before, and are published again. The limit is no parameter, and the rows are named by an array: a plan for
/// any number of rows would read the whole table, which is mostly rows that are gone. Parameters come through rows of their
/// own, so that it is planned once: what the planner can look at it plans anew each time, which took as long as doing it.
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
             DELETE FROM bus.outbox WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND (SELECT waits FROM commit) = 'off'
             RETURNING id, key, aggregate_id, version, time, traceparent, body
         ), logged AS (
             INSERT INTO bus.log (id, key, aggregate_id, version, time, traceparent, body, published_at)
             SELECT id, key, aggregate_id, version, time, traceparent, body, $2 FROM published
         ), due AS (
             SELECT id FROM bus.outbox
             WHERE NOT (SELECT $5::boolean) AND (leased_until IS NULL OR leased_until <= (SELECT $3::timestamptz))
               AND id <> ALL((SELECT $1::uuid[])::uuid[])
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

/// Takes away the rows that were moved, so that a claim does not read past them: autovacuum comes once a minute at most,
/// and by then they can be a hundred times as many as those that wait. Whoever does so already does it for all.
pub(crate) async fn vacuum_outbox(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Without giving the file's end back, which would lock out everybody else.
    sqlx::raw_sql("VACUUM (SKIP_LOCKED, TRUNCATE false) bus.outbox").execute(conn).await?;
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
