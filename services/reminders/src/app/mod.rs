//! What can be done, each on the caller's transaction.

pub mod check_ins;
pub mod couples;
mod erasing;
pub mod notices;
mod sweep;

pub use erasing::OwnPart;
pub use sweep::forget;

use crate::domain::{Cursor, Fate, Fired, InboxItem, Kind, Page, PageSize, Schedule};
use crate::error::Error;
use crate::store::{inbox_items, schedules as store};
use bus::Envelope;
use candor_proto::reminders::v1::{ReminderDelivered, ReminderDue, ScheduleKind};
use chassis::Ids;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// An entry, as far as a look-back at it needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Who wrote it.
    pub account_id: Uuid,
    /// Which.
    pub entry_id: Uuid,
    /// When.
    pub written_at: Timestamp,
    /// Where, as an IANA name.
    pub time_zone: &'a str,
    /// When it was told of.
    pub told_at: Timestamp,
}

/// Plans look-backs at entries, at most one a member and day. The same entry again changes nothing, also after its
/// look-back fired or was cancelled; one told of only when its look-back would be over brings none, so that a journal
/// told again from its beginning floods no inbox. Says how many were planned.
pub async fn plan_look_backs(
    conn: &mut PgConnection,
    entries: &[Written<'_>],
    now: Timestamp,
) -> Result<u64, Error> {
    let mut schedules = Vec::with_capacity(entries.len());
    for Written { account_id, entry_id, written_at, time_zone, told_at } in entries {
        let schedule = Schedule::look_back(*account_id, *entry_id, *written_at, time_zone, now)
            .map_err(|_| Error::Calendar)?;
        if schedule.due_at > *told_at {
            schedules.push(schedule);
        }
    }
    if schedules.is_empty() { Ok(0) } else { store::insert_schedules(conn, &schedules).await }
}

/// Fires at most `limit` schedules that are due: each is marked, arrives in its owner's inbox (where nothing unread stands
/// for it already) and is told to the other services, all in the caller's transaction, so it happens once or not at all.
pub async fn fire_due(conn: &mut PgConnection, ids: &Ids, now: Timestamp, limit: i64) -> Result<Fate, Error> {
    let mut fate = store::fire_due(conn, now, limit).await?;
    if fate.fired.is_empty() {
        return Ok(fate);
    }
    let items: Vec<(Uuid, Fired)> =
        fate.fired.iter().map(|schedule| (ids.next(), schedule.clone())).collect();
    let there = inbox_items::insert_inbox_items(conn, &items).await?;
    let mut told = Vec::with_capacity(2 * items.len());
    for (item, schedule) in &items {
        told.push(reminder_due(ids.next(), schedule));
        if there.contains(item) {
            fate.delivered.push(schedule.kind);
            told.push(reminder_delivered(ids.next(), schedule, *item));
        }
    }
    bus::outbox::append(conn, &told).await?;
    Ok(fate)
}

/// A page of what an account itself has planned, soonest first.
pub async fn list_schedules(
    conn: &mut PgConnection,
    account_id: Uuid,
    size: PageSize,
    after: Option<Cursor>,
) -> Result<Page<Schedule>, Error> {
    let after = after.unwrap_or(Cursor::SOONEST);
    let found = store::list_schedules(conn, account_id, after, size.get() + 1).await?;
    Ok(Page::new(found, size, |schedule| Cursor { time: schedule.due_at, id: schedule.schedule_id }))
}

/// Cancels a schedule of the account. One that is over already stays as it is.
pub async fn cancel_schedule(
    conn: &mut PgConnection,
    account_id: Uuid,
    schedule_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let known = store::cancel_schedule(conn, account_id, schedule_id, now).await?;
    if known { Ok(()) } else { Err(Error::ScheduleNotFound) }
}

/// A page of an account's inbox, newest first.
pub async fn list_inbox_items(
    conn: &mut PgConnection,
    account_id: Uuid,
    size: PageSize,
    after: Option<Cursor>,
) -> Result<Page<InboxItem>, Error> {
    let after = after.unwrap_or(Cursor::NEWEST);
    let found = inbox_items::list_inbox_items(conn, account_id, after, size.get() + 1).await?;
    Ok(Page::new(found, size, |item| Cursor { time: item.created_at, id: item.inbox_item_id }))
}

/// Marks an item of the account's inbox read.
pub async fn mark_inbox_item_read(
    conn: &mut PgConnection,
    account_id: Uuid,
    inbox_item_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let known = inbox_items::mark_read(conn, account_id, inbox_item_id, now).await?;
    if known { Ok(()) } else { Err(Error::InboxItemNotFound) }
}

/// When the oldest schedule was due that has not fired yet, check-ins included; none when nothing is due.
pub async fn overdue_since(conn: &mut PgConnection, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    store::oldest_overdue(conn, now).await
}

/// `reminders.v1.reminder_due`: the schedule's first event, version 1.
fn reminder_due(event_id: Uuid, fired: &Fired) -> Envelope {
    let event = ReminderDue {
        schedule_id: fired.schedule_id.to_string(),
        account_id: fired.account_id.to_string(),
        kind: kind_to_proto(fired.kind).into(),
        due_time: Some(to_proto(fired.due_at)),
    };
    Envelope::new(event_id, fired.fired_at, fired.schedule_id, 1, &event)
}

/// `reminders.v1.reminder_delivered`: it is in its owner's in-app inbox; version 2.
fn reminder_delivered(event_id: Uuid, fired: &Fired, inbox_item_id: Uuid) -> Envelope {
    let event = ReminderDelivered {
        schedule_id: fired.schedule_id.to_string(),
        account_id: fired.account_id.to_string(),
        inbox_item_id: inbox_item_id.to_string(),
    };
    Envelope::new(event_id, fired.fired_at, fired.schedule_id, 2, &event)
}

/// A kind as protobuf says it.
pub fn kind_to_proto(kind: Kind) -> ScheduleKind {
    match kind {
        Kind::LookBack => ScheduleKind::LookBack,
        Kind::CheckInAhead => ScheduleKind::CheckInAhead,
        Kind::CheckIn => ScheduleKind::CheckIn,
        Kind::Share => ScheduleKind::Share,
        Kind::ShareAnswer => ScheduleKind::ShareAnswer,
    }
}

/// A moment as protobuf says it: whole seconds towards the past, nanoseconds forward from there.
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default(),
        nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default(),
    }
}
