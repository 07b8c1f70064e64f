//! What the owner of an account is told about its security.

use super::LetterKind;

/// What happened. The numbers are those of `candor.accounts.v1.SecurityNoticeKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The password was changed by somebody who was signed in.
    PasswordChanged = 1,
    /// The password was set anew with a link from a mail; every session ended.
    PasswordReset,
    /// It was chosen whether notices go by mail.
    NoticesChanged,
    /// Somebody tried to register with the account's address.
    AddressTried,
    /// An authenticator app was set up.
    AppAdded,
    /// The authenticator app was taken away.
    AppRemoved,
    /// New recovery codes were made.
    RecoveryCodesRenewed,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// Wrong codes came after the right password, or a link from a mail.
    CodesRefused,
    /// It was asked for everything to be destroyed.
    ErasureRequested,
    /// That was called off.
    ErasureCancelled,
    /// The account is a counselor's now.
    CounselorVerified,
    /// What was said as a counselor was refused.
    CounselorRefused,
    /// The account is a counselor's no more, by an operator's decision.
    CounselorSuspended,
    /// The account is a counselor's no more: no licence holds.
    CounselorExpired,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was taken away.
    PasskeyRemoved,
    /// A passkey's counter went back: there may be a copy of the device. Nothing was opened.
    PasskeyDoubted,
    /// Somebody signed in from a device that the account did not know.
    DeviceAdded,
    /// It was asked for everything to be taken along.
    ExportRequested,
    /// That was called off.
    ExportCancelled,
    /// Everything was taken along.
    ExportTaken,
    /// Somebody asked the counselor for care.
    CareAsked,
    /// A counselor answered what the member asked.
    CareAnswered,
    /// Care is over, or a request for it.
    CareOver,
    /// Care is on hold: the counselor is none for now.
    CareOnHold,
    /// One's partner proposed care as a couple.
    CoupleCareProposed,
    /// Another confidentiality was proposed in care of a couple.
    ConfidentialityProposed,
    /// It counts: all three agreed.
    ConfidentialityChanged,
    /// The account was suspended.
    AccountSuspended,
    /// The suspension was lifted.
    SuspensionLifted,
    /// The appeal was decided on, and the suspension stays.
    AppealRefused,
    /// Something of the member's was opened to their counselor.
    ConsentGranted,
    /// Somebody who supports looked how the account stands, with a code of its owner's.
    SupportLooked = 34,
    /// An operator read the ledger, and another had agreed.
    LedgerLooked,
    /// The account is a member's now: it does not run the place, or work for it, any more.
    RoleEnded,
    /// Another address was asked for.
    EmailChangeAsked = 37,
    /// The account has another address.
    EmailChanged,
    /// An earlier address was put back with the link that went to it; every session ended.
    EmailChangeUndone,
    /// It was taken back that a legal text is accepted.
    TermsWithdrawn,
    /// Somebody came with a secret of a session that had another by then; it ended.
    SecretReused,
    /// Something of the member's was opened to software.
    SoftwareConsentGranted = 42,
    /// Software that the member had opened something to was ended.
    SoftwareOver,
}

impl NoticeKind {
    /// Every kind, in the order of the numbers.
    pub const ALL: [Self; 43] = [
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::NoticesChanged,
        Self::AddressTried,
        Self::AppAdded,
        Self::AppRemoved,
        Self::RecoveryCodesRenewed,
        Self::RecoveryCodeUsed,
        Self::CodesRefused,
        Self::ErasureRequested,
        Self::ErasureCancelled,
        Self::CounselorVerified,
        Self::CounselorRefused,
        Self::CounselorSuspended,
        Self::CounselorExpired,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::PasskeyDoubted,
        Self::DeviceAdded,
        Self::ExportRequested,
        Self::ExportCancelled,
        Self::ExportTaken,
        Self::CareAsked,
        Self::CareAnswered,
        Self::CareOver,
        Self::CareOnHold,
        Self::CoupleCareProposed,
        Self::ConfidentialityProposed,
        Self::ConfidentialityChanged,
        Self::AccountSuspended,
        Self::SuspensionLifted,
        Self::AppealRefused,
        Self::ConsentGranted,
        Self::SupportLooked,
        Self::LedgerLooked,
        Self::RoleEnded,
        Self::EmailChangeAsked,
        Self::EmailChanged,
        Self::EmailChangeUndone,
        Self::TermsWithdrawn,
        Self::SecretReused,
        Self::SoftwareConsentGranted,
        Self::SoftwareOver,
    ];

    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::NoticesChanged => "notices_changed",
            Self::AddressTried => "address_tried",
            Self::AppAdded => "app_added",
            Self::AppRemoved => "app_removed",
            Self::RecoveryCodesRenewed => "recovery_codes_renewed",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::CodesRefused => "codes_refused",
            Self::ErasureRequested => "erasure_requested",
            Self::ErasureCancelled => "erasure_cancelled",
            Self::CounselorVerified => "counselor_verified",
            Self::CounselorRefused => "counselor_refused",
            Self::CounselorSuspended => "counselor_suspended",
            Self::CounselorExpired => "counselor_expired",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeyDoubted => "passkey_doubted",
            Self::DeviceAdded => "device_added",
            Self::ExportRequested => "export_requested",
            Self::ExportCancelled => "export_cancelled",
            Self::ExportTaken => "export_taken",
            Self::CareAsked => "care_asked",
            Self::CareAnswered => "care_answered",
            Self::CareOver => "care_over",
            Self::CareOnHold => "care_on_hold",
            Self::CoupleCareProposed => "couple_care_proposed",
            Self::ConfidentialityProposed => "confidentiality_proposed",
            Self::ConfidentialityChanged => "confidentiality_changed",
            Self::ConsentGranted => "consent_granted",
            Self::SecretReused => "secret_reused",
            Self::SoftwareConsentGranted => "software_consent_granted",
            Self::SoftwareOver => "software_over",
            Self::AccountSuspended => "account_suspended",
            Self::SuspensionLifted => "suspension_lifted",
            Self::AppealRefused => "appeal_refused",
            Self::SupportLooked => "support_looked",
            Self::LedgerLooked => "ledger_looked",
            Self::RoleEnded => "role_ended",
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
            Self::EmailChangeUndone => "email_change_undone",
            Self::TermsWithdrawn => "terms_withdrawn",
        }
    }

    /// Takes a kind back from the table.
    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// By which mail it is told, where mails are wanted.
    pub fn letter(self) -> LetterKind {
        match self {
            Self::CounselorVerified
            | Self::CounselorRefused
            | Self::CounselorSuspended
            | Self::CounselorExpired
            | Self::CareAsked => LetterKind::Practice,
            _ => LetterKind::Notice,
        }
    }

    /// The number of the proto.
    pub fn number(self) -> i32 {
        self as i32
    }
}
