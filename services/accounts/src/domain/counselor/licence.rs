//! Licences: where they hold, and until when.

use crate::domain::{Invalid, client::line};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use zeroize::Zeroizing;

/// Licences of one counselor at most.
pub const MOST_LICENCES: usize = 10;

/// A country or a part of one, as ISO 3166 has them: `DE`, `US-CA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jurisdiction(String);

impl Jurisdiction {
    /// Reads a place, whatever its case.
    ///
    /// # Errors
    /// What does not look like one.
    pub fn parse_as(field: &'static str, typed: &str) -> Result<Self, Invalid> {
        let place = typed.trim().to_ascii_uppercase();
        let (country, part) = place.split_once('-').map_or((place.as_str(), None), |(c, p)| (c, Some(p)));
        let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_part = part.is_none_or(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if is_country && is_part {
            return Ok(Self(place));
        }
        Err(Invalid { field, description: "is not a country such as DE, or a part of one such as US-CA" })
    }

    /// The place.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The places whose licences hold here: this one, and the country it is in.
    pub fn covering(&self) -> Vec<String> {
        let country = self.0.split('-').next().unwrap_or_default().to_owned();
        if country == self.0 { vec![country] } else { vec![self.0.clone(), country] }
    }
}

/// The last day on which something holds, to its end in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastDay(Date);

impl LastDay {
    /// Reads a day such as `2027-03-31`.
    ///
    /// # Errors
    /// What is no such day, or lies beyond the year 2199.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        let invalid = Invalid { field: "last_day", description: "is not a day such as 2027-03-31" };
        let typed = typed.trim();
        let shape = typed.len() == 10 && typed.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let day: Option<Date> = shape.then(|| typed.parse().ok()).flatten();
        day.filter(|day| (2000..2200).contains(&day.year())).map(Self).ok_or(invalid)
    }

    /// The first moment at which it does not hold any more.
    pub fn end(self) -> Timestamp {
        let next = self.0.saturating_add(1.day());
        next.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |midnight| midnight.timestamp())
    }

    /// The day of such a moment.
    pub fn of_end(end: Timestamp) -> Self {
        Self(end.to_zoned(TimeZone::UTC).date().saturating_sub(1.day()))
    }
}

impl std::fmt::Display for LastDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A licence, as its holder says.
#[derive(Clone, PartialEq, Eq)]
pub struct Licence {
    /// What it is called.
    pub title: String,
    /// Where it holds.
    pub jurisdiction: Jurisdiction,
    /// Its number.
    pub number: Zeroizing<String>,
    /// Where it can be looked up, or empty.
    pub look_up: Zeroizing<String>,
    /// Until when it holds.
    pub last_day: LastDay,
}

impl Licence {
    /// Reads a licence.
    ///
    /// # Errors
    /// The first part that breaks its rule.
    pub fn parse(
        title: &str,
        jurisdiction: &str,
        number: &str,
        look_up: &str,
        last_day: &str,
    ) -> Result<Self, Invalid> {
        let look_up = if look_up.trim().is_empty() { String::new() } else { line("look_up", look_up, 200)? };
        Ok(Self {
            title: line("title", title, 80)?,
            jurisdiction: Jurisdiction::parse_as("jurisdiction", jurisdiction)?,
            number: Zeroizing::new(line("number", number, 60)?),
            look_up: Zeroizing::new(look_up),
            last_day: LastDay::parse(last_day)?,
        })
    }

    /// Whether it is the same licence: what was checked of the one was checked of the other. Where it can be looked up may
    /// differ.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.title, &self.jurisdiction, &self.number, self.last_day)
            == (&other.title, &other.jurisdiction, &other.number, other.last_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_country_or_a_part_of_one() {
        assert_eq!(Jurisdiction::parse_as("j", " us-ca ").unwrap().covering(), ["US-CA", "US"]);
        assert_eq!(Jurisdiction::parse_as("j", "DE").unwrap().covering(), ["DE"]);
        for odd in ["", "D", "DEU", "D1", "DE-", "DE-ABCD", "DE-A-B", "de ba", "\u{c4}E", "DE-\u{c4}"] {
            assert!(Jurisdiction::parse_as("j", odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_day_holds_to_its_end() {
        let day = LastDay::parse("2028-02-29").unwrap();
        assert_eq!(day.end(), "2028-03-01T00:00:00Z".parse().unwrap());
        assert_eq!(LastDay::of_end(day.end()), day);
        assert_eq!(day.to_string(), "2028-02-29");
        for odd in
            ["", "2027-02-29", "2027-3-1", "31.03.2027", "20270331", "1999-01-01", "2200-01-01", "2027-13-01"]
        {
            assert!(LastDay::parse(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_licence_is_the_same_only_with_the_same_number_place_and_day() {
        let licence = |number, day| Licence::parse("LMFT", "us-ca", number, "", day).unwrap();
        let one = licence("A 1", "2027-03-31");
        assert!(one.is_same(&licence("A 1", "2027-03-31")));
        assert!(!one.is_same(&licence("A 2", "2027-03-31")));
        assert!(!one.is_same(&licence("A 1", "2028-03-31")));
        assert_eq!(Licence::parse("x", "DE", " ", "", "2027-03-31").err().unwrap().field, "number");
        assert_eq!(Licence::parse("x", "DE", "1", "a\nb", "2027-03-31").err().unwrap().field, "look_up");
    }
}
