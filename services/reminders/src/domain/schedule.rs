//! What is planned, what fired, and what arrived.

use super::zone;
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use uuid::Uuid;

/// Look-backs get their ids from the entry, in this namespace.
const LOOK_BACKS: Uuid = Uuid::from_u128(0x0a7c_1d0f_52b1_5b0e_9d3c_6e2f_8a41_77c5);
/// Notices get theirs from what they tell and whom, in this one.
const NOTICES: Uuid = Uuid::from_u128(0x5d2b_93c4_7e10_5a6f_8b1d_c04e_9f37_2a66);
/// A reminder that arrives this long after its time is late.
const PUNCTUAL: SignedDuration = SignedDuration::from_secs(60);

/// What a schedule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A gentle invitation, a week on, to look back at an entry.
    LookBack,
    /// A check-in is a day away.
    CheckInAhead,
    /// A check-in's time is here.
    CheckIn,
    /// Something was shared with the member.
    Share,
    /// A share of the member's was answered.
    ShareAnswer,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::LookBack, Self::CheckInAhead, Self::CheckIn, Self::Share, Self::ShareAnswer];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LookBack => "look_back",
            Self::CheckInAhead => "check_in_ahead",
            Self::CheckIn => "check_in",
            Self::Share => "share",
            Self::ShareAnswer => "share_answer",
        }
    }
}

/// Something planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub schedule_id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// What it is for.
    pub kind: Kind,
    /// What it points at.
    pub subject_id: Option<Uuid>,
    /// When it fires.
    pub due_at: Timestamp,
    /// That moment's day, in its zone.
    pub due_on: Date,
    /// The zone its time was chosen in, an IANA name.
    pub time_zone: String,
    /// When it was planned.
    pub created_at: Timestamp,
}

impl Schedule {
    /// The look-back at an entry: a week after it was written, at the same time on the wall of its zone. Of a
    /// zone that is not known, UTC. The same entry always gives the same id.
    ///
    /// # Errors
    /// When a week later is beyond the calendar (the year 9999).
    pub fn look_back(
        account_id: Uuid,
        entry_id: Uuid,
        written_at: Timestamp,
        time_zone: &str,
        now: Timestamp,
    ) -> Result<Self, jiff::Error> {
        let (name, zone) = zone::or_utc(time_zone);
        let due = a_week_after(written_at, zone)?;
        // Two members may choose the same id for an entry each.
        let source = [account_id.into_bytes(), entry_id.into_bytes()].concat();
        Ok(Self {
            schedule_id: Uuid::new_v5(&LOOK_BACKS, &source),
            account_id,
            kind: Kind::LookBack,
            subject_id: Some(entry_id),
            due_at: due.timestamp(),
            due_on: due.date(),
            time_zone: name.to_owned(),
            created_at: now,
        })
    }
}

/// Seven calendar days on, the same time on the wall. Where clocks skip that time it is as much later as they
/// skip; where it comes twice it is the first.
fn a_week_after(moment: Timestamp, zone: TimeZone) -> Result<jiff::Zoned, jiff::Error> {
    let wall = moment.to_zoned(zone.clone()).datetime();
    zone.to_ambiguous_zoned(wall.checked_add(7.days())?).compatible()
}

/// Something that arrives because of the other one of a couple, and only while the two are linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it tells.
    pub kind: Kind,
    /// Whom.
    pub account_id: Uuid,
    /// The link it rests on.
    pub couple_id: Uuid,
    /// What it points at.
    pub subject_id: Uuid,
    /// When it fires.
    pub due_at: Timestamp,
    /// From then on it does not fire any more.
    pub ends_at: Option<Timestamp>,
}

impl Notice {
    /// Its id as a schedule: telling the same person the same thing always gives the same one, so nobody is told twice.
    pub fn schedule_id(&self) -> Uuid {
        Self::id_of(self.kind, self.account_id, self.couple_id, self.subject_id)
    }

    /// The id of the notice of that kind and subject to one of a couple. With the link it is clear whose the subject is:
    /// ids of shares are their owners' alone, and another couple may have chosen the same.
    pub fn id_of(kind: Kind, account_id: Uuid, couple_id: Uuid, subject_id: Uuid) -> Uuid {
        let ids = [account_id, couple_id, subject_id].map(Uuid::into_bytes).concat();
        Uuid::new_v5(&NOTICES, &[&ids[..], kind.as_str().as_bytes()].concat())
    }
}

/// A schedule that fired, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The schedule.
    pub schedule_id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// What it is for.
    pub kind: Kind,
    /// What it points at.
    pub subject_id: Option<Uuid>,
    /// The link it rests on.
    pub couple_id: Option<Uuid>,
    /// When it was due.
    pub due_at: Timestamp,
    /// When it fired.
    pub fired_at: Timestamp,
}

impl Fired {
    /// How long after its time it fired.
    pub fn lag(&self) -> SignedDuration {
        self.fired_at.duration_since(self.due_at)
    }

    /// Whether that is too long to call it punctual.
    pub fn is_late(&self) -> bool {
        self.lag() > PUNCTUAL
    }
}

