//! The legal texts that people accept: terms of use and a privacy notice, each in versions and languages. They are an operator's
//! to say; a default of ours comes along ([`shipped`]).

mod reading;
mod shipped;
#[cfg(test)]
mod tests;

pub use reading::TermsFault;

use super::in_language;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TermsKind {
    /// Terms of use.
    Use,
    /// A privacy notice.
    Privacy,
}

impl TermsKind {
    /// Both, in the order of the numbers of `candor.accounts.v1.TermsKind`, beginning with 1.
    pub const ALL: [Self; 2] = [Self::Use, Self::Privacy];

    /// The name of its folder, and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Use => "terms-of-use",
            Self::Privacy => "privacy-notice",
        }
    }

    /// Takes a kind back from its name.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One version of a text, in all its languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsVersion {
    /// What it is.
    pub kind: TermsKind,
    /// Its number, from 1.
    pub version: i32,
    /// What it is dated.
    pub date: Date,
    /// Whether people are asked again who accepted an earlier one.
    pub material: bool,
    /// The words by language, in Markdown.
    words: BTreeMap<String, String>,
}

impl TermsVersion {
    /// The words in the language that fits a tag best, and which that is: the tag itself, less and less of it, English, or
    /// whatever there is.
    pub fn words(&self, tag: &str) -> (&str, &str) {
        let all = self.words.iter().map(|(locale, words)| (locale.as_str(), words.as_str()));
        in_language(tag, all).unwrap_or_default()
    }

    /// The languages there are.
    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(String::as_str)
    }
}

/// What has to be accepted of each kind, at least. In the form that the database asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequiredTerms {
    /// The kinds, by name.
    pub kinds: Vec<String>,
    /// For each the oldest version that is good enough.
    pub versions: Vec<i32>,
}

/// All texts: of each kind at least one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// By kind, the oldest first.
    versions: Vec<TermsVersion>,
    required: RequiredTerms,
}

impl Terms {
    /// Every version of everything, by kind, the oldest first.
    pub fn all(&self) -> &[TermsVersion] {
        &self.versions
    }

    /// The version of a kind that counts now: the newest.
    pub fn current(&self, kind: TermsKind) -> Option<&TermsVersion> {
        self.versions.iter().rfind(|text| text.kind == kind)
    }

    /// A version of a kind; 0 is the one that counts now.
    pub fn find(&self, kind: TermsKind, version: i32) -> Option<&TermsVersion> {
        match version {
            0 => self.current(kind),
            _ => self.versions.iter().find(|text| text.kind == kind && text.version == version),
        }
    }

    /// What has to be accepted at least.
    pub fn required(&self) -> &RequiredTerms {
        &self.required
    }

    /// Whether an accepted version of a kind is still good enough.
    pub fn is_enough(&self, kind: TermsKind, version: i32) -> bool {
        let required = self.required.kinds.iter().zip(&self.required.versions);
        required.into_iter().any(|(name, least)| name == kind.as_str() && version >= *least)
    }
}
