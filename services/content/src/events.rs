//! Events of other services that content handles. Its own are appended by `app`, in the transaction that makes
//! them true.

use crate::Error;
use crate::app::{self, Deed};
use crate::domain::path::{Fact, day_id};
use bus::{HandlerError, Inbox, Meta, Outbox, key_of, resnapshot};
use candor_proto::accounts::v1::{CoupleLinked, CoupleUnlinked, ErasureBegun};
use candor_proto::journal::v1::{CheckInRevealed, EntryWritten, ItemShared, SelfCheckScored, ShareAnswered};
use chassis::{Clock, Fault, Ids};
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Content's name as a consumer.
pub const CONSUMER: &str = "content";

/// The routing keys of what content handles.
pub fn consumes() -> Vec<String> {
    vec![
        key_of::<CoupleLinked>(),
        key_of::<CoupleUnlinked>(),
        key_of::<ErasureBegun>(),
        key_of::<CheckInRevealed>(),
        key_of::<EntryWritten>(),
        key_of::<ItemShared>(),
        key_of::<SelfCheckScored>(),
        key_of::<ShareAnswered>(),
    ]
}

/// The instrument by which a member looks at their own walls.
const SELF_CHECK: &str = "self-check";

/// Tells of every published article, every version of an instrument and every milestone reached again, for consumers
/// that lost what they knew; returns how many. One page per transaction, so it can be stopped and started again at any
/// time.
///
/// # Errors
/// When the database fails; what was told until then stays told.
pub async fn resnapshot(pool: &PgPool, outbox: &Outbox, clock: &Clock, ids: &Ids) -> Result<u64, Error> {
    let articles = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::tell_published(conn, &ids, now, after).await })
    })
    .await?;
    let instruments = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::instruments::tell_instruments(conn, &ids, now, after).await })
    })
    .await?;
    let milestones = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::tell_reached(conn, &ids, now, after).await })
    })
    .await?;
    Ok(articles + instruments + milestones)
}

/// What handlers need besides the database.
pub struct Context {
    clock: Clock,
    ids: Ids,
}

