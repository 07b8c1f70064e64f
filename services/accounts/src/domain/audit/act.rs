//! Who did what to whom, in ids, numbers and codes. There is no way to put words into it.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What kind of account did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A member.
    Member,
    /// A counselor.
    Counselor,
    /// An operator.
    Operator,
    /// An editor.
    Editor,
    /// Somebody who helps with the use of the platform.
    Support,
    /// Software with a token of its own.
    Client,
    /// Whoever sits at the machine, with a command.
    Machine,
    /// Nobody: a time had come, or a rule held.
    House,
    /// Somebody who is not signed in.
    Nobody,
}

impl ActorKind {
    /// The name in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Counselor => "counselor",
            Self::Operator => "operator",
            Self::Editor => "editor",
            Self::Support => "support",
            Self::Client => "client",
            Self::Machine => "machine",
            Self::House => "house",
            Self::Nobody => "nobody",
        }
    }
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// What kind of account.
    pub kind: ActorKind,
    /// The account, where there is one.
    pub account_id: Option<Uuid>,
    /// Its session, where there is one.
    pub session_id: Option<Uuid>,
}

impl Actor {
    /// Nobody: a time had come, or a rule held.
    pub const HOUSE: Self = Self { kind: ActorKind::House, account_id: None, session_id: None };
    /// Whoever sits at the machine, with a command.
    pub const MACHINE: Self = Self { kind: ActorKind::Machine, account_id: None, session_id: None };
    /// Somebody who is not signed in.
    pub const NOBODY: Self = Self { kind: ActorKind::Nobody, account_id: None, session_id: None };

    /// An account without a session at hand, such as one that is signing in.
    pub fn account(kind: ActorKind, account_id: Uuid) -> Self {
        Self { kind, account_id: Some(account_id), session_id: None }
    }
}

/// What was done. The names are never given another meaning: records of years ago hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A member of staff was made.
    StaffCreated,
    /// Somebody is no member of staff any more.
    StaffRevoked,
    /// Somebody who supports looked how an account stands, with its owner's code.
    SupportLooked,
    /// An operator looked at a list of requests to read ledgers.
    LedgerRequestsListed,
    /// An operator asked to read somebody's ledger.
    LedgerAskedFor,
    /// An operator looked at such a request.
    LedgerRequestLookedAt,
    /// Another operator agreed to it.
    LedgerAgreedTo,
    /// Another operator did not agree.
    LedgerDeclined,
    /// One of the two took it back.
    LedgerTakenBack,
    /// An operator read somebody's ledger.
    LedgerRead,
    /// Records were erased with the person they were about.
    RecordsErased,
    /// Everything that an account had was destroyed.
    AccountErased,
    /// An operator looked at a list of software.
    ClientsListed,
    /// An operator looked at one.
    ClientLookedAt,
    /// Software was registered that reads with tokens of its own.
    ClientRegistered,
    /// Its keys were changed by its holder.
    ClientKeysRotated,
    /// It was disabled for good.
    ClientDisabled,
    /// Somebody applied to be a counselor, or changed what they say as one.
    CounselorSubmitted,
    /// They took it back.
    CounselorWithdrawn,
    /// An operator looked at a list of those who apply, or of counselors.
    CounselorsListed,
    /// An operator looked at all they said.
    CounselorLookedAt,
    /// They were verified.
    CounselorVerified,
    /// They were refused.
    CounselorRefused,
    /// They were suspended.
    CounselorSuspended,
    /// A counselor took somebody on, and stated that they may practise where that person is.
    CareAccepted,
    /// A couple and their counselor agreed to another confidentiality.
    ConfidentialityChanged,
    /// A counselor confirmed having seen one of a couple alone.
    SeenAloneConfirmed,
    /// A counselor locked a couple's joint sessions.
    JointSessionsLocked,
    /// A member opened something to their counselor.
    ConsentGranted,
    /// They took it back.
    ConsentRevoked,
    /// Something of somebody's was read by another.
    DataRead,
    /// An operator looked at a list of reports.
    ReportsListed,
    /// An operator looked at a report.
    ReportLookedAt,
    /// An operator decided that nothing follows from a report.
    ReportDismissed,
    /// An account was suspended.
    AccountSuspended,
    /// An operator looked at a list of suspensions.
    SuspensionsListed,
    /// An operator looked at a suspension and its appeal.
    SuspensionLookedAt,
    /// An appeal was decided on.
    AppealDecided,
    /// A suspension was lifted.
    SuspensionLifted,
    /// Dead letters were given to a service anew, at the machine.
    EventsReplayed,
    /// A service told its state again, at the machine.
    StateToldAgain,
    /// A key encryption key was added, at the machine.
    KeyAdded,
    /// Data keys were wrapped with another one, at the machine.
    KeysRewrapped,
    /// A key encryption key was taken out of its file, at the machine.
    KeyRemoved,
}

