//! Whether a new password stands up to somebody who guesses: it is not one of those that everybody tries first, and the
//! estimate of how many guesses it takes is high enough.
//!
//! The list beside this file is our own: words and phrases that people choose, in the languages they choose them in. A
//! password counts as one of them however it is dressed up: in capitals, with signs and numbers around or between, with
//! look-alikes for letters, doubled, or two of them in a row. So a short list stands for millions of passwords, and the
//! dictionaries of the estimator (common passwords, names, words of English) stand beside it.

use super::{Password, dates::besides_dates};
use std::{collections::HashSet, sync::LazyLock};
use zeroize::Zeroizing;
use zxcvbn::{
    Score,
    feedback::Warning,
    matching::{Match, patterns::MatchPattern},
    zxcvbn,
};

/// The words, in lower case, each once, in order.
const COMMON: &str = include_str!("common.txt");

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| COMMON.lines().collect());

/// Shorter parts of an address are parts of anything.
const FEWEST_OF_OWN: usize = 3;

/// Letters and numbers that a password has besides own words, or besides dates, at least.
const FEWEST_BESIDES: usize = 8;

/// Characters that the estimate looks at: what is weak in so many is weak.
const MOST_ESTIMATED: usize = 40;
/// What the estimator takes for letters.
const LOOK_ALIKES: &str = "48@({[<3690!1|7$5+%2";
/// More different ones than these are nobody's memory aid.
const MOST_LOOK_ALIKES: usize = 4;

/// Characters that are looked at where there are no letters among them.
const MOST_NUMBERS: usize = 20;

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// One of the first that anybody would try.
    Common,
    /// It holds parts of the address it belongs to.
    Personal,
    /// A few characters over and over.
    Repeated,
    /// Keys in a row, or letters or numbers in order.
    InOrder,
    /// A date or a year.
    Date,
    /// A name.
    Name,
    /// Too few guesses, for no reason with a name.
    Guessable,
}

impl Weakness {
    /// What is wrong, to be read after the field's name.
    pub fn description(self) -> &'static str {
        match self {
            Self::Common => {
                "is one of the first that somebody would try; a few unrelated words in a row are safer"
            }
            Self::Personal => {
                "holds parts of your address, which others know; a few unrelated words are safer"
            }
            Self::Repeated => "repeats the same few characters; a few unrelated words in a row are safer",
            Self::InOrder => "follows the keyboard or the alphabet; a few unrelated words in a row are safer",
            Self::Date => {
                "is mostly a date, which is quickly guessed; a few unrelated words in a row are safer"
            }
            Self::Name => {
                "is mostly a name, which is quickly guessed; a few unrelated words in a row are safer"
            }
            Self::Guessable => "could be guessed too quickly; a few unrelated words in a row are safer",
        }
    }
}

/// Words that belong to the person: whoever knows them tries these first.
pub struct Personal(Vec<Zeroizing<String>>);

impl Personal {
    /// The parts of an address, and the name of the place.
    pub fn of_address(address: &str) -> Self {
        let parts = address.split(|c: char| !c.is_alphanumeric()).chain(std::iter::once(address));
        let parts = parts.filter(|part| part.chars().count() >= FEWEST_OF_OWN);
        Self(parts.map(|part| Zeroizing::new(part.to_lowercase())).collect())
    }
}

/// Judges a new password. Takes some milliseconds, so it runs where passwords are hashed.
///
/// # Errors
/// Why it is refused.
pub fn judge(password: &Password, personal: &Personal) -> Result<(), Weakness> {
    let text = password.text();
    if is_common(text) {
        return Err(Weakness::Common);
    }
    let own: Vec<&str> = personal.0.iter().map(|word| word.as_str()).collect();
    if is_mostly_own(text, &own) {
        return Err(Weakness::Personal);
    }
    if besides_dates(text).is_some_and(|besides| besides < FEWEST_BESIDES) {
        return Err(Weakness::Date);
    }
    let estimate = zxcvbn(&estimable(text), &own);
    if estimate.score() >= Score::Three {
        return Ok(());
    }
    let warning = estimate.feedback().and_then(|feedback| feedback.warning());
    Err(explain(warning, estimate.sequence(), &own))
}

