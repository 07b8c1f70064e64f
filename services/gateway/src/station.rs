//! What somebody is here as, and where they are at home: the pages of one's own life are members' alone.

use crate::passports::claim;
use chassis::identity::{Assurance, Kind};

/// What a session's passport says of the person, believed by nobody: it only decides where links lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Station {
    /// A member, or one of those who run the place and work with it.
    kind: Kind,
    /// A second factor was part of the proof.
    strong: bool,
    /// The account is suspended.
    suspended: bool,
    /// The account has yet to accept the terms.
    terms_due: bool,
}

impl Station {
    /// What nobody said otherwise of.
    pub(crate) const MEMBER: Self =
        Self { kind: Kind::Member, strong: false, suspended: false, terms_due: false };

    /// What a passport says; a member where it says nothing.
    pub(crate) fn claimed(passport: &str) -> Self {
        let kind = claim(passport, "kind").and_then(|kind| serde_json::from_value(kind).ok());
        let assurance = claim(passport, "acr").and_then(|acr| serde_json::from_value(acr).ok());
        let suspended = claim(passport, "suspended").and_then(|said| said.as_bool());
        let terms_due = claim(passport, "terms_due").and_then(|said| said.as_bool());
        Self {
            kind: kind.unwrap_or(Kind::Member),
            strong: assurance == Some(Assurance::Two),
            suspended: suspended.unwrap_or(false),
            terms_due: terms_due.unwrap_or(false),
        }
    }

    /// Somebody of a kind, as passports call it, who proved no second factor.
    #[cfg(test)]
    pub(crate) fn of_kind(kind: &str) -> Self {
        Self { kind: serde_json::from_value(kind.into()).unwrap(), ..Self::MEMBER }
    }

    /// Whether the person has a journal, a path and people here.
    pub(crate) fn is_member(self) -> bool {
        self.kind == Kind::Member
    }

    /// Whether the person is one of those who register software.
    pub(crate) fn has_clients(self) -> bool {
        matches!(self.kind, Kind::Operator | Kind::Counselor)
    }

    /// Whether the person has a practice here.
    pub(crate) fn is_counselor(self) -> bool {
        self.kind == Kind::Counselor
    }

    /// Whether the person runs the place or works for it.
    pub(crate) fn is_staff(self) -> bool {
        matches!(self.kind, Kind::Operator | Kind::Editor | Kind::Support)
    }

    /// Whether the person decides who is a counselor.
    pub(crate) fn decides_on_counselors(self) -> bool {
        self.kind == Kind::Operator
    }

    /// Whether the person helps members with the use of the place.
    pub(crate) fn supports(self) -> bool {
        self.kind == Kind::Support
    }

    /// Whether the account is suspended.
    pub(crate) fn is_suspended(self) -> bool {
        self.suspended
    }

    /// Whether the account has yet to accept the terms.
    pub(crate) fn has_terms_due(self) -> bool {
        self.terms_due
    }

    /// The same once the terms are accepted.
    pub(crate) fn once_accepted(self) -> Self {
        Self { terms_due: false, ..self }
    }

    /// Where the person goes on, and what a link there says. Whoever needs a second factor can do nothing before it.
    pub(crate) fn home(self) -> (&'static str, &'static str) {
        match self.kind {
            _ if self.suspended => ("/suspended", "To your account"),
            _ if self.terms_due => ("/terms/accept", "To the terms"),
            Kind::Member => ("/timeline", "To your timeline"),
            _ if self.kind.needs_second_factor() && !self.strong => ("/security", "To your security"),
            Kind::Counselor => ("/practice", "To your practice"),
            Kind::Operator => ("/clients", "To the clients"),
            Kind::Support => ("/support", "To support"),
            Kind::Editor | Kind::Client => ("/security", "To your security"),
        }
    }
}
