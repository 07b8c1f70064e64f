//! What is decided on somebody who applied.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Makes the account one of another kind; false when it is of that kind already.
pub async fn set_kind(conn: &mut PgConnection, account_id: Uuid, kind: &str) -> Result<bool, sqlx::Error> {
    let changed =
        sqlx::query!("UPDATE account SET kind = $2 WHERE account_id = $1 AND kind <> $2", account_id, kind)
            .execute(conn)
            .await?;
    Ok(changed.rows_affected() == 1)
}

/// Notes of every licence that holds now that it was checked, and returns how many hold.
pub async fn check_licences(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let checked = sqlx::query!(
        "UPDATE counselor_licence SET checked_at = COALESCE(checked_at, $2)
         WHERE account_id = $1 AND valid_until > $2",
        account_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(checked.rows_affected())
}

/// Removes the licences of somebody that nobody checked.
pub async fn drop_unchecked(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM counselor_licence WHERE account_id = $1 AND checked_at IS NULL", account_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes somebody a counselor, if what they say is of that revision. Who becomes one is listed, unless they wait for everything
/// of theirs to be destroyed.
pub async fn verify(
    conn: &mut PgConnection,
    account_id: Uuid,
    revision: i32,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let verified = sqlx::query!(
        "UPDATE counselor SET state = 'verified', revision = revision + 1, review_since = NULL, decided_at = $3,
                              verified_at = COALESCE(verified_at, $3), expired = false, reason = NULL,
                              unlisted = CASE WHEN verified_at IS NULL
                                              THEN EXISTS (SELECT FROM erasure e WHERE e.account_id = $1)
                                              ELSE unlisted END
         WHERE account_id = $1 AND revision = $2",
        account_id,
        revision,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(verified.rows_affected() == 1)
}

/// Refuses what waits of somebody, if it is of that revision.
pub async fn refuse(
    conn: &mut PgConnection,
    account_id: Uuid,
    revision: i32,
    state: &str,
    reason: &[u8],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let refused = sqlx::query!(
        "UPDATE counselor SET state = $3, revision = revision + 1, review_since = NULL, decided_at = $5, reason = $4
         WHERE account_id = $1 AND revision = $2 AND review_since IS NOT NULL",
        account_id,
        revision,
        state,
        reason,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(refused.rows_affected() == 1)
}

/// Ends that somebody is a counselor, for an operator's reason or because no licence holds; false when they are none.
pub async fn suspend(
    conn: &mut PgConnection,
    account_id: Uuid,
    reason: Option<&[u8]>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let suspended = sqlx::query!(
        "UPDATE counselor SET state = 'suspended', revision = revision + 1, decided_at = $3, verified_at = NULL,
                              expired = $2::bytea IS NULL, reason = $2
         WHERE account_id = $1 AND state = 'verified'",
        account_id,
        reason,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(suspended.rows_affected() == 1)
}

/// Counselors of whom no licence holds any more that was checked: of one of them, or of some.
pub async fn expired(
    conn: &mut PgConnection,
    account_id: Option<Uuid>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT account_id FROM counselor c
         WHERE state = 'verified' AND ($1::uuid IS NULL OR account_id = $1)
           AND NOT EXISTS (SELECT FROM counselor_licence l
                           WHERE l.account_id = c.account_id AND l.checked_at IS NOT NULL AND l.valid_until > $2)
         LIMIT $3",
        account_id,
        now.to_sqlx(),
        limit
    )
    .fetch_all(conn)
    .await
}
