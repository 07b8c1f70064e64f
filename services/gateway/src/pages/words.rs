//! The words for what services say in numbers: moods, body signs, steps, times.

use candor_proto::content::v1::Step;
use candor_proto::journal::v1::{BodySign, Mood};
use candor_proto::reminders::v1::Weekday;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Choices for how pleasant something feels, as value and words.
pub(super) const PLEASANTNESS: [(i32, &str); 5] =
    [(-4, "very unpleasant"), (-2, "unpleasant"), (0, "in between"), (2, "pleasant"), (4, "very pleasant")];

/// Choices for how much energy there is, as value and words.
pub(super) const ENERGY: [(i32, &str); 5] =
    [(-4, "hardly any"), (-2, "a little"), (0, "some"), (2, "much"), (4, "very much")];

/// A mood in a few words: "unpleasant, much energy". The middle of a scale is also what was left unsaid, so it is
/// not put into anybody's mouth.
pub(super) fn mood(mood: &Mood) -> Option<String> {
    let pleasantness = (mood.pleasantness != 0).then(|| nearest(&PLEASANTNESS, mood.pleasantness).to_owned());
    let energy = (mood.energy != 0).then(|| format!("{} energy", nearest(&ENERGY, mood.energy)));
    let said: Vec<_> = pleasantness.into_iter().chain(energy).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

fn nearest(choices: &[(i32, &'static str)], value: i32) -> &'static str {
    choices.iter().min_by_key(|(choice, _)| (choice - value).abs()).map_or("", |(_, words)| words)
}

/// Every body sign with its words, in the order of the form.
pub(super) fn body_signs() -> impl Iterator<Item = (i32, &'static str)> {
    (1..).map_while(|number| BodySign::try_from(number).ok()).map(|sign| (sign as i32, body_sign(sign)))
}

/// A body sign in words. Described, never diagnosed.
pub(super) fn body_sign(sign: BodySign) -> &'static str {
    match sign {
        BodySign::Unspecified => "not said",
        BodySign::Trembling => "trembling",
        BodySign::TightChest => "a tight chest",
        BodySign::TightThroat => "a tight throat",
        BodySign::RacingHeart => "a racing heart",
        BodySign::ShallowBreath => "shallow breath",
        BodySign::KnottedStomach => "a knot in the stomach",
        BodySign::Clenched => "clenched jaw or fists",
        BodySign::Sweating => "sweating",
        BodySign::HotFace => "heat in the face",
        BodySign::ColdHands => "cold hands or feet",
        BodySign::Heaviness => "heaviness",
        BodySign::Numbness => "numbness",
        BodySign::Tears => "tears",
        BodySign::Restless => "restlessness",
        BodySign::Tired => "tired",
        BodySign::AtEase => "at ease",
    }
}

/// Every step that has a place of its own, in the usual order.
pub(super) fn steps() -> impl Iterator<Item = Step> {
    (1..).map_while(|number| Step::try_from(number).ok())
}

/// A step in words.
pub(super) fn step(step: Step) -> &'static str {
    match step {
        Step::Unspecified => "For every step",
        Step::Recognise => "Recognise the wall",
        Step::Journal => "Write a journal",
        Step::Counselor => "Talk with a counselor",
        Step::Communicate => "Talk in short, planned check-ins",
        Step::SafeEnvironment => "Find a safe environment",
        Step::Vulnerability => "Show a little more of yourself",
        Step::CouplesCounseling => "Couples counseling",
    }
}

/// A time zone by its name; UTC when there is none of that name.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// The names a person can choose their time zone from.
pub(super) fn zone_names() -> Vec<String> {
    let regions = [
        "Africa/",
        "America/",
        "Antarctica/",
        "Arctic/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];
    let all = jiff::tz::db().available().map(|name| name.to_string());
    let mut names: Vec<_> =
        all.filter(|name| regions.iter().any(|region| name.starts_with(region))).collect();
    names.push("UTC".into());
    names.sort();
    names.dedup();
    names
}

/// A moment as people write it where they are.
pub(crate) struct Moment {
    /// For programs.
    pub(crate) iso: String,
    /// "Tuesday, 10 March 2026".
    pub(crate) day: String,
    /// "08:30".
    pub(crate) time: String,
}

/// A moment in a zone, if the service said one.
pub(crate) fn moment(time: Option<&prost_types::Timestamp>, zone: &TimeZone) -> Option<Moment> {
    let time = time?;
    let time = Timestamp::new(time.seconds, time.nanos).ok()?;
    let local = time.to_zoned(zone.clone());
    Some(Moment {
        iso: time.to_string(),
        day: local.strftime("%A, %-d %B %Y").to_string(),
        time: local.strftime("%H:%M").to_string(),
    })
}

/// A day in a few characters: "10 Mar 2026".
pub(super) fn short_day(time: Option<&prost_types::Timestamp>, zone: &TimeZone) -> Option<String> {
    let time = Timestamp::new(time?.seconds, time?.nanos).ok()?;
    Some(time.to_zoned(zone.clone()).strftime("%-d %b %Y").to_string())
}

/// Every day of the week with its words.
pub(super) fn weekdays() -> impl Iterator<Item = (i32, &'static str)> {
    (1..).map_while(|number| Weekday::try_from(number).ok()).map(|day| (day as i32, weekday(day)))
}

/// A day of the week in words.
pub(super) fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Unspecified => "day",
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

/// A language that texts of the house are in.
pub(crate) struct Language {
    /// Its tag.
    pub(crate) tag: &'static str,
    /// What it calls itself.
    pub(crate) own_name: &'static str,
    /// What it is called on the pages.
    pub(crate) name: &'static str,
}

/// The languages that texts of the house are in.
pub(crate) const LANGUAGES: [Language; 3] = [
    Language { tag: "en", own_name: "English", name: "English" },
    Language { tag: "de", own_name: "Deutsch", name: "German" },
    Language { tag: "es", own_name: "Español", name: "Spanish" },
];

/// What a language is called on the pages; its tag, where that is not known.
pub(crate) fn language(tag: &str) -> &str {
    LANGUAGES.iter().find(|known| known.tag == tag).map_or(tag, |known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moods_and_moments_have_words() {
        let low = Mood { pleasantness: -5, energy: 1, body_signs: vec![] };
        assert_eq!(mood(&low).unwrap(), "very unpleasant, some energy");
        assert_eq!(mood(&Mood { energy: 0, ..low }).unwrap(), "very unpleasant");
        assert_eq!(mood(&Mood::default()), None);
        assert_eq!(body_signs().count(), 16);
        assert_eq!(steps().count(), 7);
        let time = prost_types::Timestamp { seconds: 1_773_127_800, nanos: 0 };
        let moment = moment(Some(&time), &zone("Europe/Berlin")).unwrap();
        assert_eq!((moment.day.as_str(), moment.time.as_str()), ("Tuesday, 10 March 2026", "08:30"));
        assert_eq!(short_day(Some(&time), &zone("Europe/Berlin")).unwrap(), "10 Mar 2026");
        assert_eq!((weekdays().count(), weekdays().last()), (7, Some((7, "Sunday"))));
        assert!(zone_names().contains(&"Europe/Berlin".to_owned()));
    }
}
