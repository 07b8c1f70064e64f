//! What a counselor says of themself, how they stand, and when a licence counts.

mod licence;
mod profile;

pub use licence::{Jurisdiction, LastDay, Licence, MOST_LICENCES};
pub use profile::{DecisionReason, Language, Profile, SPECIALTIES, Specialty};

/// How somebody stands who applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was decided yet.
    Applied,
    /// They are a counselor.
    Verified,
    /// They were refused.
    Refused,
    /// They were a counselor, and are none for now.
    Suspended,
}

impl Standing {
    /// Every standing, in the order of the numbers of `candor.accounts.v1.CounselorStanding`, beginning with 1.
    pub const ALL: [Self; 4] = [Self::Applied, Self::Verified, Self::Refused, Self::Suspended];

    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Verified => "verified",
            Self::Refused => "refused",
            Self::Suspended => "suspended",
        }
    }

    /// Takes a standing back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == text)
    }

    /// The number of the proto.
    pub fn number(self) -> i32 {
        Self::ALL
            .iter()
            .position(|known| *known == self)
            .and_then(|at| i32::try_from(at + 1).ok())
            .unwrap_or(0)
    }

    /// How somebody stands once they submitted something: a counselor stays one, all others apply.
    pub fn submitted(self) -> Self {
        match self {
            Self::Verified | Self::Suspended => self,
            Self::Applied | Self::Refused => Self::Applied,
        }
    }

    /// How somebody stands once what they submitted was refused: whoever is a counselor stays one on what was checked
    /// before.
    pub fn refused(self) -> Self {
        match self {
            Self::Verified | Self::Suspended => self,
            Self::Applied | Self::Refused => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_becomes_a_counselor_by_what_they_submit_or_by_a_refusal() {
        for standing in Standing::ALL {
            assert_eq!(Standing::stored(standing.as_str()), Some(standing));
            for next in [standing.submitted(), standing.refused()] {
                assert_eq!(next == Standing::Verified, standing == Standing::Verified, "{standing:?}");
            }
        }
        assert_eq!(Standing::Suspended.submitted(), Standing::Suspended);
        assert_eq!(Standing::Refused.submitted(), Standing::Applied);
        assert_eq!(Standing::stored("nonsense"), None);
    }
}
