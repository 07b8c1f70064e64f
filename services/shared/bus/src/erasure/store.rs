//! The SQL of erasure.

use super::Tally;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use std::collections::HashSet;
use uuid::Uuid;

/// Somebody whose next pass is due, claimed.
pub(super) struct Due {
    pub(super) account_id: Uuid,
    pub(super) erasure_id: Uuid,
    pub(super) passes: i32,
    pub(super) swept_at: Option<Timestamp>,
    pub(super) shredded_at: Option<Timestamp>,
    pub(super) tally: Tally,
}

pub(super) async fn begin(
    conn: &mut PgConnection,
    account_id: Uuid,
    erasure_id: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO bus.erased (account_id, erasure_id, heard_at, next_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (account_id) DO UPDATE SET next_at = coalesce(erased.next_at, excluded.next_at)",
        account_id,
        erasure_id,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts what was destroyed in the transaction of the beginning.
pub(super) async fn count(
    conn: &mut PgConnection,
    account_id: Uuid,
    tally: &Tally,
) -> Result<(), sqlx::Error> {
    let (classes, counts) = tally.columns();
    sqlx::query!(
        "UPDATE bus.erased SET classes = $2, counts = $3 WHERE account_id = $1 AND passes = 0",
        account_id,
        &classes,
        &counts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn among(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let erased = sqlx::query_scalar!("SELECT account_id FROM bus.erased WHERE account_id = ANY($1)", ids)
        .fetch_all(conn)
        .await?;
    Ok(erased.into_iter().collect())
}

pub(super) async fn erased_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT account_id, erasure_id FROM bus.erased WHERE account_id > $1 ORDER BY account_id LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.erasure_id)).collect())
}

/// Claims the one that is due the longest, until `lease`.
pub(super) async fn claim(
    conn: &mut PgConnection,
    now: Timestamp,
    lease: Timestamp,
) -> Result<Option<Due>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE bus.erased SET next_at = $2
         WHERE account_id = (SELECT account_id FROM bus.erased WHERE next_at <= $1
                             ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING account_id, erasure_id, passes, swept_at, shredded_at, classes, counts",
        now.to_sqlx() as _,
        lease.to_sqlx() as _,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Due {
        account_id: row.account_id,
        erasure_id: row.erasure_id,
        passes: row.passes,
        swept_at: row.swept_at.map(|at| at.to_jiff()),
        shredded_at: row.shredded_at.map(|at| at.to_jiff()),
        tally: Tally::of(row.classes, row.counts),
    }))
}

/// Notes a pass, unless another replica's came between; false then, and nothing of this one may be kept.
pub(super) async fn passed(
    conn: &mut PgConnection,
    due: &Due,
    next_at: Option<Timestamp>,
) -> Result<bool, sqlx::Error> {
    let (classes, counts) = due.tally.columns();
    let done = sqlx::query!(
        "UPDATE bus.erased SET passes = passes + 1, next_at = $3, swept_at = $4, shredded_at = $5, classes = $6, counts = $7
         WHERE account_id = $1 AND passes = $2",
        due.account_id,
        due.passes,
        next_at.map(|at| at.to_sqlx()) as _,
        due.swept_at.map(|at| at.to_sqlx()) as _,
        due.shredded_at.map(|at| at.to_sqlx()) as _,
        &classes,
        &counts,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn forget(
    conn: &mut PgConnection,
    account_id: Uuid,
    is_about: impl Fn(&str, &[u8]) -> bool,
) -> Result<u64, sqlx::Error> {
    let name = account_id.to_string();
    let told = sqlx::query!(
        "DELETE FROM bus.log WHERE aggregate_id = $1 OR position($2::bytea IN body) > 0",
        account_id,
        name.as_bytes(),
    )
    .execute(&mut *conn)
    .await?;
    let failed = sqlx::query!(
        "SELECT consumer, event_id, key, body FROM bus.inbox_retry
         WHERE aggregate_id = $1 OR position($2::bytea IN body) > 0 FOR UPDATE",
        account_id,
        name.as_bytes(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let (consumers, events): (Vec<_>, Vec<_>) = failed
        .into_iter()
        .filter(|row| is_about(&row.key, &row.body))
        .map(|row| (row.consumer, row.event_id))
        .unzip();
    let failed = sqlx::query!(
        "DELETE FROM bus.inbox_retry r USING UNNEST($1::text[], $2::uuid[]) AS gone (consumer, event_id)
         WHERE r.consumer = gone.consumer AND r.event_id = gone.event_id",
        &consumers,
        &events,
    )
    .execute(conn)
    .await?;
    Ok(told.rows_affected() + failed.rows_affected())
}

pub(super) async fn is_pending(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    let name = account_id.to_string();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bus.outbox
                          WHERE aggregate_id = $1 OR position($2::bytea IN body) > 0) AS "is!""#,
        account_id,
        name.as_bytes(),
    )
    .fetch_one(conn)
    .await
}
