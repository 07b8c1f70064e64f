//! Two people who are or were linked.

use uuid::Uuid;

/// What links two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bond {
    /// They are a couple.
    Couple,
    /// One is a trusted person in the other's circle.
    Circle,
}

/// A link between two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Couple {
    /// The link: their couple, or a place in a circle. Two people who link again get another one.
    pub couple_id: Uuid,
    /// The lower id of the two.
    pub first_id: Uuid,
    /// The other.
    pub second_id: Uuid,
}

impl Couple {
    /// The two in their order, whichever way round they come; none when they are one and the same.
    pub fn of(couple_id: Uuid, one: Uuid, other: Uuid) -> Option<Self> {
        (one != other).then(|| Self { couple_id, first_id: one.min(other), second_id: one.max(other) })
    }

    /// Both.
    pub fn members(&self) -> [Uuid; 2] {
        [self.first_id, self.second_id]
    }
}
