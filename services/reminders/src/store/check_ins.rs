//! Schedules of check-ins.

use crate::domain::{CheckInSchedule, Couple, Occurrence, Phase, Proposal, Recurrence};
use crate::error::Error;
use chassis::identity::Capability;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx as _};
use sqlx::PgConnection;
use uuid::Uuid;

struct Row {
    couple_id: Uuid,
    schedule_id: Uuid,
    proposer_id: Uuid,
    weekday: i16,
    minute: i16,
    time_zone: String,
    state: String,
    next_open_at: Option<SqlTimestamp>,
    wake_at: Option<SqlTimestamp>,
    last_open_at: Option<SqlTimestamp>,
    last_check_in_id: Option<Uuid>,
}

impl TryFrom<Row> for CheckInSchedule {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let phase = match (row.state.as_str(), row.next_open_at, row.wake_at) {
            ("proposed", ..) => Phase::Proposed,
            ("running", Some(next), Some(wake)) => {
                Phase::Running { next_open_at: next.to_jiff(), wake_at: wake.to_jiff() }
            }
            ("ended", ..) => Phase::Ended,
            _ => return Err(Error::Unreadable),
        };
        Ok(Self {
            couple_id: row.couple_id,
            schedule_id: row.schedule_id,
            proposer_id: row.proposer_id,
            recurrence: Recurrence::kept(row.weekday, row.minute, row.time_zone).ok_or(Error::Unreadable)?,
            phase,
            last: occurrence(row.last_check_in_id, row.last_open_at),
        })
    }
}

fn occurrence(check_in_id: Option<Uuid>, open_at: Option<SqlTimestamp>) -> Option<Occurrence> {
    Some(Occurrence { check_in_id: check_in_id?, open_at: open_at?.to_jiff() })
}

/// A schedule of a couple, whatever became of it.
pub async fn find(
    conn: &mut PgConnection,
    couple_id: Uuid,
    schedule_id: Uuid,
) -> Result<Option<CheckInSchedule>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT couple_id, schedule_id, proposer_id, weekday, minute, time_zone, state, next_open_at, wake_at, last_open_at,
                last_check_in_id
         FROM check_in_schedules WHERE couple_id = $1 AND schedule_id = $2",
        couple_id,
        schedule_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(CheckInSchedule::try_from).transpose()
}

