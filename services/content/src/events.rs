//! Events of other services that content handles. Its own are appended by `app`, in the transaction that makes
//! them true.

use crate::Error;
use crate::app::{self, Deed};
use crate::domain::path::Fact;
use bus::{HandlerError, Inbox, Meta, Outbox, key_of, resnapshot};
use candor_proto::journal::v1::EntryWritten;
use chassis::{Clock, Fault, Ids};
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Content's name as a consumer.
pub const CONSUMER: &str = "content";

/// The routing keys of what content handles.
pub fn consumes() -> Vec<String> {
    vec![key_of::<EntryWritten>()]
}

/// Tells of every published article, every version of an instrument and every milestone reached again, for consumers that lost what they knew; returns
/// how many. One page per transaction, so it can be stopped and started again at any time.
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
        .on::<EntryWritten>(|context, conn, meta, event| Box::pin(entry_written(context, conn, meta, event)))
        .outbox(outbox)
}

async fn entry_written(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: EntryWritten,
) -> Result<(), HandlerError> {
    let deed = Deed {
        account_id: event.account_id.parse().map_err(|_| HandlerError::Malformed("ACCOUNT_ID"))?,
        fact: Fact::EntryWritten,
        item_id: event.entry_id.parse::<Uuid>().map_err(|_| HandlerError::Malformed("ENTRY_ID"))?,
        time: event.create_time.and_then(|time| instant(&time)).unwrap_or(meta.time),
    };
    app::advance(conn, deed, context.clock.now(), &context.ids)
        .await
        .map_err(|error| Fault::from(error).into())
}

fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}
