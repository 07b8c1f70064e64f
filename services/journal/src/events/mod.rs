//! Events: the keys of those the journal emits, telling them again, and the handlers of those it consumes.

mod assessments;
mod check_ins;
mod circles;
mod couples;
mod instruments;
mod shares;

pub use crate::app::to_proto;

use crate::{Error, app};
use bus::resnapshot::{self, Page};
use bus::{HandlerError, Inbox, Outbox, key_of};
use candor_proto::accounts::v1::{
    AccessEpochRaised, CircleChanged, CoupleLinked, CoupleUnlinked, ErasureBegun, SessionEnded,
};
use candor_proto::content::v1::InstrumentPublished;
use candor_proto::journal::v1::{
    CheckInRevealed, DataRead, EntryWritten, Erased, ItemShared, SelfCheckScored, ShareAnswered,
    ShareWithdrawn,
};
use candor_proto::reminders::v1::{CheckInDue, CheckInScheduleEnded};
use chassis::{Clock, Ids};
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// The journal's name as a consumer.
pub const CONSUMER: &str = "journal";

/// How many are told at a time when all are told again.
const PAGE: i64 = 500;

/// The keys of the events that the journal emits.
pub fn emits() -> Vec<String> {
    vec![
        key_of::<EntryWritten>(),
        key_of::<ItemShared>(),
        key_of::<ShareAnswered>(),
        key_of::<ShareWithdrawn>(),
        key_of::<DataRead>(),
        key_of::<CheckInRevealed>(),
        key_of::<SelfCheckScored>(),
        key_of::<Erased>(),
    ]
}

/// The routing keys of what the journal handles.
pub fn consumes() -> Vec<String> {
    vec![
        key_of::<CoupleLinked>(),
        key_of::<CoupleUnlinked>(),
        key_of::<CircleChanged>(),
        key_of::<AccessEpochRaised>(),
        key_of::<SessionEnded>(),
        key_of::<ErasureBegun>(),
        key_of::<CheckInDue>(),
        key_of::<CheckInScheduleEnded>(),
        key_of::<InstrumentPublished>(),
    ]
}

/// What handlers need besides the database.
pub struct Context {
    /// The time, where an event does not say it.
    pub clock: Clock,
    /// Ids of the events that handlers append.
    pub ids: Ids,
}

/// The journal's inbox, to be run until shutdown.
pub fn inbox(pool: PgPool, clock: Clock, ids: Ids, outbox: Outbox) -> Inbox<Context> {
    Inbox::new(CONSUMER, pool, Context { clock: clock.clone(), ids }, clock)
        .on::<CoupleLinked>(|_, conn, meta, event| Box::pin(couples::linked(conn, meta, event)))
        .on::<CoupleUnlinked>(|_, conn, meta, event| Box::pin(couples::unlinked(conn, meta, event)))
        .on::<CircleChanged>(|_, conn, meta, event| Box::pin(circles::changed(conn, meta, event)))
        .on::<AccessEpochRaised>(|_, conn, _, event| Box::pin(couples::epoch_raised(conn, event)))
        .on::<SessionEnded>(|_, conn, meta, event| Box::pin(couples::session_ended(conn, meta, event)))
        .on::<InstrumentPublished>(|_, conn, _, event| Box::pin(instruments::published(conn, event)))
        .on::<CheckInDue>(|context, conn, _, event| Box::pin(check_ins::due(context, conn, event)))
        .on::<CheckInScheduleEnded>(|context, conn, meta, event| {
            Box::pin(check_ins::schedule_ended(context, conn, meta, event))
        })
        .on::<ErasureBegun>(|context, conn, _, event| Box::pin(erasure_begun(context, conn, event)))
        .even_of_erased::<ErasureBegun>()
        .even_of_erased::<CoupleUnlinked>()
        .even_of_erased::<AccessEpochRaised>()
        .even_of_erased::<SessionEnded>()
        .outbox(outbox)
}

/// Everything of a person is to be destroyed: from here on nothing about them is taken in, and the job of erasing does the
/// rest. Heard again, it looks again and answers again.
async fn erasure_begun(
    context: &Context,
    conn: &mut PgConnection,
    event: ErasureBegun,
) -> Result<(), HandlerError> {
    let account_id = id(&event.account_id, "ACCOUNT_ID")?;
    let erasure_id = id(&event.erasure_id, "ERASURE_ID")?;
    Ok(bus::erasure::begin(conn, account_id, erasure_id, context.clock.now()).await?)
}

/// Tells again of all that the journal told of and that still is, for consumers that lost what they knew; returns how
/// many events that is. One page per transaction, so it can be stopped and started again at any time.
///
/// # Errors
/// When the database fails; what was told until then stays told.
pub async fn resnapshot(pool: &PgPool, outbox: &Outbox, clock: &Clock, ids: &Ids) -> Result<u64, Error> {
    let entries = tell_entries(pool, outbox, clock, ids).await?;
    let check_ins = check_ins::tell_opened(pool, outbox, clock, ids).await?;
    let shares = shares::tell(pool, outbox, clock, ids).await?;
    let assessments = assessments::tell_scored(pool, outbox, clock, ids).await?;
    Ok(entries + check_ins + shares + assessments)
}

async fn tell_entries(pool: &PgPool, outbox: &Outbox, clock: &Clock, ids: &Ids) -> Result<u64, Error> {
    resnapshot::run(pool, outbox, |conn, after: Option<(Uuid, Uuid)>| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move {
            let entries = app::entries_after(conn, after.unwrap_or_default(), PAGE).await?;
            let is_full = i64::try_from(entries.len()).is_ok_and(|count| count == PAGE);
            let next = entries.last().filter(|_| is_full).map(|last| (last.account_id, last.entry_id));
            Ok(Page {
                events: entries.iter().map(|entry| app::entry_written(ids.next(), now, entry)).collect(),
                next,
            })
        })
    })
    .await
}

/// An id in an event; `field` names it where it is none.
fn id(text: &str, field: &'static str) -> Result<Uuid, HandlerError> {
    text.parse().map_err(|_| HandlerError::Malformed(field))
}

/// A moment in an event, if it says one; `field` names it where it is none.
fn moment(
    time: Option<prost_types::Timestamp>,
    field: &'static str,
) -> Result<Option<Timestamp>, HandlerError> {
    let Some(time) = time else { return Ok(None) };
    let sound = (0..1_000_000_000).contains(&time.nanos);
    let moment = sound.then(|| Timestamp::new(time.seconds, time.nanos).ok()).flatten();
    moment.map(Some).ok_or(HandlerError::Malformed(field))
}
