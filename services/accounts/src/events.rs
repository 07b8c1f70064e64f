//! What accounts tells the others, and what it hears of them.

use crate::{
    Error,
    app::{self, Accounts, Under},
    domain::{ErasurePart, Read},
};
use bus::{HandlerError, Inbox, Meta, Outbox, key_of, resnapshot};
use candor_proto::accounts::v1::{
    AccessEpochRaised, AccountRegistered, AccountVerified, CareEnded, CareStarted, CircleChanged,
    ConsentGranted, ConsentRevoked, CounselorSuspended, CounselorVerified, CoupleLinked, CoupleUnlinked,
    ErasureBegun, ProfileChanged, SessionEnded,
};
use candor_proto::journal::v1::DataRead;
use candor_proto::{content, journal, reminders};
use chassis::{Clock, Fault, Ids};
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use uuid::Uuid;

/// Accounts' name as a consumer.
pub const CONSUMER: &str = "accounts";

/// The routing keys of what accounts handles.
pub fn consumes() -> Vec<String> {
    vec![
        key_of::<content::v1::Erased>(),
        key_of::<DataRead>(),
        key_of::<journal::v1::Erased>(),
        key_of::<reminders::v1::Erased>(),
    ]
}

/// Accounts' inbox, to be run until shutdown.
pub fn inbox(accounts: Arc<Accounts>) -> Inbox<Arc<Accounts>> {
    let (pool, clock) = (accounts.pool.clone(), accounts.clock.clone());
    Inbox::new(CONSUMER, pool, accounts, clock)
        .on_many::<DataRead>(|accounts, conn, events| Box::pin(data_read(accounts, conn, events)))
        .about(|read: &DataRead| app::whose_ledger(read).into_iter().collect())
        .on::<content::v1::Erased>(|_, conn, meta, event| Box::pin(erased(conn, meta, event.into())))
        .on::<journal::v1::Erased>(|_, conn, meta, event| Box::pin(erased(conn, meta, event.into())))
        .on::<reminders::v1::Erased>(|_, conn, meta, event| Box::pin(erased(conn, meta, event.into())))
}

/// What a part of Candor says when nothing of a person is left in it.
struct Erased {
    service: &'static str,
    erasure_id: String,
    classes: Vec<String>,
    counts: Vec<i64>,
    shred_time: Option<prost_types::Timestamp>,
}

/// The parts' events are of one shape.
macro_rules! said_by {
    ($($service:ident)*) => {$(
        impl From<$service::v1::Erased> for Erased {
            fn from(event: $service::v1::Erased) -> Self {
                let $service::v1::Erased { erasure_id, classes, counts, shred_time } = event;
                Self { service: stringify!($service), erasure_id, classes, counts, shred_time }
            }
        }
    )*};
}

said_by!(content journal reminders);

/// Keeps what a part said.
async fn erased(conn: &mut PgConnection, meta: &Meta, said: Erased) -> Result<(), HandlerError> {
    let erasure_id = id(&said.erasure_id, "ERASURE_ID")?;
    let shredded_at = match said.shred_time {
        Some(time) => Some(instant(time).ok_or(HandlerError::Malformed("SHRED_TIME"))?),
        None => None,
    };
    let part = ErasurePart::told(said.service, shredded_at, said.classes, said.counts);
    let part = part.ok_or(HandlerError::Malformed("CLASSES"))?;
    app::keep_part(conn, erasure_id, &part, meta.time).await.map_err(|error| Fault::from(error).into())
}

/// Counts receipts. One that nobody opened, or that is not between these two, can never count.
async fn data_read(
    accounts: &Accounts,
    conn: &mut PgConnection,
    events: &[(Meta, DataRead)],
) -> Result<(), HandlerError> {
    let reads = events.iter().map(|(meta, event)| read(meta, event)).collect::<Result<Vec<_>, _>>()?;
    match app::count_reads(accounts, conn, &reads).await {
        Err(Error::ReceiptNotFound) => Err(HandlerError::Malformed("RECEIPT_UNKNOWN")),
        other => other.map_err(|error| Fault::from(error).into()),
    }
}

fn read(meta: &Meta, event: &DataRead) -> Result<(Under, Read), HandlerError> {
    let under = Under {
        receipt_id: id(&event.receipt_id, "RECEIPT_ID")?,
        owner_id: id(&event.owner_account_id, "OWNER_ACCOUNT_ID")?,
        reader_id: id(&event.reader_account_id, "READER_ACCOUNT_ID")?,
    };
    let time = match event.read_time {
        Some(time) => instant(time).ok_or(HandlerError::Malformed("READ_TIME"))?,
        None => meta.time,
    };
    let item_ids = event.item_ids.iter().map(|text| id(text, "ITEM_IDS")).collect::<Result<_, _>>()?;
    Ok((under, Read { time, item_ids, told: event.told }))
}

fn id(text: &str, field: &'static str) -> Result<Uuid, HandlerError> {
    text.parse().map_err(|_| HandlerError::Malformed(field))
}

/// The database keeps microseconds, and so does everything that is compared with it.
fn instant(time: prost_types::Timestamp) -> Option<Timestamp> {
    let nanos = Some(time.nanos).filter(|nanos| (0..1_000_000_000).contains(nanos))?;
    Timestamp::new(time.seconds, nanos / 1_000 * 1_000).ok()
}

/// The keys of the events that accounts emits.
pub fn emits() -> Vec<String> {
    vec![
        key_of::<AccountRegistered>(),
        key_of::<AccountVerified>(),
        key_of::<ProfileChanged>(),
        key_of::<SessionEnded>(),
        key_of::<CoupleLinked>(),
        key_of::<CoupleUnlinked>(),
        key_of::<CircleChanged>(),
        key_of::<CareStarted>(),
        key_of::<CareEnded>(),
        key_of::<ConsentGranted>(),
        key_of::<ConsentRevoked>(),
        key_of::<CounselorVerified>(),
        key_of::<CounselorSuspended>(),
        key_of::<AccessEpochRaised>(),
        key_of::<ErasureBegun>(),
    ]
}

/// Tells the current state of every account, every couple, place in a circle, care and consent (ended ones as ended), who is a
/// counselor or was, every access epoch and who was erased again, for consumers that lost what they knew; returns how many events it was.
///
/// # Errors
/// When the database fails; what was told until then stays told.
pub async fn resnapshot(pool: &PgPool, outbox: &Outbox, clock: &Clock, ids: &Ids) -> Result<u64, Error> {
    let accounts = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_state(conn, &ids, now, after).await })
    });
    let accounts = accounts.await?;
    let couples = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_couples(conn, &ids, now, after).await })
    });
    let couples = couples.await?;
    let circles = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_circles(conn, &ids, now, after).await })
    });
    let circles = circles.await?;
    let care = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_care(conn, &ids, now, after).await })
    });
    let care = care.await?;
    let couple_care = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_couple_care(conn, &ids, now, after).await })
    });
    let care = care + couple_care.await?;
    let consents = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_consents(conn, &ids, now, after).await })
    });
    let to_software = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_software_consents(conn, &ids, now, after).await })
    });
    let consents = consents.await? + to_software.await?;
    let counselors = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_counselors(conn, &ids, now, after).await })
    });
    let counselors = counselors.await?;
    let epochs = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_epochs(conn, &ids, now, after).await })
    });
    let epochs = epochs.await?;
    let erasures = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_erasures(conn, &ids, now, after).await })
    });
    Ok(accounts + couples + circles + care + consents + counselors + epochs + erasures.await?)
}
