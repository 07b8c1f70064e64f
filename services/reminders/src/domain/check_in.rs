//! A couple's check-ins: what is proposed, what runs, and what is to be done when.

use super::{Invalid, Kind, Recurrence};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How long before a check-in both are told that it is ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// How many occurrences are caught up with at a time, after a long silence.
const AT_ONCE: usize = 100;

/// A check-in's id: anybody who knows the schedule and the time can name it, with the bus and this service down.
pub fn check_in_id(schedule_id: Uuid, open_at: Timestamp) -> Uuid {
    Uuid::new_v5(&schedule_id, open_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().as_bytes())
}

/// One check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The check-in.
    pub check_in_id: Uuid,
    /// When it opens or opened.
    pub open_at: Timestamp,
}

impl Occurrence {
    /// A schedule's check-in at a time.
    pub fn of(schedule_id: Uuid, open_at: Timestamp) -> Self {
        Self { check_in_id: check_in_id(schedule_id, open_at), open_at }
    }
}

/// What somebody proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The id it will have.
    pub schedule_id: Uuid,
    /// When the check-ins are to be.
    pub recurrence: Recurrence,
}

impl Proposal {
    /// From an id, a day (1 is Monday), a time as `HH:MM`, and the name of a zone.
    ///
    /// # Errors
    /// Names the field that says none of these.
    pub fn parse(
        schedule_id: Uuid,
        weekday: i32,
        local_time: &str,
        time_zone: &str,
    ) -> Result<Self, Invalid> {
        Ok(Self { schedule_id, recurrence: Recurrence::parse(weekday, local_time, time_zone)? })
    }
}

/// A couple's schedule of check-ins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckInSchedule {
    /// The link it was made under.
    pub couple_id: Uuid,
    /// Its id, unique within the couple.
    pub schedule_id: Uuid,
    /// Who proposed it.
    pub proposer_id: Uuid,
    /// When the check-ins are.
    pub recurrence: Recurrence,
    /// Whether it was agreed to.
    pub phase: Phase,
    /// The couple's check-in before, as far as this service has told of it; also of a schedule that ran before.
    pub last: Option<Occurrence>,
}

/// How far a schedule has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The other one has not agreed.
    Proposed,
    /// Both agreed.
    Running {
        /// The next check-in.
        next_open_at: Timestamp,
        /// When there is something to do.
        wake_at: Timestamp,
    },
    /// It is over.
    Ended,
}

/// The check-ins on both sides of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The next; none of a schedule that does not run.
    pub next: Option<Occurrence>,
    /// The one before.
    pub last: Option<Occurrence>,
}

/// What both of a couple are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// That a check-in is ahead, or that its time is here.
    pub kind: Kind,
    /// Which check-in, by its time.
    pub open_at: Timestamp,
}

impl Announcement {
    /// When it is due.
    pub fn due_at(&self) -> Timestamp {
        if self.kind == Kind::CheckInAhead { self.open_at - AHEAD } else { self.open_at }
    }

    /// From when on it is of no use: nobody is told that something is ahead once it is here.
    pub fn ends_at(&self) -> Option<Timestamp> {
        (self.kind == Kind::CheckInAhead).then_some(self.open_at)
    }
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The check-ins whose time has come since the last look, the earliest first.
    pub opened: Vec<Timestamp>,
    /// What both are told: of several check-ins that came while nobody looked, the latest only.
    pub announcements: Vec<Announcement>,
    /// Where the schedule stands afterwards.
    pub phase: Phase,
}

impl CheckInSchedule {
    /// Where a schedule stands that begins to run now. What is less than a day away is not announced ahead: the two
    /// have agreed a moment ago.
    ///
    /// # Errors
    /// When the next check-in is beyond the calendar.
    pub fn begin(recurrence: &Recurrence, now: Timestamp) -> Result<Phase, jiff::Error> {
        let next_open_at = recurrence.next_after(now)?;
        let ahead = next_open_at - AHEAD;
        let wake_at = if ahead > now { ahead } else { next_open_at };
        Ok(Phase::Running { next_open_at, wake_at })
    }

    /// What is to be done with a running schedule; nothing with another.
    ///
    /// # Errors
    /// When the next check-in is beyond the calendar.
    pub fn come_due(&self, now: Timestamp) -> Result<Due, jiff::Error> {
        let mut due = Due { opened: Vec::new(), announcements: Vec::new(), phase: self.phase };
        let Phase::Running { next_open_at: mut next, .. } = self.phase else { return Ok(due) };
        while next <= now && due.opened.len() < AT_ONCE {
            due.opened.push(next);
            next = self.recurrence.next_after(next)?;
        }
        let ahead = next - AHEAD;
        let mut wake_at = next; // also while there is more to catch up with
        if next > now {
            let latest =
                due.opened.last().map(|open_at| Announcement { kind: Kind::CheckIn, open_at: *open_at });
            due.announcements.extend(latest);
            if ahead <= now {
                due.announcements.push(Announcement { kind: Kind::CheckInAhead, open_at: next });
            } else {
                wake_at = ahead;
            }
        }
        due.phase = Phase::Running { next_open_at: next, wake_at };
        Ok(due)
    }

