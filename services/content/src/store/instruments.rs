//! Instruments, each version as it was published.

use super::Result;
use crate::domain::questionnaire::Instrument;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

/// A version of an instrument.
pub struct Published {
    /// Readable id.
    pub instrument_id: String,
    /// Its version.
    pub version: i32,
    /// The `Questionnaire` as JSON.
    pub questionnaire: String,
}

/// The latest version of an instrument and the digest of its file.
pub struct Head {
    /// Readable id.
    pub instrument_id: String,
    /// The latest version.
    pub version: i32,
    /// Digest of the file it came from.
    pub digest: Vec<u8>,
}

/// Keeps other loads of instruments out until the transaction ends. Readers go on.
pub async fn lock(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("LOCK TABLE instruments IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    Ok(())
}

/// The latest version of every instrument.
pub async fn heads(conn: &mut PgConnection) -> Result<Vec<Head>> {
    sqlx::query_as!(
        Head,
        "SELECT DISTINCT ON (instrument_id) instrument_id, version, digest FROM instruments
         ORDER BY instrument_id, version DESC"
    )
    .fetch_all(conn)
    .await
}

/// Publishes a version of an instrument, beside those before.
pub async fn publish(
    conn: &mut PgConnection,
    instrument: &Instrument,
    version: i32,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO instruments (instrument_id, version, digest, questionnaire, publish_time)
         VALUES ($1, $2, $3, $4, $5)",
        instrument.id,
        version,
        &instrument.digest[..],
        instrument.text,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The latest version of every instrument, by id.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<Published>> {
    sqlx::query_as!(
        Published,
        "SELECT DISTINCT ON (instrument_id) instrument_id, version, questionnaire FROM instruments
         ORDER BY instrument_id, version DESC"
    )
    .fetch_all(conn)
    .await
}

/// One version of an instrument; 0 means the latest.
pub async fn get(conn: &mut PgConnection, instrument_id: &str, version: i32) -> Result<Option<Published>> {
    sqlx::query_as!(
        Published,
        "SELECT instrument_id, version, questionnaire FROM instruments
         WHERE instrument_id = $1 AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1",
        instrument_id,
        version,
    )
    .fetch_optional(conn)
    .await
}

/// The versions of all instruments after one of them, by id and version. For telling all of them again.
pub async fn published_after(
    conn: &mut PgConnection,
    after: (&str, i32),
    limit: i64,
) -> Result<Vec<Published>> {
    sqlx::query_as!(
        Published,
        "SELECT instrument_id, version, questionnaire FROM instruments
         WHERE (instrument_id, version) > ($1, $2) ORDER BY instrument_id, version LIMIT $3",
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await
}
