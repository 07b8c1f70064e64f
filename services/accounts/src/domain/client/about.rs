//! What is said of a client, for the people who decide whether it may read.

use crate::domain::{
    Invalid,
    name::{is_blank, turns_around},
};
use unicode_normalization::UnicodeNormalization;

/// Its name, what it reads for, and whom to ask about it: a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The name.
    pub name: String,
    /// What it reads for.
    pub purpose: String,
    /// How whoever answers for it is reached.
    pub contact: String,
}

impl About {
    /// Reads the three.
    ///
    /// # Errors
    /// The first that is blank, too long, or holds a character that cannot be shown.
    pub fn parse(name: &str, purpose: &str, contact: &str) -> Result<Self, Invalid> {
        Ok(Self {
            name: line("name", name, 80)?,
            purpose: line("purpose", purpose, 300)?,
            contact: line("contact", contact, 200)?,
        })
    }
}

/// A line of text that says something.
///
/// # Errors
/// One that is blank, too long, or holds a character that cannot be shown.
pub(in crate::domain) fn line(field: &'static str, typed: &str, most: usize) -> Result<String, Invalid> {
    let invalid = |description| Invalid { field, description };
    let line: String = typed.trim_matches(is_blank).nfc().collect();
    if line.is_empty() {
        return Err(invalid("must not be blank"));
    }
    if line.chars().count() > most {
        return Err(invalid("is too long"));
    }
    if line.chars().any(|c| c.is_control() || turns_around(c)) {
        return Err(invalid("holds a character that cannot be shown"));
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_line_that_says_something() {
        let about = About::parse("  Praxis\u{a0}", "Progress notes", "it@clinic.example").unwrap();
        assert_eq!((about.name.as_str(), about.purpose.as_str()), ("Praxis", "Progress notes"));
        for (name, purpose, contact, field) in [
            ("", "p", "c", "name"),
            ("\u{200b}", "p", "c", "name"),
            ("n\u{202e}", "p", "c", "name"),
            (&"n".repeat(81), "p", "c", "name"),
            ("n", " ", "c", "purpose"),
            ("n", "two\nlines", "c", "purpose"),
            ("n", &"p".repeat(301), "c", "purpose"),
            ("n", "p", "", "contact"),
            ("n", "p", "c\u{0}", "contact"),
        ] {
            assert_eq!(About::parse(name, purpose, contact).unwrap_err().field, field);
        }
    }
}