    /// The check-ins on both sides of a moment, whether or not this service has looked since.
    ///
    /// # Errors
    /// When the next check-in is beyond the calendar.
    pub fn times(&self, now: Timestamp) -> Result<Times, jiff::Error> {
        let (at, mut last) = (|open_at| Occurrence::of(self.schedule_id, open_at), self.last);
        let Phase::Running { next_open_at: mut next, .. } = self.phase else {
            return Ok(Times { next: None, last });
        };
        while next <= now {
            last = Some(at(next));
            next = self.recurrence.next_after(next)?;
        }
        Ok(Times { next: Some(at(next)), last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Tuesdays at 20:30 in Berlin, agreed to at the given moment.
    fn running(now: &str) -> CheckInSchedule {
        let recurrence = Recurrence::parse(2, "20:30", "Europe/Berlin").unwrap();
        CheckInSchedule {
            couple_id: Uuid::from_u128(1),
            schedule_id: Uuid::from_u128(2),
            proposer_id: Uuid::from_u128(3),
            phase: CheckInSchedule::begin(&recurrence, time(now)).unwrap(),
            recurrence,
            last: None,
        }
    }

    #[test]
    fn the_id_follows_from_schedule_and_time_as_journal_computes_it() {
        let schedule_id: Uuid = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        let id = check_in_id(schedule_id, time("2026-03-10T19:30:00Z"));
        assert_eq!(id.to_string(), "2b7ec692-6bfe-56d6-8eeb-74282f4295bb");
        assert_ne!(id, check_in_id(schedule_id, time("2026-03-17T19:30:00Z")));
        assert_ne!(id, check_in_id(Uuid::nil(), time("2026-03-10T19:30:00Z")));
    }

    #[test]
    fn it_wakes_a_day_ahead_and_at_the_time() {
        let schedule = running("2026-03-03T19:30:00Z");
        let next = time("2026-03-10T19:30:00Z");
        let (ahead, at) = (time("2026-03-09T19:30:00Z"), next);
        assert_eq!(schedule.phase, Phase::Running { next_open_at: next, wake_at: ahead });
        let due = schedule.come_due(ahead).unwrap();
        assert_eq!(due.opened, []);
        assert_eq!(due.announcements, [Announcement { kind: Kind::CheckInAhead, open_at: next }]);
        assert_eq!(due.phase, Phase::Running { next_open_at: next, wake_at: at });

        let due = CheckInSchedule { phase: due.phase, ..schedule }.come_due(at).unwrap();
        assert_eq!(due.opened, [next]);
        assert_eq!(due.announcements, [Announcement { kind: Kind::CheckIn, open_at: next }]);
        let (next, ahead) = (time("2026-03-17T19:30:00Z"), time("2026-03-16T19:30:00Z"));
        assert_eq!(due.phase, Phase::Running { next_open_at: next, wake_at: ahead });
    }

    #[test]
    fn what_begins_within_a_day_is_not_announced_ahead() {
        let schedule = running("2026-03-10T12:00:00Z");
        let next = time("2026-03-10T19:30:00Z");
        assert_eq!(schedule.phase, Phase::Running { next_open_at: next, wake_at: next });
    }

    #[test]
    fn after_a_silence_each_check_in_is_told_of_and_the_latest_is_announced() {
        let schedule = running("2026-03-03T19:30:00Z");
        // Three check-ins and the day ahead of the fourth.
        let due = schedule.come_due(time("2026-03-31T03:00:00Z")).unwrap();
        let opened = ["2026-03-10T19:30:00Z", "2026-03-17T19:30:00Z", "2026-03-24T19:30:00Z"].map(time);
        assert_eq!(due.opened, opened);
        let next = time("2026-03-31T18:30:00Z");
        let announced = [
            Announcement { kind: Kind::CheckIn, open_at: opened[2] },
            Announcement { kind: Kind::CheckInAhead, open_at: next },
        ];
        assert_eq!(due.announcements, announced);
        assert_eq!(due.phase, Phase::Running { next_open_at: next, wake_at: next });
    }

    #[test]
    fn a_very_long_silence_is_caught_up_with_bit_by_bit() {
        let mut schedule = running("2020-03-03T19:30:00Z");
        let (now, mut opened, mut announced) = (time("2026-03-11T00:00:00Z"), Vec::new(), Vec::new());
        for _ in 0..10 {
            let due = schedule.come_due(now).unwrap();
            assert!(due.opened.len() <= AT_ONCE);
            opened.extend(due.opened);
            announced.extend(due.announcements);
            schedule.phase = due.phase;
        }
        assert_eq!(opened.len(), 314);
        assert!(opened.is_sorted_by(|earlier, later| earlier < later));
        let latest = Announcement { kind: Kind::CheckIn, open_at: time("2026-03-10T19:30:00Z") };
        assert_eq!(announced, [latest]);
    }

    #[test]
    fn both_sides_of_a_moment_are_known_without_a_look() {
        let schedule = running("2026-03-03T19:30:00Z");
        let times = |now| schedule.times(time(now)).unwrap();
        let [first, second] = ["2026-03-10T19:30:00Z", "2026-03-17T19:30:00Z"]
            .map(|open_at| Occurrence::of(schedule.schedule_id, time(open_at)));
        assert_eq!(times("2026-03-10T19:29:59Z"), Times { next: Some(first), last: None });
        assert_eq!(times("2026-03-10T19:30:00Z"), Times { next: Some(second), last: Some(first) });
        // Until its own first check-in, the one before is that of the schedule before.
        let before = Occurrence::of(Uuid::from_u128(9), time("2026-03-01T08:00:00Z"));
        let follows = CheckInSchedule { last: Some(before), ..schedule.clone() };
        let times = |now| follows.times(time(now)).unwrap().last;
        assert_eq!(times("2026-03-10T19:29:59Z"), Some(before));
        assert_eq!(times("2026-03-10T19:30:00Z"), Some(first));
        let ended = CheckInSchedule { phase: Phase::Ended, last: Some(first), ..schedule };
        assert_eq!(ended.times(second.open_at).unwrap(), Times { next: None, last: Some(first) });
        assert_eq!(ended.come_due(second.open_at).unwrap().opened, []);
    }
}
