//! Entries: sealing, keeping, opening.

use super::Attempt;
use crate::Error;
use crate::domain::{Entry, EntryBody, EntryTime, MoodRecord, SealedEntry, Title, Zone};
use crate::store::{self, Key, NewEntry};
use bus::Envelope;
use chassis::idempotency::{self, Claim, Outcome};
use sqlx::PgConnection;
use std::collections::HashSet;
use uuid::Uuid;
use vault::{DataKey, Place};

/// The name of the write in idempotency records and in the purpose of its MACs.
pub const WRITE_ENTRY: &str = "journal.v1.WriteEntry";

/// An entry ready to be kept: sealed, with the event it will cause.
#[derive(Clone)]
pub struct WriteEntry {
    sealed: SealedEntry,
    claim: Claim,
    event: Envelope,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is kept, by this very write.
    Fresh,
    /// An earlier write with the same content kept it, under this id.
    Replayed(Uuid),
}

impl WriteEntry {
    /// From a sealed entry, what tells a retry from another, and the event its keeping will be.
    pub fn new(sealed: SealedEntry, attempt: &Attempt, event: Envelope) -> Self {
        let claim = attempt.claim(sealed.account_id, WRITE_ENTRY, sealed.entry_id, sealed.create_time);
        Self { sealed, claim, event }
    }

    fn as_new(&self) -> NewEntry<'_> {
        let mood = mood_record(&self.sealed);
        NewEntry { entry: &self.sealed, claim: &self.claim, mood, event: &self.event }
    }

    fn attempt_key(&self) -> Key {
        (self.claim.account_id, self.claim.key)
    }

    fn row_key(&self) -> Key {
        (self.sealed.account_id, self.sealed.entry_id)
    }

    /// The reason to give when an earlier write with other content came under the same key.
    fn reused(&self) -> Error {
        if self.claim.key == self.sealed.entry_id {
            Error::EntryIdReused
        } else {
            Error::IdempotencyKeyReused
        }
    }
}

/// Seals an entry with its writer's data key. `mood_id` is for the record of its mood, if it has one.
pub fn seal_entry(account_id: Uuid, entry: &Entry, data_key: &DataKey, mood_id: Uuid) -> SealedEntry {
    let seal = |column, text: &str| data_key.seal(&place(column, entry.entry_id), text.as_bytes());
    SealedEntry {
        account_id,
        entry_id: entry.entry_id,
        body: seal("body", entry.body.as_str()),
        title: entry.title.as_ref().map(|title| seal("title", title.as_str())),
        entry_time: entry.entry_time.timestamp(),
        time_zone: entry.zone.as_str().to_owned(),
        mood: entry.mood.clone().map(|mood| (mood_id, mood)),
        create_time: entry.create_time,
    }
}

/// Keeps entries, each with its mood, its idempotency record and its event, where all of them are new: in one statement,
/// on a connection without a transaction. Then it gives back what is told of them, leased until `lease`; if not, nothing is
/// kept, and [`write_entries`] says of each what is to become of it.
///
/// # Errors
/// When the database refuses the whole for another reason: nothing of it is kept then either.
pub async fn write_new_entries(
    conn: &mut PgConnection,
    commands: &[WriteEntry],
    lease: Option<jiff::Timestamp>,
) -> Result<Option<Vec<Envelope>>, sqlx::Error> {
    let mut rows: Vec<NewEntry<'_>> = commands.iter().map(WriteEntry::as_new).collect();
    // One order for all writers, so that two batches never wait for each other.
    rows.sort_by_key(|row| (row.entry.account_id, row.entry.entry_id));
    match store::keep_entries(conn, &rows, lease).await {
        Ok(()) => Ok(Some(rows.iter().map(|row| row.event.clone()).collect())),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps entries, each with its mood, its idempotency record and its event; says of each what became of it.
/// One command's refusal leaves the others unhurt.
///
/// # Errors
/// When the database refuses the whole: then nothing of it may be committed.
pub async fn write_entries(
    conn: &mut PgConnection,
    commands: &[WriteEntry],
) -> Result<Vec<Result<Written, Error>>, sqlx::Error> {
    let claims: Vec<Claim> = commands.iter().map(|command| command.claim.clone()).collect();
    let outcomes = idempotency::claim_many(conn, &claims).await?;
    let fresh = commands.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Fresh);
    let (kept, taken) = insert(conn, fresh.map(|(command, _)| command).collect()).await?;
    let refused = refuse_reused(conn, &taken).await?;
    let answer = |(command, outcome): (&WriteEntry, Outcome)| match outcome {
        Outcome::Mismatch => Err(command.reused()),
        _ if refused.contains(&command.attempt_key()) => Err(Error::EntryIdReused),
        Outcome::Replay(id) => Ok(Written::Replayed(id)),
        Outcome::Fresh if kept.contains(&command.attempt_key()) => Ok(Written::Fresh),
        Outcome::Fresh => Ok(Written::Replayed(command.sealed.entry_id)),
    };
    Ok(commands.iter().zip(outcomes).map(answer).collect())
}

/// Inserts entries with their moods and events. Says whose attempts went in, and which found their id taken.
async fn insert<'c>(
    conn: &mut PgConnection,
    fresh: Vec<&'c WriteEntry>,
) -> Result<(HashSet<Key>, Vec<&'c WriteEntry>), sqlx::Error> {
    if fresh.is_empty() {
        return Ok((HashSet::new(), Vec::new()));
    }
    // One order for all writers, so that two batches never wait for each other; of equal rows one goes in.
    let mut rows = fresh.clone();
    rows.sort_by_key(|command| command.row_key());
    rows.dedup_by_key(|command| command.row_key());
    let entries: Vec<&SealedEntry> = rows.iter().map(|command| &command.sealed).collect();
    let macs: Vec<&[u8]> = rows.iter().map(|command| command.claim.body_mac.as_slice()).collect();
    let inserted = store::insert_entries(conn, &entries, &macs).await?;
    rows.retain(|command| inserted.contains(&command.row_key()));

    let moods: Vec<MoodRecord> = rows.iter().filter_map(|command| mood_record(&command.sealed)).collect();
    if !moods.is_empty()
        && store::insert_moods(conn, &moods, &vec![None; moods.len()]).await?.len() < moods.len()
    {
        return Err(sqlx::Error::Protocol("a new mood's id was taken".into()));
    }
    let events: Vec<Envelope> = rows.iter().map(|command| command.event.clone()).collect();
    bus::outbox::append(conn, &events).await?;
    let kept: HashSet<Key> = rows.iter().map(|command| command.attempt_key()).collect();
    let taken = fresh.into_iter().filter(|command| !kept.contains(&command.attempt_key())).collect();
    Ok((kept, taken))
}

