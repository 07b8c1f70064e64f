//! `invitation_block`: whose invitations do not reach whom, for a while or until it is lifted.

use crate::domain::PauseCause;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A pause as it is made.
pub struct NewPause<'a> {
    /// Its id.
    pub pause_id: Uuid,
    /// Whom invitations do not reach.
    pub keeper_id: Uuid,
    /// Whose invitations.
    pub other_id: Uuid,
    /// Why.
    pub cause: PauseCause,
    /// The name the keeper read of the other, sealed.
    pub called: Option<&'a [u8]>,
}

/// A pause as its keeper sees it.
pub struct Listed {
    /// Its id.
    pub pause_id: Uuid,
    /// The name the keeper read of the other, sealed.
    pub called: Option<Vec<u8>>,
    /// Why.
    pub cause: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// Keeps a pause, unless there is one of the two that lasts longer. A name that was kept stays where the new one has none, and
/// with it the id that it is sealed for.
pub async fn keep(conn: &mut PgConnection, new: &NewPause<'_>, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO invitation_block AS known (blocker_id, blocked_id, blocked_at, pause_id, cause, until, called)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (blocker_id, blocked_id) DO UPDATE
             SET blocked_at = excluded.blocked_at, cause = excluded.cause, until = excluded.until,
                 pause_id = CASE WHEN excluded.called IS NULL THEN known.pause_id ELSE excluded.pause_id END,
                 called = COALESCE(excluded.called, known.called)
             WHERE known.until IS NOT NULL AND (excluded.until IS NULL OR excluded.until >= known.until)",
        new.keeper_id,
        new.other_id,
        now.to_sqlx(),
        new.pause_id,
        new.cause.as_str(),
        new.cause.until(now).map(|until| until.to_sqlx()) as _,
        new.called,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody's pauses that are not over, from before a place, newest first.
pub async fn list(
    conn: &mut PgConnection,
    keeper_id: Uuid,
    now: Timestamp,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT pause_id, called, cause, blocked_at, until FROM invitation_block
         WHERE blocker_id = $1 AND (until IS NULL OR until > $2) AND (blocked_at, pause_id) < ($3, $4)
         ORDER BY blocked_at DESC, pause_id DESC LIMIT $5",
        keeper_id,
        now.to_sqlx(),
        before.0.to_sqlx(),
        before.1,
        limit
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        pause_id: row.pause_id,
        called: row.called,
        cause: row.cause,
        since: row.blocked_at.to_jiff(),
        until: row.until.map(|until| until.to_jiff()),
    });
    Ok(listed.collect())
}

/// Ends one of somebody's pauses, if there is one of that id.
pub async fn lift(conn: &mut PgConnection, keeper_id: Uuid, pause_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM invitation_block WHERE blocker_id = $1 AND pause_id = $2", keeper_id, pause_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends the pauses between two people that would have ended by themselves: both said yes to each other.
pub async fn end_between(conn: &mut PgConnection, [one, other]: [Uuid; 2]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM invitation_block
         WHERE (blocker_id = $1 AND blocked_id = $2 OR blocker_id = $2 AND blocked_id = $1) AND until IS NOT NULL",
        one,
        other
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes pauses that were over before the given time.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM invitation_block WHERE (blocker_id, blocked_id) IN
             (SELECT blocker_id, blocked_id FROM invitation_block WHERE until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
