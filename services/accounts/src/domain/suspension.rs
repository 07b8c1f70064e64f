//! Suspending an account: why, for how long, and objecting to it.

use super::Pace;
use jiff::{SignedDuration, Timestamp};

/// Reports by one account: ten a day.
pub const REPORT_PACE: Pace = Pace { burst: 10, interval: SignedDuration::from_secs(24 * 60 * 60 / 10) };

/// Why an account is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspensionReason {
    /// Somebody was threatened.
    Threat,
    /// Somebody was pressed or harassed.
    Harassment,
    /// What was private was passed on.
    Privacy,
    /// It pretended to be somebody, or a professional, that it is not.
    Pretence,
    /// Whoever has it is not 18.
    UnderAge,
    /// Something else that the rules of this place do not allow.
    Other,
}

impl SuspensionReason {
    /// Every reason, in the order of the numbers of `candor.accounts.v1.SuspensionReason`, beginning with 1.
    pub const ALL: [Self; 6] =
        [Self::Threat, Self::Harassment, Self::Privacy, Self::Pretence, Self::UnderAge, Self::Other];

    /// The name in the table and in the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Threat => "threat",
            Self::Harassment => "harassment",
            Self::Privacy => "privacy",
            Self::Pretence => "pretence",
            Self::UnderAge => "under_age",
            Self::Other => "other",
        }
    }

    /// Takes a reason back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// The reason of a number.
    pub fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
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

/// When a suspension that begins now ends by itself; none for until it is lifted.
pub fn suspended_until(days: i32, now: Timestamp) -> Option<Timestamp> {
    (days > 0).then(|| now + SignedDuration::from_hours(24 * i64::from(days)))
}

/// How an appeal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appeal {
    /// There is none.
    None,
    /// It waits.
    Waiting,
    /// It was granted, or the suspension was lifted while it waited.
    Granted,
    /// It was not.
    Refused,
}

impl Appeal {
    /// How it stands by what is kept of it.
    pub fn of(made: bool, decided: Option<bool>) -> Self {
        match (made, decided) {
            (false, _) => Self::None,
            (true, None) => Self::Waiting,
            (true, Some(true)) => Self::Granted,
            (true, Some(false)) => Self::Refused,
        }
    }

    /// The number of the proto.
    pub fn number(self) -> i32 {
        match self {
            Self::None => 0,
            Self::Waiting => 1,
            Self::Granted => 2,
            Self::Refused => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspension_ends_by_itself_or_stays() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(suspended_until(0, now), None);
        assert_eq!(suspended_until(2, now), Some(now + SignedDuration::from_hours(48)));
        for reason in SuspensionReason::ALL {
            assert_eq!(SuspensionReason::stored(reason.as_str()), Some(reason));
            assert_eq!(SuspensionReason::of(reason.number()), Some(reason));
        }
        assert_eq!(SuspensionReason::of(0), None);
    }
}
