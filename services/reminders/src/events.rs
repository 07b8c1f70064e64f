//! The events of other services that reminders handles. Its own are appended by `app`, in the transaction that
//! makes them true.

use crate::app::{self, Written, couples, notices};
use crate::domain::{Bond, Couple};
use bus::{HandlerError, Inbox, Meta, key_of};
use candor_proto::accounts::v1::{
    AccessEpochRaised, CircleChanged, CoupleLinked, CoupleUnlinked, ErasureBegun, SessionEnded,
};
use candor_proto::journal::v1::{EntryWritten, ItemShared, ShareAnswered, ShareWithdrawn};
use chassis::{Clock, Fault, audience};
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Reminders' name as a consumer.
pub const CONSUMER: &str = "reminders";

/// The routing keys of what reminders handles.
pub fn consumes() -> Vec<String> {
    vec![
        key_of::<AccessEpochRaised>(),
        key_of::<CircleChanged>(),
        key_of::<CoupleLinked>(),
        key_of::<CoupleUnlinked>(),
        key_of::<EntryWritten>(),
        key_of::<ErasureBegun>(),
        key_of::<ItemShared>(),
        key_of::<SessionEnded>(),
        key_of::<ShareAnswered>(),
        key_of::<ShareWithdrawn>(),
    ]
}

/// What handlers need besides the database.
pub struct Context {
    clock: Clock,
}

/// Reminders' inbox, to be run until shutdown.
pub fn inbox(pool: PgPool, clock: Clock) -> Inbox<Context> {
    Inbox::new(CONSUMER, pool, Context { clock: clock.clone() }, clock)
        .on_many::<EntryWritten>(|context, conn, events| Box::pin(entry_written(context, conn, events)))
        .on::<CoupleLinked>(|_, conn, meta, event| Box::pin(couple_linked(conn, meta, event)))
        .on::<CoupleUnlinked>(|context, conn, meta, event| {
            Box::pin(couple_unlinked(context, conn, meta, event))
        })
        .on::<CircleChanged>(|context, conn, meta, event| {
            Box::pin(circle_changed(context, conn, meta, event))
        })
        .on::<ItemShared>(|context, conn, meta, event| Box::pin(item_shared(context, conn, meta, event)))
        .on::<ShareWithdrawn>(|context, conn, _, event| Box::pin(share_withdrawn(context, conn, event)))
        .on::<ShareAnswered>(|context, conn, meta, event| {
            Box::pin(share_answered(context, conn, meta, event))
        })
        .on::<AccessEpochRaised>(|_, conn, _, event| Box::pin(access_epoch_raised(conn, event)))
        .on::<SessionEnded>(|_, conn, meta, event| Box::pin(session_ended(conn, meta, event)))
        .on::<ErasureBegun>(|context, conn, _, event| Box::pin(erasure_begun(context, conn, event)))
        .even_of_erased::<ErasureBegun>()
        .even_of_erased::<CoupleUnlinked>()
        .even_of_erased::<AccessEpochRaised>()
        .even_of_erased::<SessionEnded>()
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

/// Plans look-backs. Duplicates and disorder change nothing: a schedule's id comes from its entry's.
async fn entry_written(
    context: &Context,
    conn: &mut PgConnection,
    events: &[(Meta, EntryWritten)],
) -> Result<(), HandlerError> {
    let written = events.iter().map(|(meta, event)| written(meta, event)).collect::<Result<Vec<_>, _>>()?;
    app::plan_look_backs(conn, &written, context.clock.now()).await.map_err(Fault::from)?;
    Ok(())
}

fn written<'a>(meta: &Meta, event: &'a EntryWritten) -> Result<Written<'a>, HandlerError> {
    Ok(Written {
        account_id: id(&event.account_id, "ACCOUNT_ID")?,
        entry_id: id(&event.entry_id, "ENTRY_ID")?,
        written_at: time_or(event.create_time, meta.time, "CREATE_TIME")?,
        time_zone: &event.time_zone,
        told_at: meta.time,
    })
}

async fn couple_linked(
    conn: &mut PgConnection,
    meta: &Meta,
    event: CoupleLinked,
) -> Result<(), HandlerError> {
    let couple = couple(&event.couple_id, &event.first_account_id, &event.second_account_id)?;
    let linked_at = time_or(event.link_time, meta.time, "LINK_TIME")?;
    Ok(couples::linked(conn, &couple, Bond::Couple, linked_at).await.map_err(Fault::from)?)
}

async fn couple_unlinked(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: CoupleUnlinked,
) -> Result<(), HandlerError> {
    let couple = couple(&event.couple_id, &event.first_account_id, &event.second_account_id)?;
    let unlinked_at = time_or(event.unlink_time, meta.time, "UNLINK_TIME")?;
    let now = context.clock.now();
    Ok(couples::unlinked(conn, &couple, Bond::Couple, unlinked_at, now).await.map_err(Fault::from)?)
}

