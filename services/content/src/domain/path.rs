//! The path: milestones by step, as data; what has been done, in a form that duplicates and disorder cannot
//! harm; and what is proposed next.

use super::Step;
use jiff::{Timestamp, TimestampRound, Unit};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a milestone counts. The number is the database's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum Fact {
    /// An entry of the journal was written.
    EntryWritten = 1,
}

impl Fact {
    /// The number, from 1.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// How many are worth remembering: as many as the furthest milestone asks for.
    pub fn limit(self) -> usize {
        let goals = PATH.iter().flat_map(|step| step.milestones).filter(|milestone| milestone.counts == self);
        goals.map(Milestone::goal).max().unwrap_or(0)
    }
}

/// A step with something in it.
pub struct PathStep {
    /// Which.
    pub step: Step,
    /// Its milestones, the smallest first.
    pub milestones: &'static [Milestone],
}

/// Something to reach. There is no time limit, and nothing is lost by leaving it.
pub struct Milestone {
    /// Readable id; never used again for another milestone.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it counts.
    pub counts: Fact,
    /// Why it is proposed, after 0, 1, … of what it counts. There are as many as it asks for.
    pub reasons: &'static [&'static str],
}

impl Milestone {
    /// How many of what it counts it asks for.
    pub fn goal(&self) -> usize {
        self.reasons.len()
    }

    /// Why it is proposed to somebody this far.
    pub fn reason(&self, progress: usize) -> &'static str {
        self.reasons.get(progress).or(self.reasons.last()).copied().unwrap_or_default()
    }
}

/// The path, in its usual order. A milestone is here only when some event can advance it.
pub const PATH: &[PathStep] = &[PathStep {
    step: Step::Journal,
    milestones: &[
        Milestone {
            id: "first-entry",
            title: "Write a first entry",
            counts: Fact::EntryWritten,
            reasons: &["A first entry can be two sentences long, and it stays yours. Not now is fine too."],
        },
        Milestone {
            id: "three-entries",
            title: "Write three entries",
            counts: Fact::EntryWritten,
            reasons: &[
                "A few entries side by side can show what comes back. There is no hurry.",
                "You have written one entry. Two more, whenever you like, may show what comes back.",
                "You have written two entries. One more, whenever you like, may show what comes back.",
            ],
        },
    ],
}];

/// The step a milestone belongs to, if it is on the path today.
pub fn step_of(milestone_id: &str) -> Option<Step> {
    let of = |step: &&PathStep| step.milestones.iter().any(|milestone| milestone.id == milestone_id);
    PATH.iter().find(of).map(|step| step.step)
}

/// What is said when nothing is proposed.
pub const ALL_REACHED: &str = "You have been through all that is here for now. Nothing is waiting for you.";

/// The earliest things done of one kind, at most [`Fact::limit`] of them, by time and id.
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

/// The milestones that what is done amounts to, with the time each was reached.
pub fn reached(fact: Fact, done: &Earliest) -> Vec<(&'static PathStep, &'static Milestone, Timestamp)> {
    let all = PATH.iter().flat_map(|step| step.milestones.iter().map(move |milestone| (step, milestone)));
    all.filter(|(_, milestone)| milestone.counts == fact)
        .filter_map(|(step, milestone)| {
            let last = milestone.goal().checked_sub(1)?;
            done.0.get(last).map(|(time, _)| (step, milestone, *time))
        })
        .collect()
}

/// Where somebody stands.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// How many of each fact's number are kept.
    pub done: BTreeMap<i16, usize>,
    /// When each milestone was reached, by its id.
    pub reached: BTreeMap<String, Timestamp>,
}

impl Standing {
    /// When a milestone was reached.
    pub fn reach_time(&self, milestone: &Milestone) -> Option<Timestamp> {
        self.reached.get(milestone.id).copied()
    }

    /// How far a milestone is, at most its goal. One that is reached is complete, whatever it asks for today.
    pub fn progress(&self, milestone: &Milestone) -> usize {
        if self.reach_time(milestone).is_some() {
            return milestone.goal();
        }
        self.done.get(&milestone.counts.number()).copied().unwrap_or(0).min(milestone.goal())
    }

    /// The next small step: the first that is not reached.
    pub fn next(&self) -> Option<&'static Milestone> {
        PATH.iter().flat_map(|step| step.milestones).find(|milestone| self.reach_time(milestone).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_path_is_well_formed() {
        let milestones: Vec<_> = PATH.iter().flat_map(|step| step.milestones).collect();
        for (index, milestone) in milestones.iter().enumerate() {
            assert!(milestone.goal() > 0, "{}", milestone.id);
            assert!(milestones[..index].iter().all(|earlier| earlier.id != milestone.id), "{}", milestone.id);
        }
        assert_eq!(Fact::EntryWritten.limit(), 3);
    }

    #[test]
    fn duplicates_count_once_and_order_does_not_matter() {
        let entries: Vec<_> =
            (1..=5).map(|n| (at(i64::from(n) * 60), Uuid::from_u128(u128::from(n as u8)))).collect();
        let orders: [&[usize]; 4] =
            [&[0, 1, 2, 3, 4], &[4, 3, 2, 1, 0], &[2, 2, 0, 4, 1, 3, 0], &[3, 4, 3, 1, 0, 2, 1]];
        for order in orders {
            let mut done = Earliest::default();
            for index in order {
                done.add(entries[*index].0, entries[*index].1, 3);
            }
            assert_eq!(done.items(), &entries[..3], "{order:?}");
        }
    }

    #[test]
    fn a_duplicate_changes_nothing() {
        let mut done = Earliest::default();
        assert!(done.add("2024-03-10T07:30:00.123456789Z".parse().unwrap(), Uuid::from_u128(1), 3));
        assert!(!done.add("2024-03-10T07:30:00.123456789Z".parse().unwrap(), Uuid::from_u128(1), 3));
        assert!(done.add(at(1), Uuid::from_u128(2), 3));
        assert!(done.add(at(2), Uuid::from_u128(3), 3));
        assert!(!done.add(at(1_800_000_000), Uuid::from_u128(4), 3));
    }

    #[test]
    fn milestones_are_reached_when_their_last_item_was_done() {
        let mut done = Earliest::default();
        assert!(reached(Fact::EntryWritten, &done).is_empty());
        for second in [30, 10, 20] {
            done.add(at(second), Uuid::from_u128(second as u128), 3);
        }
        let found: Vec<_> =
            reached(Fact::EntryWritten, &done).iter().map(|(_, m, time)| (m.id, *time)).collect();
        assert_eq!(found, [("first-entry", at(10)), ("three-entries", at(30))]);
    }

    #[test]
    fn what_was_reached_stays_reached() {
        let standing = Standing {
            done: BTreeMap::new(),
            reached: BTreeMap::from([("first-entry".to_owned(), at(1)), ("gone".to_owned(), at(2))]),
        };
        let milestones = PATH[0].milestones;
        assert_eq!(standing.progress(&milestones[0]), 1);
        assert_eq!(standing.next().unwrap().id, "three-entries");
    }
}