/// When an account proposed lately, the latest first.
pub async fn proposed_since(
    conn: &mut PgConnection,
    account_id: Uuid,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Timestamp>, Error> {
    let times = sqlx::query_scalar!(
        "SELECT proposed_at FROM check_in_schedules WHERE proposer_id = $1 AND proposed_at > $2
         ORDER BY proposed_at DESC LIMIT $3",
        account_id,
        since.to_sqlx() as _,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(times.into_iter().map(SqlTimestamp::to_jiff).collect())
}

/// Keeps a proposal, in place of an earlier one of the same account to the same partner.
pub async fn propose(
    conn: &mut PgConnection,
    couple_id: Uuid,
    account_id: Uuid,
    proposal: &Proposal,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE check_in_schedules SET state = 'ended'
         WHERE couple_id = $1 AND proposer_id = $2 AND state = 'proposed'",
        couple_id,
        account_id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO check_in_schedules
             (couple_id, schedule_id, proposer_id, weekday, minute, time_zone, proposed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        couple_id,
        proposal.schedule_id,
        account_id,
        proposal.recurrence.weekday(),
        proposal.recurrence.minute(),
        proposal.recurrence.time_zone(),
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What two people have, running or proposed, read by one of them under a capability; none when they are not linked by
/// the capability's link, or it admits nobody any more.
pub async fn read(
    conn: &mut PgConnection,
    capability: &Capability,
    now: Timestamp,
) -> Result<Option<Vec<CheckInSchedule>>, Error> {
    let rows = sqlx::query!(
        r#"SELECT c.couple_id, s.schedule_id AS "schedule_id?", s.proposer_id AS "proposer_id?", s.weekday AS "weekday?",
                  s.minute AS "minute?", s.time_zone AS "time_zone?", s.state AS "state?", s.next_open_at, s.wake_at,
                  s.last_open_at, s.last_check_in_id
           FROM couples c
           LEFT JOIN check_in_schedules s ON s.couple_id = c.couple_id AND s.state <> 'ended'
           WHERE c.couple_id = $1 AND c.version = 1
             AND c.first_id = LEAST($2::uuid, $3::uuid) AND c.second_id = GREATEST($2::uuid, $3::uuid)
             AND chassis.admits($2, $3, $4, $5, $6, $7)"#,
        capability.opening.relation_id,
        capability.opening.owner_id,
        capability.reader_id,
        capability.session_id,
        capability.opening.epoch,
        capability.expires_at.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .fetch_all(conn)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let found = rows.into_iter().filter_map(|row| {
        Some(Row {
            couple_id: row.couple_id,
            schedule_id: row.schedule_id?,
            proposer_id: row.proposer_id?,
            weekday: row.weekday?,
            minute: row.minute?,
            time_zone: row.time_zone?,
            state: row.state?,
            next_open_at: row.next_open_at,
            wake_at: row.wake_at,
            last_open_at: row.last_open_at,
            last_check_in_id: row.last_check_in_id,
        })
    });
    found.map(CheckInSchedule::try_from).collect::<Result<_, _>>().map(Some)
}

/// A schedule that the capability's owner proposed to its reader, if they are linked by the capability's link and it
/// still admits the reader. Until the transaction is over nobody else changes the link or what rests on it.
pub async fn lock_proposed_to(
    conn: &mut PgConnection,
    capability: &Capability,
    schedule_id: Uuid,
    now: Timestamp,
) -> Result<Option<CheckInSchedule>, Error> {
    let locked = sqlx::query_scalar!(
        "SELECT couple_id FROM couples
         WHERE couple_id = $1 AND version = 1
           AND first_id = LEAST($2::uuid, $3::uuid) AND second_id = GREATEST($2::uuid, $3::uuid)
           AND chassis.admits($2, $3, $4, $5, $6, $7)
         FOR NO KEY UPDATE",
        capability.opening.relation_id,
        capability.opening.owner_id,
        capability.reader_id,
        capability.session_id,
        capability.opening.epoch,
        capability.expires_at.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(couple_id) = locked else { return Ok(None) };
    let found = find(conn, couple_id, schedule_id).await?;
    Ok(found.filter(|schedule| schedule.proposer_id == capability.opening.owner_id))
}

/// Lets a proposal run, after everything else of the couple has ended; returns the couple's check-in before.
pub async fn start(
    conn: &mut PgConnection,
    schedule: &CheckInSchedule,
    next_open_at: Timestamp,
    wake_at: Timestamp,
) -> Result<Option<Occurrence>, Error> {
    let row = sqlx::query!(
        "UPDATE check_in_schedules
         SET state = 'running', next_open_at = $3, wake_at = $4, (last_open_at, last_check_in_id) = (
             SELECT last_open_at, last_check_in_id FROM check_in_schedules
             WHERE couple_id = $1 AND last_open_at IS NOT NULL ORDER BY last_open_at DESC LIMIT 1
         )
         WHERE couple_id = $1 AND schedule_id = $2
         RETURNING last_open_at, last_check_in_id",
        schedule.couple_id,
        schedule.schedule_id,
        next_open_at.to_sqlx() as _,
        wake_at.to_sqlx() as _,
    )
    .fetch_one(conn)
    .await?;
    Ok(occurrence(row.last_check_in_id, row.last_open_at))
}

/// Ends everything a couple has, and returns what ran. It waits for whoever is telling of a check-in that is due.
pub async fn end_all(conn: &mut PgConnection, couple_id: Uuid) -> Result<Vec<Uuid>, Error> {
    let rows = sqlx::query!(
        r#"UPDATE check_in_schedules s SET state = 'ended', next_open_at = NULL, wake_at = NULL
           FROM (SELECT schedule_id, state FROM check_in_schedules
                 WHERE couple_id = $1 AND state <> 'ended' FOR UPDATE) AS before
           WHERE s.couple_id = $1 AND s.schedule_id = before.schedule_id
           RETURNING s.schedule_id, before.state = 'running' AS "ran!""#,
        couple_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter(|row| row.ran).map(|row| row.schedule_id).collect())
}

/// Ends a schedule or a proposal of a couple. It waits for whoever is telling of a check-in that is due.
pub async fn end(conn: &mut PgConnection, couple_id: Uuid, schedule_id: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE check_in_schedules SET state = 'ended', next_open_at = NULL, wake_at = NULL
         WHERE couple_id = $1 AND schedule_id = $2",
        couple_id,
        schedule_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Running schedules with something to do, the longest waiting first, each with its couple. What another replica is
/// doing is left to it.
pub async fn lock_due(
    conn: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(Couple, CheckInSchedule)>, Error> {
    let rows = sqlx::query!(
        "SELECT c.first_id, c.second_id, s.couple_id, s.schedule_id, s.proposer_id, s.weekday, s.minute, s.time_zone,
                s.state, s.next_open_at, s.wake_at, s.last_open_at, s.last_check_in_id
         FROM check_in_schedules s JOIN couples c ON c.couple_id = s.couple_id AND c.version = 1
         WHERE s.state = 'running' AND s.wake_at <= $1
         ORDER BY s.wake_at
         LIMIT $2
         FOR UPDATE OF s SKIP LOCKED",
        now.to_sqlx() as _,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        let couple = Couple { couple_id: row.couple_id, first_id: row.first_id, second_id: row.second_id };
        let row = Row {
            couple_id: row.couple_id,
            schedule_id: row.schedule_id,
            proposer_id: row.proposer_id,
            weekday: row.weekday,
            minute: row.minute,
            time_zone: row.time_zone,
            state: row.state,
            next_open_at: row.next_open_at,
            wake_at: row.wake_at,
            last_open_at: row.last_open_at,
            last_check_in_id: row.last_check_in_id,
        };
        Ok((couple, row.try_into()?))
    });
    read.collect()
}

/// Keeps how far running schedules have come.
pub async fn advance(conn: &mut PgConnection, schedules: &[CheckInSchedule]) -> Result<(), Error> {
    let (mut next, mut wake) = (Vec::new(), Vec::new());
    for schedule in schedules {
        let Phase::Running { next_open_at, wake_at } = schedule.phase else { return Err(Error::Unreadable) };
        next.push(next_open_at.to_sqlx());
        wake.push(wake_at.to_sqlx());
    }
    let couples: Vec<Uuid> = schedules.iter().map(|schedule| schedule.couple_id).collect();
    let ids: Vec<Uuid> = schedules.iter().map(|schedule| schedule.schedule_id).collect();
    let last: Vec<Option<SqlTimestamp>> =
        schedules.iter().map(|schedule| schedule.last.map(|last| last.open_at.to_sqlx())).collect();
    let last_ids: Vec<Option<Uuid>> =
        schedules.iter().map(|schedule| schedule.last.map(|last| last.check_in_id)).collect();
    sqlx::query!(
        "UPDATE check_in_schedules s
         SET next_open_at = moved.next_open_at, wake_at = moved.wake_at, last_open_at = moved.last_open_at,
             last_check_in_id = moved.last_check_in_id
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::uuid[])
              AS moved (couple_id, schedule_id, next_open_at, wake_at, last_open_at, last_check_in_id)
         WHERE s.couple_id = moved.couple_id AND s.schedule_id = moved.schedule_id",
        &couples,
        &ids,
        &next as &[SqlTimestamp],
        &wake as &[SqlTimestamp],
        &last as &[Option<SqlTimestamp>],
        &last_ids as &[Option<Uuid>],
    )
    .execute(conn)
    .await?;
    Ok(())
}
