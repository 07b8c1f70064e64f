//! Schedules and links that ended, and what is forgotten.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Notes that a schedule ended, and calls its check-ins off whose time had not come, decided or not. It waits for
/// whoever holds one of them.
pub async fn end_schedule(
    conn: &mut PgConnection,
    couple_id: Uuid,
    schedule_id: Uuid,
    ended_at: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ended_schedules AS kept (couple_id, schedule_id, ended_at) VALUES ($1, $2, $3)
         ON CONFLICT (couple_id, schedule_id) DO UPDATE SET ended_at = LEAST(kept.ended_at, excluded.ended_at)",
        couple_id,
        schedule_id,
        ended_at.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE check_ins SET state = 'called_off', decided_at = COALESCE(decided_at, $4)
         WHERE couple_id = $1 AND schedule_id = $2 AND open_time > $3 AND state <> 'called_off'",
        couple_id,
        schedule_id,
        ended_at.to_sqlx() as jiff_sqlx::Timestamp,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a schedule is known to have ended before a time.
pub async fn is_ended(
    conn: &mut PgConnection,
    couple_id: Uuid,
    schedule_id: Uuid,
    before: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM ended_schedules WHERE couple_id = $1 AND schedule_id = $2 AND ended_at < $3
           ) AS "ended!""#,
        couple_id,
        schedule_id,
        before.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_one(conn)
    .await
}

/// Calls a couple's check-ins off that were decided although their link had ended by their time. Those that are not
/// decided are left to whoever decides, so that answers to them can be taken back until then.
pub async fn call_off(
    conn: &mut PgConnection,
    couple_id: Uuid,
    unlinked_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE check_ins SET state = 'called_off'
         WHERE couple_id = $1 AND open_time >= $2 AND state IN ('open', 'not_this_time')",
        couple_id,
        unlinked_at.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets check-ins that were to open before a moment, did not, and were never announced, with the answers to them: no
/// schedule has them. What was called off stays, as its writers' own. Returns how many there were, at most `limit`.
pub async fn forget_unannounced(
    conn: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "WITH over AS (
             SELECT couple_id, check_in_id FROM check_ins
             WHERE state = 'not_this_time' AND NOT announced AND open_time < $1
             ORDER BY open_time LIMIT $2 FOR UPDATE SKIP LOCKED
         ), answers AS (
             DELETE FROM check_in_answers a USING over JOIN couples k USING (couple_id)
             WHERE a.account_id IN (k.first_id, k.second_id)
                 AND a.check_in_id = over.check_in_id AND a.couple_id = over.couple_id
         )
         DELETE FROM check_ins c USING over
         WHERE c.couple_id = over.couple_id AND c.check_in_id = over.check_in_id",
        before.to_sqlx() as jiff_sqlx::Timestamp,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
