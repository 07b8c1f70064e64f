//! Check-ins and the answers to them. Whoever answers, takes back or decides holds the check-in's row first, and looks
//! at answers only in a later statement: one that waited for the row would still see the answers of before.

use crate::domain::{
    AnswerFacts, Appointment, CheckInKey, CheckInState, Cursor, OpenTime, Revealed, SealedAnswer,
    SealedCheckIn,
};
use chassis::identity::Capability;
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

/// Decides check-ins whose rows the transaction holds: open where the two are linked and both answered, else not this
/// time. Returns those that opened.
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
             SET decided_at = $3, state = CASE WHEN EXISTS (
                 SELECT FROM couples k
                 JOIN check_in_answers one ON one.account_id = k.first_id
                     AND one.check_in_id = c.check_in_id AND one.couple_id = c.couple_id
                 JOIN check_in_answers other ON other.account_id = k.second_id
                     AND other.check_in_id = c.check_in_id AND other.couple_id = c.couple_id
                 WHERE k.couple_id = c.couple_id AND k.version = 1
             ) THEN 'open' ELSE 'not_this_time' END
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
             (account_id, check_in_id, couple_id, schedule_id, open_time, replies, saved_at, request_mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
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
        "SELECT a.couple_id, c.state, a.open_time, a.request_mac
         FROM check_in_answers a JOIN check_ins c USING (couple_id, check_in_id)
         WHERE a.account_id = $1 AND a.check_in_id = $2",
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

/// How many check-ins an account answered, besides one, whose time has not come.
pub async fn count_gathering(
    conn: &mut PgConnection,
    account_id: Uuid,
    besides: Uuid,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT COUNT(*) AS "count!" FROM check_in_answers
           WHERE account_id = $1 AND open_time > $3 AND check_in_id <> $2"#,
        account_id,
        besides,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_one(conn)
    .await
}

/// A check-in with the account's own part. To one without an answer there is nothing to see of it until it was
/// announced and its time has come; then it is not this time, whether or not their partner answered.
pub async fn find_own(
    conn: &mut PgConnection,
    account_id: Uuid,
    check_in_id: Uuid,
    now: Timestamp,
) -> Result<Option<SealedCheckIn>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT c.schedule_id AS "schedule_id!", c.open_time AS "open_time!", own.replies AS "own?",
                  CASE WHEN own.account_id IS NULL THEN 'not_this_time' ELSE c.state END AS "state!"
           FROM (SELECT couple_id FROM check_in_answers WHERE account_id = $1 AND check_in_id = $2
                 UNION SELECT couple_id FROM couples WHERE first_id = $1 AND version = 1
                 UNION SELECT couple_id FROM couples WHERE second_id = $1 AND version = 1) AS links
           JOIN check_ins c ON c.couple_id = links.couple_id AND c.check_in_id = $2
           LEFT JOIN check_in_answers own
               ON own.account_id = $1 AND own.check_in_id = $2 AND own.couple_id = c.couple_id
           WHERE own.account_id IS NOT NULL OR (c.announced AND c.open_time <= $3)
           ORDER BY own.account_id IS NULL LIMIT 1"#,
        account_id,
        check_in_id,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SealedCheckIn {
        check_in_id,
        schedule_id: row.schedule_id,
        open_time: open_time_of(row.open_time)?,
        state: state_of(&row.state)?,
        own: row.own,
        partner: None,
    }))
}

