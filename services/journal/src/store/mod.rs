//! All SQL of the journal: free functions on one connection, set-based where it is hot.

pub mod answers;
pub mod assessments;
pub mod check_ins;
pub mod circles;
pub mod couples;
mod entries;
pub mod erasing;
mod keep;
mod moods;
pub mod opened;
pub mod received;
pub mod share_pages;
pub mod shares;

pub use entries::{entries_after, entry_macs, find_entry, insert_entries, list_entries};
pub use keep::{NewEntry, keep_entries};
pub use moods::{find_mood, insert_moods, list_moods};

use uuid::Uuid;

/// An account and one of its rows.
pub type Key = (Uuid, Uuid);
