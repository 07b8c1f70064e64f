//! When a weekly check-in is: a day of the week and a time on the wall of one zone.

use super::{Invalid, zone};
use jiff::civil::{Time, Weekday};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

/// A day of the week and a time of day, in a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    weekday: Weekday,
    time: Time,
    time_zone: String,
    zone: TimeZone,
}

impl Recurrence {
    /// From a day (1 is Monday), a time as `HH:MM`, and the name of a zone.
    ///
    /// # Errors
    /// Names the field that says none of these.
    pub fn parse(weekday: i32, local_time: &str, time_zone: &str) -> Result<Self, Invalid> {
        let weekday = i8::try_from(weekday).ok().and_then(|day| Weekday::from_monday_one_offset(day).ok());
        let weekday = weekday.ok_or(Invalid { field: "weekday", rule: "is not a day of the week" })?;
        let time = parse_time(local_time)
            .ok_or(Invalid { field: "local_time", rule: "is not a time of day as HH:MM" })?;
        let zone = zone::known(time_zone)
            .ok_or(Invalid { field: "time_zone", rule: "is not the name of an IANA time zone" })?;
        // As the database of zones writes it, whatever the case it was written in.
        let time_zone = zone.iana_name().unwrap_or(time_zone).to_owned();
        Ok(Self { weekday, time, time_zone, zone })
    }

    /// As it was kept: the day (1 is Monday) and the minutes since midnight. None when they are none. A zone that is
    /// not known any more is UTC, so that one row never holds up the others.
    pub fn kept(weekday: i16, minute: i16, time_zone: String) -> Option<Self> {
        let weekday = Weekday::from_monday_one_offset(i8::try_from(weekday).ok()?).ok()?;
        let minute = i8::try_from(minute.rem_euclid(60)).ok().zip(i8::try_from(minute.div_euclid(60)).ok());
        let (minute, hour) = minute?;
        let (_, zone) = zone::or_utc(&time_zone);
        Some(Self { weekday, time: Time::new(hour, minute, 0, 0).ok()?, time_zone, zone })
    }

    /// The day, 1 is Monday.
    pub fn weekday(&self) -> i16 {
        self.weekday.to_monday_one_offset().into()
    }

    /// Minutes since midnight.
    pub fn minute(&self) -> i16 {
        i16::from(self.time.hour()) * 60 + i16::from(self.time.minute())
    }

    /// The time of day, as `HH:MM`.
    pub fn local_time(&self) -> String {
        format!("{:02}:{:02}", self.time.hour(), self.time.minute())
    }

    /// The zone's name.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// The first occurrence after a moment. Where clocks skip its time it is as much later as they skip; where it
    /// comes twice it is the first.
    ///
    /// # Errors
    /// When it is beyond the calendar (the year 9999).
    pub fn next_after(&self, moment: Timestamp) -> Result<Timestamp, jiff::Error> {
        let today = moment.to_zoned(self.zone.clone()).date();
        // From the latest such day on, today included: what clocks skipped on it may still be to come.
        let mut date = today.checked_sub(i64::from(today.weekday().since(self.weekday)).days())?;
        loop {
            let occurrence = self.zone.to_ambiguous_zoned(date.to_datetime(self.time)).compatible()?;
            if occurrence.timestamp() > moment {
                return Ok(occurrence.timestamp());
            }
            date = date.checked_add(7.days())?;
        }
    }
}