/// What became of schedules whose time had come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fate {
    /// Those that fired, soonest first.
    pub fired: Vec<Fired>,
    /// Of them, those that are an item in an inbox now; for the others an unread one says the same.
    pub delivered: Vec<Kind>,
    /// Those that nobody came to fire before they were over.
    pub missed: Vec<Kind>,
}

/// Something that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// Its id.
    pub inbox_item_id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// What it points at.
    pub subject_id: Option<Uuid>,
    /// The link it rests on.
    pub couple_id: Option<Uuid>,
    /// When it arrived.
    pub created_at: Timestamp,
    /// Whether its owner marked it read.
    pub read: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn look_back(written_at: &str, zone: &str) -> Schedule {
        let written_at = written_at.parse().unwrap();
        Schedule::look_back(Uuid::from_u128(1), Uuid::from_u128(2), written_at, zone, written_at).unwrap()
    }

    #[track_caller]
    fn expect(written_at: &str, zone: &str, due_at: &str, due_on: &str) {
        let schedule = look_back(written_at, zone);
        assert_eq!(schedule.due_at.to_string(), due_at);
        assert_eq!(schedule.due_on.to_string(), due_on);
    }

    #[test]
    fn a_week_on_the_wall_is_an_hour_shorter_in_spring_and_longer_in_autumn() {
        // Berlin: CET (+1) → CEST (+2) on 31 March 2024, back on 27 October.
        expect("2024-03-27T19:00:00Z", "Europe/Berlin", "2024-04-03T18:00:00Z", "2024-04-03");
        expect("2024-10-24T18:00:00Z", "Europe/Berlin", "2024-10-31T19:00:00Z", "2024-10-31");
        // New York: EST (-5) → EDT (-4) on 10 March 2024, back on 3 November.
        expect("2024-03-07T02:30:00Z", "America/New_York", "2024-03-14T01:30:00Z", "2024-03-13");
        expect("2024-10-31T23:15:00Z", "America/New_York", "2024-11-08T00:15:00Z", "2024-11-07");
    }

    #[test]
    fn a_time_that_clocks_skip_moves_on_by_what_they_skip() {
        // 02:30 does not exist in Berlin on 31 March 2024: 03:30 instead.
        expect("2024-03-24T01:30:00Z", "Europe/Berlin", "2024-03-31T01:30:00Z", "2024-03-31");
        // Nor in New York on 10 March 2024.
        expect("2024-03-03T07:30:00Z", "America/New_York", "2024-03-10T07:30:00Z", "2024-03-10");
    }

    #[test]
    fn of_a_time_that_comes_twice_the_first_counts() {
        // 02:30 comes twice in Berlin on 27 October 2024, first in summer time.
        expect("2024-10-20T00:30:00Z", "Europe/Berlin", "2024-10-27T00:30:00Z", "2024-10-27");
        // 01:30 comes twice in New York on 3 November 2024.
        expect("2024-10-27T05:30:00Z", "America/New_York", "2024-11-03T05:30:00Z", "2024-11-03");
        // Written in the second 02:30: the week after, 02:30 is what it was.
        expect("2024-10-27T01:30:00Z", "Europe/Berlin", "2024-11-03T01:30:00Z", "2024-11-03");
    }

    #[test]
    fn a_zone_that_skips_a_day_moves_to_the_next() {
        // Samoa had no 30 December 2011; 23 December, 10:00 there is 20:00 UTC.
        expect("2011-12-23T20:00:00Z", "Pacific/Apia", "2011-12-30T20:00:00Z", "2011-12-31");
    }

    #[test]
    fn an_unknown_zone_is_utc() {
        for zone in ["", "Mars/Olympus", "EST5EDT4,M3.2.0,M11.1.0", "../../etc/passwd", &"Europe/".repeat(50)]
        {
            let schedule = look_back("2024-03-27T19:00:00Z", zone);
            assert_eq!(
                (schedule.due_at.to_string().as_str(), schedule.time_zone.as_str()),
                ("2024-04-03T19:00:00Z", "UTC")
            );
        }
        assert_eq!(look_back("2024-03-27T19:00:00Z", "Europe/Berlin").time_zone, "Europe/Berlin");
    }

    #[test]
    fn the_same_entry_gives_the_same_id_and_others_give_others() {
        let id = |account: u128, entry: u128| {
            let time = "2024-03-27T19:00:00Z".parse().unwrap();
            Schedule::look_back(Uuid::from_u128(account), Uuid::from_u128(entry), time, "UTC", time)
                .unwrap()
                .schedule_id
        };
        assert_eq!(id(1, 2), id(1, 2));
        assert_ne!(id(1, 2), id(1, 3));
        assert_ne!(id(1, 2), id(2, 2));
    }

    proptest! {
        #[test]
        fn a_week_is_a_week_give_or_take_what_clocks_and_calendars_skip(
            second in 0i64..4_102_444_800,
            zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                                  "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca"]),
        ) {
            let written_at = Timestamp::from_second(second).unwrap();
            let due = Schedule::look_back(Uuid::nil(), Uuid::nil(), written_at, zone, written_at).unwrap().due_at;
            let days = due.duration_since(written_at).as_hours();
            prop_assert!((7 * 24 - 25..=7 * 24 + 25).contains(&days), "{} hours", days);
        }
    }
}
