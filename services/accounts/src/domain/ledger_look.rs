//! Looking at somebody's ledger: one operator asks, another one agrees, and then there is an hour.

use super::{Invalid, Pace};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use zeroize::Zeroizing;

/// How long a request waits for another operator.
pub const ASK_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// How long a ledger can be read once another agreed.
pub const READ_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Requests of so long ago are listed; a look of support of so long ago can still be asked for.
pub const LOOKS_LISTED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Requests by one operator: ten a day.
pub const ASK_PACE: Pace = Pace { burst: 10, interval: SignedDuration::from_secs(24 * 60 * 60 / 10) };
/// Characters that say why, at most.
const MOST_CHARACTERS: usize = 500;

/// Why an operator looks at somebody's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerLookReason {
    /// Whoever it belongs to asked for it.
    AskedFor,
    /// Something that was opened may have been misused.
    Misuse,
    /// Somebody may be in danger.
    Safety,
    /// The law asks for it.
    Law,
}

impl LedgerLookReason {
    /// Every reason, in the order of the numbers of `candor.accounts.v1.LedgerLookReason`, beginning with 1.
    pub const ALL: [Self; 4] = [Self::AskedFor, Self::Misuse, Self::Safety, Self::Law];

    /// The name in the tables and in the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AskedFor => "asked_for",
            Self::Misuse => "misuse",
            Self::Safety => "safety",
            Self::Law => "law",
        }
    }

    /// Takes a reason back from a table.
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

/// What a request rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookCause {
    /// A report about whose ledger it is.
    Report(Uuid),
    /// A look of support, with a code of theirs.
    Support(Uuid),
}

impl LookCause {
    /// Reads which of the two it is.
    ///
    /// # Errors
    /// When it is both or neither.
    pub fn parse(report_id: Option<Uuid>, look_id: Option<Uuid>) -> Result<Self, Invalid> {
        match (report_id, look_id) {
            (Some(report_id), None) => Ok(Self::Report(report_id)),
            (None, Some(look_id)) => Ok(Self::Support(look_id)),
            _ => Err(Invalid { field: "report_id", description: "must be given, or look_id, and not both" }),
        }
    }

    /// The report, where it is one.
    pub fn report_id(self) -> Option<Uuid> {
        match self {
            Self::Report(id) => Some(id),
            Self::Support(_) => None,
        }
    }

    /// The look, where it is one.
    pub fn look_id(self) -> Option<Uuid> {
        match self {
            Self::Report(_) => None,
            Self::Support(id) => Some(id),
        }
    }
}

/// What the other operator has to know to decide.
pub struct LookNote(Zeroizing<String>);

impl LookNote {
    /// Reads it, blanks around it aside.
    ///
    /// # Errors
    /// One that says nothing, is too long, or holds a control character.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        let invalid = |description| Invalid { field: "note", description };
        let text = Zeroizing::new(typed.trim().replace("\r\n", "\n"));
        if text.is_empty() {
            return Err(invalid("must not be blank"));
        }
        if text.chars().count() > MOST_CHARACTERS {
            return Err(invalid("is too long"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(invalid("holds a control character"));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookState {
    /// It waits for another operator.
    Waiting,
    /// Another agreed: the ledger can be read.
    Open,
    /// Another did not agree.
    Declined,
    /// It was taken back.
    Withdrawn,
    /// Nobody answered in time.
    Unanswered,
    /// The hour is over.
    Over,
}

/// What is kept of a request's course.
#[derive(Debug, Clone, Copy)]
pub struct LookCourse {
    /// Until when it waits.
    pub expires_at: Timestamp,
    /// What another operator said.
    pub agreed: Option<bool>,
    /// Until when the ledger can be read.
    pub read_until: Option<Timestamp>,
    /// Whether it was taken back.
    pub withdrawn: bool,
}

impl LookState {
    /// Every state, in the order of the numbers of `candor.accounts.v1.LedgerLookState`, beginning with 1.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Open, Self::Declined, Self::Withdrawn, Self::Unanswered, Self::Over];

    /// How it stands at a moment.
    pub fn at(course: &LookCourse, now: Timestamp) -> Self {
        match course.agreed {
            Some(false) => Self::Declined,
            _ if course.withdrawn => Self::Withdrawn,
            None if course.expires_at > now => Self::Waiting,
            None => Self::Unanswered,
            Some(true) if course.read_until.is_some_and(|until| until > now) => Self::Open,
            Some(true) => Self::Over,
        }
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
    fn a_request_waits_is_open_for_its_hour_and_is_over() {
        let now = Timestamp::UNIX_EPOCH;
        let asked =
            LookCourse { expires_at: now + ASK_LIFE, agreed: None, read_until: None, withdrawn: false };
        assert_eq!(LookState::at(&asked, now), LookState::Waiting);
        assert_eq!(LookState::at(&asked, now + ASK_LIFE), LookState::Unanswered);
        let open = LookCourse { agreed: Some(true), read_until: Some(now + READ_FOR), ..asked };
        assert_eq!(LookState::at(&open, now + READ_FOR - SignedDuration::from_nanos(1)), LookState::Open);
        assert_eq!(LookState::at(&open, now + READ_FOR), LookState::Over);
        let declined = LookCourse { agreed: Some(false), ..asked };
        assert_eq!(LookState::at(&declined, now), LookState::Declined);
        for taken_back in [asked, open] {
            let taken_back = LookCourse { withdrawn: true, ..taken_back };
            assert_eq!(LookState::at(&taken_back, now), LookState::Withdrawn);
        }
    }

    #[test]
    fn a_request_rests_on_one_thing_and_says_why() {
        let id = Uuid::from_u128(7);
        assert_eq!(LookCause::parse(Some(id), None).unwrap(), LookCause::Report(id));
        assert_eq!(LookCause::parse(None, Some(id)).unwrap(), LookCause::Support(id));
        assert!(LookCause::parse(None, None).is_err() && LookCause::parse(Some(id), Some(id)).is_err());
        assert_eq!(LookNote::parse(" a\r\nb ").unwrap().as_str(), "a\nb");
        for other in ["", " \n ", "a\u{7}", &"a".repeat(501)] {
            assert!(LookNote::parse(other).is_err());
        }
        for reason in LedgerLookReason::ALL {
            assert_eq!(LedgerLookReason::stored(reason.as_str()), Some(reason));
            assert_eq!(LedgerLookReason::of(reason.number()), Some(reason));
        }
        assert_eq!(LedgerLookReason::of(0), None);
    }
}
