//! What a consumer takes over, keeps aside and gives up.

use super::Columns;
use crate::Envelope;
use crate::replay::DeadLetter;
use bytes::Bytes;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::HashSet;
use uuid::Uuid;

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

/// What of a batch was not taken over before, and who among those it names is erased here.
pub(crate) struct Received {
    pub(crate) fresh: HashSet<Uuid>,
    pub(crate) erased: HashSet<Uuid>,
}

/// Takes events over for a consumer. One statement for both questions: every batch asks them, and each trip to the database
/// is time that an event waits. The arrays come through a row of their own, so that it is planned once: where the planner
/// sees how long they are, it plans each anew, and that takes longer than doing it.
pub(crate) async fn receive(
    conn: &mut PgConnection,
    consumer: &str,
    ids: &[Uuid],
    named: &[Uuid],
    now: Timestamp,
) -> Result<Received, sqlx::Error> {
    // Sorted, so that two replicas with overlapping batches wait for each other instead of deadlocking.
    let rows = sqlx::query!(
        r#"WITH taken AS (INSERT INTO bus.inbox (consumer, event_id, received_at)
                          SELECT $1, id, $3 FROM UNNEST((SELECT $2::uuid[])) AS id ORDER BY id
                          ON CONFLICT DO NOTHING RETURNING event_id)
           SELECT event_id AS "id!", FALSE AS "erased!" FROM taken
           UNION ALL SELECT account_id, TRUE FROM bus.erased WHERE account_id = ANY((SELECT $4::uuid[])::uuid[])"#,
        consumer,
        ids,
        now.to_sqlx() as _,
        named,
    )
    .fetch_all(conn)
    .await?;
    let ids = |erased| rows.iter().filter(|row| row.erased == erased).map(|row| row.id).collect();
    Ok(Received { fresh: ids(false), erased: ids(true) })
}

/// Commits, in one trip, only what is whole. When a statement failed and whoever asked it went on, PostgreSQL answers a
/// COMMIT by rolling back, and calls that no error: the question before it is one then, and nothing after it is done.
pub(crate) async fn commit_whole(mut tx: Transaction<'_, Postgres>) -> Result<(), sqlx::Error> {
    // The next transaction is what `tx` ends when it is dropped, with the connection's next use.
    sqlx::raw_sql("SELECT 1; COMMIT; BEGIN").execute(&mut *tx).await?;
    Ok(())
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
