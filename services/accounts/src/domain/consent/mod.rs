//! What a member opens to the counselor in whose care they are, or to software: what can be opened at all, for what, and for
//! how long.

mod software;
mod texts;
#[cfg(test)]
mod worlds;

pub use software::{Asking, Holder, Holding, Reach};
pub use texts::ConsentText;

use super::{Invalid, Relation, Scope};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How long something is open when its owner does not say.
pub const CONSENT_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The longest something may be open.
pub const LONGEST_CONSENT: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What something is opened for. Its numbers are those of `candor.accounts.v1.AccessPurpose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The work of the two together.
    Care,
    /// To prepare a session.
    Session,
    /// For what software says of itself that it reads for.
    Stated,
}

impl Purpose {
    /// Every purpose that something is opened for by a consent.
    pub const ALL: [Self; 3] = [Self::Care, Self::Session, Self::Stated];

    /// Its number.
    pub fn number(self) -> i32 {
        match self {
            Self::Care => 2,
            Self::Session => 3,
            Self::Stated => 4,
        }
    }

    /// Its name in the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Care => "care",
            Self::Session => "session",
            Self::Stated => "stated",
        }
    }

    /// The purpose of a number.
    pub fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.number() == number)
    }

    /// Whether something can be opened to somebody in that relation for this. Only software says of itself what it is for.
    pub fn is_for(self, to: Relation) -> bool {
        match (self, to) {
            (_, Relation::Partner | Relation::TrustedPerson) => false,
            (Self::Care | Self::Session, Relation::Counselor | Relation::Software) => true,
            (Self::Stated, to) => to == Relation::Software,
        }
    }
}

/// What is to be read, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// What kind of data.
    pub scope: Scope,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the `candor.accounts.v1.AccessPurpose`; 0 for whatever it was opened for.
    pub purpose: i32,
}

/// A consent as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The consent.
    pub consent_id: Uuid,
    /// What kind of data.
    pub scope: Scope,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// What it was opened for.
    pub purpose: Purpose,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Whether it ended before that.
    pub ended: bool,
}

impl Grant {
    /// Whether it opens to somebody in that relation what is wanted at a moment. What nobody can consent to is not opened by a
    /// consent either, however it came to be kept.
    pub fn covers(&self, to: Relation, wanted: &Wanted, now: Timestamp) -> bool {
        let for_that = wanted.purpose == 0 || wanted.purpose == self.purpose.number();
        let that = self.item_id.is_none() || self.item_id == wanted.item_id;
        let in_time = !self.ended && now < self.expires_at;
        self.scope == wanted.scope
            && that
            && for_that
            && in_time
            && self.purpose.is_for(to)
            && to.takes(self.scope, self.item_id.is_some())
    }
}

/// The care of an owner by a reader, who is their counselor, as it stands at a moment. There is none unless it is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InCare {
    /// Whether the counselor is verified, and a checked licence of theirs holds where the member is.
    pub licensed: bool,
    /// Whether one of the two keeps the other away.
    pub kept_apart: bool,
    /// Whether the owner's account is suspended. What they opened is held meanwhile: they could not look after it.
    pub owner_suspended: bool,
    /// The consent of that care that is nearest to what is wanted.
    pub grant: Option<Grant>,
}

impl InCare {
    /// The consent that opens what is wanted, if all is as it has to be.
    pub fn opens(&self, wanted: &Wanted, now: Timestamp) -> Option<Grant> {
        let held = !self.licensed || self.kept_apart || self.owner_suspended;
        self.grant.filter(|grant| !held && grant.covers(Relation::Counselor, wanted, now))
    }
}

/// What a member opens, and the words they agree to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// What kind of data.
    pub scope: Scope,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// What for.
    pub purpose: Purpose,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The words.
    pub text: &'static ConsentText,
    /// In which of their languages they were read.
    pub locale: &'static str,
}

/// What a member says when they open something.
pub struct Said<'a> {
    /// What kind of data.
    pub scope: Scope,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the purpose.
    pub purpose: i32,
    /// When it is to end; [`CONSENT_LIFE`] on where nothing is said.
    pub expires_at: Option<Timestamp>,
    /// The words they read.
    pub text_id: &'a str,
    /// Their version.
    pub text_version: i32,
    /// In which language they were read, a tag.
    pub text_locale: &'a str,
}

/// Why something is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOffered {
    /// A value breaks its field's rule.
    Invalid(Invalid),
    /// Other words count by now.
    TextChanged(&'static ConsentText),
}

impl From<Invalid> for NotOffered {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl Offer {
    /// What somebody opens to a person they have that relation with.
    ///
    /// # Errors
    /// [`NotOffered`].
    pub fn parse(to: Relation, said: &Said<'_>, now: Timestamp) -> Result<Self, NotOffered> {
        let invalid = |field, description| Invalid { field, description };
        let Said { scope, item_id, .. } = *said;
        if !to.takes(scope, false) && !to.takes(scope, true) {
            return Err(invalid("scope", "is not opened like that").into());
        }
        if !to.takes(scope, item_id.is_some()) {
            return Err(invalid("item_id", "is not for this kind of thing").into());
        }
        let purpose = Purpose::of(said.purpose).filter(|purpose| purpose.is_for(to));
        let purpose =
            purpose.ok_or(invalid("purpose", "is not one that something is opened like that for"))?;
        let expires_at = said.expires_at.unwrap_or(now + CONSENT_LIFE);
        if expires_at <= now {
            return Err(invalid("expire_time", "is over already").into());
        }
        if expires_at > now + LONGEST_CONSENT {
            return Err(invalid("expire_time", "is more than 365 days on").into());
        }
        let text = ConsentText::of(to, scope, item_id.is_some()).ok_or(invalid("scope", "has no words"))?;
        if said.text_id != text.id {
            return Err(invalid("text_id", "is not the words for this").into());
        }
        if said.text_version != text.version {
            return Err(NotOffered::TextChanged(text));
        }
        let (locale, _) = text.words(said.text_locale);
        Ok(Self { scope, item_id, purpose, expires_at, text, locale })
    }
}

/// How a consent ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentEnd {
    /// Its owner took it back.
    Withdrawn,
    /// Its owner opened the same again.
    Replaced,
    /// Care was over.
    CareOver,
    /// The software was ended.
    SoftwareOver,
    /// Its owner asked for everything of theirs to be destroyed.
    Erasure,
}

impl ConsentEnd {
    /// Every way.
    pub const ALL: [Self; 5] =
        [Self::Withdrawn, Self::Replaced, Self::CareOver, Self::SoftwareOver, Self::Erasure];

    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Replaced => "replaced",
            Self::CareOver => "care_over",
            Self::SoftwareOver => "software_over",
            Self::Erasure => "erasure",
        }
    }

    /// Takes it back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.as_str() == text)
    }
}

/// How a consent stands, for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentState {
    /// What it is about is open.
    Open,
    /// Nothing is open for now.
    OnHold,
    /// Its time is over.
    Expired,
    /// It ended before its time.
    Ended(ConsentEnd),
}

impl ConsentState {
    /// How one stands at a moment. An end that was noted only after its time is no end before it.
    pub fn of(
        ended: Option<(Timestamp, ConsentEnd)>,
        expires_at: Timestamp,
        on_hold: bool,
        now: Timestamp,
    ) -> Self {
        match ended {
            Some((at, end)) if at < expires_at => Self::Ended(end),
            _ if expires_at <= now => Self::Expired,
            Some((_, end)) => Self::Ended(end),
            None if on_hold => Self::OnHold,
            None => Self::Open,
        }
    }

    /// The number of `candor.accounts.v1.ConsentState`.
    pub fn number(self) -> i32 {
        match self {
            Self::Open => 1,
            Self::OnHold => 2,
            Self::Expired => 3,
            Self::Ended(ConsentEnd::Withdrawn) => 4,
            Self::Ended(ConsentEnd::Replaced) => 5,
            Self::Ended(ConsentEnd::CareOver) => 6,
            Self::Ended(ConsentEnd::SoftwareOver) => 7,
            Self::Ended(ConsentEnd::Erasure) => 8,
        }
    }
}

#[cfg(test)]
mod tests;
