//! Check-ins and the answers to them. Whoever answers, takes back or decides holds the check-in's row first, and looks
//! at answers only in a later statement: one that waited for the row would still see the answers of before.

mod over;
mod seen;

pub use over::{call_off, end_schedule, forget_unannounced, is_ended};
pub use seen::{find_opened, find_own, list_own, opened_after};

use crate::domain::{
    AnswerFacts, Appointment, CheckInKey, CheckInState, GAP, Load, OpenTime, PACE_OF, Revealed, SealedAnswer,
};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Lets the writes of an account that count its check-ins come one after another, until the transaction ends.
pub async fn queue_up(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('check-ins of ' || $1::uuid, 0))",
        account_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a check-in's row if there is none, and holds it until the transaction ends; says where it stands. With
/// `announced` it also notes that reminders said that its time has come.
pub async fn make_and_hold(
    conn: &mut PgConnection,
    appointment: &Appointment,
    announced: bool,
) -> Result<CheckInState, sqlx::Error> {
    // DO UPDATE waits for whoever holds the row, and makes it anew where they deleted it; DO NOTHING would not.
    let state = sqlx::query_scalar!(
        "INSERT INTO check_ins AS kept (couple_id, check_in_id, schedule_id, open_time, state, announced)
         VALUES ($1, $2, $3, $4, 'gathering', $5)
         ON CONFLICT (couple_id, check_in_id) DO UPDATE SET announced = kept.announced OR excluded.announced
         RETURNING state",
        appointment.key.couple_id,
        appointment.key.check_in_id,
        appointment.schedule_id,
        appointment.open_time.timestamp().to_sqlx() as jiff_sqlx::Timestamp,
        announced,
    )
    .fetch_one(conn)
    .await?;
    state_of(&state)
}

/// Holds a check-in's row until the transaction ends; says where it stands, or that there is none.
pub async fn hold(conn: &mut PgConnection, key: CheckInKey) -> Result<Option<CheckInState>, sqlx::Error> {
    let state = sqlx::query_scalar!(
        "SELECT state FROM check_ins WHERE couple_id = $1 AND check_in_id = $2 FOR UPDATE",
        key.couple_id,
        key.check_in_id,
    )
    .fetch_optional(conn)
    .await?;
    state.as_deref().map(state_of).transpose()
}

/// Holds check-ins whose time has come and that are not decided, passing over those that somebody else holds.
pub async fn hold_due(
    conn: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<CheckInKey>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT couple_id, check_in_id FROM check_ins WHERE state = 'gathering' AND open_time <= $1
         ORDER BY open_time LIMIT $2 FOR UPDATE SKIP LOCKED",
        now.to_sqlx() as jiff_sqlx::Timestamp,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let key = |couple_id, check_in_id| CheckInKey { couple_id, check_in_id };
    Ok(rows.into_iter().map(|row| key(row.couple_id, row.check_in_id)).collect())
}

/// Decides check-ins whose rows the transaction holds: called off where the schedule or the link has ended, open where
/// both answered, else not this time. Returns those that opened.
pub async fn decide(
    conn: &mut PgConnection,
    held: &[CheckInKey],
    now: Timestamp,
) -> Result<Vec<Revealed>, sqlx::Error> {
    let (couples, ids): (Vec<Uuid>, Vec<Uuid>) =
        held.iter().map(|key| (key.couple_id, key.check_in_id)).unzip();
    let rows = sqlx::query!(
        "WITH decided AS (
             UPDATE check_ins c
             SET decided_at = $3, state = CASE WHEN NOT EXISTS (
                 SELECT FROM couples k WHERE k.couple_id = c.couple_id AND k.version = 1
             ) THEN 'called_off' WHEN EXISTS (
                 SELECT FROM couples k
                 JOIN check_in_answers one ON one.account_id = k.first_id
                     AND one.check_in_id = c.check_in_id AND one.couple_id = c.couple_id
                 JOIN check_in_answers other ON other.account_id = k.second_id
                     AND other.check_in_id = c.check_in_id AND other.couple_id = c.couple_id
                 WHERE k.couple_id = c.couple_id
             ) THEN journal_check_in_stands('open', c.couple_id, c.schedule_id, c.open_time)
             ELSE 'not_this_time' END
             FROM UNNEST($1::uuid[], $2::uuid[]) AS held (couple_id, check_in_id)
             WHERE c.couple_id = held.couple_id AND c.check_in_id = held.check_in_id AND c.state = 'gathering'
             RETURNING c.couple_id, c.check_in_id, c.open_time, c.state
         )
         SELECT d.couple_id, d.check_in_id, d.open_time, k.first_id, k.second_id
         FROM decided d JOIN couples k USING (couple_id) WHERE d.state = 'open'",
        &couples,
        &ids,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_all(conn)
    .await?;
    let key = |couple_id, check_in_id| CheckInKey { couple_id, check_in_id };
    let revealed = |key, first_id, second_id, time| {
        Ok(Revealed { key, first_id, second_id, open_time: open_time_of(time)? })
    };
    rows.into_iter()
        .map(|row| revealed(key(row.couple_id, row.check_in_id), row.first_id, row.second_id, row.open_time))
        .collect()
}

