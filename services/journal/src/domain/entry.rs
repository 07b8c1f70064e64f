//! What an entry is made of.

use super::{Invalid, to_microseconds};
use jiff::{
    SignedDuration, Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};
use std::fmt;

/// The longest text of an entry, in bytes of UTF-8: 64 KiB.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// No entry is about a moment before 1900-01-01T00:00:00Z, in seconds of Unix time.
const EARLIEST: i64 = -2_208_988_800;

/// How far ahead of now an entry may be: clocks differ, and somebody's tomorrow is somebody's today.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The text of an entry, in Markdown: at most 64 KiB, with something in it that can be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryBody(String);

impl EntryBody {
    /// Takes a text exactly as it was written.
    ///
    /// # Errors
    /// When it is blank, longer than 64 KiB, or holds a NUL character.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        let broken = |rule| Err(Invalid { field: "body", rule });
        if text.len() > MAX_BODY_BYTES {
            return broken("takes at most 65536 bytes");
        }
        if text.contains('\0') {
            return broken("holds a NUL character");
        }
        if is_blank(&text) {
            return broken("is blank");
        }
        Ok(Self(text))
    }

    /// A text as it was kept: parsed when it was written.
    pub(crate) fn kept(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// A title: one line of at most 200 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Takes a title exactly as it was written; a blank one is no title.
    ///
    /// # Errors
    /// When it is longer than 200 characters or holds a line break or another control character.
    pub fn parse(text: String) -> Result<Option<Self>, Invalid> {
        let broken = |rule| Err(Invalid { field: "title", rule });
        if text.chars().count() > MAX_TITLE_CHARS {
            return broken("takes at most 200 characters");
        }
        if text.chars().any(char::is_control) {
            return broken("is more than one line of text");
        }
        Ok((!is_blank(&text)).then_some(Self(text)))
    }

    /// A title as it was kept: parsed when it was written.
    pub(crate) fn kept(text: String) -> Self {
        Self(text)
    }

    /// The title.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The title.
    pub fn into_string(self) -> String {
        self.0
    }
}

// Private text has no Debug that shows it.
impl fmt::Debug for EntryBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EntryBody(…)")
    }
}

impl fmt::Debug for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Title(…)")
    }
}

/// Whether nothing in the text can be seen: white space, controls, and the invisible joiners and marks
/// that a keyboard or a copied page leaves behind.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
    })
}

/// The moment an entry (or a mood) is about, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryTime(Timestamp);

impl EntryTime {
    /// Takes a moment between 1900 and a day after `now`; `field` names where it came from.
    ///
    /// # Errors
    /// When it is earlier or later than that.
    pub fn parse(field: &'static str, time: Timestamp, now: Timestamp) -> Result<Self, Invalid> {
        if time.as_second() < EARLIEST || (time.as_second() == EARLIEST && time.subsec_nanosecond() < 0) {
            return Err(Invalid { field, rule: "is before the year 1900" });
        }
        if time.duration_since(now) > AHEAD {
            return Err(Invalid { field, rule: "is more than a day ahead" });
        }
        Ok(Self(to_microseconds(time)))
    }

    /// A moment as it was kept: parsed when it was written.
    pub(crate) fn kept(time: Timestamp) -> Self {
        Self(time)
    }

