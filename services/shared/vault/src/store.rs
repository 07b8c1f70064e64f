//! The key store's SQL.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// The advisory lock of a key store: shared by whoever wraps a data key, held by whoever removes a KEK.
const KEKS: i64 = 0x6361_6e64_6f72_6b65;

/// How many live data keys of a service a KEK wraps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The service that seals with them.
    pub service: String,
    /// The KEK.
    pub kek_id: String,
    /// How many.
    pub data_keys: u64,
}

/// A data key as it is stored; `kek_id` and `wrapped` are none once it is destroyed.
pub(crate) struct Row {
    pub(crate) key_id: Uuid,
    pub(crate) kek_id: Option<String>,
    pub(crate) wrapped: Option<Vec<u8>>,
}

/// A data key to be stored.
pub(crate) struct NewKey {
    pub(crate) service: &'static str,
    pub(crate) owner: Uuid,
    pub(crate) key_id: Uuid,
    pub(crate) kek_id: String,
    pub(crate) wrapped: Vec<u8>,
}

/// A data key that an older KEK wraps.
pub(crate) struct Outdated {
    pub(crate) service: String,
    pub(crate) owner_id: Uuid,
    pub(crate) key_id: Uuid,
    pub(crate) wrapped: Option<Vec<u8>>,
}

/// A data key wrapped anew.
pub(crate) struct Renewed {
    pub(crate) key_id: Uuid,
    pub(crate) before: Vec<u8>,
    pub(crate) wrapped: Vec<u8>,
}

pub(crate) async fn find(store: &PgPool, service: &str, owner: Uuid) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT key_id, kek_id, wrapped FROM vault.data_keys WHERE service = $1 AND owner_id = $2",
        service,
        owner,
    )
    .fetch_optional(store)
    .await
}

/// Stores a new key; false when the owner has one already, or had.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    key: &NewKey,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO vault.data_keys (service, owner_id, key_id, kek_id, wrapped, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (service, owner_id) DO NOTHING",
        key.service,
        key.owner,
        key.key_id,
        key.kek_id,
        key.wrapped,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Leaves a tombstone where the owner's key is, or would be.
pub(crate) async fn destroy(
    store: &PgPool,
    service: &str,
    owner: Uuid,
    key_id: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO vault.data_keys (service, owner_id, key_id, created_at, destroyed_at)
         VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (service, owner_id) DO UPDATE
         SET kek_id = NULL, wrapped = NULL,
             destroyed_at = coalesce(data_keys.destroyed_at, excluded.destroyed_at)",
        service,
        owner,
        key_id,
        now.to_sqlx() as _,
    )
    .execute(store)
    .await?;
    Ok(())
}

/// The next keys that a KEK wraps, of all services, behind the given place in the order.
pub(crate) async fn wrapped_by(
    conn: &mut PgConnection,
    kek_id: &str,
    after: (&str, Uuid),
    limit: i64,
) -> Result<Vec<Outdated>, sqlx::Error> {
    sqlx::query_as!(
        Outdated,
        "SELECT service, owner_id, key_id, wrapped FROM vault.data_keys
         WHERE kek_id = $1 AND (service, owner_id) > ($2, $3)
         ORDER BY service, owner_id
         LIMIT $4",
        kek_id,
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Replaces wrapped keys that are still as they were read; one destroyed meanwhile stays destroyed.
pub(crate) async fn renew(
    conn: &mut PgConnection,
    kek_id: &str,
    keys: &[Renewed],
) -> Result<u64, sqlx::Error> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.key_id).collect();
    let before: Vec<Vec<u8>> = keys.iter().map(|key| key.before.clone()).collect();
    let wrapped: Vec<Vec<u8>> = keys.iter().map(|key| key.wrapped.clone()).collect();
    let done = sqlx::query!(
        "UPDATE vault.data_keys AS stored
         SET kek_id = $1, wrapped = renewed.wrapped
         FROM unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS renewed (key_id, before, wrapped)
         WHERE stored.key_id = renewed.key_id AND stored.wrapped = renewed.before",
        kek_id,
        &ids,
        &before,
        &wrapped,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// How many live keys are wrapped by any other KEK.
pub(crate) async fn count_not_wrapped_by(store: &PgPool, kek_id: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM vault.data_keys WHERE kek_id < $1 OR kek_id > $1"#,
        kek_id,
    )
    .fetch_one(store)
    .await
}

/// How many live keys a KEK wraps.
pub(crate) async fn count_wrapped_by(conn: &mut PgConnection, kek_id: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM vault.data_keys WHERE kek_id = $1"#, kek_id)
        .fetch_one(conn)
        .await
}

/// How many live keys each service has under each KEK.
pub(crate) async fn usage(store: &PgPool) -> Result<Vec<Usage>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT service, kek_id AS "kek_id!", count(*) AS "count!" FROM vault.data_keys
           WHERE kek_id IS NOT NULL GROUP BY service, kek_id ORDER BY service, kek_id"#
    )
    .fetch_all(store)
    .await?;
    let usage = rows.into_iter().map(|row| Usage {
        service: row.service,
        kek_id: row.kek_id,
        data_keys: row.count.unsigned_abs(),
    });
    Ok(usage.collect())
}

/// Until the transaction ends nobody removes a KEK. Others may share.
pub(crate) async fn share_keks(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock_shared($1)", KEKS).execute(conn).await?;
    Ok(())
}

/// Until the transaction ends nobody else wraps a data key. Waits for those who do.
pub(crate) async fn hold_keks(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", KEKS).execute(conn).await?;
    Ok(())
}

/// What tells a key store from every other, by whatever address it is reached.
pub(crate) async fn identity(store: &PgPool) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT format('%s %s', extract(epoch FROM pg_postmaster_start_time()), current_database()) AS "identity!""#
    )
    .fetch_one(store)
    .await
}