/// As much of a password as is needed to see that it is strong, written so that the estimate takes bounded time: it tries
/// every reading of every look-alike, so where many are in use they are read as letters before.
fn estimable(text: &str) -> Zeroizing<String> {
    let head: Zeroizing<String> = Zeroizing::new(text.chars().take(MOST_ESTIMATED).collect());
    let signs: HashSet<char> = head.chars().filter(|c| LOOK_ALIKES.contains(*c)).collect();
    if signs.len() <= MOST_LOOK_ALIKES {
        return head;
    }
    // Without letters they are what they are: numbers in order, keys in a row.
    if !head.chars().any(char::is_alphabetic) {
        return Zeroizing::new(head.chars().take(MOST_NUMBERS).collect());
    }
    let mut plain = Zeroizing::new(String::with_capacity(head.len()));
    for c in head.chars() {
        match look_alike(c) {
            Some(letter) => plain.push_str(letter),
            None if LOOK_ALIKES.contains(c) => {}
            None => plain.push(c),
        }
    }
    plain
}

fn explain(warning: Option<Warning>, sequence: &[Match], own: &[&str]) -> Weakness {
    if sequence.iter().any(|found| is_own(found, own)) {
        return Weakness::Personal;
    }
    match warning {
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword
            | Warning::AWordByItselfIsEasyToGuess,
        ) => Weakness::Common,
        Some(
            Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
        ) => Weakness::Repeated,
        Some(
            Warning::StraightRowsOfKeysAreEasyToGuess
            | Warning::ShortKeyboardPatternsAreEasyToGuess
            | Warning::SequencesLikeAbcAreEasyToGuess,
        ) => Weakness::InOrder,
        Some(Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess) => Weakness::Date,
        Some(
            Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
            | Warning::CommonNamesAndSurnamesAreEasyToGuess,
        ) => Weakness::Name,
        None => Weakness::Guessable,
    }
}

fn is_own(found: &Match, own: &[&str]) -> bool {
    matches!(&found.pattern, MatchPattern::Dictionary(word) if own.contains(&word.matched_word.as_str()))
}

/// Whether it holds own words, and too little besides to be a password without them.
fn is_mostly_own(text: &str, own: &[&str]) -> bool {
    let mut rest = Zeroizing::new(text.to_lowercase());
    let whole = rest.len();
    let mut words = own.to_vec();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        rest = Zeroizing::new(rest.replace(word, " "));
    }
    rest.len() < whole && rest.chars().filter(|c| c.is_alphanumeric()).count() < FEWEST_BESIDES
}

/// Whether a password is a common one, dressed up.
fn is_common(text: &str) -> bool {
    let lower = Zeroizing::new(text.to_lowercase());
    // A year or a sign at the end stands for no letter.
    let bare = lower.trim_end_matches(|c: char| !c.is_alphabetic() && !is_mark(c));
    [plain(&lower), read(&lower, look_alike), read(bare, look_alike), read(bare, spoken)]
        .iter()
        .any(|text| !text.is_empty() && is_made_of_common(text))
}

/// The letters alone.
fn plain(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.chars().filter(|c| c.is_alphabetic() || is_mark(*c)).collect())
}

/// The letters, and what else stands for some.
fn read(text: &str, stands_for: fn(char) -> Option<&'static str>) -> Zeroizing<String> {
    let mut letters = Zeroizing::new(String::with_capacity(text.len() * 2));
    for c in text.chars() {
        match stands_for(c) {
            Some(meant) => letters.push_str(meant),
            None if c.is_alphabetic() || is_mark(c) => letters.push(c),
            None => {}
        }
    }
    letters
}

/// A sign that belongs to the letter before it, as in Devanagari.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// The letter that a sign looks like.
fn look_alike(c: char) -> Option<&'static str> {
    Some(match c {
        '0' => "o",
        '1' | '!' | '|' => "i",
        '3' => "e",
        '4' | '@' => "a",
        '5' | '$' => "s",
        '7' | '+' => "t",
        '8' => "b",
        _ => return None,
    })
}

/// The word that a number sounds like in English, or the letter that it looks like.
fn spoken(c: char) -> Option<&'static str> {
    Some(match c {
        '2' => "to",
        '4' => "for",
        '8' => "ate",
        _ => return look_alike(c),
    })
}

/// One word of the list, the same one again and again, or two of them.
fn is_made_of_common(text: &str) -> bool {
    if WORDS.contains(text) {
        return true;
    }
    text.char_indices().skip(1).any(|(at, _)| {
        let (head, rest) = text.split_at(at);
        WORDS.contains(head) && (WORDS.contains(rest) || is_repeated(head, rest))
    })
}

