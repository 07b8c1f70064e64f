//! What somebody wants to be called by one other person.

use super::Invalid;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The most characters.
const MOST: usize = 80;

/// A name of 1 to 80 characters, on one line, without blanks around it.
pub struct Name(Zeroizing<String>);

impl Name {
    /// Reads the name somebody chose for themself.
    ///
    /// # Errors
    /// As [`Name::parse_as`].
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        Self::parse_as("own_name", typed)
    }

    /// Reads the name in a field of that name.
    ///
    /// # Errors
    /// When nothing of it can be seen, it is too long, or it holds characters that turn text around or control
    /// something.
    pub fn parse_as(field: &'static str, typed: &str) -> Result<Self, Invalid> {
        let invalid = |description| Invalid { field, description };
        let name: Zeroizing<String> = Zeroizing::new(typed.trim_matches(is_blank).nfc().collect());
        if name.is_empty() {
            return Err(invalid("must not be blank"));
        }
        if name.chars().count() > MOST {
            return Err(invalid("must have at most 80 characters"));
        }
        if name.chars().any(|c| c.is_control() || turns_around(c)) {
            return Err(invalid("holds a character that cannot be shown"));
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is sealed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Blanks, and characters that are as good as blank when they stand at the edge.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{2800}' | '\u{3164}')
}

/// Separators of lines and what overrides the direction of writing: a name must not rearrange the page around it.
pub(super) fn turns_around(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_says_something() {
        assert_eq!(Name::parse("  An na\u{a0}").unwrap().as_str(), "An na");
        assert_eq!(Name::parse("\u{645}\u{646}\u{649}").unwrap().as_str(), "\u{645}\u{646}\u{649}");
        for blank in ["", "   ", "\u{a0}\u{3000}", "\u{200b}\u{2060}", "\u{3164}", "\n"] {
            assert!(Name::parse(blank).is_err(), "{blank:?}");
        }
    }

    #[test]
    fn length_counts_characters() {
        assert!(Name::parse(&"\u{1f33f}".repeat(80)).is_ok());
        assert!(Name::parse(&"a".repeat(81)).is_err());
    }

    #[test]
    fn what_rearranges_the_page_is_refused() {
        for odd in ["a\nb", "a\u{0}b", "a\u{202e}b", "a\u{2066}b", "a\u{2028}b", "a\u{7f}b"] {
            assert!(Name::parse(odd).is_err(), "{odd:?}");
        }
    }
}
