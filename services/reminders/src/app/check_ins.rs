//! When a couple's check-ins are: proposing, agreeing, ending, and telling of those whose time has come.

use crate::app::to_proto;
use crate::domain::{CheckInSchedule, Couple, Notice, Occurrence, Phase, Proposal, check_in_id};
use crate::error::Error;
use crate::store::{check_ins as store, couples, schedules, schedules::Standing};
use bus::Envelope;
use candor_proto::reminders::v1::{CheckInDue, CheckInScheduleEnded};
use chassis::Ids;
use chassis::identity::Capability;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// How many proposals a member can make in [`PACE_OF`], so that nobody is flooded.
const PACE: i64 = 20;
/// The time [`PACE`] is about.
const PACE_OF: SignedDuration = SignedDuration::from_hours(24);

/// Proposes check-ins to the partner, in place of what the account proposed before. The same proposal again changes
/// nothing; it is answered with what became of it.
///
/// # Errors
/// When nobody is linked with the account, the same proposal is over, the id stands for something else, or there were
/// many proposals lately.
pub async fn propose(
    conn: &mut PgConnection,
    account_id: Uuid,
    proposal: Proposal,
    now: Timestamp,
) -> Result<CheckInSchedule, Error> {
    let couple = couples::lock_link_of(conn, account_id).await?.ok_or(Error::NotLinked)?;
    if let Some(known) = store::find(conn, couple.couple_id, proposal.schedule_id).await? {
        let same = known.proposer_id == account_id && known.recurrence == proposal.recurrence;
        return match known.phase {
            _ if !same => Err(Error::CheckInScheduleIdReused),
            Phase::Ended => Err(Error::CheckInScheduleNotFound),
            Phase::Proposed | Phase::Running { .. } => Ok(known),
        };
    }
    // What can never be is refused now, not when the partner agrees.
    CheckInSchedule::begin(&proposal.recurrence, now).map_err(|_| Error::Calendar)?;
    let lately = store::proposed_since(conn, account_id, now - PACE_OF, PACE).await?;
    if let Some(oldest) = lately.get(usize::try_from(PACE - 1).unwrap_or(usize::MAX)) {
        let wait = (*oldest + PACE_OF).duration_since(now);
        return Err(Error::TooManyProposals(Duration::try_from(wait).unwrap_or_default()));
    }
    store::propose(conn, couple.couple_id, account_id, &proposal, now).await?;
    Ok(CheckInSchedule {
        couple_id: couple.couple_id,
        schedule_id: proposal.schedule_id,
        proposer_id: account_id,
        recurrence: proposal.recurrence,
        phase: Phase::Proposed,
        last: None,
    })
}

/// What the reader and the owner of a capability have, running or proposed.
///
/// # Errors
/// When they are not linked, or the capability admits nobody any more.
pub async fn read(
    conn: &mut PgConnection,
    capability: &Capability,
    now: Timestamp,
) -> Result<Vec<CheckInSchedule>, Error> {
    store::read(conn, capability, now).await?.ok_or(Error::CheckInScheduleNotFound)
}

/// Agrees to what the partner proposed: it runs from now on, and everything else the two had ends. Agreeing again
/// changes nothing.
///
/// # Errors
/// When there is no such proposal of the partner, or no link, or the capability admits nobody any more.
pub async fn accept(
    conn: &mut PgConnection,
    ids: &Ids,
    capability: &Capability,
    schedule_id: Uuid,
    now: Timestamp,
) -> Result<CheckInSchedule, Error> {
    let found = store::lock_proposed_to(conn, capability, schedule_id, now).await?;
    let mut schedule = found.ok_or(Error::CheckInScheduleNotFound)?;
    match schedule.phase {
        Phase::Running { .. } => return Ok(schedule),
        Phase::Ended => return Err(Error::CheckInScheduleNotFound),
        Phase::Proposed => {}
    }
    schedule.phase = CheckInSchedule::begin(&schedule.recurrence, now).map_err(|_| Error::Calendar)?;
    let couple_id = schedule.couple_id;
    let replaced = store::end_all(conn, couple_id).await?;
    if let Phase::Running { next_open_at, wake_at } = schedule.phase {
        schedule.last = store::start(conn, &schedule, next_open_at, wake_at).await?;
    }
    schedules::retract_ahead(conn, couple_id, now).await?;
    let told: Vec<_> = replaced.iter().map(|id| schedule_ended(ids.next(), couple_id, *id, now)).collect();
    bus::outbox::append(conn, &told).await?;
    Ok(schedule)
}

