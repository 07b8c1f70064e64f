//! Dates in a password: a birthday, a wedding day. Whoever knows the person tries those first, however they are written, and
//! there are few: a whole century has less of them than a good password has guesses in a second.

use std::{iter::Peekable, ops::RangeInclusive, str::Chars};
use zeroize::Zeroizing;

/// The first letters of the months in the languages of Western Europe, in which most agree.
const MONTHS: [&str; 38] = [
    "jan", "ene", "gen", "feb", "fev", "f\u{e9}v", "mar", "m\u{e4}r", "mrt", "maa", "apr", "avr", "abr",
    "may", "mai", "mag", "mei", "maj", "jun", "giu", "jui", "jul", "lug", "aug", "ago", "aou", "ao\u{fb}",
    "sep", "set", "oct", "okt", "ott", "out", "nov", "dec", "dez", "dic", "d\u{e9}c",
];
/// The longest name of a month.
const LONGEST_MONTH: usize = 10;
/// Years that somebody remembers.
const YEARS: RangeInclusive<u32> = 1900..=2099;
/// The longest sign between the parts of a date: a full stop and a space.
const LONGEST_SIGN: usize = 2;

/// A run of characters of one sort.
enum Run {
    Number(Zeroizing<String>),
    Word(Zeroizing<String>),
    Sign(usize),
}

/// How many letters and numbers of a password are no part of a date, as few as any reading leaves; `None` where no date is
/// in it.
pub(super) fn besides_dates(text: &str) -> Option<usize> {
    let runs = runs(text);
    // From the end: what each place leaves at best, and whether a date is in it.
    let mut best = vec![(0, false); runs.len() + 1];
    for at in (0..runs.len()).rev() {
        let (besides, found) = best[at + 1];
        let skipped = (besides + runs[at].counted(), found);
        let dates = dates_at(&runs, at).into_iter().flatten().map(|next| (best[next].0, true));
        best[at] = dates.chain([skipped]).min_by_key(|(besides, _)| *besides).unwrap_or(skipped);
    }
    best[0].1.then_some(best[0].0)
}

impl Run {
    /// How many letters and numbers it has.
    fn counted(&self) -> usize {
        match self {
            Self::Number(text) | Self::Word(text) => text.chars().count(),
            Self::Sign(_) => 0,
        }
    }
}

fn runs(text: &str) -> Vec<Run> {
    let (mut runs, mut rest) = (Vec::new(), text.chars().peekable());
    while let Some(next) = rest.peek().copied() {
        runs.push(if next.is_ascii_digit() {
            Run::Number(take(&mut rest, |c| c.is_ascii_digit()))
        } else if next.is_alphanumeric() {
            Run::Word(take(&mut rest, |c| c.is_alphanumeric() && !c.is_ascii_digit()))
        } else {
            Run::Sign(take(&mut rest, |c| !c.is_alphanumeric()).chars().count())
        });
    }
    runs
}

fn take(rest: &mut Peekable<Chars<'_>>, fits: impl Fn(char) -> bool) -> Zeroizing<String> {
    let mut taken = Zeroizing::new(String::new());
    while let Some(c) = rest.next_if(|c| fits(*c)) {
        taken.extend(c.to_lowercase());
    }
    taken
}

/// Where it goes on after a date that begins at a run: of three parts, of two, or numbers written in one.
fn dates_at(runs: &[Run], at: usize) -> [Option<usize>; 3] {
    let [three, two] = dates_in_parts(runs, at).unwrap_or_default();
    let one = matches!(&runs[at], Run::Number(text) if is_dates(text)).then_some(at + 1);
    [three, two, one]
}

fn dates_in_parts(runs: &[Run], at: usize) -> Option<[Option<usize>; 2]> {
    let (first, after_first) = part(runs, at)?;
    let (second, after_second) = part(runs, skip_sign(runs, after_first))?;
    let third = part(runs, skip_sign(runs, after_second));
    let three = third.filter(|(third, _)| is_date(first, second, *third)).map(|(_, next)| next);
    Some([three, is_part_of_date(first, second).then_some(after_second)])
}

fn skip_sign(runs: &[Run], at: usize) -> usize {
    match runs.get(at) {
        Some(Run::Sign(length)) if *length <= LONGEST_SIGN => at + 1,
        _ => at,
    }
}

/// What a run may stand for in a date: a number with its digits, or a month by name.
#[derive(Clone, Copy)]
enum Part {
    Number(u32, usize),
    Month,
}

fn part(runs: &[Run], at: usize) -> Option<(Part, usize)> {
    let part = match runs.get(at)? {
        Run::Number(text) if text.len() <= 4 => Part::Number(text.parse().ok()?, text.len()),
        Run::Word(text) if is_month(text) => Part::Month,
        _ => return None,
    };
    Some((part, at + 1))
}

fn is_month(word: &str) -> bool {
    word.chars().count() <= LONGEST_MONTH && MONTHS.iter().any(|month| word.starts_with(month))
}

impl Part {
    fn is_day(self) -> bool {
        matches!(self, Self::Number(1..=31, 1 | 2))
    }

    fn is_month(self) -> bool {
        matches!(self, Self::Number(1..=12, 1 | 2) | Self::Month)
    }

    fn is_year(self) -> bool {
        match self {
            Self::Number(year, 4) => YEARS.contains(&year),
            Self::Number(_, digits) => digits == 2,
            Self::Month => false,
        }
    }
}

fn is_date(first: Part, second: Part, third: Part) -> bool {
    let is = |day: Part, month: Part, year: Part| day.is_day() && month.is_month() && year.is_year();
    is(first, second, third) || is(second, first, third) || is(third, second, first)
}

/// A day and a month, or a month and a whole year.
fn is_part_of_date(first: Part, second: Part) -> bool {
    let is = |month: Part, other: Part| {
        month.is_month() && (other.is_day() || matches!(other, Part::Number(_, 4)) && other.is_year())
    };
    is(first, second) || is(second, first)
}

/// Whether numbers in a row are dates and years without anything between.
fn is_dates(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let number = |range: std::ops::Range<usize>| {
        text.get(range.clone())
            .and_then(|digits| digits.parse().ok())
            .map(|number| Part::Number(number, range.len()))
    };
    let date = |parts: [std::ops::Range<usize>; 3]| {
        let [first, second, third] = parts.map(number);
        matches!((first, second, third), (Some(a), Some(b), Some(c)) if is_date(a, b, c))
    };
    number(0..4).is_some_and(Part::is_year) && is_dates(&text[4..])
        || (date([0..2, 2..4, 4..8]) || date([0..4, 4..6, 6..8])) && is_dates(&text[8..])
        || date([0..2, 2..4, 4..6]) && is_dates(&text[6..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_seen_however_it_is_written() {
        for text in [
            "01.02.1990",
            "1/2/90",
            "1990-02-01",
            "2. 1. 1990",
            "01021990",
            "19900201",
            "010290",
            "1 February 1990",
            "1. Februar 1990",
            "Feb 1, 1990",
            "1feb1990",
            "juillet 2014",
            "14 juillet",
        ] {
            assert_eq!(besides_dates(&format!("{text} {text}")), Some(0), "{text}");
        }
        assert_eq!(besides_dates("anna 01.02.1990"), Some(4));
        assert_eq!(besides_dates("0102199003041991"), Some(0));
    }

    #[test]
    fn what_is_no_date_stays() {
        for text in
            ["", "a quiet walk by the river", "vx7-Kd2!qhZ9", "84629105739201847562", "37.45.9999", "-"]
        {
            assert_eq!(besides_dates(text), None, "{text}");
        }
    }
}
