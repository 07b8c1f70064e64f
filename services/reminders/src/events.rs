//! The event of another service that reminders handles. Its own are appended by `app`, in the transaction that
//! makes them true.

use crate::app;
use bus::{HandlerError, Inbox, Meta, key_of};
use candor_proto::journal::v1::EntryWritten;
use chassis::{Clock, Fault};
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Reminders' name as a consumer.
pub const CONSUMER: &str = "reminders";

/// The routing keys of what reminders handles.
pub fn consumes() -> Vec<String> {
    vec![key_of::<EntryWritten>()]
}

/// What handlers need besides the database.
pub struct Context {
    clock: Clock,
}

/// Reminders' inbox, to be run until shutdown.
pub fn inbox(pool: PgPool, clock: Clock) -> Inbox<Context> {
    Inbox::new(CONSUMER, pool, Context { clock: clock.clone() }, clock)
        .on::<EntryWritten>(|context, conn, meta, event| Box::pin(entry_written(context, conn, meta, event)))
}

/// Plans a look-back. Duplicates and disorder change nothing: the schedule's id comes from the entry's.
async fn entry_written(
    context: &Context,
    conn: &mut PgConnection,
    meta: &Meta,
    event: EntryWritten,
) -> Result<(), HandlerError> {
    let account_id = id(&event.account_id, "ACCOUNT_ID")?;
    let entry_id = id(&event.entry_id, "ENTRY_ID")?;
    let written_at = match event.create_time {
        Some(time) => from_proto(time).ok_or(HandlerError::Malformed("CREATE_TIME"))?,
        None => meta.time,
    };
    let now = context.clock.now();
    app::plan_look_back(conn, account_id, entry_id, written_at, &event.time_zone, meta.time, now)
        .await
        .map_err(Fault::from)?;
    Ok(())
}

fn id(text: &str, field: &'static str) -> Result<Uuid, HandlerError> {
    text.parse().map_err(|_| HandlerError::Malformed(field))
}

fn from_proto(time: prost_types::Timestamp) -> Option<Timestamp> {
    let nanos = Some(time.nanos).filter(|nanos| (0..1_000_000_000).contains(nanos))?;
    Timestamp::new(time.seconds, nanos).ok()
}
