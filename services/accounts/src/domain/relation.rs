//! In which relation one person may read of another. What a relation opens, and what of it the owner learns, is
//! decided here and nowhere else.

use super::{Asking, Grant, InCare, Wanted};
use jiff::Timestamp;
use uuid::Uuid;

/// A relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The two are linked as a couple.
    Partner,
    /// One of them is a trusted person in the other's circle.
    TrustedPerson,
    /// The reader is the owner's counselor, and has a consent of theirs.
    Counselor,
    /// The reader is software, and has a consent of the owner's.
    Software,
}

/// A kind of data that one person can open to another. Its numbers are those of `candor.options.v1.Scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Single items that were shared by name.
    SharedItems,
    /// Answers of check-ins that opened.
    CheckIns,
    /// When a couple's check-ins are.
    CheckInSchedule,
    /// Answers to what the reader shared themself.
    ShareAnswers,
    /// Whole entries of a journal.
    Entries,
    /// Moods, and what the body showed.
    Moods,
    /// What came of self-checks.
    SelfChecks,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 7] = [
        Self::SharedItems,
        Self::CheckIns,
        Self::CheckInSchedule,
        Self::ShareAnswers,
        Self::Entries,
        Self::Moods,
        Self::SelfChecks,
    ];

    /// Its number.
    pub fn number(self) -> i32 {
        match self {
            Self::SharedItems => 1,
            Self::CheckIns => 2,
            Self::CheckInSchedule => 3,
            Self::ShareAnswers => 4,
            Self::Entries => 5,
            Self::Moods => 6,
            Self::SelfChecks => 7,
        }
    }

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SharedItems => "shared_items",
            Self::CheckIns => "check_ins",
            Self::CheckInSchedule => "check_in_schedule",
            Self::ShareAnswers => "share_answers",
            Self::Entries => "entries",
            Self::Moods => "moods",
            Self::SelfChecks => "self_checks",
        }
    }

    /// The scope of a number.
    pub fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.number() == number)
    }
}

/// When reads show in the ledger of whoever is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Never, unless the reader says so; then at the time they said it, and only what they said.
    WhenTold,
    /// Always, and exactly.
    Exactly,
}

/// What links an owner and a reader at one moment. Software is nobody's partner, friend or counselor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bonds {
    /// The couple they are.
    pub couple_id: Option<Uuid>,
    /// The reader's place in the owner's circle.
    pub in_owners_circle: Option<Uuid>,
    /// The owner's place in the reader's circle.
    pub in_readers_circle: Option<Uuid>,
    /// The owner's active care by the reader.
    pub in_care: Option<InCare>,
    /// The reader, where it is software.
    pub software: Option<Asking>,
}

/// The one relation that opens something, by the id that accounts gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tie {
    /// Which relation.
    pub relation: Relation,
    /// The couple, the place in a circle, or the consent.
    pub relation_id: Uuid,
    /// When what it opens ends by itself, where it does.
    pub until: Option<Timestamp>,
}

impl Tie {
    /// The decision: whether anything of what is wanted is open to a reader at a moment, and by what. Which single shares
    /// are open is for the service that holds them. Of a couple everything is opened by their link: accounts lets nobody be
    /// both. What a counselor or software reads is opened by a consent to them alone, and a consent opens nothing of what
    /// people who are close share.
    pub fn that_opens(wanted: &Wanted, bonds: &Bonds, now: Timestamp) -> Option<Self> {
        let by_consent = |relation, grant: Grant| {
            Some(Self { relation, relation_id: grant.consent_id, until: Some(grant.expires_at) })
        };
        if let Some(software) = bonds.software {
            return by_consent(Relation::Software, software.opens(wanted, now)?);
        }
        let of = |relation| move |relation_id| Self { relation, relation_id, until: None };
        let (partner, trusted) = (of(Relation::Partner), of(Relation::TrustedPerson));
        let couple = bonds.couple_id.map(partner);
        match wanted.scope {
            Scope::CheckIns | Scope::CheckInSchedule => couple,
            Scope::SharedItems => couple.or(bonds.in_owners_circle.map(trusted)),
            // Whoever answered is in the circle of whoever shared.
            Scope::ShareAnswers => couple.or(bonds.in_readers_circle.map(trusted)),
            Scope::Entries | Scope::Moods | Scope::SelfChecks => {
                by_consent(Relation::Counselor, bonds.in_care.and_then(|care| care.opens(wanted, now))?)
            }
        }
    }
}

impl Relation {
    /// Every relation there is.
    pub const ALL: [Self; 4] = [Self::Partner, Self::TrustedPerson, Self::Counselor, Self::Software];

    /// Whether something can be opened to somebody in this relation by a consent: all of a scope, or one item of it. To
    /// people who are close nothing is: they get single shares, each with what it shows. Patterns, safety answers, drafts
    /// and the ledger have no scope, so nobody can be given them.
    pub fn takes(self, scope: Scope, one_item: bool) -> bool {
        match (self, scope) {
            (Self::Partner | Self::TrustedPerson, _) => false,
            (Self::Counselor | Self::Software, Scope::Entries | Scope::SelfChecks) => true,
            (Self::Counselor | Self::Software, Scope::Moods) => !one_item,
            (
                Self::Counselor | Self::Software,
                Scope::SharedItems | Scope::CheckIns | Scope::CheckInSchedule | Scope::ShareAnswers,
            ) => false,
        }
    }

    /// What the owner learns of reads in this relation.
    pub fn visibility(self) -> Visibility {
        match self {
            Self::Partner | Self::TrustedPerson => Visibility::WhenTold,
            Self::Counselor | Self::Software => Visibility::Exactly,
        }
    }

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::TrustedPerson => "trusted_person",
            Self::Counselor => "counselor",
            Self::Software => "software",
        }
    }

    /// Takes a relation back from the store.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == text)
    }
}
