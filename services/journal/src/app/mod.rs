//! What the journal does, on a connection or transaction that somebody else opened and will commit.

mod announce;
pub mod assessments;
mod check_ins;
mod entries;
mod erasing;
mod moods;
pub mod opened;
mod pages;
pub mod received;
mod renderings;
pub mod shares;

pub use announce::{data_read, entry_written, item_shared, share_answered, share_withdrawn, to_proto};
pub use check_ins::{
    ANSWER_CHECK_IN, answer_check_in, call_off_check_ins, check_in_due, check_in_revealed, decide_due,
    decide_own, end_check_in_schedule, find_check_in, find_opened_check_in, forget_unannounced_check_ins,
    list_check_ins, open_replies, opened_check_ins_after, seal_replies, take_back_answer,
};
pub use entries::{
    WRITE_ENTRY, WriteEntry, Written, find_entry, open_entry, seal_entry, write_entries, write_new_entries,
};
pub use erasing::OwnPart;
pub use moods::{RECORD_MOOD, RecordMood, find_mood, record_mood};
pub use pages::{Timeline, open_token, seal_token};
pub use renderings::{preview_share, thaw};

use chassis::idempotency::Claim;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use vault::DataKey;

pub use crate::store::circles::note as note_circle;
pub use crate::store::couples::note as note_couple;
pub use crate::store::{entries_after, list_entries, list_moods};

/// How long a retry is recognised by its idempotency key. The rows' own ids protect them for good.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What tells a retry of a create from another create.
#[derive(Clone, Copy)]
pub struct Attempt {
    /// The idempotency key: the one sent, or else the id of what is created.
    pub key: Uuid,
    /// A keyed MAC of the request.
    pub request_mac: [u8; 32],
}

impl Attempt {
    /// Of a request in its canonical bytes, under the caller's data key.
    pub fn new(key: Uuid, data_key: &DataKey, method: &'static str, canonical_request: &[u8]) -> Self {
        Self { key, request_mac: data_key.mac(method, canonical_request) }
    }

    fn claim(&self, account_id: Uuid, method: &'static str, resource_id: Uuid, now: Timestamp) -> Claim {
        Claim {
            account_id,
            method,
            key: self.key,
            body_mac: self.request_mac,
            resource_id,
            expires_at: now.saturating_add(KEPT).unwrap_or(Timestamp::MAX),
        }
    }
}
