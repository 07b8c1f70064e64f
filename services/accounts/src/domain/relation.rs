//! In which relation one person may read of another. What a relation opens, and what of it the owner learns, is
//! decided here and nowhere else.

use uuid::Uuid;

/// A relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The two are linked as a couple.
    Partner,
    /// One of them is a trusted person in the other's circle.
    TrustedPerson,
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
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 4] = [Self::SharedItems, Self::CheckIns, Self::CheckInSchedule, Self::ShareAnswers];

    /// Its number.
    pub fn number(self) -> i32 {
        match self {
            Self::SharedItems => 1,
            Self::CheckIns => 2,
            Self::CheckInSchedule => 3,
            Self::ShareAnswers => 4,
        }
    }

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SharedItems => "shared_items",
            Self::CheckIns => "check_ins",
            Self::CheckInSchedule => "check_in_schedule",
            Self::ShareAnswers => "share_answers",
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

/// What links an owner and a reader at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bonds {
    /// The couple they are.
    pub couple_id: Option<Uuid>,
    /// The reader's place in the owner's circle.
    pub in_owners_circle: Option<Uuid>,
    /// The owner's place in the reader's circle.
    pub in_readers_circle: Option<Uuid>,
}

/// The one relation that opens something, by the id that accounts gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tie {
    /// Which relation.
    pub relation: Relation,
    /// The couple, or the place in a circle.
    pub relation_id: Uuid,
}

impl Tie {
    /// The decision: whether anything of a scope is open to a reader, and by what. Which single items are open is for the
    /// service that holds them. Of a couple everything is opened by their link: accounts lets nobody be both.
    pub fn that_opens(scope: Scope, bonds: &Bonds) -> Option<Self> {
        let partner = |relation_id| Self { relation: Relation::Partner, relation_id };
        let trusted = |relation_id| Self { relation: Relation::TrustedPerson, relation_id };
        let couple = bonds.couple_id.map(partner);
        match scope {
            Scope::CheckIns | Scope::CheckInSchedule => couple,
            Scope::SharedItems => couple.or(bonds.in_owners_circle.map(trusted)),
            // Whoever answered is in the circle of whoever shared.
            Scope::ShareAnswers => couple.or(bonds.in_readers_circle.map(trusted)),
        }
    }
}

impl Relation {
    /// Every relation there is.
    pub const ALL: [Self; 2] = [Self::Partner, Self::TrustedPerson];

    /// What the owner learns of reads in this relation.
    pub fn visibility(self) -> Visibility {
        match self {
            Self::Partner | Self::TrustedPerson => Visibility::WhenTold,
        }
    }

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::TrustedPerson => "trusted_person",
        }
    }

    /// Takes a relation back from the store.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == text)
    }
}
