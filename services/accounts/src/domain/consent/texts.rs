//! The words that somebody agrees to who opens something. They are files, one for each version (`consents/`), because a
//! consent remembers which of them was read.

use crate::domain::{Relation, Scope};

/// One version of the words for one kind of consent.
#[derive(Debug, PartialEq, Eq)]
pub struct ConsentText {
    /// Its name.
    pub id: &'static str,
    /// Its version.
    pub version: i32,
    /// To whom it opens something.
    pub to: Relation,
    /// What kind of data it is about.
    pub scope: Scope,
    /// Whether it is about one item, instead of all of the kind.
    pub of_item: bool,
    /// The words, in Markdown.
    pub words: &'static str,
}

/// Every version of all of them, of each kind the oldest first.
static TEXTS: [ConsentText; 10] = [
    ConsentText {
        id: "entries-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::Entries,
        of_item: false,
        words: include_str!("../../../consents/en/entries-to-counselor.v1.md"),
    },
    ConsentText {
        id: "moods-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::Moods,
        of_item: false,
        words: include_str!("../../../consents/en/moods-to-counselor.v1.md"),
    },
    ConsentText {
        id: "self-checks-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::SelfChecks,
        of_item: false,
        words: include_str!("../../../consents/en/self-checks-to-counselor.v1.md"),
    },
    ConsentText {
        id: "entry-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::Entries,
        of_item: true,
        words: include_str!("../../../consents/en/entry-to-counselor.v1.md"),
    },
    ConsentText {
        id: "self-check-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::SelfChecks,
        of_item: true,
        words: include_str!("../../../consents/en/self-check-to-counselor.v1.md"),
    },
    ConsentText {
        id: "entries-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::Entries,
        of_item: false,
        words: include_str!("../../../consents/en/entries-to-software.v1.md"),
    },
    ConsentText {
        id: "moods-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::Moods,
        of_item: false,
        words: include_str!("../../../consents/en/moods-to-software.v1.md"),
    },
    ConsentText {
        id: "self-checks-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::SelfChecks,
        of_item: false,
        words: include_str!("../../../consents/en/self-checks-to-software.v1.md"),
    },
    ConsentText {
        id: "entry-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::Entries,
        of_item: true,
        words: include_str!("../../../consents/en/entry-to-software.v1.md"),
    },
    ConsentText {
        id: "self-check-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::SelfChecks,
        of_item: true,
        words: include_str!("../../../consents/en/self-check-to-software.v1.md"),
    },
];

impl ConsentText {
    /// The words that count now for a kind of consent.
    pub fn of(to: Relation, scope: Scope, of_item: bool) -> Option<&'static Self> {
        let fitting =
            TEXTS.iter().filter(|text| text.to == to && text.scope == scope && text.of_item == of_item);
        fitting.max_by_key(|text| text.version)
    }

    /// The words of a name: a version of them, or with 0 the one that counts now.
    pub fn find(id: &str, version: i32) -> Option<&'static Self> {
        let mut named = TEXTS.iter().filter(|text| text.id == id);
        if version == 0 {
            return named.max_by_key(|text| text.version);
        }
        named.find(|text| text.version == version)
    }

    /// Whether they are the words that count now.
    pub fn is_current(&self) -> bool {
        Self::find(self.id, 0).is_some_and(|current| current.version == self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_version_is_one_file_and_every_file_is_a_version() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/consents/en");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let named: BTreeSet<String> =
            TEXTS.iter().map(|text| format!("{}.v{}.md", text.id, text.version)).collect();
        assert_eq!(files, named);
        assert_eq!(named.len(), TEXTS.len());
    }

    #[test]
    fn all_versions_of_a_name_are_about_the_same() {
        for text in &TEXTS {
            assert!(!text.words.trim().is_empty());
            let current = ConsentText::find(text.id, 0).unwrap();
            assert_eq!((current.to, current.scope, current.of_item), (text.to, text.scope, text.of_item));
            assert_eq!(ConsentText::of(text.to, text.scope, text.of_item), Some(current));
            assert_eq!(ConsentText::find(text.id, text.version), Some(text));
            assert_eq!(text.is_current(), text.version == current.version);
        }
        for nothing in [("entries-to-counselor", 99), ("entries-to-counselor", -1), ("", 0)] {
            assert_eq!(ConsentText::find(nothing.0, nothing.1), None);
        }
    }
}
