//! Instruments: publishing what changed, telling, reading.

use crate::Error;
use crate::domain::questionnaire::{Instrument, Questionnaire};
use crate::store::instruments::{self as store, Published};
use bus::resnapshot::Page;
use bus::{Envelope, outbox};
use candor_proto::content::v1::InstrumentPublished;
use chassis::Ids;
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Instruments have readable ids; events want UUIDs. An instrument's is a name-based one within this namespace.
const INSTRUMENTS: Uuid = Uuid::from_u128(0x019a_b1c5_6a00_7d52_8e3b_90c1_4d27_e6fa);

/// Versions told at a time when all are told again. Each carries a whole questionnaire.
const TOLD_AT_ONCE: i64 = 20;

/// A version of an instrument, as it is kept and as it is shown.
pub struct Found {
    /// As it is kept.
    pub kept: Published,
    /// As it is shown.
    pub shown: Questionnaire,
}

/// Publishes what changed of the given instruments; returns how many did. A changed file is the next version, told to
/// the others in the same transaction; versions before it stay. One whose file is gone stays too: somebody may be in
/// the middle of it.
///
/// # Errors
/// Only when the database fails.
pub async fn load_instruments(
    conn: &mut PgConnection,
    instruments: &[Instrument],
    now: Timestamp,
    ids: &Ids,
) -> Result<usize, Error> {
    store::lock(conn).await?;
    let heads = store::heads(conn).await?;
    let known: HashMap<_, _> = heads.iter().map(|head| (head.instrument_id.as_str(), head)).collect();
    let mut events = Vec::new();
    for instrument in instruments {
        let head = known.get(instrument.id.as_str());
        if head.is_some_and(|head| head.digest == instrument.digest) {
            continue;
        }
        let version = head.map_or(0, |head| head.version) + 1;
        store::publish(conn, instrument, version, now).await?;
        events.push(instrument_published(&instrument.id, version, &instrument.text, now, ids));
    }
    outbox::append(conn, &events).await?;
    Ok(events.len())
}

/// A page of all versions of all instruments, for consumers that lost what they knew.
///
/// # Errors
/// When the database fails.
pub async fn tell_instruments(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<(String, i32)>,
) -> Result<Page<(String, i32)>, Error> {
    let (instrument_id, version) = after.unwrap_or_default();
    let versions = store::published_after(conn, (&instrument_id, version), TOLD_AT_ONCE).await?;
    let is_full = i64::try_from(versions.len()).is_ok_and(|count| count == TOLD_AT_ONCE);
    let next = versions.last().filter(|_| is_full).map(|last| (last.instrument_id.clone(), last.version));
    let tell = |found: &Published| {
        instrument_published(&found.instrument_id, found.version, &found.questionnaire, now, ids)
    };
    Ok(Page { events: versions.iter().map(tell).collect(), next })
}

fn instrument_published(
    instrument_id: &str,
    version: i32,
    questionnaire: &str,
    now: Timestamp,
    ids: &Ids,
) -> Envelope {
    let event = InstrumentPublished {
        instrument_id: instrument_id.to_owned(),
        version,
        questionnaire: questionnaire.to_owned(),
    };
    let aggregate_id = Uuid::new_v5(&INSTRUMENTS, instrument_id.as_bytes());
    Envelope::new(ids.next(), now, aggregate_id, version.into(), &event)
}

/// The published version of every instrument, by id.
///
/// # Errors
/// When the database fails.
pub async fn list_instruments(conn: &mut PgConnection) -> Result<Vec<Found>, Error> {
    store::list(conn).await?.into_iter().map(found).collect()
}

/// One version of an instrument; 0 means the published one.
///
/// # Errors
/// [`Error::InstrumentNotFound`] when there is none.
pub async fn get_instrument(
    conn: &mut PgConnection,
    instrument_id: &str,
    version: i32,
) -> Result<Found, Error> {
    found(store::get(conn, instrument_id, version).await?.ok_or(Error::InstrumentNotFound)?)
}

fn found(kept: Published) -> Result<Found, Error> {
    let shown = Questionnaire::parse(&kept.questionnaire)?;
    Ok(Found { kept, shown })
}