fn parse_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        two.then(|| digits.parse().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    /// The occurrences after a moment are these.
    fn expect(weekday: i32, time: &str, zone: &str, after: &str, occurrences: &[&str]) {
        let recurrence = Recurrence::parse(weekday, time, zone).unwrap();
        let mut moment: Timestamp = after.parse().unwrap();
        for expected in occurrences {
            moment = recurrence.next_after(moment).unwrap();
            assert_eq!(moment.to_string(), *expected, "{weekday} {time} {zone}");
        }
    }

    #[test]
    fn the_time_on_the_wall_stays_when_clocks_change() {
        let evening = |zone, after, occurrences: &[&str]| expect(7, "20:30", zone, after, occurrences);
        // Berlin: summer time from 31 March to 27 October 2024.
        let spring = ["2024-03-24T19:30:00Z", "2024-03-31T18:30:00Z", "2024-04-07T18:30:00Z"];
        evening("Europe/Berlin", "2024-03-20T00:00:00Z", &spring);
        let autumn = ["2024-10-20T18:30:00Z", "2024-10-27T19:30:00Z", "2024-11-03T19:30:00Z"];
        evening("Europe/Berlin", "2024-10-20T00:00:00Z", &autumn);
        // New York: from 10 March to 3 November.
        let spring = ["2024-03-04T01:30:00Z", "2024-03-11T00:30:00Z", "2024-03-18T00:30:00Z"];
        evening("America/New_York", "2024-03-01T12:00:00Z", &spring);
        let autumn = ["2024-10-28T00:30:00Z", "2024-11-04T01:30:00Z", "2024-11-11T01:30:00Z"];
        evening("America/New_York", "2024-10-21T12:00:00Z", &autumn);
        // Lord Howe moves its clocks by half an hour, on 7 April and 6 October.
        let autumn = ["2024-03-31T09:30:00Z", "2024-04-07T10:00:00Z", "2024-04-14T10:00:00Z"];
        evening("Australia/Lord_Howe", "2024-03-30T12:00:00Z", &autumn);
        let spring = ["2024-09-29T10:00:00Z", "2024-10-06T09:30:00Z", "2024-10-13T09:30:00Z"];
        evening("Australia/Lord_Howe", "2024-09-28T12:00:00Z", &spring);
    }

    #[test]
    fn a_time_that_clocks_skip_is_as_much_later_once() {
        let berlin = ["2024-03-24T01:30:00Z", "2024-03-31T01:30:00Z", "2024-04-07T00:30:00Z"];
        expect(7, "02:30", "Europe/Berlin", "2024-03-20T00:00:00Z", &berlin);
        let new_york = ["2024-03-03T07:30:00Z", "2024-03-10T07:30:00Z", "2024-03-17T06:30:00Z"];
        expect(7, "02:30", "America/New_York", "2024-03-01T12:00:00Z", &new_york);
        let lord_howe = ["2024-10-05T15:45:00Z", "2024-10-12T15:15:00Z"];
        expect(7, "02:15", "Australia/Lord_Howe", "2024-09-30T12:00:00Z", &lord_howe);
        // Samoa had no Friday, 30 December 2011: its 10:00 was Saturday's.
        let apia = ["2011-12-23T20:00:00Z", "2011-12-30T20:00:00Z", "2012-01-05T20:00:00Z"];
        expect(5, "10:00", "Pacific/Apia", "2011-12-20T00:00:00Z", &apia);
        // Asked on that very Saturday, before it.
        expect(5, "10:00", "Pacific/Apia", "2011-12-30T18:00:00Z", &apia[1..]);
    }

    #[test]
    fn of_a_time_that_comes_twice_only_the_first_counts() {
        let berlin = ["2024-10-20T00:30:00Z", "2024-10-27T00:30:00Z", "2024-11-03T01:30:00Z"];
        expect(7, "02:30", "Europe/Berlin", "2024-10-14T00:00:00Z", &berlin);
        let new_york = ["2024-11-03T05:30:00Z", "2024-11-10T06:30:00Z"];
        expect(7, "01:30", "America/New_York", "2024-10-28T12:00:00Z", &new_york);
        let lord_howe = ["2024-04-06T14:45:00Z", "2024-04-13T15:15:00Z"];
        expect(7, "01:45", "Australia/Lord_Howe", "2024-04-01T12:00:00Z", &lord_howe);
        // Between the two: the next is a week away.
        expect(7, "02:30", "Europe/Berlin", "2024-10-27T00:45:00Z", &berlin[2..]);
    }

    #[test]
    fn a_zone_may_change_its_rules() {
        // Almaty moved from +6 to +5 on 1 March 2024.
        let almaty = ["2024-02-27T13:30:00Z", "2024-03-05T14:30:00Z", "2024-03-12T14:30:00Z"];
        expect(2, "19:30", "Asia/Almaty", "2024-02-26T00:00:00Z", &almaty);
        // Istanbul still changed its clocks in 2015, two weeks after its neighbours, and stayed in summer time in 2016.
        let changed = ["2015-10-25T17:30:00Z", "2015-11-01T17:30:00Z", "2015-11-08T18:30:00Z"];
        expect(7, "20:30", "Europe/Istanbul", "2015-10-20T00:00:00Z", &changed);
        let stayed = ["2016-10-30T17:30:00Z", "2016-11-06T17:30:00Z", "2016-11-13T17:30:00Z"];
        expect(7, "20:30", "Europe/Istanbul", "2016-10-25T00:00:00Z", &stayed);
    }

    #[test]
    fn an_occurrence_is_after_the_moment_never_at_it() {
        let weekly = ["2024-03-18T19:30:00Z", "2024-03-25T19:30:00Z"];
        expect(1, "19:30", "UTC", "2024-03-18T19:29:59.999999Z", &weekly);
        expect(1, "19:30", "UTC", "2024-03-18T19:30:00Z", &weekly[1..]);
    }

    #[test]
    fn what_is_no_day_time_or_zone_is_named() {
        let field = |day, time, zone| Recurrence::parse(day, time, zone).unwrap_err().field;
        for day in [-1, 0, 8, 257, i32::MAX] {
            assert_eq!(field(day, "20:30", "Europe/Berlin"), "weekday");
        }
        for time in
            ["", "2030", "24:00", "20:60", "8:30", "08:3", "+8:30", "-1:30", "20:30:00", "٢٠:٣٠", "ab:cd"]
        {
            assert_eq!(field(1, time, "Europe/Berlin"), "local_time", "{time}");
        }
        for zone in [
            "",
            "Mars/Olympus",
            "localtime",
            "posixrules",
            "Factory",
            "EST5EDT4,M3.2.0,M11.1.0",
            "+02:00",
            "../../etc/passwd",
            &"Europe/".repeat(50),
        ] {
            assert_eq!(field(1, "20:30", zone), "time_zone", "{zone}");
        }
        let written_otherwise = Recurrence::parse(1, "20:30", "europe/berlin").unwrap();
        assert_eq!(written_otherwise, Recurrence::parse(1, "20:30", "Europe/Berlin").unwrap());
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(weekday in 1i16..=7, minute in 0i16..1440) {
            let kept = Recurrence::kept(weekday, minute, "Europe/Berlin".into()).unwrap();
            prop_assert_eq!((kept.weekday(), kept.minute()), (weekday, minute));
            let again = Recurrence::parse(weekday.into(), &kept.local_time(), kept.time_zone()).unwrap();
            prop_assert_eq!(kept, again);
        }

        #[test]
        fn there_is_one_about_every_week(
            second in 0i64..4_102_444_800, weekday in 1i16..=7, minute in 0i16..1440,
            zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                                  "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca"]),
        ) {
            let recurrence = Recurrence::kept(weekday, minute, zone.into()).unwrap();
            let moment = Timestamp::from_second(second).unwrap();
            let first = recurrence.next_after(moment).unwrap();
            let second = recurrence.next_after(first).unwrap();
            let (week, slack) = (SignedDuration::from_hours(7 * 24), SignedDuration::from_hours(25));
            prop_assert!(first > moment && first.duration_since(moment) <= week + slack);
            let apart = second.duration_since(first);
            prop_assert!(apart >= week - slack && apart <= week + slack, "{}", apart);
        }
    }
}
