//! The events the journal emits. It consumes none.

use crate::domain::Facts;
use crate::{Error, app};
use bus::resnapshot::{self, Page};
use bus::{Envelope, Outbox, key_of};
use candor_proto::journal::v1::EntryWritten;
use chassis::{Clock, Ids};
use jiff::Timestamp;
use sqlx::PgPool;
use uuid::Uuid;

/// Entries told at a time when all are told again.
const PAGE: i64 = 500;

/// The keys of the events that the journal emits.
pub fn emits() -> Vec<String> {
    vec![key_of::<EntryWritten>()]
}

/// `journal.v1.entry_written`: ids, times, the zone and whether a mood came with it. An entry never changes, so
/// the event is its version 1.
pub fn entry_written(event_id: Uuid, time: Timestamp, entry: &Facts) -> Envelope {
    let event = EntryWritten {
        entry_id: entry.entry_id.to_string(),
        account_id: entry.account_id.to_string(),
        entry_time: Some(to_proto(entry.entry_time)),
        time_zone: entry.time_zone.clone(),
        has_mood: entry.has_mood,
        create_time: Some(to_proto(entry.create_time)),
    };
    Envelope::new(event_id, time, entry.entry_id, 1, &event)
}

/// Tells of every entry again, for consumers that lost what they knew; returns how many. One page per transaction,
/// so it can be stopped and started again at any time.
///
/// # Errors
/// When the database fails; what was told until then stays told.
pub async fn resnapshot(pool: &PgPool, outbox: &Outbox, clock: &Clock, ids: &Ids) -> Result<u64, Error> {
    resnapshot::run(pool, outbox, |conn, after: Option<(Uuid, Uuid)>| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move {
            let entries = app::entries_after(conn, after.unwrap_or_default(), PAGE).await?;
            let is_full = i64::try_from(entries.len()).is_ok_and(|count| count == PAGE);
            let next = entries.last().filter(|_| is_full).map(|last| (last.account_id, last.entry_id));
            Ok(Page {
                events: entries.iter().map(|entry| entry_written(ids.next(), now, entry)).collect(),
                next,
            })
        })
    })
    .await
}

/// A moment as protobuf says it: whole seconds towards the past, nanoseconds forward from there.
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default(),
        nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default(),
    }
}
