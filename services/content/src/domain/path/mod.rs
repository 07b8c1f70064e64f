//! The path: milestones by step; what has been done, in a form that duplicates and disorder cannot harm; and what is
//! proposed next.

mod earliest;
mod milestones;

pub use earliest::Earliest;
pub use milestones::{ALL_REACHED, NOT_NOW, PATH};

use super::Step;
use jiff::{Timestamp, tz::TimeZone};
use milestones::PROPOSED;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a milestone counts. The number is the database's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum Fact {
    /// An entry of the journal was written.
    EntryWritten = 1,
    /// An entry was written with a mood beside it.
    EntryWithMood = 2,
    /// A self-check was answered and scored. A day counts once: [`day_id`].
    SelfCheckScored = 3,
    /// A check-in opened: both had answered.
    CheckInOpened = 4,
    /// Something was shared with the partner.
    ItemShared = 5,
    /// Something the partner shared was answered.
    ShareAnswered = 6,
}

impl Fact {
    /// The number, from 1.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// How many are worth remembering: as many as the furthest milestone asks for.
    pub fn limit(self) -> usize {
        let counting = all().map(|(_, milestone)| milestone).filter(|milestone| milestone.counts == self);
        counting.map(Milestone::remembers).max().unwrap_or(0)
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
    /// The version of the account's path it is told under: its own number, so that the order in which milestones are
    /// reached or told again changes nothing. Never used again for another milestone.
    pub number: i64,
    /// Readable id; never used again for another milestone.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it counts.
    pub counts: Fact,
    /// How many of what it counts it asks for.
    pub goal: usize,
    /// How many days there are at least from the first to the last of them; 0 where that is all the same.
    pub days_apart: i32,
    /// Whether it takes two: without a link it is not there at all, unless it was reached.
    pub for_two: bool,
    /// Why it is proposed, after 0, 1, … of what it counts. None where it is not proposed.
    pub reasons: &'static [&'static str],
}

impl Milestone {
    /// Why it is proposed to somebody this far.
    pub fn reason(&self, progress: usize) -> &'static str {
        self.reasons.get(progress).or(self.reasons.last()).copied().unwrap_or_default()
    }

    /// How many things have to be remembered to know when it was reached. Where they are days apart there is one a day:
    /// of so many, one is far enough from the first.
    fn remembers(&self) -> usize {
        self.goal + usize::try_from(self.days_apart).unwrap_or(0)
    }

    /// When it was reached, if what is done amounts to it.
    fn reached_by(&self, done: &Earliest) -> Option<Timestamp> {
        let (first, _) = done.items().first()?;
        let counting = done.items().iter().skip(self.goal.checked_sub(1)?).map(|(time, _)| *time);
        counting.into_iter().find(|time| days_between(*first, *time) >= self.days_apart)
    }
}

/// Every milestone with its step, in the usual order.
fn all() -> impl Iterator<Item = (&'static PathStep, &'static Milestone)> {
    PATH.iter().flat_map(|step| step.milestones.iter().map(move |milestone| (step, milestone)))
}

/// The step a milestone belongs to, if it is on the path today.
pub fn step_of(milestone_id: &str) -> Option<Step> {
    all().find(|(_, milestone)| milestone.id == milestone_id).map(|(step, _)| step.step)
}

/// What stands for everything of a kind that was done on one day (UTC), where a day counts once.
pub fn day_id(time: Timestamp) -> Uuid {
    let day = days_between(Timestamp::UNIX_EPOCH, time);
    Uuid::from_u64_pair(0, u64::try_from(day).unwrap_or(0))
}

/// Calendar days (UTC) from one moment to another.
fn days_between(one: Timestamp, other: Timestamp) -> i32 {
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    day(one).until(day(other)).map_or(0, |span| span.get_days())
}

/// The milestones that what is done amounts to, with the time each was reached.
pub fn reached(fact: Fact, done: &Earliest) -> Vec<(&'static PathStep, &'static Milestone, Timestamp)> {
    all()
        .filter(|(_, milestone)| milestone.counts == fact)
        .filter_map(|(step, milestone)| Some((step, milestone, milestone.reached_by(done)?)))
        .collect()
}

/// Where somebody stands.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// How many of each fact's number are kept.
    pub done: BTreeMap<i16, usize>,
    /// When each milestone was reached, by its id.
    pub reached: BTreeMap<String, Timestamp>,
    /// Whether they are linked with somebody now.
    pub linked: bool,
}

impl Standing {
    /// When a milestone was reached.
    pub fn reach_time(&self, milestone: &Milestone) -> Option<Timestamp> {
        self.reached.get(milestone.id).copied()
    }

