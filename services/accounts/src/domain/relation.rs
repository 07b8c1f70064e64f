//! In which relation one person may read of another. What a relation opens, and what of it the owner learns, is
//! decided here and nowhere else.

/// A relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The two are linked as a couple.
    Partner,
}

/// A kind of data that one person can open to another. Its numbers are those of `candor.options.v1.Scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Single items that were shared by name, and answers to them.
    SharedItems,
    /// Answers of check-ins that opened.
    CheckIns,
    /// When a couple's check-ins are.
    CheckInSchedule,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 3] = [Self::SharedItems, Self::CheckIns, Self::CheckInSchedule];

    /// Its number.
    pub fn number(self) -> i32 {
        match self {
            Self::SharedItems => 1,
            Self::CheckIns => 2,
            Self::CheckInSchedule => 3,
        }
    }

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SharedItems => "shared_items",
            Self::CheckIns => "check_ins",
            Self::CheckInSchedule => "check_in_schedule",
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

impl Relation {
    /// The relation that can open a scope. It opens it only where the two people really are in that relation; which
    /// single items are open is for the service that holds them.
    pub fn that_opens(scope: Scope) -> Self {
        match scope {
            Scope::SharedItems | Scope::CheckIns | Scope::CheckInSchedule => Self::Partner,
        }
    }

    /// What the owner learns of reads in this relation.
    pub fn visibility(self) -> Visibility {
        match self {
            Self::Partner => Visibility::WhenTold,
        }
    }

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partner => "partner",
        }
    }

    /// Takes a relation back from the store.
    pub fn stored(text: &str) -> Option<Self> {
        (text == Self::Partner.as_str()).then_some(Self::Partner)
    }
}
