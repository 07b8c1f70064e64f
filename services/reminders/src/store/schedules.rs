//! What is planned, and what is due.

use crate::domain::{Cursor, Fate, Fired, Kind, Notice, Schedule};
use crate::error::Error;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx as _};
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) fn to_number(kind: Kind) -> i16 {
    match kind {
        Kind::LookBack => 1,
        Kind::CheckInAhead => 2,
        Kind::CheckIn => 3,
        Kind::Share => 4,
        Kind::ShareAnswer => 5,
    }
}

pub(super) fn to_kind(number: i16) -> Result<Kind, Error> {
    let all = [Kind::LookBack, Kind::CheckInAhead, Kind::CheckIn, Kind::Share, Kind::ShareAnswer];
    all.into_iter().find(|kind| to_number(*kind) == number).ok_or(Error::Unreadable)
}

/// What a notice may do, as far as its link is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The two are linked: it fires at its time.
    Runs,
    /// Accounts has not told of the link yet.
    Waits,
    /// What it would tell is over.
    Over,
}

impl Standing {
    fn state(self) -> &'static str {
        match self {
            Self::Runs => "pending",
            Self::Waits => "waiting",
            Self::Over => "cancelled",
        }
    }
}

/// Plans them, but for those that are known already, and where the member has, had or cancelled one of the kind that day:
/// of several of a day the first. Says how many were planned.
pub async fn insert_schedules(conn: &mut PgConnection, schedules: &[Schedule]) -> Result<u64, Error> {
    let ids: Vec<Uuid> = schedules.iter().map(|schedule| schedule.schedule_id).collect();
    let accounts: Vec<Uuid> = schedules.iter().map(|schedule| schedule.account_id).collect();
    let kinds: Vec<i16> = schedules.iter().map(|schedule| to_number(schedule.kind)).collect();
    let subjects: Vec<Option<Uuid>> = schedules.iter().map(|schedule| schedule.subject_id).collect();
    let times: Vec<SqlTimestamp> = schedules.iter().map(|schedule| schedule.due_at.to_sqlx()).collect();
    let days: Vec<jiff_sqlx::Date> = schedules.iter().map(|schedule| schedule.due_on.to_sqlx()).collect();
    let zones: Vec<String> = schedules.iter().map(|schedule| schedule.time_zone.clone()).collect();
    let made: Vec<SqlTimestamp> = schedules.iter().map(|schedule| schedule.created_at.to_sqlx()).collect();
    // An array comes through a row of its own and each day is looked up by its key, so that it is planned once, for any
    // number of them. In the order of the unique index, so that two replicas wait for each other instead of deadlocking.
    let done = sqlx::query!(
        "INSERT INTO schedules (schedule_id, account_id, kind, subject_id, due_at, due_on, time_zone, created_at)
         SELECT id, account_id, kind, subject_id, due_at, due_on, time_zone, created_at
         FROM unnest((SELECT $1::uuid[]), $2::uuid[], $3::smallint[], $4::uuid[], $5::timestamptz[], $6::date[], $7::text[],
                     $8::timestamptz[]) WITH ORDINALITY
              AS n (id, account_id, kind, subject_id, due_at, due_on, time_zone, created_at, place)
         WHERE NOT EXISTS (SELECT FROM schedules s
                           WHERE s.account_id = n.account_id AND s.kind = n.kind AND s.due_on = n.due_on OFFSET 0)
         ORDER BY account_id, due_on, place
         ON CONFLICT DO NOTHING",
        &ids,
        &accounts,
        &kinds,
        &subjects as _,
        &times as _,
        &days as _,
        &zones,
        &made as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Plans notices in the state their link asks for. Those that are known change nothing.
pub async fn insert_notices(
    conn: &mut PgConnection,
    notices: &[Notice],
    standing: Standing,
    now: Timestamp,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = notices.iter().map(Notice::schedule_id).collect();
    let accounts: Vec<Uuid> = notices.iter().map(|notice| notice.account_id).collect();
    let kinds: Vec<i16> = notices.iter().map(|notice| to_number(notice.kind)).collect();
    let subjects: Vec<Uuid> = notices.iter().map(|notice| notice.subject_id).collect();
    let couples: Vec<Uuid> = notices.iter().map(|notice| notice.couple_id).collect();
    let times: Vec<SqlTimestamp> = notices.iter().map(|notice| notice.due_at.to_sqlx()).collect();
    let ends: Vec<Option<SqlTimestamp>> =
        notices.iter().map(|notice| notice.ends_at.map(|time| time.to_sqlx())).collect();
    sqlx::query!(
        "INSERT INTO schedules (schedule_id, account_id, kind, subject_id, couple_id, due_at, ends_at, due_on, time_zone,
                                created_at, state, settled_at)
         SELECT schedule_id, account_id, kind, subject_id, couple_id, due_at, ends_at,
                (due_at AT TIME ZONE 'UTC')::date, 'UTC', $9::timestamptz, $8::text,
                CASE WHEN $8 = 'cancelled' THEN $9 END
         FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::timestamptz[])
              AS notice (schedule_id, account_id, kind, subject_id, couple_id, due_at, ends_at)
         ON CONFLICT (schedule_id) DO NOTHING",
        &ids,
        &accounts,
        &kinds,
        &subjects,
        &couples,
        &times as &[SqlTimestamp],
        &ends as &[Option<SqlTimestamp>],
        standing.state(),
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets what waited for a link take its course.
pub async fn release(conn: &mut PgConnection, couple_id: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE schedules SET state = 'pending' WHERE couple_id = $1 AND state = 'waiting'",
        couple_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a notice back: it fires no more. If it has fired, and its item stood for others of its kind too, the item points
/// at one of these from now on; otherwise the item leaves the inbox.
pub async fn retract(conn: &mut PgConnection, schedule_id: Uuid, now: Timestamp) -> Result<(), Error> {
    // Each statement waits for whoever is firing; only then the next one sees what is in the inbox.
    sqlx::query!(
        "UPDATE schedules SET state = 'cancelled', settled_at = $2 WHERE schedule_id = $1 AND state <> 'cancelled'",
        schedule_id,
        now.to_sqlx() as _,
    )
    .execute(&mut *conn)
    .await?;
    let held = sqlx::query_scalar!(
        "SELECT inbox_item_id FROM inbox_items WHERE schedule_id = $1 FOR UPDATE",
        schedule_id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(inbox_item_id) = held else { return Ok(()) };
    if !point_elsewhere(conn, inbox_item_id, now).await? {
        sqlx::query!("DELETE FROM inbox_items WHERE inbox_item_id = $1", inbox_item_id).execute(conn).await?;
    }
    Ok(())
}

/// Lets an unread item point at the first of its kind that fired, is not over, and has no item of its own. Says whether
/// there was one.
async fn point_elsewhere(
    conn: &mut PgConnection,
    inbox_item_id: Uuid,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE inbox_items SET schedule_id = other.schedule_id, subject_id = other.subject_id
         FROM (
             SELECT s.schedule_id, s.subject_id
             FROM inbox_items i
             JOIN schedules s ON s.couple_id = i.couple_id AND s.account_id = i.account_id AND s.kind = i.kind
             WHERE i.inbox_item_id = $1 AND i.read_at IS NULL
               AND s.state = 'fired' AND (s.ends_at IS NULL OR s.ends_at > $2)
               AND NOT EXISTS (SELECT FROM inbox_items own WHERE own.schedule_id = s.schedule_id)
             ORDER BY s.due_at, s.schedule_id
             LIMIT 1
         ) AS other
         WHERE inbox_items.inbox_item_id = $1",
        inbox_item_id,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes everything back that rests on a link.
pub async fn retract_of_couple(
    conn: &mut PgConnection,
    couple_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    // This waits for whoever is firing; only then it is known what is in the inbox.
    sqlx::query!(
        "UPDATE schedules SET state = 'cancelled', settled_at = $2
         WHERE couple_id = $1 AND state IN ('pending', 'waiting')",
        couple_id,
        now.to_sqlx() as _,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM inbox_items WHERE couple_id = $1", couple_id).execute(conn).await?;
    Ok(())
}

/// Takes back what says that a check-in of a couple is ahead, where it is not here yet.
pub async fn retract_ahead(conn: &mut PgConnection, couple_id: Uuid, now: Timestamp) -> Result<(), Error> {
    let ahead = to_number(Kind::CheckInAhead);
    sqlx::query!(
        "UPDATE schedules SET state = 'cancelled', settled_at = $3
         WHERE couple_id = $1 AND kind = $2 AND state = 'pending'",
        couple_id,
        ahead,
        now.to_sqlx() as _,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM inbox_items USING schedules
         WHERE schedules.schedule_id = inbox_items.schedule_id
           AND schedules.couple_id = $1 AND schedules.kind = $2 AND schedules.ends_at > $3",
        couple_id,
        ahead,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What an account itself has pending behind the cursor, soonest first: never what the other one of its couple brings,
/// which would be seen before its time.
pub async fn list_schedules(
    conn: &mut PgConnection,
    account_id: Uuid,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Schedule>, Error> {
    let rows = sqlx::query!(
        "SELECT schedule_id, kind, subject_id, due_at, due_on, time_zone, created_at FROM schedules
         WHERE account_id = $1 AND state = 'pending' AND couple_id IS NULL AND (due_at, schedule_id) > ($2, $3)
         ORDER BY due_at, schedule_id
         LIMIT $4",
        account_id,
        after.time.to_sqlx() as _,
        after.id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        Ok(Schedule {
            schedule_id: row.schedule_id,
            account_id,
            kind: to_kind(row.kind)?,
            subject_id: row.subject_id,
            due_at: row.due_at.to_jiff(),
            due_on: row.due_on.to_jiff(),
            time_zone: row.time_zone,
            created_at: row.created_at.to_jiff(),
        })
    });
    read.collect()
}

/// Cancels a schedule of the account's own if it is still pending. False when the account has none of that id.
pub async fn cancel_schedule(
    conn: &mut PgConnection,
    account_id: Uuid,
    schedule_id: Uuid,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE schedules
         SET settled_at = CASE state WHEN 'pending' THEN $3 ELSE settled_at END,
             state = CASE state WHEN 'pending' THEN 'cancelled' ELSE state END
         WHERE account_id = $1 AND schedule_id = $2 AND couple_id IS NULL",
        account_id,
        schedule_id,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks what is due as fired, soonest first, and returns it. What another replica is firing is left to it; what rests
/// on a link fires only while that lasts, and what is over is cancelled instead: it was missed.
pub async fn fire_due(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<Fate, Error> {
    let rows = sqlx::query!(
        r#"WITH due AS (
             SELECT schedule_id FROM schedules
             WHERE state = 'pending' AND due_at <= $1
               AND (couple_id IS NULL
                    OR EXISTS (SELECT FROM couples WHERE couples.couple_id = schedules.couple_id AND version = 1))
             ORDER BY due_at, schedule_id
             LIMIT $2
             FOR UPDATE SKIP LOCKED
         )
         UPDATE schedules
         SET state = CASE WHEN ends_at <= $1 THEN 'cancelled' ELSE 'fired' END, settled_at = $1
         FROM due WHERE schedules.schedule_id = due.schedule_id
         RETURNING schedules.schedule_id, account_id, kind, subject_id, couple_id, due_at, state = 'fired' AS "fired!""#,
        now.to_sqlx() as _,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let mut fate = Fate::default();
    for row in rows {
        let kind = to_kind(row.kind)?;
        if !row.fired {
            fate.missed.push(kind);
            continue;
        }
        fate.fired.push(Fired {
            schedule_id: row.schedule_id,
            account_id: row.account_id,
            kind,
            subject_id: row.subject_id,
            couple_id: row.couple_id,
            due_at: row.due_at.to_jiff(),
            fired_at: now,
        });
    }
    fate.fired.sort_by_key(|schedule| (schedule.due_at, schedule.schedule_id));
    Ok(fate)
}

/// When the oldest of what could fire was due, check-ins included; none when nothing is.
pub async fn oldest_overdue(conn: &mut PgConnection, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let oldest = sqlx::query_scalar!(
        "SELECT min(due_at) FROM (
             (SELECT due_at FROM schedules
              WHERE state = 'pending' AND due_at <= $1
                AND (couple_id IS NULL
                     OR EXISTS (SELECT FROM couples WHERE couples.couple_id = schedules.couple_id AND version = 1))
              ORDER BY due_at LIMIT 1)
             UNION ALL
             (SELECT wake_at FROM check_in_schedules
              WHERE state = 'running' AND wake_at <= $1 ORDER BY wake_at LIMIT 1)
         ) AS overdue (due_at)",
        now.to_sqlx() as _,
    )
    .fetch_one(conn)
    .await?;
    Ok(oldest.map(SqlTimestamp::to_jiff))
}
