//! Reports of an invitation: which are kept when there are many. Whoever has the code can report it, also whoever made
//! it; so one report must never take the place of a stronger one.

use uuid::Uuid;

/// Reports that are kept of one invitation.
pub const MOST_REPORTS: usize = 5;

/// Why an invitation is reported, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportReason {
    /// Something else.
    Other,
    /// The person does not know whoever invites.
    UnknownPerson,
    /// It is pressed on them.
    Pressure,
    /// It threatens, or they are afraid.
    Threat,
}

impl ReportReason {
    /// Every reason there is.
    pub const ALL: [Self; 4] = [Self::Other, Self::UnknownPerson, Self::Pressure, Self::Threat];

    /// Its number, that of `candor.accounts.v1.ReportReason`.
    pub fn number(self) -> i32 {
        match self {
            Self::UnknownPerson => 1,
            Self::Pressure => 2,
            Self::Threat => 3,
            Self::Other => 4,
        }
    }

    /// The reason of a number.
    pub fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
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
