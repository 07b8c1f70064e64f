//! Check-ins: what reminders say of them, and telling of those that opened again.

use super::{Context, PAGE, id, moment};
use crate::domain::{Appointment, CheckInKey, OpenTime, check_in_id};
use crate::{Error, app};
use bus::resnapshot::{self, Page};
use bus::{HandlerError, Meta, Outbox};
use candor_proto::reminders::v1::{CheckInDue, CheckInScheduleEnded};
use chassis::{Clock, Fault, Ids};
use sqlx::{PgConnection, PgPool};

/// A check-in's time has come. Duplicates and disorder change nothing: it is decided once.
pub(super) async fn due(
    context: &Context,
    conn: &mut PgConnection,
    event: CheckInDue,
) -> Result<(), HandlerError> {
    let open_time = moment(event.due_time, "DUE_TIME")?.and_then(OpenTime::kept);
    let appointment = Appointment {
        key: CheckInKey {
            couple_id: id(&event.couple_id, "COUPLE_ID")?,
            check_in_id: id(&event.check_in_id, "CHECK_IN_ID")?,
        },
        schedule_id: id(&event.schedule_id, "SCHEDULE_ID")?,
        open_time: open_time.ok_or(HandlerError::Malformed("DUE_TIME"))?,
    };
    if check_in_id(appointment.schedule_id, appointment.open_time) != appointment.key.check_in_id {
        return Err(HandlerError::Malformed("CHECK_IN_ID"));
    }
    let now = context.clock.now();
    app::check_in_due(conn, &context.ids, &appointment, now).await.map_err(Fault::from)?;
    Ok(())
}

/// A schedule ended. Whether that is heard before or after answers to it, or twice, changes nothing.
pub(super) async fn schedule_ended(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: CheckInScheduleEnded,
) -> Result<(), HandlerError> {
    let couple_id = id(&event.couple_id, "COUPLE_ID")?;
    let schedule_id = id(&event.schedule_id, "SCHEDULE_ID")?;
    let ended_at = moment(event.end_time, "END_TIME")?.unwrap_or(meta.time);
    let now = context.clock.now();
    app::end_check_in_schedule(conn, couple_id, schedule_id, ended_at, now).await.map_err(Fault::from)?;
    Ok(())
}

/// Tells of every check-in that opened; returns how many.
pub(super) async fn tell_opened(
    pool: &PgPool,
    outbox: &Outbox,
    clock: &Clock,
    ids: &Ids,
) -> Result<u64, Error> {
    resnapshot::run(pool, outbox, |conn, after: Option<CheckInKey>| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move {
            let opened = app::opened_check_ins_after(conn, after, PAGE).await?;
            let is_full = i64::try_from(opened.len()).is_ok_and(|count| count == PAGE);
            let next = opened.last().filter(|_| is_full).map(|last| last.key);
            Ok(Page {
                events: opened.iter().map(|one| app::check_in_revealed(ids.next(), now, one)).collect(),
                next,
            })
        })
    })
    .await
}