/// Forgets a check-in whose row the transaction holds, where nobody answers it any more and nobody announced it.
pub async fn forget_unanswered(conn: &mut PgConnection, key: CheckInKey) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM check_ins c
         WHERE c.couple_id = $1 AND c.check_in_id = $2 AND c.state = 'gathering' AND NOT c.announced
             AND NOT EXISTS (
                 SELECT FROM couples k JOIN check_in_answers a ON a.account_id IN (k.first_id, k.second_id)
                 WHERE k.couple_id = c.couple_id AND a.check_in_id = c.check_in_id AND a.couple_id = c.couple_id
             )",
        key.couple_id,
        key.check_in_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps an answer in place of an earlier one to the same check-in. `false`: the account answered a check-in of this
/// id under another link, and that answer stays.
pub async fn keep_answer(
    conn: &mut PgConnection,
    couple_id: Uuid,
    answer: &SealedAnswer,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO check_in_answers AS kept
             (account_id, check_in_id, couple_id, schedule_id, open_time, replies, first_saved_at, saved_at, request_mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
         ON CONFLICT (account_id, check_in_id) DO UPDATE
             SET replies = excluded.replies, saved_at = excluded.saved_at, request_mac = excluded.request_mac
             WHERE kept.couple_id = excluded.couple_id",
        answer.account_id,
        answer.check_in_id,
        couple_id,
        answer.schedule_id,
        answer.open_time.timestamp().to_sqlx() as jiff_sqlx::Timestamp,
        &answer.replies,
        answer.saved_at.to_sqlx() as jiff_sqlx::Timestamp,
        &answer.request_mac,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes an account's answer, if it is there.
pub async fn delete_answer(
    conn: &mut PgConnection,
    account_id: Uuid,
    key: CheckInKey,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM check_in_answers WHERE account_id = $1 AND check_in_id = $2 AND couple_id = $3",
        account_id,
        key.check_in_id,
        key.couple_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account's own answer, unopened.
pub async fn find_answer(
    conn: &mut PgConnection,
    account_id: Uuid,
    check_in_id: Uuid,
) -> Result<Option<AnswerFacts>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT a.couple_id, a.open_time, a.request_mac,
                  journal_check_in_stands(c.state, c.couple_id, c.schedule_id, c.open_time) AS "state!"
           FROM check_in_answers a JOIN check_ins c USING (couple_id, check_in_id)
           WHERE a.account_id = $1 AND a.check_in_id = $2"#,
        account_id,
        check_in_id,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(AnswerFacts {
        key: CheckInKey { couple_id: row.couple_id, check_in_id },
        state: state_of(&row.state)?,
        open_time: open_time_of(row.open_time)?,
        request_mac: row.request_mac.try_into().map_err(|_| decode("a MAC has another length"))?,
    }))
}

/// How much an account has answered under a link, besides one check-in.
pub async fn load(
    conn: &mut PgConnection,
    account_id: Uuid,
    besides: &Appointment,
    now: Timestamp,
) -> Result<Load, sqlx::Error> {
    let open_time = besides.open_time.timestamp();
    let lately = now - PACE_OF;
    // What was answered since then opens, or opened, later than then.
    sqlx::query_as!(
        Load,
        r#"SELECT EXISTS (SELECT FROM check_in_answers WHERE account_id = $1 AND check_in_id = $3) AS "is_known!",
                  COUNT(*) FILTER (WHERE gathers) AS "gathering!",
                  COUNT(*) FILTER (WHERE gathers AND open_time <> $4 AND open_time > $5 AND open_time < $6) AS "near!",
                  COUNT(*) FILTER (WHERE first_saved_at > $8) AS "lately!"
           FROM (SELECT a.open_time, a.first_saved_at,
                        a.open_time > $7 AND c.state = 'gathering' AND a.couple_id = $2 AS gathers
                 FROM check_in_answers a JOIN check_ins c USING (couple_id, check_in_id)
                 WHERE a.account_id = $1 AND a.check_in_id <> $3 AND a.open_time > $8) AS others"#,
        account_id,
        besides.key.couple_id,
        besides.key.check_in_id,
        open_time.to_sqlx() as jiff_sqlx::Timestamp,
        (open_time - GAP).to_sqlx() as jiff_sqlx::Timestamp,
        (open_time + GAP).to_sqlx() as jiff_sqlx::Timestamp,
        now.to_sqlx() as jiff_sqlx::Timestamp,
        lately.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_one(conn)
    .await
}

fn state_of(name: &str) -> Result<CheckInState, sqlx::Error> {
    CheckInState::parse(name).ok_or_else(|| decode("a check-in stands nowhere"))
}

fn open_time_of(time: jiff_sqlx::Timestamp) -> Result<OpenTime, sqlx::Error> {
    OpenTime::kept(time.to_jiff()).ok_or_else(|| decode("a check-in's time is no whole second"))
}

fn decode(problem: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(problem.into())
}