    /// How far a milestone is, at most its goal. One that is reached is complete, whatever it asks for today; one whose
    /// time has not come lacks the last.
    pub fn progress(&self, milestone: &Milestone) -> usize {
        if self.reach_time(milestone).is_some() {
            return milestone.goal;
        }
        let most = if milestone.days_apart > 0 { milestone.goal.saturating_sub(1) } else { milestone.goal };
        self.done.get(&milestone.counts.number()).copied().unwrap_or(0).min(most)
    }

    /// The steps that have something in them for this one, each with its milestones. Somebody alone has a whole path:
    /// nothing in it takes two, but what they have reached stays.
    pub fn steps(&self) -> Vec<(Step, Vec<&'static Milestone>)> {
        let shown = |step: &'static PathStep| {
            let milestones: Vec<_> =
                step.milestones.iter().filter(|milestone| self.shows(milestone)).collect();
            (step.step, milestones)
        };
        PATH.iter().map(shown).filter(|(_, milestones)| !milestones.is_empty()).collect()
    }

    fn shows(&self, milestone: &Milestone) -> bool {
        !milestone.for_two || self.linked || self.reach_time(milestone).is_some()
    }

    /// The next small step and why, or none and why not. What is for two is never proposed to somebody who is not, or
    /// no longer, linked.
    pub fn next(&self, now: Timestamp) -> (Option<&'static Milestone>, &'static str) {
        let by_id = |id: &&str| all().map(|(_, milestone)| milestone).find(|milestone| milestone.id == *id);
        let next = PROPOSED.iter().filter_map(by_id).find(|milestone| {
            self.shows(milestone) && self.reach_time(milestone).is_none() && self.is_time_for(milestone, now)
        });
        let reason = match next {
            Some(milestone) => milestone.reason(self.progress(milestone)),
            None if self.has_reached_all() => ALL_REACHED,
            None => NOT_NOW,
        };
        (next, reason)
    }

    fn has_reached_all(&self) -> bool {
        self.steps().iter().flat_map(|(_, shown)| shown).all(|milestone| self.reach_time(milestone).is_some())
    }

    /// Whether a milestone that takes time has had it: so many days are over since the first of what it counts.
    fn is_time_for(&self, milestone: &Milestone, now: Timestamp) -> bool {
        let first = || all().map(|(_, one)| one).find(|one| one.counts == milestone.counts && one.goal == 1);
        milestone.days_apart == 0
            || first()
                .and_then(|first| self.reach_time(first))
                .is_some_and(|first| days_between(first, now) >= milestone.days_apart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn day(number: i64) -> Timestamp {
        at(number * 86_400 + 43_200)
    }

    fn milestone(id: &str) -> &'static Milestone {
        all().find(|(_, milestone)| milestone.id == id).unwrap().1
    }

    fn standing(linked: bool, reached: &[(&str, i64)]) -> Standing {
        let reached = reached.iter().map(|(id, number)| ((*id).to_owned(), day(*number))).collect();
        Standing { done: BTreeMap::new(), reached, linked }
    }

    fn next(linked: bool, reached: &[&str], today: i64) -> &'static str {
        let reached: Vec<_> = reached.iter().map(|id| (*id, 100)).collect();
        standing(linked, &reached).next(day(today)).0.map_or("", |milestone| milestone.id)
    }

    #[test]
    fn the_path_is_well_formed() {
        let ids: BTreeSet<_> = all().map(|(_, milestone)| milestone.id).collect();
        let numbers: BTreeSet<_> = all().map(|(_, milestone)| milestone.number).collect();
        assert_eq!((ids.len(), numbers.len()), (all().count(), all().count()));
        assert!(numbers.iter().all(|number| *number > 0));
        for (_, milestone) in all() {
            let is_proposed = PROPOSED.contains(&milestone.id);
            assert_eq!(
                milestone.reasons.len(),
                if is_proposed { milestone.goal } else { 0 },
                "{}",
                milestone.id
            );
            assert!(milestone.goal > 0 && !milestone.title.is_empty(), "{}", milestone.id);
        }
        assert!(PROPOSED.iter().all(|id| ids.contains(id)));
        // What was told under these versions stays told under them.
        assert_eq!((milestone("first-entry").number, milestone("three-entries").number), (1, 2));
    }

    #[test]
    fn the_words_keep_the_rules_of_tone() {
        let reasons = all().flat_map(|(_, milestone)| milestone.reasons.iter().chain([&milestone.title]));
        for text in reasons.chain([&ALL_REACHED, &NOT_NOW]) {
            for sentence in text.split(". ") {
                assert!(sentence.split_whitespace().count() <= 15, "{sentence}");
            }
            let words = text.to_lowercase();
            for banned in
                ["!", "just", "should", "miss", "forgot", "still waiting", "streak", "heal", "toxic"]
            {
                assert!(!words.contains(banned), "{text}");
            }
        }
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

    /// When the second self-check counts, of self-checks on these days in this order.
    fn looked_again(days: &[i64]) -> Option<Timestamp> {
        let (fact, mut done) = (Fact::SelfCheckScored, Earliest::default());
        for number in days {
            done.add(day(*number), day_id(day(*number)), fact.limit());
        }
        reached(fact, &done).iter().find(|(_, m, _)| m.id == "second-self-check").map(|(.., time)| *time)
    }

    #[test]
    fn looking_again_is_some_weeks_later_however_often_one_looked_before() {
        assert_eq!(looked_again(&[100]), None);
        assert_eq!(looked_again(&[100, 100, 101, 120]), None);
        assert_eq!(looked_again(&[100, 120, 121]), Some(day(121)));
        assert_eq!(looked_again(&[121, 100]), Some(day(121)));
        // An earlier one that is told late makes another the first that is far enough.
        assert_eq!(looked_again(&[130, 145, 151]), Some(day(151)));
        assert_eq!(looked_again(&[130, 145, 151, 120]), Some(day(145)));
        let daily: Vec<_> = (100..200).collect();
        assert_eq!(looked_again(&daily), Some(day(121)));
        let backwards: Vec<_> = (100..200).rev().collect();
        assert_eq!(looked_again(&backwards), Some(day(121)));
    }

    #[test]
    fn a_day_counts_once() {
        assert_eq!(day_id(at(86_400)), day_id(at(2 * 86_400 - 1)));
        assert_ne!(day_id(at(86_400)), day_id(at(2 * 86_400)));
    }

    #[test]
    fn what_was_reached_stays_reached() {
        let standing = standing(false, &[("first-entry", 1), ("gone", 2)]);
        assert_eq!(standing.progress(milestone("first-entry")), 1);
        assert_eq!(standing.next(day(3)).0.unwrap().id, "first-self-check");
    }

    #[test]
    fn somebody_alone_has_a_whole_path_and_keeps_what_they_reached_as_two() {
        let shown = |standing: &Standing| -> Vec<_> {
            standing.steps().iter().flat_map(|(_, shown)| shown.iter().map(|m| m.id)).collect()
        };
        let alone = standing(false, &[]);
        assert!(shown(&alone).iter().all(|id| !milestone(id).for_two));
        assert_eq!(alone.steps().len(), 2, "no step is empty");
        assert_eq!(shown(&standing(true, &[])).len(), all().count());
        let no_longer = shown(&standing(false, &[("first-share", 1), ("first-check-in", 1)]));
        let of_two: Vec<_> = no_longer.into_iter().filter(|id| milestone(id).for_two).collect();
        assert_eq!(of_two, ["first-check-in", "first-share"]);
    }

    #[test]
    fn the_next_step_follows_from_what_was_done() {
        assert_eq!(next(false, &[], 100), "first-entry");
        assert_eq!(next(false, &["first-self-check"], 100), "first-entry");
        assert_eq!(next(false, &["first-entry"], 100), "first-self-check");
        let looked = ["first-entry", "first-self-check"];
        assert_eq!(next(false, &looked, 120), "entry-with-mood");
        assert_eq!(next(false, &looked, 121), "second-self-check", "it is time to look again");
        let alone = ["first-entry", "first-self-check", "entry-with-mood", "three-entries"];
        assert_eq!(next(false, &alone, 120), "");
        assert_eq!(next(true, &alone, 120), "first-check-in");
        let both = [&alone[..], &["first-check-in", "first-share"]].concat();
        assert_eq!(next(true, &both, 120), "three-check-ins");
        assert_eq!(next(false, &both, 120), "", "nothing that takes two once one is alone");
        let more = [&both[..], &["three-check-ins", "second-share", "second-self-check"]].concat();
        assert_eq!(next(true, &more, 400), "", "an answer takes somebody else first");
    }

    #[test]
    fn a_silence_says_why() {
        let reason = |reached: &[&str], today| {
            let reached: Vec<_> = reached.iter().map(|id| (*id, 100)).collect();
            let done = BTreeMap::from([(Fact::SelfCheckScored.number(), 1)]);
            Standing { done, ..standing(false, &reached) }.next(day(today)).1
        };
        let alone = ["first-entry", "first-self-check", "entry-with-mood", "three-entries"];
        assert_eq!(reason(&alone, 120), NOT_NOW);
        assert!(reason(&alone, 121).contains("some weeks ago"));
        assert_eq!(reason(&[&alone[..], &["second-self-check"]].concat(), 200), ALL_REACHED);
    }
}
