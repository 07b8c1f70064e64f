//! Schedules, the inbox, and the rules of both; pure.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use uuid::Uuid;

/// The zone of a time whose own zone is not known.
const FALLBACK_ZONE: &str = "UTC";
/// Longer names are no IANA zones.
const ZONE_NAME_MAX: usize = 64;
/// Look-backs get their ids from the entry, in this namespace.
const LOOK_BACKS: Uuid = Uuid::from_u128(0x0a7c_1d0f_52b1_5b0e_9d3c_6e2f_8a41_77c5);
/// A reminder that arrives this long after its time is late.
const PUNCTUAL: SignedDuration = SignedDuration::from_secs(60);

/// A field that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    /// The field's path.
    pub field: &'static str,
    /// What is wrong, to be read after the field's name.
    pub rule: &'static str,
}

/// What a schedule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A gentle invitation, a week on, to look back at an entry.
    LookBack,
}

impl Kind {
    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LookBack => "look_back",
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
        let (name, zone) = find_zone(time_zone);
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

/// The zone of that name, or UTC.
fn find_zone(name: &str) -> (&str, TimeZone) {
    let known = (name.len() <= ZONE_NAME_MAX).then(|| TimeZone::get(name).ok()).flatten();
    known.map_or((FALLBACK_ZONE, TimeZone::UTC), |zone| (name, zone))
}

/// Seven calendar days on, the same time on the wall. Where clocks skip that time it is as much later as they
/// skip; where it comes twice it is the first.
fn a_week_after(moment: Timestamp, zone: TimeZone) -> Result<jiff::Zoned, jiff::Error> {
    let wall = moment.to_zoned(zone.clone()).datetime();
    zone.to_ambiguous_zoned(wall.checked_add(7.days())?).compatible()
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

/// Something that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// Its id.
    pub inbox_item_id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// What it points at.
    pub subject_id: Option<Uuid>,
    /// When it arrived.
    pub created_at: Timestamp,
    /// Whether its owner marked it read.
    pub read: bool,
}

/// How many items a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

impl PageSize {
    const DEFAULT: i64 = 20;
    const MAX: i64 = 100;

    /// 1 to 100; 0 means 20.
    ///
    /// # Errors
    /// When it is negative or over 100.
    pub fn parse(size: i32) -> Result<Self, Invalid> {
        match i64::from(size) {
            0 => Ok(Self(Self::DEFAULT)),
            size @ 1..=Self::MAX => Ok(Self(size)),
            _ => Err(Invalid { field: "page_size", rule: "must be between 0 and 100" }),
        }
    }

    /// The number of items.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// The lists that have pages; a cursor of one is none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum List {
    /// Schedules, soonest first.
    Schedules = 1,
    /// The inbox, newest first.
    Inbox = 2,
}

/// A place in a list: the page holds what comes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last item seen.
    pub time: Timestamp,
    /// Its id, which orders items of the same time.
    pub id: Uuid,
}

impl Cursor {
    /// Before everything that is ordered soonest first; nothing here is older than 1970.
    pub const SOONEST: Self = Self { time: Timestamp::UNIX_EPOCH, id: Uuid::nil() };
    /// Before everything that is ordered newest first.
    pub const NEWEST: Self = Self { time: Timestamp::MAX, id: Uuid::max() };
    const LENGTH: usize = 25;

    /// The list, microseconds of Unix time, the id.
    pub fn to_bytes(self, list: List) -> Vec<u8> {
        let mut bytes = vec![list as u8];
        bytes.extend_from_slice(&self.time.as_microsecond().to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes
    }

    /// None when the bytes are no cursor of this list.
    pub fn from_bytes(list: List, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::LENGTH || bytes[0] != list as u8 {
            return None;
        }
        let (time, id) = bytes[1..].split_at(8);
        let time = Timestamp::from_microsecond(i64::from_be_bytes(time.try_into().ok()?)).ok()?;
        // Databases know less of the past than the calendar does.
        if time < Self::SOONEST.time {
            return None;
        }
        Some(Self { time, id: Uuid::from_slice(id).ok()? })
    }
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// From one item more than the page may have, if there is one.
    pub fn new(mut items: Vec<T>, size: PageSize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(size.get()).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
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

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursor = Cursor { time: Timestamp::UNIX_EPOCH, id: Uuid::from_u128(3) };
        let bytes = cursor.to_bytes(List::Inbox);
        assert_eq!(Cursor::from_bytes(List::Inbox, &bytes), Some(cursor));
        assert_eq!(Cursor::from_bytes(List::Schedules, &bytes), None);
        assert_eq!(Cursor::from_bytes(List::Inbox, &bytes[1..]), None);
        let before_all_schedules = Cursor { time: Timestamp::MIN, ..cursor };
        assert_eq!(Cursor::from_bytes(List::Inbox, &before_all_schedules.to_bytes(List::Inbox)), None);
    }

    #[test]
    fn a_page_has_between_1_and_100_items() {
        assert_eq!([0, 1, 100].map(|size| PageSize::parse(size).unwrap().get()), [20, 1, 100]);
        assert!([-1, 101, i32::MIN].iter().all(|size| PageSize::parse(*size).is_err()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_cursor_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(cursor) = Cursor::from_bytes(List::Inbox, &bytes) {
                prop_assert_eq!(cursor.to_bytes(List::Inbox), bytes);
            }
        }

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
