//! Who is linked with whom, as accounts tells it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// The version of a link that lasts.
pub const LINKED: i64 = 1;
/// The version of a link that ended.
pub const ENDED: i64 = 2;

/// Keeps what accounts says of a link between two people, the lower id first, if it is newer than what is known.
///
/// # Errors
/// When the database fails.
pub async fn upsert(
    conn: &mut PgConnection,
    couple_id: Uuid,
    [first_id, second_id]: [Uuid; 2],
    version: i64,
    changed_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO couples (couple_id, first_id, second_id, version, changed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (couple_id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at
         WHERE couples.version < excluded.version",
        couple_id,
        first_id,
        second_id,
        version,
        changed_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an account is linked with somebody.
///
/// # Errors
/// When the database fails.
pub async fn is_linked(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM couples WHERE version = 1 AND first_id = $1)
               OR EXISTS (SELECT FROM couples WHERE version = 1 AND second_id = $1) AS "linked!""#,
        account_id,
    )
    .fetch_one(conn)
    .await
}