fn mood_record(entry: &SealedEntry) -> Option<MoodRecord> {
    let (mood_id, mood) = entry.mood.clone()?;
    Some(MoodRecord {
        account_id: entry.account_id,
        mood_id,
        entry_id: Some(entry.entry_id),
        mood,
        felt_time: entry.entry_time,
        create_time: entry.create_time,
    })
}

/// Where an id was taken, the row itself tells a retry from a reuse: the idempotency record was swept, or another
/// key was sent with the same entry id. A reuse leaves no record behind, or its own retry would pass for a success.
async fn refuse_reused(conn: &mut PgConnection, taken: &[&WriteEntry]) -> Result<HashSet<Key>, sqlx::Error> {
    if taken.is_empty() {
        return Ok(HashSet::new());
    }
    let keys: Vec<Key> = taken.iter().map(|command| command.row_key()).collect();
    let macs = store::entry_macs(conn, &keys).await?;
    let same = |command: &WriteEntry| {
        macs.get(&command.row_key()).is_some_and(|mac| mac[..] == command.claim.body_mac)
    };
    let reused: Vec<&WriteEntry> = taken.iter().copied().filter(|command| !same(command)).collect();
    let claims: Vec<Claim> = reused.iter().map(|command| command.claim.clone()).collect();
    idempotency::release(conn, &claims).await?;
    Ok(reused.iter().map(|command| command.attempt_key()).collect())
}

/// One of the account's own entries, still sealed.
///
/// # Errors
/// [`Error::EntryNotFound`] for what does not exist and for what is somebody else's alike.
pub async fn find_entry(
    conn: &mut PgConnection,
    account_id: Uuid,
    entry_id: Uuid,
) -> Result<SealedEntry, Error> {
    store::find_entry(conn, account_id, entry_id).await?.ok_or(Error::EntryNotFound)
}

/// Opens an entry with its writer's data key.
///
/// # Errors
/// [`Error::Unreadable`] when a text was altered or moved.
pub fn open_entry(data_key: &DataKey, sealed: SealedEntry) -> Result<Entry, Error> {
    let open = |column, blob: &[u8]| {
        let mut plain = data_key.open(&place(column, sealed.entry_id), blob).map_err(Error::Unreadable)?;
        String::from_utf8(std::mem::take(&mut *plain)).map_err(|_| Error::Unreadable(vault::Error::Refused))
    };
    Ok(Entry {
        entry_id: sealed.entry_id,
        body: EntryBody::kept(open("body", &sealed.body)?),
        title: sealed.title.as_deref().map(|title| open("title", title)).transpose()?.map(Title::kept),
        entry_time: EntryTime::kept(sealed.entry_time),
        zone: Zone::kept(sealed.time_zone),
        mood: sealed.mood.map(|(_, mood)| mood),
        create_time: sealed.create_time,
    })
}

fn place(column: &'static str, entry_id: Uuid) -> Place<'static> {
    Place { table: "entries", column, row: entry_id }
}
