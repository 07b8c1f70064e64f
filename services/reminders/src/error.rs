//! Everything that can go wrong in reminders, and what its caller reads of it.

use crate::domain::Invalid;
use chassis::{Code, Fault};
use std::time::Duration;

/// A failure of reminders. It holds no value of a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field breaks a rule.
    #[error("{} {}", .0.field, .0.rule)]
    Invalid(Invalid),
    /// The caller has no such schedule: it does not exist, or it is not theirs.
    #[error("there is no such schedule")]
    ScheduleNotFound,
    /// The caller has no such item: it does not exist, or it is not theirs.
    #[error("there is no such inbox item")]
    InboxItemNotFound,
    /// Nobody is linked with the caller.
    #[error("there is no link")]
    NotLinked,
    /// The caller and that person have no such schedule of check-ins: it does not exist, they are not linked, or it was
    /// not opened to the caller.
    #[error("there is no such schedule of check-ins")]
    CheckInScheduleNotFound,
    /// The caller's couple has another schedule of check-ins with this id.
    #[error("the id of a schedule of check-ins was used before")]
    CheckInScheduleIdReused,
    /// The caller proposed very often lately; how long until the next.
    #[error("there were many proposals")]
    TooManyProposals(Duration),
    /// A stored row breaks a rule of the domain.
    #[error("a stored row cannot be understood")]
    Unreadable,
    /// A time is beyond the calendar.
    #[error("a time is beyond the calendar")]
    Calendar,
    /// The settings.
    #[error(transparent)]
    Config(#[from] chassis::config::ConfigError),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A migration.
    #[error("a migration failed")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The message broker.
    #[error("the message broker failed")]
    Bus(#[from] bus::TransportError),
    /// The server.
    #[error("the server failed")]
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
            Error::ScheduleNotFound => Self::new(
                Code::NotFound,
                "SCHEDULE_NOT_FOUND",
                "There is no such reminder among yours. Nothing was changed.",
            ),
            Error::InboxItemNotFound => Self::new(
                Code::NotFound,
                "INBOX_ITEM_NOT_FOUND",
                "There is no such item in your inbox. Nothing was changed.",
            ),
            Error::NotLinked => Self::new(
                Code::FailedPrecondition,
                "NOT_LINKED",
                "You are not linked with anybody. Nothing was stored. A check-in needs two.",
            ),
            Error::CheckInScheduleNotFound => Self::new(
                Code::NotFound,
                "CHECK_IN_SCHEDULE_NOT_FOUND",
                "There is no such plan for check-ins here. Nothing was changed.",
            ),
            Error::CheckInScheduleIdReused => Self::new(
                Code::AlreadyExists,
                "CHECK_IN_SCHEDULE_ID_REUSED",
                "There is another plan for check-ins with this id. That one is unchanged; please send this one with a \
                 new id.",
            ),
            Error::TooManyProposals(wait) => Self::new(
                Code::ResourceExhausted,
                "TOO_MANY_PROPOSALS",
                "There were many proposals today. The latest one stands. Another is possible tomorrow.",
            )
            .retry_after(wait),
            Error::Database(cause) => Self::from(cause),
            Error::Bus(cause) => Self::unavailable(&cause),
            error @ (Error::Unreadable
            | Error::Calendar
            | Error::Config(_)
            | Error::Migrate(_)
            | Error::Serve(_)) => Self::internal(&error),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
