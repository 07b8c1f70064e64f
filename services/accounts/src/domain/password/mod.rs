//! Passwords before they are hashed.

mod dates;
mod judge;

pub use judge::{Personal, Weakness, judge};

use super::Invalid;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The fewest characters of a password that is the only factor (NIST SP 800-63B-4).
const FEWEST_ALONE: usize = 15;
/// The fewest characters of a password beside a second factor.
const FEWEST_BESIDE: usize = 8;
/// The most characters; beyond it nobody types by hand and hashing would be work for nothing.
const MOST: usize = 256;

/// A password, in the one form (NFKC) that every keyboard's spelling of it shares.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Reads a new password that is the only factor: 15 to 256 characters of any script. What is wrong with it is said of
    /// the given field.
    ///
    /// # Errors
    /// Too short or too long.
    pub fn choose(field: &'static str, typed: &str) -> Result<Self, Invalid> {
        let password = Self::choose_beside(field, typed)?;
        password.must_stand_alone(field)?;
        Ok(password)
    }

    /// Reads a new password that may stand beside a second factor: 8 to 256 characters.
    ///
    /// # Errors
    /// Too short or too long.
    pub fn choose_beside(field: &'static str, typed: &str) -> Result<Self, Invalid> {
        if typed.chars().count() < FEWEST_BESIDE {
            return Err(Invalid { field, description: "must have at least 8 characters" });
        }
        Self::offer(typed).map_err(|invalid| Invalid { field, ..invalid })
    }

    /// Refuses a password that is too short to be the only factor.
    ///
    /// # Errors
    /// Too short.
    pub fn must_stand_alone(&self, field: &'static str) -> Result<(), Invalid> {
        if self.stands_alone() {
            Ok(())
        } else {
            Err(Invalid { field, description: "must have at least 15 characters" })
        }
    }

    /// Whether it is long enough to be the only factor.
    pub fn stands_alone(&self) -> bool {
        self.0.chars().count() >= FEWEST_ALONE
    }

    /// Reads a password somebody signs in with. Its length says nothing about it but that it can be hashed.
    ///
    /// # Errors
    /// Empty or too long.
    pub fn offer(typed: &str) -> Result<Self, Invalid> {
        match typed.chars().count() {
            0 => Err(Invalid { field: "password", description: "is required" }),
            count if count > MOST => {
                Err(Invalid { field: "password", description: "must have at most 256 characters" })
            }
            _ => Ok(Self(Zeroizing::new(typed.nfkc().collect()))),
        }
    }

    fn text(&self) -> &str {
        &self.0
    }

    /// What is hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters_not_bytes() {
        assert!(Password::choose("password", "\u{1f33f}\u{1f33f}\u{1f33f}\u{1f33f}").is_err());
        assert!(Password::choose("password", &"\u{1f33f}".repeat(15)).is_ok());
        assert!(Password::choose("password", &"a".repeat(256)).is_ok());
        assert!(Password::choose("password", &"a".repeat(257)).is_err());
        assert!(Password::offer("short").is_ok());
        let eight = Password::choose_beside("password", "\u{1f33f}\u{1f33f} a b c").unwrap();
        assert!(!eight.stands_alone() && Password::choose_beside("password", "1234567").is_err());
    }

    #[test]
    fn spellings_of_one_password_are_one() {
        let composed = Password::choose("password", "gr\u{fc}ner tee am morgen").unwrap();
        let decomposed = Password::choose("password", "gru\u{308}ner tee am morgen").unwrap();
        assert_eq!(composed.as_bytes(), decomposed.as_bytes());
    }
}
