//! Passwords before they are hashed.

use super::Invalid;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The fewest characters of a new password while it is the only factor (NIST SP 800-63B-4).
const FEWEST: usize = 15;
/// The most characters; beyond it nobody types by hand and hashing would be work for nothing.
const MOST: usize = 256;

/// A password, in the one form (NFKC) that every keyboard's spelling of it shares.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Reads a new password: 15 to 256 characters of any script.
    ///
    /// # Errors
    /// Too short or too long.
    pub fn choose(typed: &str) -> Result<Self, Invalid> {
        match typed.chars().count() {
            count if count < FEWEST => {
                Err(Invalid { field: "password", description: "must have at least 15 characters" })
            }
            _ => Self::offer(typed),
        }
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
        assert!(Password::choose("\u{1f33f}\u{1f33f}\u{1f33f}\u{1f33f}").is_err());
        assert!(Password::choose(&"\u{1f33f}".repeat(15)).is_ok());
        assert!(Password::choose(&"a".repeat(256)).is_ok());
        assert!(Password::choose(&"a".repeat(257)).is_err());
        assert!(Password::offer("short").is_ok());
    }

    #[test]
    fn spellings_of_one_password_are_one() {
        let composed = Password::choose("gr\u{fc}ner tee am morgen").unwrap();
        let decomposed = Password::choose("gru\u{308}ner tee am morgen").unwrap();
        assert_eq!(composed.as_bytes(), decomposed.as_bytes());
    }
}
