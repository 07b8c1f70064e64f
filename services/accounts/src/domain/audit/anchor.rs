//! What is kept of the chain outside the database: enough to notice that its end is missing, or that all of it was
//! written anew.

use super::Head;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The chain's end as it was on a day. It says nothing of what the records hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The day, in UTC.
    pub day: Date,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The last batch then.
    pub batch: i64,
    /// The records of the chain then.
    pub records: i64,
    /// The hash of that batch's head, in hexadecimal.
    pub head: String,
    /// When that batch was sealed.
    pub sealed_at: Timestamp,
    /// The key that signed it.
    pub key_id: Uuid,
    /// Its public half, in hexadecimal.
    pub public_key: String,
    /// The signature of all of this, in hexadecimal.
    pub signature: String,
}

impl Anchor {
    /// The anchor of a head, without a signature yet.
    pub fn of(head: &Head, public_key: &[u8], now: Timestamp) -> Self {
        Self {
            day: day(now),
            taken_at: now,
            batch: head.batch,
            records: head.total,
            head: hex(&head.hash()),
            sealed_at: head.sealed_at,
            key_id: head.key_id,
            public_key: hex(public_key),
            signature: String::new(),
        }
    }

    /// What is signed.
    pub fn bytes(&self) -> Vec<u8> {
        let (day, head, public_key) = (self.day.to_string(), &self.head, &self.public_key);
        let (taken_at, sealed_at) = (self.taken_at.as_microsecond(), self.sealed_at.as_microsecond());
        let (batch, records, key_id) = (self.batch, self.records, self.key_id);
        format!("candor.audit.v1.anchor {day} {taken_at} {batch} {records} {head} {sealed_at} {key_id} {public_key}")
            .into_bytes()
    }

    /// Whether it is of this head.
    pub fn is_of(&self, head: &Head) -> bool {
        self.batch == head.batch && self.head == hex(&head.hash())
    }
}

/// The day of a moment, in UTC.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
