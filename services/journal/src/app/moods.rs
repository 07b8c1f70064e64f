//! Moods recorded by themselves.

use super::{Attempt, Written};
use crate::domain::MoodRecord;
use crate::{Error, store};
use chassis::idempotency::{self, Claim, Outcome};
use sqlx::PgConnection;
use uuid::Uuid;

/// The name of the write in idempotency records and in the purpose of its MACs.
pub const RECORD_MOOD: &str = "journal.v1.RecordMood";

/// A mood ready to be kept.
pub struct RecordMood {
    record: MoodRecord,
    claim: Claim,
}

impl RecordMood {
    /// From a mood and what tells a retry from another.
    pub fn new(record: MoodRecord, attempt: &Attempt) -> Self {
        let claim = attempt.claim(record.account_id, RECORD_MOOD, record.mood_id, record.create_time);
        Self { record, claim }
    }
}

/// Keeps a mood with its idempotency record.
///
/// # Errors
/// [`Error::MoodIdReused`], [`Error::IdempotencyKeyReused`]: then the transaction must be rolled back.
pub async fn record_mood(conn: &mut PgConnection, command: &RecordMood) -> Result<Written, Error> {
    let RecordMood { record, claim } = command;
    let by_id = claim.key == record.mood_id;
    match idempotency::claim(conn, claim).await? {
        Outcome::Replay(id) => return Ok(Written::Replayed(id)),
        Outcome::Mismatch if by_id => return Err(Error::MoodIdReused),
        Outcome::Mismatch => return Err(Error::IdempotencyKeyReused),
        Outcome::Fresh => {}
    }
    let inserted = store::insert_moods(conn, std::slice::from_ref(record), &[Some(&claim.body_mac)]).await?;
    if !inserted.is_empty() {
        return Ok(Written::Fresh);
    }
    // The id is taken: by an earlier attempt whose idempotency record was swept, or by another mood.
    match store::find_mood(conn, record.account_id, record.mood_id).await? {
        Some((_, Some(mac))) if mac[..] == claim.body_mac => Ok(Written::Replayed(record.mood_id)),
        _ => Err(Error::MoodIdReused),
    }
}

/// One of the account's own moods.
///
/// # Errors
/// [`Error::MoodNotFound`] for what does not exist and for what is somebody else's alike.
pub async fn find_mood(
    conn: &mut PgConnection,
    account_id: Uuid,
    mood_id: Uuid,
) -> Result<MoodRecord, Error> {
    store::find_mood(conn, account_id, mood_id).await?.map(|(record, _)| record).ok_or(Error::MoodNotFound)
}
