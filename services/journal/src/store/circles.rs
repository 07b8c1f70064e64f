//! Who is in whose circle, as accounts tells it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Somebody's place in a circle at one of its versions: 1 is in it, 2 is not in it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The place.
    pub circle_id: Uuid,
    /// Whose circle.
    pub host_id: Uuid,
    /// Who is in it.
    pub guest_id: Uuid,
    /// The version.
    pub version: i64,
    /// When it became this version.
    pub changed_at: Timestamp,
}

/// Notes a place, unless a later version of it is known already. An ended one stays ended.
///
/// # Errors
/// When the database fails, or the two are one person.
pub async fn note(conn: &mut PgConnection, place: &Place) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO circles AS known (circle_id, host_id, guest_id, version, changed_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (circle_id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at
         WHERE known.version < excluded.version",
        place.circle_id,
        place.host_id,
        place.guest_id,
        place.version,
        place.changed_at.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(conn)
    .await?;
    Ok(())
}
