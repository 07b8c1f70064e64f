//! Reports: why, of what, what is attached to them, and how long they are kept. Of an invitation only some are kept, because
//! whoever has the code can report it, also whoever made it; so one report must never take the place of a stronger one.

use super::Invalid;
use jiff::SignedDuration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Reports that are kept of one invitation.
pub const MOST_REPORTS: usize = 5;

/// A report is kept for so long after it was decided, so that an appeal can be looked at.
pub const REPORTS_KEPT: SignedDuration = SignedDuration::from_hours(180 * 24);
/// A report that nobody decided is kept for so long.
pub const UNDECIDED_KEPT: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Why something is reported, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportReason {
    /// Something else.
    Other,
    /// The person does not know whoever invites.
    UnknownPerson,
    /// Somebody here is not 18.
    UnderAge,
    /// Somebody pretends to be another, or a professional.
    Pretence,
    /// A counselor does not act as a professional has to.
    Conduct,
    /// What was private was passed on.
    Privacy,
    /// It insults, or does not let them be.
    Harassment,
    /// It is pressed on them.
    Pressure,
    /// It threatens, or they are afraid.
    Threat,
}

impl ReportReason {
    /// Every reason there is.
    pub const ALL: [Self; 9] = [
        Self::Other,
        Self::UnknownPerson,
        Self::UnderAge,
        Self::Pretence,
        Self::Conduct,
        Self::Privacy,
        Self::Harassment,
        Self::Pressure,
        Self::Threat,
    ];

    /// Its number, that of `candor.accounts.v1.ReportReason`.
    pub fn number(self) -> i32 {
        match self {
            Self::UnknownPerson => 1,
            Self::Pressure => 2,
            Self::Threat => 3,
            Self::Other => 4,
            Self::Harassment => 5,
            Self::Privacy => 6,
            Self::Pretence => 7,
            Self::Conduct => 8,
            Self::UnderAge => 9,
        }
    }

    /// The reason of a number.
    pub fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// An invitation.
    Invitation,
    /// A person.
    Person,
    /// One thing that was opened to whoever reports.
    Item,
}

impl ReportKind {
    /// Every kind, in the order of the numbers of `candor.accounts.v1.ReportKind`, beginning with 1.
    pub const ALL: [Self; 3] = [Self::Invitation, Self::Person, Self::Item];

    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Person => "person",
            Self::Item => "item",
        }
    }

    /// Takes a kind back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What somebody is to whoever reports or blocks them, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquaintance {
    /// Their partner.
    Partner,
    /// Somebody of a circle.
    Circle,
    /// A counselor.
    Counselor,
    /// Somebody in their care.
    Client,
}

impl Acquaintance {
    /// Each, in the order of the numbers of `candor.accounts.v1.ReportRelation`, beginning with 1.
    pub const ALL: [Self; 4] = [Self::Partner, Self::Circle, Self::Counselor, Self::Client];

    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Circle => "circle",
            Self::Counselor => "counselor",
            Self::Client => "client",
        }
    }

    /// Takes one back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing followed.
    Dismissed,
    /// The account was suspended.
    Suspended,
}

impl Outcome {
    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dismissed => "dismissed",
            Self::Suspended => "suspended",
        }
    }

    /// Takes an outcome back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        [Self::Dismissed, Self::Suspended].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Words for the people who run this place: a note, evidence, an appeal.
pub struct Testimony(Zeroizing<String>);

impl Testimony {
    /// Reads what was written, blanks around it aside; `None` when nothing was.
    ///
    /// # Errors
    /// When it holds a control character other than the end of a line.
    pub fn parse(field: &'static str, typed: &str) -> Result<Option<Self>, Invalid> {
        let words = Zeroizing::new(typed.trim().replace("\r\n", "\n"));
        if words.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(Invalid { field, description: "holds a control character" });
        }
        Ok(Some(Self(words)).filter(|words| !words.0.is_empty()))
    }

    /// What is sealed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A report that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptReport {
    /// Its id.
    pub report_id: Uuid,
    /// Its reason.
    pub reason: ReportReason,
}

/// Where one more report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is room.
    Free,
    /// In the place of this one.
    InPlaceOf(Uuid),
    /// Nowhere: whatever is kept is stronger.
    None,
}

/// Where a report goes beside those that are kept, the oldest first. When they are full the newest of the weakest makes
/// room, unless it is stronger: what came first stays, and among equals the last is heard as well.
pub fn room(kept: &[KeptReport], new: ReportReason) -> Room {
    if kept.len() < MOST_REPORTS {
        return Room::Free;
    }
    match kept.iter().rev().min_by_key(|kept| kept.reason) {
        Some(weakest) if weakest.reason <= new => Room::InPlaceOf(weakest.report_id),
        _ => Room::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is kept after all of them, the oldest first.
    fn after(reasons: &[ReportReason]) -> Vec<KeptReport> {
        let mut kept: Vec<KeptReport> = Vec::new();
        for (at, reason) in reasons.iter().enumerate() {
            match room(&kept, *reason) {
                Room::Free => {}
                Room::InPlaceOf(gone) => kept.retain(|one| one.report_id != gone),
                Room::None => continue,
            }
            kept.push(KeptReport { report_id: Uuid::from_u128(at as u128), reason: *reason });
        }
        kept
    }

    #[test]
    fn among_equals_the_first_four_stay_and_the_last_is_heard() {
        let kept: Vec<_> =
            after(&[ReportReason::Threat; 9]).iter().map(|one| one.report_id.as_u128()).collect();
        assert_eq!(kept, [0, 1, 2, 3, 8]);
    }

    #[test]
    fn what_is_stored_is_taken_back() {
        for kind in ReportKind::ALL {
            assert_eq!(ReportKind::stored(kind.as_str()), Some(kind));
        }
        for one in Acquaintance::ALL {
            assert_eq!(Acquaintance::stored(one.as_str()), Some(one));
        }
        for outcome in [Outcome::Dismissed, Outcome::Suspended] {
            assert_eq!(Outcome::stored(outcome.as_str()), Some(outcome));
        }
        assert_eq!(ReportKind::stored("nonsense"), None);
    }

    #[test]
    fn words_are_said_or_not() {
        assert!(Testimony::parse("note", " \r\n ").unwrap().is_none());
        assert_eq!(Testimony::parse("note", " a\r\nb ").unwrap().unwrap().as_bytes(), b"a\nb");
        assert!(Testimony::parse("note", "a\u{7}").is_err());
    }

    proptest! {
        #[test]
        fn the_strongest_are_kept_whatever_the_order(
            reasons in prop::collection::vec(prop::sample::select(&ReportReason::ALL[..]), 0..30),
        ) {
            let mut kept: Vec<_> = after(&reasons).iter().map(|one| one.reason).collect();
            let mut strongest = reasons;
            strongest.sort_unstable();
            strongest.reverse();
            strongest.truncate(MOST_REPORTS);
            kept.sort_unstable();
            kept.reverse();
            prop_assert_eq!(kept, strongest);
        }
    }
}
