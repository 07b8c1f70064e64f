//! Events of other services that content handles. Its own are appended by `app`, in the transaction that makes
//! them true.

use crate::app::{self, Deed};
use crate::domain::path::Fact;
use bus::{HandlerError, Inbox, Meta, Outbox, key_of};
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
