//! How care of a member by a counselor stands, and what a member says with a request.

use super::Invalid;
use zeroize::Zeroizing;

/// How care stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CareState {
    /// The member asked.
    Asked,
    /// The counselor accepted.
    Active,
    /// The counselor declined.
    Declined,
    /// Nobody answered in time.
    Expired,
    /// It is over, or was taken back.
    Ended,
}

impl CareState {
    /// Every state, in the order of the numbers of `candor.accounts.v1.CareState`, beginning with 1.
    pub const ALL: [Self; 5] = [Self::Asked, Self::Active, Self::Declined, Self::Expired, Self::Ended];

    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Active => "active",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Ended => "ended",
        }
    }

    /// Takes a state back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The number of the proto.
    pub fn number(self) -> i32 {
        Self::ALL
            .iter()
            .position(|known| *known == self)
            .and_then(|at| i32::try_from(at + 1).ok())
            .unwrap_or(0)
    }
}

/// What a member says with a request.
pub struct CareNote(Zeroizing<String>);

impl CareNote {
    const MOST: usize = 1000;

    /// Reads a note; `None` when nothing is said.
    ///
    /// # Errors
    /// When it is too long, or holds a control character other than the end of a line.
    pub fn parse(typed: &str) -> Result<Option<Self>, Invalid> {
        let invalid = |description| Invalid { field: "note", description };
        let note = Zeroizing::new(typed.trim().replace("\r\n", "\n"));
        if note.chars().count() > Self::MOST {
            return Err(invalid("must have at most 1000 characters"));
        }
        if note.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(invalid("holds a control character"));
        }
        Ok(Some(Self(note)).filter(|note| !note.0.is_empty()))
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
    fn a_note_is_said_or_not_and_states_are_taken_back() {
        assert!(CareNote::parse(" \r\n ").unwrap().is_none());
        assert_eq!(CareNote::parse(" We talk\r\nless. ").unwrap().unwrap().as_bytes(), b"We talk\nless.");
        for odd in ["a\u{0}", &"a".repeat(1001)] {
            assert!(CareNote::parse(odd).is_err());
        }
        for state in CareState::ALL {
            assert_eq!(CareState::stored(state.as_str()), Some(state));
        }
    }
}
