//! What a member opens to their counselor or to software, as either reads it and the member sees it before. All of it comes from
//! here, so that it cannot differ. What another reads leaves a `DataRead` in the same transaction: only with it the receipt
//! counts.

use super::{assessments, data_read, open_entry, renderings, to_proto};
use crate::Error;
use crate::domain::{Assessment, Cursor, DomainResult, MoodRecord, SealedEntry};
use crate::store::opened as store;
use candor_proto::journal::v1 as proto;
use chassis::Ids;
use chassis::identity::Capability;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::DataKey;

pub use store::{Audience, Kind};

/// The texts of a page together, in bytes: with one entry more than this it still fits a message of 1 MiB.
const PAGE_BYTES: usize = 768 * 1024;

/// Whose data is read by whom: by its owner without a capability, or by another with one.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    audience: Audience,
    capability: Option<&'a Capability>,
    now: Timestamp,
}

/// A part of a list.
#[derive(Clone, Copy)]
pub struct Part {
    /// What comes after this.
    pub after: Cursor,
    /// How many at most.
    pub limit: i64,
}

/// What is in a part of a list.
pub struct Found<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next part begins, if there is one.
    pub next: Option<Cursor>,
}

impl<'a> Reading<'a> {
    /// Somebody looks at their own.
    pub fn own(account_id: Uuid, now: Timestamp) -> Self {
        Self { audience: Audience::own(account_id, now), capability: None, now }
    }

    /// Whoever shows this capability now.
    pub fn of(capability: &'a Capability, now: Timestamp) -> Self {
        Self { audience: Audience::of(capability, now), capability: Some(capability), now }
    }

    /// Whose data.
    pub fn owner_id(&self) -> Uuid {
        self.audience.owner_id()
    }

    /// Tells that another read these, so that it stands in the owner's ledger.
    async fn tell(&self, conn: &mut PgConnection, items: &[Uuid], ids: &Ids) -> Result<(), Error> {
        if let Some(capability) = self.capability.filter(|_| !items.is_empty()) {
            let read = data_read(ids.next(), self.now, capability, items, false);
            bus::outbox::append(conn, &[read]).await?;
        }
        Ok(())
    }
}

/// How many there are of a kind.
///
/// # Errors
/// [`Error::NothingOpened`] where they are not open to whoever asks.
pub async fn count(conn: &mut PgConnection, reading: &Reading<'_>, kind: Kind) -> Result<i64, Error> {
    store::count(conn, &reading.audience, kind).await?.ok_or(Error::NothingOpened)
}

/// A part of the entries.
///
/// # Errors
/// [`Error::Unreadable`]; when the database fails.
pub async fn entries(
    conn: &mut PgConnection,
    reading: &Reading<'_>,
    data_key: &DataKey,
    part: Part,
    ids: &Ids,
) -> Result<Found<proto::OpenedEntry>, Error> {
    let (sealed, more) = store::entries(conn, &reading.audience, part.after, part.limit, PAGE_BYTES).await?;
    let next = sealed.last().filter(|_| more).map(|last| Cursor { time: last.entry_time, id: last.entry_id });
    let read: Vec<_> = sealed.iter().map(|entry| entry.entry_id).collect();
    reading.tell(conn, &read, ids).await?;
    let items = sealed.into_iter().map(|entry| shown(data_key, entry)).collect::<Result<_, _>>()?;
    Ok(Found { items, next })
}

/// One entry.
///
/// # Errors
/// [`Error::NothingOpened`] for what is not open and for what does not exist alike; [`Error::Unreadable`].
pub async fn entry(
    conn: &mut PgConnection,
    reading: &Reading<'_>,
    data_key: &DataKey,
    entry_id: Uuid,
    ids: &Ids,
) -> Result<proto::OpenedEntry, Error> {
    let found = store::entry(conn, &reading.audience, entry_id).await?.ok_or(Error::NothingOpened)?;
    reading.tell(conn, &[entry_id], ids).await?;
    shown(data_key, found)
}

fn shown(data_key: &DataKey, sealed: SealedEntry) -> Result<proto::OpenedEntry, Error> {
    let entry = open_entry(data_key, sealed)?;
    let rendering = Some(renderings::whole(&entry)?);
    Ok(proto::OpenedEntry { entry_id: entry.entry_id.to_string(), rendering })
}

/// A part of the moods.
///
/// # Errors
/// When the database fails.
pub async fn moods(
    conn: &mut PgConnection,
    reading: &Reading<'_>,
    part: Part,
    ids: &Ids,
) -> Result<Found<MoodRecord>, Error> {
    let (items, more) = store::moods(conn, &reading.audience, part.after, part.limit).await?;
    let next = items.last().filter(|_| more).map(|last| Cursor { time: last.felt_time, id: last.mood_id });
    let read: Vec<_> = items.iter().map(|record| record.mood_id).collect();
    reading.tell(conn, &read, ids).await?;
    Ok(Found { items, next })
}

/// A part of the scored self-checks.
///
/// # Errors
/// When the database fails.
pub async fn self_checks(
    conn: &mut PgConnection,
    reading: &Reading<'_>,
    part: Part,
    ids: &Ids,
) -> Result<Found<proto::OpenedSelfCheck>, Error> {
    let (scored, more) = store::self_checks(conn, &reading.audience, None, part.after, part.limit).await?;
    let next = scored.last().filter(|_| more);
    let next = next.map(|last| Cursor { time: last.create_time, id: last.assessment_id });
    let read: Vec<_> = scored.iter().map(|scored| scored.assessment_id).collect();
    reading.tell(conn, &read, ids).await?;
    let items = assessments::results_of(conn, reading.owner_id(), scored).await?;
    Ok(Found { items: items.into_iter().map(in_words).collect(), next })
}

/// One scored self-check.
///
/// # Errors
/// [`Error::NothingOpened`] for what is not open, not scored, and for what does not exist alike.
pub async fn self_check(
    conn: &mut PgConnection,
    reading: &Reading<'_>,
    assessment_id: Uuid,
    ids: &Ids,
) -> Result<proto::OpenedSelfCheck, Error> {
    let (scored, _) =
        store::self_checks(conn, &reading.audience, Some(assessment_id), Cursor::newest(), 1).await?;
    if scored.is_empty() {
        return Err(Error::NothingOpened);
    }
    reading.tell(conn, &[assessment_id], ids).await?;
    let mut found = assessments::results_of(conn, reading.owner_id(), scored).await?;
    found.pop().map(in_words).ok_or(Error::NothingOpened)
}

fn in_words(assessment: Assessment) -> proto::OpenedSelfCheck {
    let band = |result: DomainResult| {
        let (title, band) = result.in_words();
        proto::DomainBand { title, band }
    };
    proto::OpenedSelfCheck {
        assessment_id: assessment.assessment_id.to_string(),
        instrument_id: assessment.instrument_id,
        instrument_version: assessment.instrument_version,
        score_time: assessment.score_time.map(to_proto),
        bands: assessment.results.into_iter().map(band).collect(),
    }
}
