//! `audit_key` and `audit_batch`, and the records' places in the chain.

use crate::domain::audit::Head;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Held by whoever makes the next batch or the key, so that replicas make one and not several. Any number does that no
/// other part of this database uses.
const CHAIN_LOCK: i64 = 0x6361_6e64_6f72_6175;

/// A key as stored.
pub struct Key {
    /// Its id.
    pub key_id: Uuid,
    /// 32 bytes.
    pub public_key: Vec<u8>,
    /// PKCS #8, sealed.
    pub private_key: Vec<u8>,
}

/// A batch as stored.
pub struct Batch {
    /// Its head.
    pub head: Head,
    /// The commitments, one after the other.
    pub commitments: Vec<u8>,
    /// The signature of the head.
    pub signature: Vec<u8>,
}

/// A record that waits for its place.
pub struct Waiting {
    /// Its id.
    pub record_id: Uuid,
    /// The commitment to it.
    pub commitment: Vec<u8>,
}

/// The newest key.
pub async fn newest_key(conn: &mut PgConnection) -> Result<Option<Key>, sqlx::Error> {
    sqlx::query_as!(
        Key,
        "SELECT key_id, public_key, private_key FROM audit_key ORDER BY created_at DESC, key_id DESC LIMIT 1"
    )
    .fetch_optional(conn)
    .await
}

/// Every key there is: a handful.
pub async fn keys(conn: &mut PgConnection) -> Result<Vec<Key>, sqlx::Error> {
    sqlx::query_as!(Key, "SELECT key_id, public_key, private_key FROM audit_key").fetch_all(conn).await
}

/// Keeps a key.
pub async fn insert_key(conn: &mut PgConnection, key: &Key, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO audit_key (key_id, public_key, private_key, created_at) VALUES ($1, $2, $3, $4)",
        key.key_id,
        &key.public_key,
        &key.private_key,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Waits until nobody else works on the chain; held until the transaction ends.
pub async fn lock(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", CHAIN_LOCK).execute(conn).await?;
    Ok(())
}

/// Whether any record waits for its place.
pub async fn is_waiting(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM audit_record WHERE batch IS NULL) AS "is!""#)
        .fetch_one(conn)
        .await
}

/// The records that wait, in the order of their ids.
pub async fn waiting(conn: &mut PgConnection, limit: i64) -> Result<Vec<Waiting>, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        "SELECT record_id, commitment FROM audit_record WHERE batch IS NULL ORDER BY record_id LIMIT $1",
        limit
    )
    .fetch_all(conn)
    .await
}

/// The newest head.
pub async fn last_head(conn: &mut PgConnection) -> Result<Option<Head>, sqlx::Error> {
    let batches = sqlx::query!(
        "SELECT batch, previous, root, records, total, sealed_at, key_id FROM audit_batch
         ORDER BY batch DESC LIMIT 1"
    )
    .fetch_optional(conn)
    .await?;
    Ok(batches.map(|row| Head {
        batch: row.batch,
        previous: hash(&row.previous),
        root: hash(&row.root),
        records: row.records,
        total: row.total,
        sealed_at: row.sealed_at.to_jiff(),
        key_id: row.key_id,
    }))
}

/// Batches after the given one, in order.
pub async fn batches_after(
    conn: &mut PgConnection,
    after: i64,
    limit: i64,
) -> Result<Vec<Batch>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT batch, previous, root, commitments, records, total, sealed_at, key_id, signature
         FROM audit_batch WHERE batch > $1 ORDER BY batch LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let batches = rows.into_iter().map(|row| Batch {
        head: Head {
            batch: row.batch,
            previous: hash(&row.previous),
            root: hash(&row.root),
            records: row.records,
            total: row.total,
            sealed_at: row.sealed_at.to_jiff(),
            key_id: row.key_id,
        },
        commitments: row.commitments,
        signature: row.signature,
    });
    Ok(batches.collect())
}

/// Adds a batch and gives its records their places, in the order in which they are named.
pub async fn append(conn: &mut PgConnection, batch: &Batch, record_ids: &[Uuid]) -> Result<u64, sqlx::Error> {
    let head = &batch.head;
    sqlx::query!(
        "INSERT INTO audit_batch (batch, previous, root, commitments, records, total, sealed_at, key_id, signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        head.batch,
        &head.previous[..],
        &head.root[..],
        &batch.commitments,
        head.records,
        head.total,
        head.sealed_at.to_sqlx(),
        head.key_id,
        &batch.signature
    )
    .execute(&mut *conn)
    .await?;
    let placed = sqlx::query!(
        "UPDATE audit_record r SET batch = $1, position = placed.position - 1
         FROM unnest($2::uuid[]) WITH ORDINALITY AS placed (record_id, position)
         WHERE r.record_id = placed.record_id AND r.batch IS NULL",
        head.batch,
        record_ids
    )
    .execute(conn)
    .await?;
    Ok(placed.rows_affected())
}

/// What the column's check says is 32 bytes.
fn hash(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}