/// Ends the schedule of the account's couple, or a proposal of the account's. Ending what is over changes nothing.
///
/// # Errors
/// When the account's couple has none of that id, or it is the partner's proposal: whoever does not want that does
/// nothing, and the proposer sees nothing.
pub async fn end(
    conn: &mut PgConnection,
    ids: &Ids,
    account_id: Uuid,
    schedule_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let couple = couples::lock_link_of(conn, account_id).await?.ok_or(Error::CheckInScheduleNotFound)?;
    let known = store::find(conn, couple.couple_id, schedule_id).await?;
    let is_partners =
        |known: &CheckInSchedule| known.phase == Phase::Proposed && known.proposer_id != account_id;
    let known = known.filter(|known| !is_partners(known)).ok_or(Error::CheckInScheduleNotFound)?;
    store::end(conn, known.couple_id, known.schedule_id).await?;
    if matches!(known.phase, Phase::Running { .. }) {
        schedules::retract_ahead(conn, couple.couple_id, now).await?;
        let told = schedule_ended(ids.next(), couple.couple_id, schedule_id, now);
        bus::outbox::append(conn, &[told]).await?;
    }
    Ok(())
}

/// Tells of at most `limit` couples' check-ins that are ahead or here, and moves each schedule on; returns how many.
/// Each occurrence is told to the other services once. Both of a couple get the same notices, whatever either did.
///
/// # Errors
/// When the database fails.
pub async fn come_due(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    limit: i64,
) -> Result<usize, Error> {
    let (mut moved, mut notices, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (couple, mut schedule) in store::lock_due(conn, now, limit).await? {
        let due = schedule.come_due(now).map_err(|_| Error::Calendar)?;
        told.extend(
            due.opened.iter().map(|open_at| check_in_due(ids.next(), &couple, &schedule, *open_at, now)),
        );
        for announcement in due.announcements {
            notices.extend(couple.members().map(|account_id| Notice {
                kind: announcement.kind,
                account_id,
                couple_id: couple.couple_id,
                subject_id: check_in_id(schedule.schedule_id, announcement.open_at),
                due_at: announcement.due_at(),
                ends_at: announcement.ends_at(),
            }));
        }
        let latest = due.opened.last().map(|open_at| Occurrence::of(schedule.schedule_id, *open_at));
        schedule.last = latest.or(schedule.last);
        schedule.phase = due.phase;
        moved.push(schedule);
    }
    if !moved.is_empty() {
        store::advance(conn, &moved).await?;
        schedules::insert_notices(conn, &notices, Standing::Runs, now).await?;
        bus::outbox::append(conn, &told).await?;
    }
    Ok(moved.len())
}

/// `reminders.v1.check_in_due`: the check-in's only event, version 1.
fn check_in_due(
    event_id: Uuid,
    couple: &Couple,
    schedule: &CheckInSchedule,
    open_at: Timestamp,
    now: Timestamp,
) -> Envelope {
    let check_in_id = check_in_id(schedule.schedule_id, open_at);
    let event = CheckInDue {
        check_in_id: check_in_id.to_string(),
        schedule_id: schedule.schedule_id.to_string(),
        couple_id: couple.couple_id.to_string(),
        first_account_id: couple.first_id.to_string(),
        second_account_id: couple.second_id.to_string(),
        due_time: Some(to_proto(open_at)),
    };
    Envelope::new(event_id, now, check_in_id, 1, &event)
}

/// `reminders.v1.check_in_schedule_ended`: version 2 of a schedule that ran; it never runs again.
fn schedule_ended(event_id: Uuid, couple_id: Uuid, schedule_id: Uuid, now: Timestamp) -> Envelope {
    let event = CheckInScheduleEnded {
        schedule_id: schedule_id.to_string(),
        couple_id: couple_id.to_string(),
        end_time: Some(to_proto(now)),
    };
    Envelope::new(event_id, now, schedule_id, 2, &event)
}