/// Content's inbox, to be run until shutdown.
pub fn inbox(pool: PgPool, clock: Clock, ids: Ids, outbox: Outbox) -> Inbox<Context> {
    Inbox::new(CONSUMER, pool, Context { clock: clock.clone(), ids }, clock)
        .on_many::<EntryWritten>(|context, conn, events| Box::pin(entry_written(context, conn, events)))
        .on::<SelfCheckScored>(|context, conn, meta, event| {
            Box::pin(self_check_scored(context, conn, meta, event))
        })
        .on::<CheckInRevealed>(|context, conn, meta, event| {
            Box::pin(check_in_revealed(context, conn, meta, event))
        })
        .on::<ItemShared>(|context, conn, meta, event| Box::pin(item_shared(context, conn, meta, event)))
        .on::<ShareAnswered>(|context, conn, meta, event| {
            Box::pin(share_answered(context, conn, meta, event))
        })
        .on::<CoupleLinked>(|_, conn, meta, event| Box::pin(couple_linked(conn, meta, event)))
        .on::<CoupleUnlinked>(|_, conn, meta, event| Box::pin(couple_unlinked(conn, meta, event)))
        .on::<ErasureBegun>(|context, conn, _, event| Box::pin(erasure_begun(context, conn, event)))
        .even_of_erased::<ErasureBegun>()
        .even_of_erased::<CoupleUnlinked>()
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

async fn entry_written(
    context: &Context,
    conn: &mut PgConnection,
    events: &[(Meta, EntryWritten)],
) -> Result<(), HandlerError> {
    let mut deeds = Vec::with_capacity(2 * events.len());
    for (meta, event) in events {
        let deed = Deed {
            account_id: id(&event.account_id, "ACCOUNT_ID")?,
            fact: Fact::EntryWritten,
            item_id: id(&event.entry_id, "ENTRY_ID")?,
            time: time_or(event.create_time, meta.time),
        };
        deeds.push(deed);
        if event.has_mood {
            deeds.push(Deed { fact: Fact::EntryWithMood, ..deed });
        }
    }
    done(context, conn, &deeds).await
}

async fn self_check_scored(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: SelfCheckScored,
) -> Result<(), HandlerError> {
    if event.instrument_id != SELF_CHECK {
        return Ok(());
    }
    let time = time_or(event.score_time, meta.time);
    let account_id = id(&event.account_id, "ACCOUNT_ID")?;
    done(context, conn, &[Deed { account_id, fact: Fact::SelfCheckScored, item_id: day_id(time), time }])
        .await
}

/// It opened for both, so both have it; whoever reads their path learns nothing about the other.
async fn check_in_revealed(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: CheckInRevealed,
) -> Result<(), HandlerError> {
    let item_id = id(&event.check_in_id, "CHECK_IN_ID")?;
    let time = time_or(event.open_time, meta.time);
    let first = id(&event.first_account_id, "FIRST_ACCOUNT_ID")?;
    let second = id(&event.second_account_id, "SECOND_ACCOUNT_ID")?;
    let deed = |account_id| Deed { account_id, fact: Fact::CheckInOpened, item_id, time };
    done(context, conn, &[deed(first), deed(second)]).await
}

/// The owner's step, and nobody else's.
async fn item_shared(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: ItemShared,
) -> Result<(), HandlerError> {
    let deed = Deed {
        account_id: id(&event.owner_account_id, "OWNER_ACCOUNT_ID")?,
        fact: Fact::ItemShared,
        item_id: id(&event.share_id, "SHARE_ID")?,
        time: time_or(event.create_time, meta.time),
    };
    done(context, conn, &[deed]).await
}

/// The step of whoever answered.
async fn share_answered(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: ShareAnswered,
) -> Result<(), HandlerError> {
    let deed = Deed {
        account_id: id(&event.answerer_account_id, "ANSWERER_ACCOUNT_ID")?,
        fact: Fact::ShareAnswered,
        item_id: id(&event.share_id, "SHARE_ID")?,
        time: time_or(event.answer_time, meta.time),
    };
    done(context, conn, &[deed]).await
}

async fn couple_linked(
    conn: &mut PgConnection,
    meta: &Meta,
    event: CoupleLinked,
) -> Result<(), HandlerError> {
    let couple_id = id(&event.couple_id, "COUPLE_ID")?;
    let members = pair(&event.first_account_id, &event.second_account_id)?;
    let linked_at = time_or(event.link_time, meta.time);
    app::linked(conn, couple_id, members, linked_at).await.map_err(|error| Fault::from(error).into())
}

async fn couple_unlinked(
    conn: &mut PgConnection,
    meta: &Meta,
    event: CoupleUnlinked,
) -> Result<(), HandlerError> {
    let couple_id = id(&event.couple_id, "COUPLE_ID")?;
    let members = pair(&event.first_account_id, &event.second_account_id)?;
    let unlinked_at = time_or(event.unlink_time, meta.time);
    app::unlinked(conn, couple_id, members, unlinked_at).await.map_err(|error| Fault::from(error).into())
}

async fn done(context: &Context, conn: &mut PgConnection, deeds: &[Deed]) -> Result<(), HandlerError> {
    let advanced = app::advance(conn, deeds, context.clock.now(), &context.ids).await;
    advanced.map_err(|error| Fault::from(error).into())
}

fn id(text: &str, field: &'static str) -> Result<Uuid, HandlerError> {
    text.parse().map_err(|_| HandlerError::Malformed(field))
}

/// Two different people, the lower id first.
fn pair(one: &str, other: &str) -> Result<[Uuid; 2], HandlerError> {
    let (one, other) = (id(one, "ACCOUNT_ID")?, id(other, "ACCOUNT_ID")?);
    if one == other { Err(HandlerError::Malformed("COUPLE")) } else { Ok([one.min(other), one.max(other)]) }
}

fn time_or(time: Option<prost_types::Timestamp>, otherwise: Timestamp) -> Timestamp {
    time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok()).unwrap_or(otherwise)
}
