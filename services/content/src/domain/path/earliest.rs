//! What was done, in a form that duplicates and disorder cannot harm.

use jiff::{Timestamp, TimestampRound, Unit};
use uuid::Uuid;

/// The earliest things done of one kind, at most [`super::Fact::limit`] of them, by time and id.
///
/// Keeping the earliest, rather than a number, makes the order and the number of deliveries irrelevant:
/// whatever comes in whatever order, the same few remain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earliest(Vec<(Timestamp, Uuid)>);

impl Earliest {
    /// As it was kept.
    pub fn from_items(items: impl IntoIterator<Item = (Timestamp, Uuid)>) -> Self {
        Self(items.into_iter().collect())
    }

    /// What is kept, the earliest first.
    pub fn items(&self) -> &[(Timestamp, Uuid)] {
        &self.0
    }

    /// Takes one more, if it is new and among the earliest `limit`. Says whether anything changed.
    pub fn add(&mut self, time: Timestamp, id: Uuid, limit: usize) -> bool {
        let mut items = self.0.clone();
        match items.iter_mut().find(|(_, known)| *known == id) {
            Some(known) => known.0 = known.0.min(to_the_microsecond(time)),
            None => items.push((to_the_microsecond(time), id)),
        }
        items.sort_unstable();
        items.truncate(limit);
        let changed = items != self.0;
        self.0 = items;
        changed
    }
}

/// The database's precision, so that what comes back from it is what went in.
fn to_the_microsecond(time: Timestamp) -> Timestamp {
    time.round(TimestampRound::new().smallest(Unit::Microsecond)).unwrap_or(time)
}