impl Action {
    /// The name in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StaffCreated => "staff_created",
            Self::StaffRevoked => "staff_revoked",
            Self::SupportLooked => "support_looked",
            Self::LedgerRequestsListed => "ledger_requests_listed",
            Self::LedgerAskedFor => "ledger_asked_for",
            Self::LedgerRequestLookedAt => "ledger_request_looked_at",
            Self::LedgerAgreedTo => "ledger_agreed_to",
            Self::LedgerDeclined => "ledger_declined",
            Self::LedgerTakenBack => "ledger_taken_back",
            Self::LedgerRead => "ledger_read",
            Self::RecordsErased => "records_erased",
            Self::AccountErased => "account_erased",
            Self::ClientsListed => "clients_listed",
            Self::ClientLookedAt => "client_looked_at",
            Self::ClientRegistered => "client_registered",
            Self::ClientKeysRotated => "client_keys_rotated",
            Self::ClientDisabled => "client_disabled",
            Self::CounselorSubmitted => "counselor_submitted",
            Self::CounselorWithdrawn => "counselor_withdrawn",
            Self::CounselorsListed => "counselors_listed",
            Self::CounselorLookedAt => "counselor_looked_at",
            Self::CounselorVerified => "counselor_verified",
            Self::CounselorRefused => "counselor_refused",
            Self::CounselorSuspended => "counselor_suspended",
            Self::CareAccepted => "care_accepted",
            Self::ConfidentialityChanged => "confidentiality_changed",
            Self::SeenAloneConfirmed => "seen_alone_confirmed",
            Self::JointSessionsLocked => "joint_sessions_locked",
            Self::ConsentGranted => "consent_granted",
            Self::ConsentRevoked => "consent_revoked",
            Self::DataRead => "data_read",
            Self::ReportsListed => "reports_listed",
            Self::ReportLookedAt => "report_looked_at",
            Self::ReportDismissed => "report_dismissed",
            Self::AccountSuspended => "account_suspended",
            Self::SuspensionsListed => "suspensions_listed",
            Self::SuspensionLookedAt => "suspension_looked_at",
            Self::AppealDecided => "appeal_decided",
            Self::SuspensionLifted => "suspension_lifted",
            Self::EventsReplayed => "events_replayed",
            Self::StateToldAgain => "state_told_again",
            Self::KeyAdded => "key_added",
            Self::KeysRewrapped => "keys_rewrapped",
            Self::KeyRemoved => "key_removed",
        }
    }
}

/// What kind of thing something was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// A person's account.
    Account,
    /// Anything else that has an id of its own: a report, a request, a consent.
    Thing,
}

impl SubjectKind {
    /// The name in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Thing => "thing",
        }
    }
}

/// What something was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its id.
    pub id: Uuid,
}

impl Subject {
    /// A person's account.
    pub fn account(id: Uuid) -> Self {
        Self { kind: SubjectKind::Account, id }
    }

    /// A thing that has an id of its own.
    pub fn thing(id: Uuid) -> Self {
        Self { kind: SubjectKind::Thing, id }
    }
}

/// What else there is to say, by name: ids, numbers and codes. Accounts' ids do not belong here: erasing an account
/// takes away what it did and what was done to it, found by actor and subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details(BTreeMap<&'static str, serde_json::Value>);

impl Details {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// With an id of a thing.
    #[must_use]
    pub fn id(mut self, name: &'static str, id: Uuid) -> Self {
        self.0.insert(name, id.to_string().into());
        self
    }

    /// With a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: i64) -> Self {
        self.0.insert(name, number.into());
        self
    }

    /// With a code: a name that stands in our source, not a word that somebody typed.
    #[must_use]
    pub fn code(mut self, name: &'static str, code: &'static str) -> Self {
        self.0.insert(name, code.into());
        self
    }

    /// With a hash.
    #[must_use]
    pub fn digest(mut self, name: &'static str, digest: &[u8; 32]) -> Self {
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.insert(name, hex.into());
        self
    }

    /// With the hash of a name that software gave to something, such as a key's in its file.
    #[must_use]
    pub fn hashed(self, name: &'static str, text: &str) -> Self {
        self.digest(name, &Sha256::digest(text.as_bytes()).into())
    }

    /// As a JSON object with its names in order: one text for one content.
    pub fn text(&self) -> String {
        let fields: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(*name)))
            .collect();
        format!("{{{}}}", fields.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_one_text_whatever_the_order() {
        let one = Details::none().number("days", 3).code("decision", "suspend").id("report", Uuid::nil());
        let other = Details::none().id("report", Uuid::nil()).code("decision", "suspend").number("days", 3);
        assert_eq!(one.text(), other.text());
        assert_eq!(
            one.text(),
            r#"{"days":3,"decision":"suspend","report":"00000000-0000-0000-0000-000000000000"}"#
        );
        assert_eq!(Details::none().text(), "{}");
        serde_json::from_str::<serde_json::Value>(&one.text()).unwrap();
    }
}
