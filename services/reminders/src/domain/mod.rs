//! Schedules, the inbox, couples and their check-ins, and the rules of all of them; pure.

mod check_in;
mod couple;
mod page;
mod recurrence;
mod schedule;
mod zone;

pub use check_in::{Announcement, CheckInSchedule, Due, Occurrence, Phase, Proposal, Times, check_in_id};
pub use couple::{Bond, Couple};
pub use page::{Cursor, List, Page, PageSize};
pub use recurrence::Recurrence;
pub use schedule::{Fate, Fired, InboxItem, Kind, Notice, Schedule};

/// A field that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    /// The field's path.
    pub field: &'static str,
    /// What is wrong, to be read after the field's name.
    pub rule: &'static str,
}