fn is_repeated(word: &str, rest: &str) -> bool {
    rest.len().is_multiple_of(word.len())
        && rest.as_bytes().chunks(word.len()).all(|chunk| chunk == word.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judged(text: &str) -> Result<(), Weakness> {
        judge(&Password::offer(text).unwrap(), &Personal::of_address("Anna.Kowalska+candor@mail.example"))
    }

    #[test]
    fn the_list_is_in_order_and_holds_nothing_but_small_letters() {
        let words: Vec<_> = COMMON.lines().collect();
        assert!(words.len() > 400 && words.is_sorted_by(|one, next| one < next));
        for word in words {
            assert!(
                word.chars().all(|c| c.is_alphabetic() || is_mark(c)) && word.to_lowercase() == word,
                "{word}"
            );
        }
    }

    #[test]
    fn what_everybody_tries_first_is_refused_however_it_is_dressed_up() {
        for text in [
            "passwordpassword",
            "Password-Password-2024!",
            "P@ssw0rdP@ssw0rd",
            "1LoveYou4ever 2019",
            "iloveyousomuch!!!",
            "togetherforever2021",
            "the quick brown fox",
            "Correct Horse Battery Staple",
            "correcthorsebatterystaple",
            "qwertyuiopasdfghjkl",
            "Willkommen2024Willkommen",
            "summersummersummersummer",
            "candorcandorcandor",
            "\u{043f}\u{0430}\u{0440}\u{043e}\u{043b}\u{044c}\u{043f}\u{0430}\u{0440}\u{043e}\u{043b}\u{044c}123",
            "ich liebe dich 1999",
            "this is my password",
        ] {
            assert_eq!(judged(text), Err(Weakness::Common), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        for (text, weakness) in [
            ("aaaaaaaaaaaaaaaa", Weakness::Repeated),
            ("abcabcabcabcabcabc", Weakness::Repeated),
            ("zyxwvutsrqponmlkjihgf", Weakness::InOrder),
            ("anna.kowalska@mail.example", Weakness::Personal),
            ("annakowalska1234", Weakness::Personal),
            ("01.02.1990 01.02.1990", Weakness::Date),
            ("1. Februar 1990, 3. M\u{e4}rz 2001", Weakness::Date),
            ("born 1990-02-01", Weakness::Date),
        ] {
            assert_eq!(judged(text), Err(weakness), "{text}");
        }
        let all = [
            Weakness::Common,
            Weakness::Personal,
            Weakness::Repeated,
            Weakness::InOrder,
            Weakness::Date,
            Weakness::Name,
            Weakness::Guessable,
        ];
        let said: HashSet<_> = all.iter().map(|weakness| weakness.description()).collect();
        assert_eq!(said.len(), all.len());
    }

    #[test]
    fn what_nobody_tries_is_taken_in_every_script() {
        for text in [
            "a quiet walk by the river",
            "somebody else's long phrase",
            "a long sentence only Anna knows",
            "gr\u{fc}ner tee am morgen",
            "vx7-Kd2!qhZ9",
            "\u{0447}\u{0430}\u{0439} \u{043d}\u{0430} \u{043a}\u{0440}\u{044b}\u{0448}\u{0435} \u{0443}\u{0442}\u{0440}\u{043e}\u{043c}",
            "\u{9752}\u{3044}\u{5c71}\u{3092}\u{9060}\u{304f}\u{304b}\u{3089}\u{898b}\u{3066}\u{3044}\u{308b}\u{671d}\u{306e}\u{7a93}",
            "\u{1f33f}\u{1f319}\u{1f427}\u{2708}\u{1f9c2}\u{1f388}\u{1f352}\u{1f58d}\u{1f40c}\u{1f5ff}\u{1f33d}\u{1f6f6}\u{1f9f5}\u{1fa81}\u{1f3ba}",
        ] {
            assert_eq!(judged(text), Ok(()), "{text}");
        }
        // As long as a password may be.
        assert_eq!(judged(&"river stone, late tram; ".repeat(11)[..256]), Ok(()));
        // Own words may be in it, where enough else is.
        assert_eq!(judged("a long sentence anna knows"), Ok(()));
        // So may a date.
        assert_eq!(judged("01.02.1990 quiet heron on a fence"), Ok(()));
        let long: String = (0..256u32).map(|n| char::from(b'!' + (n * n * 7 % 90) as u8)).collect();
        assert_eq!(judged(&long), Ok(()));
    }

    #[test]
    fn a_hostile_password_is_judged_as_fast_as_any() {
        let hostile: String = "4@8({[<3690!1|7$5+%2".repeat(13)[..256].into();
        let looked_at = estimable(&hostile);
        assert!(looked_at.chars().count() <= MOST_ESTIMATED);
        assert!(looked_at.chars().count() <= MOST_NUMBERS);
        let _ = judged(&hostile);
        let lettered = estimable(&hostile.replace('(', "n"));
        assert!(!lettered.chars().any(|c| LOOK_ALIKES.contains(c)), "{}", *lettered);
        assert_eq!(*estimable("vx7-Kd2!qhZ9"), "vx7-Kd2!qhZ9");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn any_text_gets_an_answer(text in "\\PC{1,256}") {
            let _ = judged(&text);
        }
    }
}
