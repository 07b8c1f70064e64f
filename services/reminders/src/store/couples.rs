//! Who is linked with whom, as a couple or by a place in a circle, as accounts tells it; and the shares that were taken
//! back.

use crate::domain::{Bond, Couple};
use crate::error::Error;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// The version of a link that another event spoke of first.
pub const UNHEARD: i64 = 0;
/// The version of a link that lasts.
pub const LINKED: i64 = 1;
/// The version of a link that ended.
pub const ENDED: i64 = 2;

/// Keeps what accounts says of a link, if it is newer than what is known. Says whether it was.
pub async fn upsert(
    conn: &mut PgConnection,
    couple: &Couple,
    bond: Bond,
    version: i64,
    changed_at: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "INSERT INTO couples (couple_id, first_id, second_id, version, changed_at, circle) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (couple_id) DO UPDATE
             SET version = excluded.version, changed_at = excluded.changed_at, circle = excluded.circle
         WHERE couples.version < excluded.version",
        couple.couple_id,
        couple.first_id,
        couple.second_id,
        version,
        changed_at.to_sqlx() as _,
        bond == Bond::Circle,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How far a link has come, by its version; [`UNHEARD`] of one that accounts has not told of yet. Until the transaction
/// is over nobody else changes the link or what rests on it.
pub async fn lock_version(conn: &mut PgConnection, couple: &Couple, now: Timestamp) -> Result<i64, Error> {
    // Which bond it is, accounts says when it tells of it.
    upsert(conn, couple, Bond::Couple, UNHEARD, now).await?;
    let version = sqlx::query_scalar!(
        "SELECT version FROM couples WHERE couple_id = $1 FOR NO KEY UPDATE",
        couple.couple_id
    )
    .fetch_one(conn)
    .await?;
    Ok(version)
}

/// The couple an account is in. Until the transaction is over nobody else changes it or what rests on it.
pub async fn lock_link_of(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Couple>, Error> {
    let couple = sqlx::query_as!(
        Couple,
        "SELECT couple_id, first_id, second_id FROM couples
         WHERE version = 1 AND NOT circle AND (first_id = $1 OR second_id = $1)
         ORDER BY changed_at DESC, couple_id DESC LIMIT 1
         FOR NO KEY UPDATE",
        account_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(couple)
}

/// Remembers that a share was withdrawn.
pub async fn withdraw_share(
    conn: &mut PgConnection,
    couple_id: Uuid,
    owner_id: Uuid,
    share_id: Uuid,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO withdrawn_shares (couple_id, owner_id, share_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        couple_id,
        owner_id,
        share_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a share is known to be withdrawn.
pub async fn is_withdrawn(
    conn: &mut PgConnection,
    couple_id: Uuid,
    owner_id: Uuid,
    share_id: Uuid,
) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM withdrawn_shares WHERE couple_id = $1 AND owner_id = $2 AND share_id = $3)
               AS "found!""#,
        couple_id,
        owner_id,
        share_id,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}
