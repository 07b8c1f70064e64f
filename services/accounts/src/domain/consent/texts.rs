//! The words that somebody agrees to who opens something. They are files, one for each version and language (`consents/`),
//! because a consent remembers which of them was read.

use crate::domain::{Relation, Scope, in_language};

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
    /// The words by language, in Markdown. Each says the same.
    words: &'static [(&'static str, &'static str)],
}

/// A version in every language that it is in.
macro_rules! in_languages {
    ($file:literal: $($locale:literal),+) => {
        &[$(($locale, include_str!(concat!("../../../consents/", $locale, "/", $file)))),+]
    };
}

/// Every version of all of them, of each kind the oldest first.
static TEXTS: [ConsentText; 10] = [
    ConsentText {
        id: "entries-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::Entries,
        of_item: false,
        words: in_languages!("entries-to-counselor.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "moods-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::Moods,
        of_item: false,
        words: in_languages!("moods-to-counselor.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "self-checks-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::SelfChecks,
        of_item: false,
        words: in_languages!("self-checks-to-counselor.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "entry-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::Entries,
        of_item: true,
        words: in_languages!("entry-to-counselor.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "self-check-to-counselor",
        version: 1,
        to: Relation::Counselor,
        scope: Scope::SelfChecks,
        of_item: true,
        words: in_languages!("self-check-to-counselor.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "entries-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::Entries,
        of_item: false,
        words: in_languages!("entries-to-software.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "moods-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::Moods,
        of_item: false,
        words: in_languages!("moods-to-software.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "self-checks-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::SelfChecks,
        of_item: false,
        words: in_languages!("self-checks-to-software.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "entry-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::Entries,
        of_item: true,
        words: in_languages!("entry-to-software.v1.md": "en", "de", "es"),
    },
    ConsentText {
        id: "self-check-to-software",
        version: 1,
        to: Relation::Software,
        scope: Scope::SelfChecks,
        of_item: true,
        words: in_languages!("self-check-to-software.v1.md": "en", "de", "es"),
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

    /// The words in the language that fits a tag best, and which that is.
    pub fn words(&self, tag: &str) -> (&'static str, &'static str) {
        in_language(tag, self.words.iter().copied()).unwrap_or_default()
    }

    /// The languages there are.
    pub fn locales(&self) -> impl Iterator<Item = &'static str> {
        self.words.iter().map(|(locale, _)| *locale)
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
    use std::path::Path;

    #[test]
    fn each_version_is_one_file_in_each_language_and_every_file_is_a_version() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("consents");
        let names = |folder: &Path| -> BTreeSet<String> {
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
            files.map(|name| name.into_string().unwrap()).collect()
        };
        let mut languages = names(&folder);
        assert!(languages.remove("README.md"));
        let files: BTreeSet<String> = languages
            .iter()
            .flat_map(|language| {
                let files = names(&folder.join(language));
                files.into_iter().map(move |file| format!("{language}/{file}"))
            })
            .collect();
        let named = |text: &ConsentText| {
            let file = format!("{}.v{}.md", text.id, text.version);
            text.locales().map(move |locale| format!("{locale}/{file}")).collect::<Vec<_>>()
        };
        let named: Vec<_> = TEXTS.iter().flat_map(named).collect();
        assert_eq!(files, named.iter().cloned().collect());
        assert_eq!(files.len(), named.len());
    }

    #[test]
    fn every_language_of_a_version_says_as_much_in_words_of_its_own() {
        for text in &TEXTS {
            assert_eq!(text.locales().collect::<Vec<_>>(), ["en", "de", "es"], "{}", text.id);
            let points = |words: &str| words.lines().filter(|line| line.starts_with("- ")).count();
            let stressed = |words: &str| words.matches("**").count();
            let (_, english) = text.words("en");
            for locale in ["de", "es"] {
                let (found, words) = text.words(locale);
                assert!(found == locale && words != english, "{}: {locale}", text.id);
                assert_eq!(points(words), points(english), "{}: {locale}", text.id);
                assert_eq!(stressed(words), stressed(english), "{}: {locale}", text.id);
            }
        }
    }

    #[test]
    fn words_come_in_the_language_that_fits_best_and_in_english_last() {
        let text = ConsentText::find("entries-to-counselor", 1).unwrap();
        for (tag, locale, says) in [
            ("de-AT", "de", "mein ganzes Tagebuch"),
            ("ES-mx", "es", "todo mi diario"),
            ("en-GB", "en", "my whole journal"),
            ("fr", "en", "my whole journal"),
            ("", "en", "my whole journal"),
        ] {
            let (found, words) = text.words(tag);
            assert!(found == locale && words.contains(says), "{tag}: {words}");
        }
    }

    #[test]
    fn all_versions_of_a_name_are_about_the_same() {
        for text in &TEXTS {
            assert!(text.words.iter().all(|(_, words)| !words.trim().is_empty()));
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