/// Somebody is in a circle, or no more: what was shared with them there arrives while they are.
async fn circle_changed(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: CircleChanged,
) -> Result<(), HandlerError> {
    let link = couple(&event.circle_id, &event.host_account_id, &event.guest_account_id)?;
    let changed_at = time_or(event.change_time, meta.time, "CHANGE_TIME")?;
    let done = if event.joined {
        couples::linked(conn, &link, Bond::Circle, changed_at).await
    } else {
        couples::unlinked(conn, &link, Bond::Circle, changed_at, context.clock.now()).await
    };
    Ok(done.map_err(Fault::from)?)
}

async fn item_shared(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: ItemShared,
) -> Result<(), HandlerError> {
    let couple = couple(&event.couple_id, &event.owner_account_id, &event.recipient_account_id)?;
    let created_at = time_or(event.create_time, meta.time, "CREATE_TIME")?;
    let shared = notices::Shared {
        owner_id: id(&event.owner_account_id, "OWNER_ACCOUNT_ID")?,
        share_id: id(&event.share_id, "SHARE_ID")?,
        recipient_id: id(&event.recipient_account_id, "RECIPIENT_ACCOUNT_ID")?,
        created_at,
        open_at: time_or(event.open_time, created_at, "OPEN_TIME")?,
        expire_at: event
            .expire_time
            .map(|time| time_or(Some(time), created_at, "EXPIRE_TIME"))
            .transpose()?,
        told_at: meta.time,
    };
    Ok(notices::shared(conn, &couple, &shared, context.clock.now()).await.map_err(Fault::from)?)
}

async fn share_withdrawn(
    context: &Context,
    conn: &mut PgConnection,
    event: ShareWithdrawn,
) -> Result<(), HandlerError> {
    let couple = couple(&event.couple_id, &event.owner_account_id, &event.recipient_account_id)?;
    let share_id = id(&event.share_id, "SHARE_ID")?;
    let owner_id = id(&event.owner_account_id, "OWNER_ACCOUNT_ID")?;
    let recipient_id = id(&event.recipient_account_id, "RECIPIENT_ACCOUNT_ID")?;
    let now = context.clock.now();
    let people = [owner_id, recipient_id];
    Ok(notices::withdrawn(conn, &couple, people, share_id, now).await.map_err(Fault::from)?)
}

async fn share_answered(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: ShareAnswered,
) -> Result<(), HandlerError> {
    let couple = couple(&event.couple_id, &event.owner_account_id, &event.answerer_account_id)?;
    let share_id = id(&event.share_id, "SHARE_ID")?;
    let owner_id = id(&event.owner_account_id, "OWNER_ACCOUNT_ID")?;
    let times = [time_or(event.answer_time, meta.time, "ANSWER_TIME")?, meta.time];
    let now = context.clock.now();
    Ok(notices::answered(conn, &couple, share_id, owner_id, times, now).await.map_err(Fault::from)?)
}

async fn access_epoch_raised(conn: &mut PgConnection, event: AccessEpochRaised) -> Result<(), HandlerError> {
    let owner_id = id(&event.owner_account_id, "OWNER_ACCOUNT_ID")?;
    let reader_id = id(&event.reader_account_id, "READER_ACCOUNT_ID")?;
    Ok(audience::raise_epoch(conn, owner_id, reader_id, event.epoch).await?)
}

async fn session_ended(
    conn: &mut PgConnection,
    meta: &Meta,
    event: SessionEnded,
) -> Result<(), HandlerError> {
    let session_id = id(&event.session_id, "SESSION_ID")?;
    Ok(audience::end_session(conn, session_id, meta.time).await?)
}

fn id(text: &str, field: &'static str) -> Result<Uuid, HandlerError> {
    text.parse().map_err(|_| HandlerError::Malformed(field))
}

fn couple(couple_id: &str, one: &str, other: &str) -> Result<Couple, HandlerError> {
    let (one, other) = (id(one, "ACCOUNT_ID")?, id(other, "ACCOUNT_ID")?);
    Couple::of(id(couple_id, "COUPLE_ID")?, one, other).ok_or(HandlerError::Malformed("COUPLE"))
}

/// A time, or another where none is given.
fn time_or(
    time: Option<prost_types::Timestamp>,
    otherwise: Timestamp,
    field: &'static str,
) -> Result<Timestamp, HandlerError> {
    time.map_or(Ok(otherwise), |time| from_proto(time).ok_or(HandlerError::Malformed(field)))
}

fn from_proto(time: prost_types::Timestamp) -> Option<Timestamp> {
    let nanos = Some(time.nanos).filter(|nanos| (0..1_000_000_000).contains(nanos))?;
    Timestamp::new(time.seconds, nanos).ok()
}
