//! How accounts can fail, and what a caller is told.

mod addresses;
mod care;
mod clients;
mod consents;
mod counselors;
mod ledger_looks;
mod passkeys;
mod software;
mod support;
mod terms;
mod trust;

pub use addresses::AddressError;
pub use care::CareError;
pub use clients::ClientError;
pub use consents::ConsentError;
pub use counselors::CounselorError;
pub use ledger_looks::LedgerLookError;
pub use passkeys::PasskeyError;
pub use software::SoftwareError;
pub use support::SupportError;
pub use terms::TermsError;
pub use trust::TrustError;

use crate::domain::{Invalid, NotOffered};
use chassis::{Code, Fault};
use std::time::Duration;

/// A failure. None holds an address, a password, a token or a label.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A wish to read of another could not be decided now, for what the fault says.
    #[error("a wish to read of another could not be decided")]
    Undecided(Fault),
    /// A value breaks its field's rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Unknown address, wrong password or unproven address: nobody is told which.
    #[error("address and password do not fit together")]
    SignInRefused,
    /// The address, or the proof of one, has been tried too often.
    #[error("too many attempts with one address")]
    TooManyAttempts(Duration),
    /// What somebody who is signed in proved themself with again does not fit.
    #[error("the proof does not fit")]
    ProofRefused,
    /// A code of an app or a recovery code does not fit, or was used before: nobody is told which.
    #[error("the code does not fit")]
    CodeRefused,
    /// Where there is a second factor, a proof needs it.
    #[error("a code is missing")]
    CodeMissing,
    /// A link from a mail alone opens nothing where there is a second factor.
    #[error("a second factor is missing")]
    SecondFactorMissing,
    /// Half a sign-in that was finished, took too long, or never was.
    #[error("the sign-in is over")]
    SignInOver,
    /// No app waits for its first code.
    #[error("no authenticator app waits")]
    NoAppWaits,
    /// There is no such second factor.
    #[error("no such second factor")]
    NoSuchFactor,
    /// The business of passkeys failed.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// Without a second factor the password would be too short.
    #[error("the password is too short to be the only factor")]
    PasswordTooShortAlone,
    /// One session, or one account, has tried to prove itself too often.
    #[error("too many proofs in one session")]
    TooManyProofs(Duration),
    /// More passwords wait to be checked than there is room for.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// The token was used, replaced or is too old, or the password is not its registration's: nobody is told
    /// which.
    #[error("link and password do not fit together")]
    VerificationNotFound,
    /// The link to set a password with was used, or is too old.
    #[error("no such link to set a password with")]
    ResetNotFound,
    /// The session is not there, or not the caller's.
    #[error("no such session")]
    SessionNotFound,
    /// The device is not known, or not to the caller's account.
    #[error("no such device")]
    DeviceNotFound,
    /// The session is over, or never was.
    #[error("the session is over")]
    SessionOver,
    /// The account has a second factor, and none was part of a proof in this session.
    #[error("no second factor was part of a proof in this session")]
    ProofTooWeak,
    /// The passport's account is gone.
    #[error("no such account")]
    AccountGone,
    /// An account with the address exists already; only ever told to operators.
    #[error("an account with this address exists already")]
    AddressInUse,
    /// The code is unknown, used, over, cancelled, one's own, or the person said no: nobody is told which.
    #[error("no such invitation")]
    InvitationNotFound,
    /// The person is linked already.
    #[error("linked already")]
    AlreadyLinked,
    /// The two are linked as a couple, so neither is in the other's circle.
    #[error("the two are a couple")]
    AlreadyPartners,
    /// The person is in this circle already.
    #[error("in this circle already")]
    AlreadyInCircle,
    /// There is no room in the circle, open invitations counted.
    #[error("the circle is full")]
    CircleFull,
    /// The person is in as many circles as one can be.
    #[error("in too many circles")]
    TooManyPlaces,
    /// There is no such place in the person's circle.
    #[error("nobody of that place in the circle")]
    PersonNotFound,
    /// One person has made too many invitations.
    #[error("too many invitations of one account")]
    TooManyInvitations(Duration),
    /// Nothing is open between the two, or one of them does not exist: nobody is told which.
    #[error("nothing is open")]
    NothingOpen,
    /// One reader has asked too often.
    #[error("too many openings by one account")]
    TooManyOpenings(Duration),
    /// There is no such receipt, or it is not for this.
    #[error("no such receipt")]
    ReceiptNotFound,
    /// There is no erasure of that code.
    #[error("no such erasure")]
    CertificateNotFound,
    /// There is no export that is not over.
    #[error("no export")]
    ExportNotFound,
    /// The account is of those who run the place or work for it.
    #[error("the account works for the place")]
    StillStaff,
    /// The export opens later.
    #[error("the export is not open yet")]
    ExportNotOpen,
    /// The business of a client failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The business of care failed.
    #[error(transparent)]
    Care(#[from] CareError),
    /// The business of consents failed.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// Opening something to software failed.
    #[error(transparent)]
    Software(#[from] SoftwareError),
    /// The business of looking at a ledger failed.
    #[error(transparent)]
    LedgerLook(#[from] LedgerLookError),
    /// The business of support failed.
    #[error(transparent)]
    Support(#[from] SupportError),
    /// Nobody who works for the place has the address; only ever told at the machine.
    #[error("nobody of those who run the place, or work for it, has this address")]
    NotStaff,
    /// Without an operator nobody could run the place; only ever told at the machine.
    #[error("this is the last operator: make another one first")]
    LastOperator,
    /// The business of trust and safety failed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The business of a legal text failed.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The business of another address failed.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The business of a counselor failed.
    #[error(transparent)]
    Counselor(#[from] CounselorError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// No signing key is there yet.
    #[error("there is no signing key yet")]
    NoSigningKey,
    /// A signing key cannot sign.
    #[error("a signing key cannot be used")]
    SigningKey,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
    /// Hashing failed or its thread is gone.
    #[error("a password could not be hashed")]
    Hashing,
    /// A stored value does not read back.
    #[error("a stored value does not read back")]
    Unreadable,
    /// The audit's anchor cannot be written.
    #[error("the audit cannot be anchored")]
    Anchor(#[source] std::io::Error),
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] chassis::config::ConfigError),
    /// The broker's setting is wrong.
    #[error(transparent)]
    Bus(#[from] bus::TransportError),
    /// The mail settings are wrong.
    #[error(transparent)]
    Mail(#[from] mail::Error),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The tables could not be made.
    #[error("the tables of {0} cannot be brought up to date")]
    Migrate(&'static str, #[source] sqlx::migrate::MigrateError),
    /// The gRPC server failed.
    #[error(transparent)]
    Serve(#[from] chassis::serve::ServeError),
}

impl From<NotOffered> for Error {
    fn from(not_offered: NotOffered) -> Self {
        match not_offered {
            NotOffered::Invalid(invalid) => Self::Invalid(invalid),
            NotOffered::TextChanged(text) => Self::Consent(ConsentError::TextChanged(text)),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let too_often =
            |reason, message, wait| Fault::new(Code::ResourceExhausted, reason, message).retry_after(wait);
        let unauthenticated = |reason, message| Fault::new(Code::Unauthenticated, reason, message);
        let not_found = |reason, message| Fault::new(Code::NotFound, reason, message);
        let not_now = |reason, message| Fault::new(Code::FailedPrecondition, reason, message);
        match error {
            Error::Invalid(invalid) => Fault::invalid_field(invalid.field, invalid.description),
            Error::Client(error) => error.into(),
            Error::Care(error) => error.into(),
            Error::Consent(error) => error.into(),
            Error::Software(error) => error.into(),
            Error::Counselor(error) => error.into(),
            Error::Trust(error) => error.into(),
            Error::Address(error) => error.into(),
            Error::Terms(error) => error.into(),
            Error::Support(error) => error.into(),
            Error::LedgerLook(error) => error.into(),
            Error::Passkey(error) => error.into(),
            Error::Undecided(fault) => fault,
            Error::SignInRefused => unauthenticated(
                "SIGN_IN_REFUSED",
                "This address and password do not fit together, or the address is not confirmed yet. \
                 Please check both, and your mail.",
            ),
            Error::TooManyAttempts(wait) => too_often(
                "TOO_MANY_ATTEMPTS",
                "There were many attempts with this address. Nothing is locked. Please try again in a moment.",
                wait,
            ),
            Error::ProofRefused => Fault::new(
                Code::PermissionDenied,
                "PROOF_REFUSED",
                "This did not fit, so nothing was changed. You stay signed in. You can try again.",
            ),
            Error::CodeRefused => unauthenticated(
                "SECOND_FACTOR_REFUSED",
                "This code does not fit, or was used already. A new one comes every half minute. Nothing was changed.",
            ),
            Error::CodeMissing => {
                Fault::invalid_field("code", "is required: a code of your app, or one of your recovery codes")
            }
            Error::SecondFactorMissing => not_now(
                "SECOND_FACTOR_REQUIRED",
                "This account has a second factor. Please give a code of the app, or a recovery code, as well.",
            ),
            Error::SignInOver => unauthenticated(
                "SIGN_IN_OVER",
                "This sign-in took too long, or was finished already. Please begin again.",
            ),
            Error::NoAppWaits => not_now(
                "NO_APP_WAITS",
                "This took longer than a quarter of an hour. Nothing was changed. Please begin again.",
            ),
            Error::NoSuchFactor => {
                not_found("FACTOR_NOT_FOUND", "There is no such second factor. Nothing was changed.")
            }
            Error::PasswordTooShortAlone => not_now(
                "PASSWORD_TOO_SHORT_ALONE",
                "Without a second factor the password needs at least 15 characters. Nothing was changed. \
                 Please choose a longer password first.",
            ),
            Error::TooManyProofs(wait) => too_often(
                "TOO_MANY_ATTEMPTS",
                "There were many attempts. Nothing is locked and nothing was changed. Please try again in a moment.",
                wait,
            ),
            Error::Busy => too_often(
                "BUSY",
                "Many people are signing in at this moment. Please try again in a moment.",
                Duration::from_secs(1),
            ),
            Error::VerificationNotFound => not_found(
                "VERIFICATION_NOT_FOUND",
                "This link and password do not fit together, or the link is too old or was used already. \
                 You can try again, or register again with a password of your choice.",
            ),
            Error::ResetNotFound => not_found(
                "RESET_NOT_FOUND",
                "This link is too old or was used already. Your password is what it was. You can ask for another link.",
            ),
            Error::ProofTooWeak => chassis::rpc::step_up_required(),
            Error::DeviceNotFound => not_found("DEVICE_NOT_FOUND", "There is no such device."),
            Error::SessionNotFound => not_found("SESSION_NOT_FOUND", "There is no such session."),
            Error::SessionOver | Error::AccountGone => {
                unauthenticated("SESSION_ENDED", "This sign-in has ended. Please sign in again.")
            }
            Error::AddressInUse => Fault::new(
                Code::AlreadyExists,
                "ADDRESS_IN_USE",
                "An account with this address exists already. Nothing was changed.",
            ),
            Error::InvitationNotFound => not_found(
                "INVITATION_NOT_FOUND",
                "This invitation does not open. The code may be mistyped, or it is over. Nothing has changed.",
            ),
            Error::AlreadyLinked => {
                not_now("ALREADY_LINKED", "You are linked with somebody already. Nothing has changed.")
            }
            Error::AlreadyPartners => not_now(
                "ALREADY_PARTNERS",
                "You two are linked as a couple. A circle is for other people. Nothing has changed.",
            ),
            Error::AlreadyInCircle => {
                not_now("ALREADY_IN_CIRCLE", "You are in this circle already. Nothing has changed.")
            }
            Error::CircleFull => not_now(
                "CIRCLE_FULL",
                "Your circle has room for 20 people, open invitations counted. Nothing has changed.",
            ),
            Error::TooManyPlaces => not_now(
                "TOO_MANY_PLACES",
                "You are in a hundred circles. You can leave one first. Nothing has changed.",
            ),
            Error::PersonNotFound => {
                not_found("PERSON_NOT_FOUND", "There is nobody of that place in your circle.")
            }
            Error::TooManyInvitations(wait) => too_often(
                "TOO_MANY_INVITATIONS",
                "You have made several invitations today. The last one still works. Please try again later.",
                wait,
            ),
            Error::NothingOpen => not_found("NOT_FOUND", "There is nothing here for you."),
            Error::TooManyOpenings(wait) => too_often(
                "TOO_MANY_OPENINGS",
                "You opened a lot in a short time. Nothing is lost. Please try again in a moment.",
                wait,
            ),
            Error::ReceiptNotFound => not_found(
                "RECEIPT_NOT_FOUND",
                "This cannot go on from an earlier opening. Please open it anew.",
            ),
            Error::CertificateNotFound => not_found(
                "CERTIFICATE_NOT_FOUND",
                "There is no erasure with this code. It may be mistyped, called off, or replaced by a newer code.",
            ),
            Error::ExportNotFound => not_found(
                "EXPORT_NOT_FOUND",
                "There is nothing to take along: it was not asked for, was called off, or its time is over.",
            ),
            Error::StillStaff => not_now(
                "STILL_STAFF",
                "Your account works for this place, so it stays: what was done with it has to be accounted for. Once its \
                 role was taken from it, at the machine, you can have it destroyed. Nothing was changed.",
            ),
            Error::ExportNotOpen => not_now(
                "EXPORT_NOT_OPEN",
                "It opens 24 hours after it was asked for. Until then it can be called off.",
            ),
            Error::NoSigningKey => Fault::unavailable(&error),
            Error::Vault(cause) => Fault::from(cause),
            Error::Database(cause) => Fault::from(cause),
            other => Fault::internal(&other),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
