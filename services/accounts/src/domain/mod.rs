//! What accounts is about: addresses, passwords, secrets, limits, the life of a signing key; invitations and
//! reports of them, relations and what of a read its owner may know. Pure.

mod address;
pub mod audit;
mod care;
mod circle;
pub mod client;
mod confidentiality;
mod consent;
pub mod counselor;
mod erasure;
mod invitation;
mod ledger_look;
mod letter;
mod limits;
mod name;
mod notice;
mod page;
mod passkey;
mod password;
mod pause;
mod person;
mod proof;
mod receipt;
mod recovery_code;
mod relation;
mod report;
mod rotation;
mod secret;
mod support_code;
mod suspension;
mod terms;
mod totp;

pub use address::Address;
pub use care::{CareNote, CareState};
pub use circle::TrustReason;
pub use confidentiality::{Confidentiality, CoupleCareState};
pub use consent::{
    Asking, CONSENT_LIFE, ConsentEnd, ConsentState, ConsentText, Grant, Holder, Holding, InCare,
    LONGEST_CONSENT, NotOffered, Offer, Purpose, Reach, Said, Wanted,
};
pub use erasure::{
    ERASURE_GRACE, ERASURE_PARTS, ERASURE_STUCK_AFTER, ErasurePart, ErasureState, ErasureTimes,
    KEY_BACKUPS_KEPT, backups_end, certificate, retell_after,
};
pub use invitation::{InvitationCode, InvitationKind, Standing};
pub use ledger_look::{
    ASK_LIFE, ASK_PACE, LOOKS_LISTED, LedgerLookReason, LookCause, LookCourse, LookNote, LookState, READ_FOR,
};
pub use letter::{Letter, LetterKind};
pub use limits::{
    CARE_PACE, CARE_REQUEST_LIFE, CIRCLE_ROOM, CLIENT_ADDRESS_PACE, CLIENT_REGISTRATION_PACE,
    CLIENT_TOKEN_LIFE, CLIENT_TOKEN_PACE, EXPORT_OPEN_FOR, EXPORT_WAIT, INVITATION_LIFE, INVITATION_PACE,
    LONGEST_MAIL_BACKOFF, MAIL_ATTEMPTS, MOST_CARE_REQUESTS, MOST_CONSENTS, MOST_COUNSELORS_CLIENTS,
    MOST_COUPLE_CARE, MOST_HOUSE_CLIENTS, MOST_PLACES, OPENING_PACE, PASSPORT_LIFE, Pace, RENEWABLE,
    SECRET_LIFE, SECRET_OFFER_LIFE, SECRET_OVERLAP, SIGN_IN_PACE, SOFTWARE_OPENING_PACE, VERIFICATION_LIFE,
    VERIFICATION_MAIL_PACE, VERIFICATION_PACE, mail_backoff,
};
pub use name::Name;
pub use notice::NoticeKind;
pub use page::{Cursor, PageSize};
pub use passkey::{Answer, Asked, Fit, KeptPasskey, MOST_PASSKEYS, Site, Unfit};
pub use password::{Password, Personal, Weakness, judge};
pub use pause::PauseCause;
pub use person::{AccountKind, DeviceLabel, Locale, Zone, in_language};
pub use proof::{
    CHALLENGE_LIFE, DEVICE_LIFE, EMAIL_CHANGE_LIFE, EMAIL_CHANGE_PACE, EMAIL_UNDO_LIFE, FACTOR_PACE,
    FIRST_WITHIN, KNOWN_DEVICE_PACE, MOST_DEVICES, MOST_SESSIONS, NEW_PASSWORD_PACE, PENDING_LIFE,
    RESET_LIFE, STEP_UP_PACE, TOTP_PROPOSAL_LIFE, UNKNOWN_DEVICE_PACE,
};
pub use receipt::{MOST_EXACT_ITEMS, MOST_ITEMS, Read, Reads, Shown};
pub use recovery_code::{RECOVERY_CODES, RecoveryCode};
pub use relation::{Bonds, Relation, Scope, Tie, Visibility};
pub use report::{
    Acquaintance, KeptReport, MOST_REPORTS, Outcome, REPORTS_KEPT, ReportKind, ReportReason, Room, Testimony,
    UNDECIDED_KEPT, room,
};
pub use rotation::{
    COPY_LIFE, KeyTimes, PUBLISHED_AFTER, PUBLISHED_BEFORE, SIGNS_FOR, is_due, published, signer,
};
pub use secret::{
    CertificateCode, ChallengeToken, DeviceToken, NewAddressToken, PendingToken, ResetToken, Secret,
    SessionSecret, UndoToken, VerificationToken,
};
pub use support_code::{SUPPORT_CODE_LIFE, SUPPORT_LOOK_PACE, SupportCode, TROUBLE_WITHIN};
pub use suspension::{Appeal, REPORT_PACE, SuspensionReason, suspended_until};
pub use terms::{RequiredTerms, Terms, TermsFault, TermsKind, TermsVersion};
pub use totp::{Step, TOTP_SECRET_BYTES, Totp, totp_text, totp_uri};

/// A value that breaks its field's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {description}")]
pub struct Invalid {
    /// The field, as in the request.
    pub field: &'static str,
    /// What is wrong with it, to be read after the field's name. Never holds the value.
    pub description: &'static str,
}
