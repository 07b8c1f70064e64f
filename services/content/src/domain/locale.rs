//! Languages, as BCP 47 tags, and what to offer when the wished one is not there.

use std::fmt;

/// The language that is always complete.
pub const FALLBACK: &str = "en";

/// A well-formed language tag in its usual spelling: `de`, `de-AT`, `zh-Hant-TW`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locale(String);

impl Locale {
    /// Reads a tag in any case; empty means English. `None` when it is no language tag.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(FALLBACK.to_owned()));
        }
        if text.len() > 35 {
            return None;
        }
        let mut spelled: Vec<String> = Vec::new();
        for (index, subtag) in text.split('-').enumerate() {
            let alphanumeric = subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !alphanumeric || !(1..=8).contains(&subtag.len()) {
                return None;
            }
            if index == 0 && (subtag.len() < 2 || !subtag.bytes().all(|byte| byte.is_ascii_alphabetic())) {
                return None;
            }
            let after_singleton = spelled.iter().any(|earlier| earlier.len() == 1);
            spelled.push(spell(subtag, index > 0 && !after_singleton));
        }
        Some(Self(spelled.join("-")))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The languages to try, best first: the tag, the tag with less and less detail (RFC 4647, lookup), English.
    pub fn chain(&self) -> Vec<String> {
        let mut subtags: Vec<&str> = self.0.split('-').collect();
        let mut chain = Vec::new();
        while !subtags.is_empty() {
            chain.push(subtags.join("-"));
            subtags.pop();
            if subtags.last().is_some_and(|last| last.len() == 1) {
                subtags.pop();
            }
        }
        if !chain.iter().any(|tag| tag == FALLBACK) {
            chain.push(FALLBACK.to_owned());
        }
        chain
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Regions are upper case and scripts are titles; everything else is lower case (RFC 5646, 2.1.1).
fn spell(subtag: &str, may_be_region_or_script: bool) -> String {
    let lower = subtag.to_ascii_lowercase();
    let alphabetic = lower.bytes().all(|byte| byte.is_ascii_alphabetic());
    match lower.len() {
        2 if may_be_region_or_script && alphabetic => lower.to_ascii_uppercase(),
        4 if may_be_region_or_script && alphabetic => lower[..1].to_ascii_uppercase() + &lower[1..],
        _ => lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_falls_back_to_its_language_and_then_to_english() {
        let chain = |tag: &str| Locale::parse(tag).unwrap().chain();
        assert_eq!(chain("de-AT"), ["de-AT", "de", "en"]);
        assert_eq!(chain("DE-at"), ["de-AT", "de", "en"]);
        assert_eq!(chain("zh-hant-tw"), ["zh-Hant-TW", "zh-Hant", "zh", "en"]);
        assert_eq!(chain("en-GB"), ["en-GB", "en"]);
        assert_eq!(chain(""), ["en"]);
        assert_eq!(chain("de-x-oo-ab"), ["de-x-oo-ab", "de-x-oo", "de", "en"]);
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for text in ["d", "-", "de-", "-de", "de_AT", "1a", "de-ßß", "*", "de AT", "aaaaaaaaa", "de-\u{0}"]
        {
            assert_eq!(Locale::parse(text), None, "{text:?}");
        }
        assert_eq!(Locale::parse(&"de-".repeat(20)), None);
    }
}
