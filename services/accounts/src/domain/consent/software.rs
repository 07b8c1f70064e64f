//! What a member opens to software: whose it is, how far it reaches, and the consent.

use super::{Grant, Wanted};
use crate::domain::Relation;
use jiff::Timestamp;

/// How far scopes of software reach for what is wanted, in each of their two contexts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// With `system/`: on the software's own account.
    pub system: bool,
    /// With `user/`: on that of the counselor whose it is.
    pub user: bool,
}

impl Reach {
    /// Whether they reach it for software of that holder: a counselor's acts for them, and one of the house for itself.
    /// The other context is no help, so that what is registered for one thing is not good for the other.
    pub fn of(self, holder: &Holder) -> bool {
        match holder {
            Holder::House => self.system,
            Holder::Counselor(_) => self.user,
        }
    }

    /// Whether they reach it in any context.
    pub fn anywhere(self) -> bool {
        self.system || self.user
    }
}

/// The active care of an owner by a counselor, as it stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Whether the counselor is verified, and a checked licence of theirs holds where the member is.
    pub licensed: bool,
    /// Whether one of the two keeps the other away.
    pub kept_apart: bool,
}

/// Whose software it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The house's: it takes no care.
    House,
    /// A counselor's, with the active care that the consent rests on, if there is any.
    Counselor(Option<Holding>),
}

impl Holder {
    /// Whether nothing keeps their software from the owner.
    fn holds(&self) -> bool {
        match self {
            Self::House => true,
            Self::Counselor(care) => care.is_some_and(|care| care.licensed && !care.kept_apart),
        }
    }
}

/// Software that asks, and the owner's consent, as all of it stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// Whether it may act: it is not disabled, and whoever holds it is a counselor still.
    pub acts: bool,
    /// How far what it is registered for reaches.
    pub registered: Reach,
    /// How far the token reaches that it asks with.
    pub token: Reach,
    /// Whose it is.
    pub holder: Holder,
    /// Whether the owner's account is suspended. What they opened is held meanwhile: they could not look after it.
    pub owner_suspended: bool,
    /// The consent to it that is nearest to what is wanted.
    pub grant: Option<Grant>,
}

impl Asking {
    /// The consent that opens what is wanted, if all is as it has to be.
    pub fn opens(&self, wanted: &Wanted, now: Timestamp) -> Option<Grant> {
        let reaches = self.registered.of(&self.holder) && self.token.of(&self.holder);
        let may = self.acts && reaches && self.holder.holds() && !self.owner_suspended;
        self.grant.filter(|grant| may && grant.covers(Relation::Software, wanted, now))
    }
}
