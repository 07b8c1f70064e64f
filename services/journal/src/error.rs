//! Everything that can go wrong in the journal, and what its caller reads of it.

use crate::domain::{Invalid, InvalidAnswer, InvalidQuestionnaire};
use candor_proto::Violation;
use chassis::{Code, Fault};
use std::time::Duration;

/// A failure of the journal. It holds no text and no value of a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field breaks a rule.
    #[error("{} {}", .0.field, .0.rule)]
    Invalid(Invalid),
    /// The caller has no such entry: it does not exist, or it is not theirs.
    #[error("there is no such entry")]
    EntryNotFound,
    /// The caller has no such mood: it does not exist, or it is not theirs.
    #[error("there is no such mood")]
    MoodNotFound,
    /// The id is taken by an entry with other content.
    #[error("the entry's id is taken")]
    EntryIdReused,
    /// The id is taken by a mood with other content.
    #[error("the mood's id is taken")]
    MoodIdReused,
    /// The idempotency key came before, with other content.
    #[error("the idempotency key came before with other content")]
    IdempotencyKeyReused,
    /// The caller has no such assessment: it does not exist, or it is not theirs.
    #[error("there is no such assessment")]
    AssessmentNotFound,
    /// The id is taken by an assessment of another instrument.
    #[error("the assessment's id is taken")]
    AssessmentIdReused,
    /// The assessment is scored: it changes no more.
    #[error("the assessment is scored already")]
    AssessmentScored,
    /// No domain has enough answers for a score.
    #[error("there are too few answers for a score")]
    TooFewAnswers,
    /// Answers that the instrument does not know.
    #[error("some answers are not the instrument's")]
    InvalidAnswers(Vec<InvalidAnswer>),
    /// No version of the instrument is known here (yet).
    #[error("the instrument is not known here")]
    InstrumentNotReady,
    /// The version that an assessment was begun with is not known here any more.
    #[error("an assessment's instrument is not known here")]
    InstrumentGone,
    /// A questionnaire that cannot be scored.
    #[error("a questionnaire cannot be scored")]
    Questionnaire(#[from] InvalidQuestionnaire),
    /// The caller is not linked with anybody.
    #[error("the caller is not linked with anybody")]
    NotLinked,
    /// The caller has no such check-in: it does not exist, or there is nothing of it for them to see.
    #[error("there is no such check-in")]
    CheckInNotFound,
    /// The check-in's time has come, or it was decided.
    #[error("the check-in is over")]
    CheckInOver,
    /// The caller answered as many check-ins as one may: that have not opened, close to each other, or in a day.
    #[error("there are too many check-ins")]
    TooManyCheckIns,
    /// The caller has nothing to share under this id: it does not exist, it is not theirs, or it has no result.
    #[error("there is no such item to share")]
    ItemNotFound,
    /// Nothing of the kind is open to whoever asks, or there is nothing.
    #[error("nothing is open")]
    NothingOpened,
    /// There is no such share, or it is not open to the caller, whatever the reason.
    #[error("there is no such share")]
    ShareNotFound,
    /// There is no such answer, or it is not open to the caller, whatever the reason.
    #[error("there is no such answer")]
    AnswerNotFound,
    /// The caller is not linked with the one they want to share with.
    #[error("the recipient is not linked with the caller")]
    NotPartner,
    /// The caller shared as much in a day as one may; with the time until they may again.
    #[error("there are too many shares in a day")]
    TooManyShares(Duration),
    /// The id is taken by a share with other content.
    #[error("the share's id is taken")]
    ShareIdReused,
    /// The caller answered the share before, with other words.
    #[error("the share is answered already")]
    AlreadyAnswered,
    /// There is no answer to rate.
    #[error("the share is not answered")]
    NotAnswered,
    /// The account's data key is destroyed: it can write no more.
    #[error("the account is erased")]
    AccountErased,
    /// A kept text does not open, or is no text.
    #[error("a kept text does not open")]
    Unreadable(#[source] vault::Error),
    /// The key store.
    #[error("the key store")]
    Vault(#[source] vault::Error),
    /// The database.
    #[error("the database")]
    Database(#[from] sqlx::Error),
    /// A migration.
    #[error("a migration of the {0}")]
    Migrate(&'static str, #[source] sqlx::migrate::MigrateError),
    /// The settings.
    #[error(transparent)]
    Config(#[from] chassis::config::ConfigError),
    /// The message broker.
    #[error("the message broker")]
    Bus(#[from] bus::TransportError),
    /// The server.
    #[error("the server")]
    Serve(#[from] chassis::serve::ServeError),
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(Invalid { field, rule }) => Self::invalid_field(field, rule),
            Error::EntryNotFound => Self::new(
                Code::NotFound,
                "ENTRY_NOT_FOUND",
                "There is no such entry in your journal. Nothing was changed.",
            ),
            Error::MoodNotFound => Self::new(
                Code::NotFound,
                "MOOD_NOT_FOUND",
                "There is no such mood among yours. Nothing was changed.",
            ),
            Error::EntryIdReused => Self::new(
                Code::AlreadyExists,
                "ENTRY_ID_REUSED",
                "You have another entry with this id. That one is unchanged; please send this one with a new id.",
            ),
            Error::MoodIdReused => Self::new(
                Code::AlreadyExists,
                "MOOD_ID_REUSED",
                "You have another mood with this id. That one is unchanged; please send this one with a new id.",
            ),
            Error::IdempotencyKeyReused => Self::new(
                Code::AlreadyExists,
                "IDEMPOTENCY_KEY_REUSED",
                "This idempotency key came before with other content. What came first is kept; \
                 please send this with a new key.",
            ),
            Error::AssessmentNotFound => Self::new(
                Code::NotFound,
                "ASSESSMENT_NOT_FOUND",
                "There is no such self-check among yours. Nothing was changed.",
            ),
            Error::AssessmentIdReused => Self::new(
                Code::AlreadyExists,
                "ASSESSMENT_ID_REUSED",
                "You have another self-check with this id. That one is unchanged; please begin this one with a new id.",
            ),
            Error::AssessmentScored => Self::new(
                Code::FailedPrecondition,
                "ASSESSMENT_SCORED",
                "This one has its result and stays as it is. You can begin a new one at any time.",
            ),
            Error::TooFewAnswers => Self::new(
                Code::FailedPrecondition,
                "TOO_FEW_ANSWERS",
                "There are too few answers for a result yet. Your answers are kept. Half of one part is enough.",
            ),
            Error::InvalidAnswers(broken) => Self::invalid(broken.into_iter().map(violation).collect()),
            Error::InstrumentNotReady => Self::new(
                Code::FailedPrecondition,
                "INSTRUMENT_NOT_READY",
                "These questions are not here yet. Nothing was lost; please try again a little later.",
            ),
            Error::NotLinked => Self::new(
                Code::FailedPrecondition,
                "NOT_LINKED",
                "You are not linked with anybody here at the moment. Nothing was stored.",
            ),
            Error::CheckInNotFound => Self::new(
                Code::NotFound,
                "CHECK_IN_NOT_FOUND",
                "There is no such check-in for you to see. Nothing was changed.",
            ),
            Error::CheckInOver => Self::new(
                Code::FailedPrecondition,
                "CHECK_IN_OVER",
                "This check-in is over. It stays as it is; the next one is open to your words.",
            ),
            Error::TooManyCheckIns => Self::new(
                Code::ResourceExhausted,
                "TOO_MANY_CHECK_INS",
                "You have answered many check-ins in a short time. They are kept; please answer this one later.",
            ),
            Error::ItemNotFound => Self::new(
                Code::NotFound,
                "ITEM_NOT_FOUND",
                "There is nothing of yours with this id to share. Nothing was shared.",
            ),
            // As accounts says it, word for word.
            Error::NothingOpened => Self::new(Code::NotFound, "NOT_FOUND", "There is nothing here for you."),
            Error::ShareNotFound => Self::new(
                Code::NotFound,
                "SHARE_NOT_FOUND",
                "There is no such share here for you. Nothing was changed.",
            ),
            Error::AnswerNotFound => Self::new(
                Code::NotFound,
                "ANSWER_NOT_FOUND",
                "There is no such answer here for you. Nothing was changed.",
            ),
            Error::NotPartner => Self::new(
                Code::FailedPrecondition,
                "NOT_LINKED",
                "You can share with the person you are linked with, or with people in your circle. Nothing was shared.",
            ),
            Error::TooManyShares(wait) => Self::new(
                Code::ResourceExhausted,
                "TOO_MANY_SHARES",
                "You have shared a lot today. All of it is kept, and this was not shared. Please share it later.",
            )
            .retry_after(wait),
            Error::ShareIdReused => Self::new(
                Code::AlreadyExists,
                "SHARE_ID_REUSED",
                "You have another share with this id. That one is unchanged; please send this one with a new id.",
            ),
            Error::AlreadyAnswered => Self::new(
                Code::AlreadyExists,
                "ALREADY_ANSWERED",
                "You have answered this with other words. Those are kept, and nothing was changed.",
            ),
            Error::NotAnswered => Self::new(
                Code::FailedPrecondition,
                "NOT_ANSWERED",
                "There is no answer to this yet. You can say how it felt once there is one.",
            ),
            Error::AccountErased => Self::new(
                Code::FailedPrecondition,
                "ACCOUNT_ERASED",
                "This account is erased, and nothing more can be kept for it. Nothing was stored.",
            ),
            Error::Database(cause) => Self::from(cause),
            Error::Vault(cause) => Self::from(cause),
            error @ (Error::Unreadable(_)
            | Error::InstrumentGone
            | Error::Questionnaire(_)
            | Error::Migrate(..)
            | Error::Config(_)
            | Error::Bus(_)
            | Error::Serve(_)) => Self::internal(&error),
        }
    }
}

fn violation(answer: InvalidAnswer) -> Violation {
    let InvalidAnswer { index, field, rule } = answer;
    Violation { field: format!("answers[{index}].{field}"), description: rule }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
