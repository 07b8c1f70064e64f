//! Everything that a person has here, destroyed.

use crate::domain::{Bond, Couple};
use crate::error::Error;
use bus::erasure::Tally;
use sqlx::PgConnection;
use uuid::Uuid;

/// The links of a person that have not ended, as far as is known.
pub async fn links(conn: &mut PgConnection, account_id: Uuid) -> Result<Vec<(Couple, Bond)>, Error> {
    let rows = sqlx::query!(
        "SELECT couple_id, first_id, second_id, circle FROM couples
         WHERE version < 2 AND (first_id = $1 OR second_id = $1) ORDER BY couple_id",
        account_id
    )
    .fetch_all(conn)
    .await?;
    let links = rows.into_iter().map(|row| {
        let bond = if row.circle { Bond::Circle } else { Bond::Couple };
        (Couple { couple_id: row.couple_id, first_id: row.first_id, second_id: row.second_id }, bond)
    });
    Ok(links.collect())
}

/// Destroys every row of a person and counts them by class.
pub async fn destroy(conn: &mut PgConnection, account_id: Uuid) -> Result<Tally, Error> {
    let mut tally = Tally::new();
    // Before the schedules that brought them.
    let items = sqlx::query!("DELETE FROM inbox_items WHERE account_id = $1", account_id);
    tally.add("inbox_items", items.execute(&mut *conn).await?.rows_affected());
    let schedules = sqlx::query!("DELETE FROM schedules WHERE account_id = $1", account_id);
    tally.add("schedules", schedules.execute(&mut *conn).await?.rows_affected());
    let proposed = sqlx::query!("DELETE FROM check_in_schedules WHERE proposer_id = $1", account_id);
    tally.add("check_in_schedules", proposed.execute(&mut *conn).await?.rows_affected());
    let withdrawn = sqlx::query!("DELETE FROM withdrawn_shares WHERE owner_id = $1", account_id);
    tally.add("withdrawn_shares", withdrawn.execute(conn).await?.rows_affected());
    Ok(tally)
}
