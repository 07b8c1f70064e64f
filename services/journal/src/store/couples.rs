//! Who is linked with whom, as accounts tells it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A couple at one of its versions: 1 is linked, 2 is not linked any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Couple {
    /// The link.
    pub couple_id: Uuid,
    /// One of the two, the lower id.
    pub first_id: Uuid,
    /// The other.
    pub second_id: Uuid,
    /// The version.
    pub version: i64,
    /// When it became this version.
    pub changed_at: Timestamp,
}

/// Notes a couple, unless a later version of it is known already. An ended link stays ended.
///
/// # Errors
/// When the database fails, or the two are not in order.
pub async fn note(conn: &mut PgConnection, couple: &Couple) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO couples AS known (couple_id, first_id, second_id, version, changed_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (couple_id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at
         WHERE known.version < excluded.version",
        couple.couple_id,
        couple.first_id,
        couple.second_id,
        couple.version,
        couple.changed_at.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Under what an account can share with another now, if under anything: their couple, or the other's place in the
/// account's circle. Of several (the end of an earlier one is not known yet) a couple before a place, and the latest of
/// each.
///
/// # Errors
/// When the database fails.
pub async fn sharing_link(
    conn: &mut PgConnection,
    account_id: Uuid,
    other_id: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT link_id AS "link_id!" FROM (
               SELECT couple_id AS link_id, 1 AS kind, changed_at FROM couples
               WHERE first_id = LEAST($1::uuid, $2::uuid) AND second_id = GREATEST($1::uuid, $2::uuid) AND version = 1
               UNION ALL
               SELECT circle_id, 2, changed_at FROM circles WHERE host_id = $1 AND guest_id = $2 AND version = 1
           ) AS links ORDER BY kind, changed_at DESC, link_id DESC LIMIT 1"#,
        account_id,
        other_id,
    )
    .fetch_optional(conn)
    .await
}

/// The link of an account and whom it is with, if there is one now; of two the later, as above.
///
/// # Errors
/// When the database fails.
pub async fn link_of(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<(Uuid, Uuid)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT couple_id AS "couple_id!", partner_id AS "partner_id!" FROM (
               SELECT couple_id, second_id AS partner_id, changed_at FROM couples
               WHERE first_id = $1 AND version = 1
               UNION ALL
               SELECT couple_id, first_id, changed_at FROM couples WHERE second_id = $1 AND version = 1
           ) AS links ORDER BY changed_at DESC, couple_id DESC LIMIT 1"#,
        account_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.couple_id, row.partner_id)))
}
