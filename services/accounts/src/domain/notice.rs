//! What the owner of an account is told about its security.

use super::LetterKind;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The password was changed by somebody who was signed in.
    PasswordChanged,
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
    /// It was asked for everything to be taken along.
    ExportRequested,
    /// That was called off.
    ExportCancelled,
    /// Everything was taken along.
    ExportTaken,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
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
        Self::ExportRequested,
        Self::ExportCancelled,
        Self::ExportTaken,
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
            Self::ExportRequested => "export_requested",
            Self::ExportCancelled => "export_cancelled",
            Self::ExportTaken => "export_taken",
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
            | Self::CounselorExpired => LetterKind::Practice,
            _ => LetterKind::Notice,
        }
    }

    /// The number in `candor.accounts.v1.SecurityNoticeKind`.
    pub fn number(self) -> i32 {
        match self {
            Self::PasswordChanged => 1,
            Self::PasswordReset => 2,
            Self::NoticesChanged => 3,
            Self::AddressTried => 4,
            Self::AppAdded => 5,
            Self::AppRemoved => 6,
            Self::RecoveryCodesRenewed => 7,
            Self::RecoveryCodeUsed => 8,
            Self::CodesRefused => 9,
            Self::ErasureRequested => 10,
            Self::ErasureCancelled => 11,
            Self::CounselorVerified => 12,
            Self::CounselorRefused => 13,
            Self::CounselorSuspended => 14,
            Self::CounselorExpired => 15,
            Self::ExportRequested => 20,
            Self::ExportCancelled => 21,
            Self::ExportTaken => 22,
        }
    }
}
