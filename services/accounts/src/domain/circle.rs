//! The circle of trust: why somebody is in it.

use super::Invalid;
use zeroize::Zeroizing;

/// The most characters.
const MOST: usize = 2000;

/// Why somebody trusts a person, in their own words. For their eyes alone.
pub struct TrustReason(Zeroizing<String>);

impl TrustReason {
    /// Reads a reason; `None` when nothing is said.
    ///
    /// # Errors
    /// When it is too long, or holds a control character other than the end of a line.
    pub fn parse(typed: &str) -> Result<Option<Self>, Invalid> {
        let invalid = |description| Invalid { field: "reason", description };
        let reason = Zeroizing::new(typed.trim().replace("\r\n", "\n"));
        if reason.chars().count() > MOST {
            return Err(invalid("must have at most 2000 characters"));
        }
        if reason.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(invalid("holds a control character"));
        }
        Ok(Some(Self(reason)).filter(|reason| !reason.0.is_empty()))
    }

    /// What is sealed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_or_not() {
        assert!(TrustReason::parse(" \n ").unwrap().is_none());
        let reason = TrustReason::parse("  She listens.\r\nAlways. ").unwrap().unwrap();
        assert_eq!(reason.as_bytes(), b"She listens.\nAlways.");
        assert!(TrustReason::parse(&"\u{1f33f}".repeat(2000)).is_ok());
        for odd in ["a\u{0}b", "a\u{1b}b", &"a".repeat(2001)] {
            assert!(TrustReason::parse(odd).is_err());
        }
    }
}
