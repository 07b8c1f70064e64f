//! Everything that a person has here, destroyed.

use bus::erasure::Tally;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Destroys every row of a person and counts them by class. What others wrote stays theirs, with an id in it that leads
/// nowhere any more.
///
/// # Errors
/// When the database fails.
pub async fn destroy(conn: &mut PgConnection, account_id: Uuid) -> Result<Tally, sqlx::Error> {
    let mut tally = Tally::new();
    let entries = sqlx::query!("DELETE FROM entries WHERE account_id = $1", account_id);
    tally.add("entries", entries.execute(&mut *conn).await?.rows_affected());
    let moods = sqlx::query!("DELETE FROM moods WHERE account_id = $1", account_id);
    tally.add("moods", moods.execute(&mut *conn).await?.rows_affected());
    let shares = sqlx::query!("DELETE FROM shares WHERE account_id = $1", account_id);
    tally.add("shares", shares.execute(&mut *conn).await?.rows_affected());
    let answers = sqlx::query!("DELETE FROM share_answers WHERE account_id = $1", account_id);
    tally.add("share_answers", answers.execute(&mut *conn).await?.rows_affected());
    let check_ins = sqlx::query!("DELETE FROM check_in_answers WHERE account_id = $1", account_id);
    tally.add("check_in_answers", check_ins.execute(&mut *conn).await?.rows_affected());
    let scores = sqlx::query!("DELETE FROM assessment_scores WHERE account_id = $1", account_id);
    tally.add("scores", scores.execute(&mut *conn).await?.rows_affected());
    let assessments = sqlx::query!("DELETE FROM assessments WHERE account_id = $1", account_id);
    tally.add("assessments", assessments.execute(conn).await?.rows_affected());
    Ok(tally)
}

/// Ends every link and every place in a circle of a person, in case nobody has told of it yet.
///
/// # Errors
/// When the database fails.
pub async fn end_links(conn: &mut PgConnection, account_id: Uuid, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE couples SET version = 2, changed_at = $2 WHERE version = 1 AND (first_id = $1 OR second_id = $1)",
        account_id,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE circles SET version = 2, changed_at = $2 WHERE version = 1 AND (host_id = $1 OR guest_id = $1)",
        account_id,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(conn)
    .await?;
    Ok(())
}
