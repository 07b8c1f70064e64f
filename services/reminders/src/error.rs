//! Everything that can go wrong in reminders, and what its caller reads of it.

use crate::domain::Invalid;
use chassis::{Code, Fault};

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
