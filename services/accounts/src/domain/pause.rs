//! Why somebody's invitations do not reach somebody, and for how long.

use jiff::{SignedDuration, Timestamp};

/// After leaving: long enough for being pressed to grow tired, short enough that nobody has to remember it.
const AFTER_LEAVING: SignedDuration = SignedDuration::from_hours(90 * 24);
/// After a no to one invitation.
const AFTER_A_NO: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseCause {
    /// The person ended their link with the other.
    Left,
    /// The person said no to an invitation of the other's.
    Declined,
    /// The person blocked the other.
    Blocked,
}

impl PauseCause {
    /// Every cause.
    pub const ALL: [Self; 3] = [Self::Left, Self::Declined, Self::Blocked];

    /// When a pause that begins now ends by itself; none for until it is lifted.
    pub fn until(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Left => Some(now + AFTER_LEAVING),
            Self::Declined => Some(now + AFTER_A_NO),
            Self::Blocked => None,
        }
    }

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Declined => "declined",
            Self::Blocked => "blocked",
        }
    }

    /// Takes a cause back from the store.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}
