//! `signing_key`: the keys that sign passports.

use crate::domain::KeyTimes;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Held by whoever makes a key, so that replicas make one and not several. Any number does that no other
/// part of this database uses.
const ROTATION_LOCK: i64 = 0x6361_6e64_6f72_6b65;

/// A signing key as stored.
pub struct Key {
    /// The key's id, a passport's `kid`.
    pub key_id: Uuid,
    /// 32 bytes.
    pub public_key: Vec<u8>,
    /// PKCS #8, sealed.
    pub private_key: Vec<u8>,
    /// When it begins to sign.
    pub signs_from: Timestamp,
}

impl KeyTimes for Key {
    fn signs_from(&self) -> Timestamp {
        self.signs_from
    }
}

/// Every key there is: at most a handful.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<Key>, sqlx::Error> {
    sqlx::query_as!(
        Key,
        "SELECT key_id, public_key, private_key, signs_from FROM signing_key ORDER BY signs_from"
    )
    .fetch_all(conn)
    .await
}

/// Waits until nobody else makes keys; held until the transaction ends.
pub async fn lock(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", ROTATION_LOCK).execute(conn).await?;
    Ok(())
}

/// Publishes a key.
pub async fn insert(conn: &mut PgConnection, key: &Key, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO signing_key (key_id, public_key, private_key, created_at, signs_from)
         VALUES ($1, $2, $3, $4, $5)",
        key.key_id,
        &key.public_key,
        &key.private_key,
        now.to_sqlx(),
        key.signs_from.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes keys for good.
pub async fn delete(conn: &mut PgConnection, key_ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM signing_key WHERE key_id = ANY($1)", key_ids).execute(conn).await?;
    Ok(())
}