    /// The moment.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

/// A time zone by its IANA name, spelled as the time zone database spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(String);

impl Zone {
    /// Looks a name up; empty is UTC.
    ///
    /// # Errors
    /// When the time zone database does not know the name.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        if name.is_empty() {
            return Ok(Self("UTC".to_owned()));
        }
        // A machine's own folder holds names beside the IANA ones, such as `localtime`; and Factory is no place.
        let listed = TimeZoneDatabase::bundled().get(name).is_ok() && !name.eq_ignore_ascii_case("factory");
        let found = listed.then(|| TimeZone::get(name).ok()).flatten();
        let known = found.and_then(|zone| zone.iana_name().map(str::to_owned));
        known.filter(|canonical| canonical.len() <= 64).map(Self).ok_or(Invalid {
            field: "time_zone",
            rule: "is not the name of a time zone, such as Europe/Berlin",
        })
    }

    /// A zone as it was kept: parsed when it was written.
    pub(crate) fn kept(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_body_of_exactly_64_kib_is_taken_and_one_byte_more_is_not() {
        assert!(EntryBody::parse("ä".repeat(MAX_BODY_BYTES / 2)).is_ok());
        let refused = EntryBody::parse("a".repeat(MAX_BODY_BYTES + 1)).unwrap_err();
        assert_eq!((refused.field, refused.rule), ("body", "takes at most 65536 bytes"));
    }

    #[test]
    fn what_nobody_can_see_is_blank() {
        for blank in ["", " ", "\n\t\r\n", "\u{A0}\u{3000}", "\u{200B}\u{FEFF}\u{2060}", "\u{7}\u{1b}"] {
            assert_eq!(EntryBody::parse(blank.to_owned()).unwrap_err().rule, "is blank");
        }
        assert_eq!(EntryBody::parse("a\0".to_owned()).unwrap_err().rule, "holds a NUL character");
        for seen in ["🫥", ".", "\u{200F}שלום", "  x "] {
            assert_eq!(EntryBody::parse(seen.to_owned()).unwrap().as_str(), seen);
        }
    }

    #[test]
    fn a_title_is_one_line_of_200_characters_or_nothing() {
        assert_eq!(Title::parse(String::new()), Ok(None));
        assert_eq!(Title::parse("   ".into()), Ok(None));
        assert_eq!(Title::parse("é".repeat(200)).unwrap().unwrap().as_str(), "é".repeat(200));
        assert!(Title::parse("é".repeat(201)).is_err());
        assert!(Title::parse("one\ntwo".into()).is_err());
    }

    #[test]
    fn debug_shows_no_text() {
        let body = EntryBody::parse("canary".into()).unwrap();
        let title = Title::parse("canary".into()).unwrap();
        assert!(!format!("{body:?}{title:?}").contains("canary"));
    }

    #[test]
    fn an_entry_is_about_a_moment_between_1900_and_tomorrow() {
        let now = at("2024-03-10T07:30:00Z");
        let parse = |text| EntryTime::parse("entry_time", at(text), now);
        assert!(parse("1900-01-01T00:00:00Z").is_ok());
        assert_eq!(parse("1899-12-31T23:59:59.999999999Z").unwrap_err().rule, "is before the year 1900");
        assert!(parse("2024-03-11T07:30:00Z").is_ok());
        assert_eq!(parse("2024-03-11T07:30:00.000000001Z").unwrap_err().rule, "is more than a day ahead");
        assert_eq!(
            parse("2024-03-10T07:30:00.123456789Z").unwrap().timestamp(),
            at("2024-03-10T07:30:00.123456Z")
        );
    }

    #[test]
    fn a_zone_is_a_name_the_database_knows() {
        assert_eq!(Zone::parse("").unwrap().as_str(), "UTC");
        assert_eq!(Zone::parse("europe/berlin").unwrap().as_str(), "Europe/Berlin");
        assert_eq!(Zone::parse("Asia/Kathmandu").unwrap().as_str(), "Asia/Kathmandu");
        for unknown in ["Mars/Olympus", "../../etc/passwd", "CET-1CEST", "+02:00", " UTC", "Europe/", "🕰"]
        {
            assert!(Zone::parse(unknown).is_err(), "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn a_body_is_kept_to_the_byte_or_refused(text in any::<String>()) {
            match EntryBody::parse(text.clone()) {
                Ok(body) => prop_assert_eq!(body.as_str(), text),
                Err(_) => prop_assert!(text.contains('\0') || is_blank(&text)),
            }
        }

        #[test]
        fn a_title_never_breaks_a_line(text in any::<String>()) {
            if let Ok(Some(title)) = Title::parse(text) {
                prop_assert!(!title.as_str().contains(['\n', '\r', '\0']));
                prop_assert!(title.as_str().chars().count() <= MAX_TITLE_CHARS);
            }
        }

        #[test]
        fn a_time_that_is_taken_is_within_a_microsecond(seconds in -3_000_000_000i64..3_000_000_000, nanos in 0i32..1_000_000_000) {
            let time = Timestamp::new(seconds, nanos).unwrap();
            let now = at("2024-03-10T07:30:00Z");
            if let Ok(taken) = EntryTime::parse("entry_time", time, now) {
                let off = time.duration_since(taken.timestamp()).abs();
                prop_assert!(off < SignedDuration::from_micros(1));
                prop_assert!(taken.timestamp() >= at("1900-01-01T00:00:00Z"));
                prop_assert!(taken.timestamp() <= at("2024-03-11T07:30:00Z"));
            }
        }

        #[test]
        fn a_zone_parses_to_itself(name in "[A-Za-z_/+-]{0,70}") {
            if let Ok(zone) = Zone::parse(&name) {
                prop_assert_eq!(Zone::parse(zone.as_str()).unwrap(), zone);
            }
        }
    }
}
