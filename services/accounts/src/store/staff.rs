//! Those who run the place, among the accounts.

use sqlx::PgConnection;
use uuid::Uuid;

/// Holds an account and all operators until the transaction ends, in the order of their ids; returns what each is, as stored.
pub async fn hold_with_operators(
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let held = sqlx::query!(
        "SELECT account_id, kind FROM account WHERE kind = 'operator' OR account_id = $1
         ORDER BY account_id FOR NO KEY UPDATE",
        account_id
    )
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().map(|row| (row.account_id, row.kind)).collect())
}
