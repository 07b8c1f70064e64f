//! Everything that a person has here, destroyed.

use bus::erasure::Tally;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Destroys every row of a person and counts them by class; a link of theirs ends, in case nobody has told of it yet.
///
/// # Errors
/// When the database fails.
pub async fn destroy(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Tally, sqlx::Error> {
    let mut tally = Tally::new();
    let progress = sqlx::query!("DELETE FROM path_progress WHERE account_id = $1", account_id);
    tally.add("path_progress", progress.execute(&mut *conn).await?.rows_affected());
    let milestones = sqlx::query!("DELETE FROM path_milestones WHERE account_id = $1", account_id);
    tally.add("path_milestones", milestones.execute(&mut *conn).await?.rows_affected());
    sqlx::query!(
        "UPDATE couples SET version = 2, changed_at = $2 WHERE version = 1 AND (first_id = $1 OR second_id = $1)",
        account_id,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(tally)
}
