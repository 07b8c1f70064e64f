//! What members read of a counselor, and what an operator writes to one.

use crate::domain::{Invalid, Name};
use zeroize::Zeroizing;

/// How many specialties there are: the numbers of `candor.accounts.v1.CounselorSpecialty`, beginning with 1.
pub const SPECIALTIES: i32 = 14;
const MOST_SPECIALTIES: usize = 8;
const MOST_LANGUAGES: usize = 10;

/// A language, by its code of two or three letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(String);

impl Language {
    /// Reads a code, whatever its case.
    ///
    /// # Errors
    /// What does not look like one.
    pub fn parse_as(field: &'static str, typed: &str) -> Result<Self, Invalid> {
        let code = typed.trim().to_ascii_lowercase();
        if matches!(code.len(), 2 | 3) && code.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Ok(Self(code));
        }
        Err(Invalid { field, description: "is not a code of two or three letters such as en" })
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a counselor works with, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specialty(i32);

impl Specialty {
    /// Reads a number.
    ///
    /// # Errors
    /// One that there is not.
    pub fn parse_as(field: &'static str, number: i32) -> Result<Self, Invalid> {
        if (1..=SPECIALTIES).contains(&number) {
            return Ok(Self(number));
        }
        Err(Invalid { field, description: "holds one that is not known" })
    }

    /// The number.
    pub fn number(self) -> i32 {
        self.0
    }
}

/// Several lines of text that say something.
fn paragraph(field: &'static str, typed: &str, most: usize) -> Result<Zeroizing<String>, Invalid> {
    let invalid = |description| Invalid { field, description };
    let text = Zeroizing::new(typed.trim().replace("\r\n", "\n"));
    if text.is_empty() {
        return Err(invalid("must not be blank"));
    }
    if text.chars().count() > most {
        return Err(invalid("is too long"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(invalid("holds a control character"));
    }
    Ok(text)
}

/// What members read of a counselor.
pub struct Profile {
    /// The name.
    pub name: Name,
    /// The languages they work in, each once.
    pub languages: Vec<Language>,
    /// What they work with most, each once.
    pub specialties: Vec<Specialty>,
    /// How they work.
    pub approach: Zeroizing<String>,
    /// Whether they take on new people.
    pub accepts_clients: bool,
}

impl Profile {
    /// Reads what somebody says of themself.
    ///
    /// # Errors
    /// The first part that breaks its rule.
    pub fn parse(
        name: &str,
        languages: &[String],
        specialties: &[i32],
        approach: &str,
        accepts_clients: bool,
    ) -> Result<Self, Invalid> {
        let mut spoken: Vec<Language> = Vec::new();
        for code in languages {
            let language = Language::parse_as("languages", code)?;
            if !spoken.contains(&language) {
                spoken.push(language);
            }
        }
        let specialties = specialties.iter().map(|number| Specialty::parse_as("specialties", *number));
        let mut specialties = specialties.collect::<Result<Vec<_>, _>>()?;
        specialties.sort_unstable();
        specialties.dedup();
        let count = |field, count: usize, most: usize| match count {
            0 => Err(Invalid { field, description: "must not be empty" }),
            count if count > most => Err(Invalid { field, description: "holds too many" }),
            _ => Ok(()),
        };
        count("languages", spoken.len(), MOST_LANGUAGES)?;
        count("specialties", specialties.len(), MOST_SPECIALTIES)?;
        Ok(Self {
            name: Name::parse_as("name", name)?,
            languages: spoken,
            specialties,
            approach: paragraph("approach", approach, 2000)?,
            accepts_clients,
        })
    }
}

/// Why an operator refused or suspended somebody.
pub struct DecisionReason(Zeroizing<String>);

impl DecisionReason {
    /// Reads a reason.
    ///
    /// # Errors
    /// One that says nothing, is too long, or holds a control character.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        paragraph("reason", typed, 500).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(languages: &[&str], specialties: &[i32], approach: &str) -> Result<Profile, Invalid> {
        let languages: Vec<String> = languages.iter().map(ToString::to_string).collect();
        Profile::parse("Dr. Ada", &languages, specialties, approach, true)
    }

    #[test]
    fn a_profile_says_each_thing_once() {
        let said = profile(&["EN", "de", "en"], &[3, 1, 3], " Slowly.\r\nGently. ").unwrap();
        assert_eq!(said.languages.iter().map(Language::as_str).collect::<Vec<_>>(), ["en", "de"]);
        assert_eq!(said.specialties.iter().map(|one| one.number()).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(*said.approach, "Slowly.\nGently.");
    }

    #[test]
    fn what_is_not_said_or_not_known_is_refused() {
        let field = |said: Result<Profile, Invalid>| said.err().unwrap().field;
        assert_eq!(field(profile(&[], &[1], "x")), "languages");
        assert_eq!(field(profile(&["en-GB"], &[1], "x")), "languages");
        assert_eq!(field(profile(&["en"], &[], "x")), "specialties");
        assert_eq!(field(profile(&["en"], &[0], "x")), "specialties");
        assert_eq!(field(profile(&["en"], &[SPECIALTIES + 1], "x")), "specialties");
        assert_eq!(field(profile(&["en"], &[1, 2, 3, 4, 5, 6, 7, 8, 9], "x")), "specialties");
        for odd in [" ", "a\u{0}", &"a".repeat(2001)] {
            assert_eq!(field(profile(&["en"], &[1], odd)), "approach");
        }
        assert!(DecisionReason::parse("\n").is_err());
    }
}