/// The same for a reader who comes with their partner's opening, with the partner's part where it is open. Nothing,
/// whatever there is, where the two are not linked or the opening is good for nothing any more.
pub async fn find_opened(
    conn: &mut PgConnection,
    capability: &Capability,
    check_in_id: Uuid,
    now: Timestamp,
) -> Result<Option<SealedCheckIn>, sqlx::Error> {
    let opening = &capability.opening;
    let row = sqlx::query!(
        r#"SELECT c.schedule_id AS "schedule_id!", c.open_time AS "open_time!", own.replies AS "own?",
                  partner.replies AS "partner?",
                  CASE WHEN own.account_id IS NULL THEN 'not_this_time' ELSE c.state END AS "state!"
           FROM couples k
           JOIN check_ins c ON c.couple_id = k.couple_id AND c.check_in_id = $4
           LEFT JOIN check_in_answers own
               ON own.account_id = $1 AND own.check_in_id = $4 AND own.couple_id = k.couple_id
           LEFT JOIN check_in_answers partner
               ON partner.account_id = $2 AND partner.check_in_id = $4 AND partner.couple_id = k.couple_id
               AND own.account_id IS NOT NULL AND c.state = 'open'
           WHERE k.couple_id = $3 AND k.version = 1
               AND k.first_id = LEAST($1::uuid, $2::uuid) AND k.second_id = GREATEST($1::uuid, $2::uuid)
               AND (own.account_id IS NOT NULL OR (c.announced AND c.open_time <= $8))
               AND chassis.admits($2, $1, $5, $6, $7, $8)"#,
        capability.reader_id,
        opening.owner_id,
        opening.relation_id,
        check_in_id,
        capability.session_id,
        opening.epoch,
        capability.expires_at.to_sqlx() as jiff_sqlx::Timestamp,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SealedCheckIn {
        check_in_id,
        schedule_id: row.schedule_id,
        open_time: open_time_of(row.open_time)?,
        state: state_of(&row.state)?,
        own: row.own,
        partner: row.partner,
    }))
}

/// The check-ins an account answered after a cursor, newest first, at most `limit`, and whether there are more. The
/// page ends early, after at least one, when the answers together pass `budget` bytes: a page is one message.
pub async fn list_own(
    conn: &mut PgConnection,
    account_id: Uuid,
    after: Cursor,
    limit: i64,
    budget: i64,
) -> Result<(Vec<SealedCheckIn>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH page AS (
               SELECT a.*, SUM(octet_length(a.replies)) OVER w - octet_length(a.replies) AS bytes_before
               FROM check_in_answers a
               WHERE a.account_id = $1 AND (a.open_time, a.check_in_id) < ($2, $3)
               WINDOW w AS (ORDER BY a.open_time DESC, a.check_in_id DESC ROWS UNBOUNDED PRECEDING)
               ORDER BY a.open_time DESC, a.check_in_id DESC
               LIMIT $4
           )
           SELECT p.check_in_id AS "check_in_id!", p.schedule_id AS "schedule_id!", p.open_time AS "open_time!",
                  c.state, CASE WHEN p.bytes_before < $5 THEN p.replies END AS own
           FROM page p JOIN check_ins c ON c.couple_id = p.couple_id AND c.check_in_id = p.check_in_id
           ORDER BY p.open_time DESC, p.check_in_id DESC"#,
        account_id,
        after.time.to_sqlx() as jiff_sqlx::Timestamp,
        after.id,
        limit + 1,
        budget,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.len();
    let mut check_ins = Vec::with_capacity(found);
    for row in rows.into_iter().take(usize::try_from(limit).unwrap_or_default()) {
        let Some(own) = row.own else { break };
        check_ins.push(SealedCheckIn {
            check_in_id: row.check_in_id,
            schedule_id: row.schedule_id,
            open_time: open_time_of(row.open_time)?,
            state: state_of(&row.state)?,
            own: Some(own),
            partner: None,
        });
    }
    let more = found > check_ins.len();
    Ok((check_ins, more))
}

/// Check-ins of all couples that opened, by couple and id, after one of them. For telling all of them again; nothing
/// that a member waits for.
pub async fn opened_after(
    conn: &mut PgConnection,
    after: Option<CheckInKey>,
    limit: i64,
) -> Result<Vec<Revealed>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT c.couple_id, c.check_in_id, c.open_time, k.first_id, k.second_id
         FROM check_ins c JOIN couples k USING (couple_id)
         WHERE c.state = 'open' AND (c.couple_id, c.check_in_id) > ($1, $2)
         ORDER BY c.couple_id, c.check_in_id LIMIT $3",
        after.map(|after| after.couple_id).unwrap_or_default(),
        after.map(|after| after.check_in_id).unwrap_or_default(),
        limit,
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

fn state_of(name: &str) -> Result<CheckInState, sqlx::Error> {
    CheckInState::parse(name).ok_or_else(|| decode("a check-in stands nowhere"))
}

fn open_time_of(time: jiff_sqlx::Timestamp) -> Result<OpenTime, sqlx::Error> {
    OpenTime::kept(time.to_jiff()).ok_or_else(|| decode("a check-in's time is no whole second"))
}

fn decode(problem: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(problem.into())
}
