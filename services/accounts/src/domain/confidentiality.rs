//! Care of a couple: how it stands, and what of what is said to the counselor stays between whom.

use super::Invalid;

/// How care of a couple stands, while it is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoupleCareState {
    /// One partner proposed it.
    Proposed,
    /// Both agreed, and the counselor is asked.
    Asked,
    /// The counselor accepted.
    Active,
}

impl CoupleCareState {
    /// Every state, in the order of the numbers of `candor.accounts.v1.CoupleCareState`, beginning with 1.
    pub const ALL: [Self; 3] = [Self::Proposed, Self::Asked, Self::Active];

    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Asked => "asked",
            Self::Active => "active",
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

/// How confidentiality is in care of a couple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidentiality {
    /// The counselor keeps nothing from either that matters to both.
    NoSecrets,
    /// The counselor may keep something for a while, and works towards it being said.
    Limited,
    /// What one says alone stays with the counselor.
    Separate,
}

impl Confidentiality {
    /// Every one, in the order of the numbers of `candor.accounts.v1.ConfidentialityPolicy`, beginning with 1.
    pub const ALL: [Self; 3] = [Self::NoSecrets, Self::Limited, Self::Separate];

    /// The one of a number of the proto.
    ///
    /// # Errors
    /// A number that is none.
    pub fn parse(number: i32) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|known| known.number() == number);
        known.ok_or(Invalid { field: "policy", description: "is not one of the three there are" })
    }

    /// The name in the table, and in the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSecrets => "no_secrets",
            Self::Limited => "limited",
            Self::Separate => "separate",
        }
    }

    /// Takes one back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_taken_back_from_the_table_and_the_wire() {
        for state in CoupleCareState::ALL {
            assert_eq!(CoupleCareState::stored(state.as_str()), Some(state));
        }
        assert_eq!(CoupleCareState::stored("ended"), None);
        for policy in Confidentiality::ALL {
            assert_eq!(Confidentiality::stored(policy.as_str()), Some(policy));
            assert_eq!(Confidentiality::parse(policy.number()), Ok(policy));
        }
        for odd in [0, 4, -1] {
            assert_eq!(Confidentiality::parse(odd).err().map(|invalid| invalid.field), Some("policy"));
        }
    }
}
