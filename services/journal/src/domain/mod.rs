//! The journal's words: parsed once at the edge, true from then on. Pure: no I/O, no clock, no keys.

pub mod assessment;
mod check_in;
mod entry;
pub mod instrument;
mod mood;
mod page;
mod share;
pub mod starters;

pub use assessment::{Answers, Assessment, DomainResult, InvalidAnswer, Scores, SealedAssessment, results};
pub use check_in::{
    AnswerFacts, Appointment, CheckInKey, CheckInState, GAP, Load, MAX_GATHERING, MAX_REPLY_BYTES, OpenTime,
    PACE, PACE_OF, Replies, Reply, Revealed, SealedAnswer, SealedCheckIn, check_in_id,
};
pub use entry::{EntryBody, EntryTime, MAX_BODY_BYTES, MAX_TITLE_CHARS, Title, Zone};
pub use instrument::{Instrument, InvalidQuestionnaire};
pub use mood::{BodySign, Mood};
pub use page::{Cursor, DEFAULT_PAGE, MAX_PAGE, PageSize};
pub use share::{
    Item, MAX_LIFE, MAX_SHARES, PACE_OF_SHARES, Rendering, Selection, ShareDepth, ShareKind, ShareState,
    TOO_LITTLE, Window, WishedResponse, render, state_of,
};

use jiff::Timestamp;
use uuid::Uuid;

/// What a value breaks: the field, and what is wrong, to be read after the field's name. Never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    /// The field's path, as clients know it.
    pub field: &'static str,
    /// What is wrong with it.
    pub rule: &'static str,
}

/// The finest instant the database keeps: microseconds, rounded towards the epoch.
pub fn to_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// An entry as its writer means it: plain text, in memory only.
#[derive(Clone)]
pub struct Entry {
    /// Its id, unique among the writer's entries.
    pub entry_id: Uuid,
    /// The text.
    pub body: EntryBody,
    /// The title, if there is one.
    pub title: Option<Title>,
    /// The moment it is about.
    pub entry_time: EntryTime,
    /// The writer's time zone at that moment.
    pub zone: Zone,
    /// How the writer felt, if they said.
    pub mood: Option<Mood>,
    /// When it was kept.
    pub create_time: Timestamp,
}

/// An entry as the database holds it: the texts sealed with the writer's data key.
#[derive(Clone)]
pub struct SealedEntry {
    /// The writer.
    pub account_id: Uuid,
    /// Its id, unique among the writer's entries.
    pub entry_id: Uuid,
    /// The sealed text.
    pub body: Vec<u8>,
    /// The sealed title, if there is one.
    pub title: Option<Vec<u8>>,
    /// The moment it is about.
    pub entry_time: Timestamp,
    /// The writer's time zone at that moment, an IANA name.
    pub time_zone: String,
    /// The mood that came with it, under the id of its own record.
    pub mood: Option<(Uuid, Mood)>,
    /// When it was kept.
    pub create_time: Timestamp,
}

impl SealedEntry {
    /// What may be told of it.
    pub fn facts(&self) -> Facts {
        Facts {
            account_id: self.account_id,
            entry_id: self.entry_id,
            entry_time: self.entry_time,
            time_zone: self.time_zone.clone(),
            has_mood: self.mood.is_some(),
            create_time: self.create_time,
        }
    }
}

/// What an entry's event may tell: no text, sealed or not, and no mood.
#[derive(Clone)]
pub struct Facts {
    /// The writer.
    pub account_id: Uuid,
    /// The entry.
    pub entry_id: Uuid,
    /// The moment it is about.
    pub entry_time: Timestamp,
    /// The writer's time zone at that moment, an IANA name.
    pub time_zone: String,
    /// Whether a mood came with it.
    pub has_mood: bool,
    /// When it was kept.
    pub create_time: Timestamp,
}

/// A mood at a moment.
#[derive(Clone, PartialEq, Eq)]
pub struct MoodRecord {
    /// Whose.
    pub account_id: Uuid,
    /// Its id, unique among the member's moods.
    pub mood_id: Uuid,
    /// The entry it came with, if it came with one.
    pub entry_id: Option<Uuid>,
    /// The mood.
    pub mood: Mood,
    /// When it was felt.
    pub felt_time: Timestamp,
    /// When it was kept.
    pub create_time: Timestamp,
}
