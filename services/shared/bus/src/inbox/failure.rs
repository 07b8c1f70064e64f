//! How a handler fails, and what follows from it.

use chassis::{Code, Fault};
use thiserror::Error;

/// Why a handler did not handle an event.
#[derive(Debug, Error)]
pub enum HandlerError {
    /// The event can never be handled, by nobody: it is dead at once. The name is for logs and holds no content.
    #[error("malformed event: {0}")]
    Malformed(&'static str),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A rule of the service, or something it needs. `UNAVAILABLE` and `ABORTED` do not count as attempts: an outage,
    /// or a collision with a neighbour, is not the event's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A failure as it is recorded: without any text of its cause.
pub(super) struct Failure {
    pub(super) reason: String,
    weight: Weight,
}

/// What a failure costs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// Nothing: something else was away.
    None,
    /// One of five attempts.
    Attempt,
    /// The event's life.
    Fatal,
}

impl Failure {
    pub(super) fn fatal(reason: &str) -> Self {
        Self { reason: reason.to_owned(), weight: Weight::Fatal }
    }

    pub(super) fn panicked() -> Self {
        Self { reason: "PANIC".to_owned(), weight: Weight::Attempt }
    }

    /// Whether it ends the event at once.
    pub(super) fn is_fatal(&self) -> bool {
        self.weight == Weight::Fatal
    }

    /// How many attempts it costs.
    pub(super) fn cost(&self) -> i32 {
        i32::from(self.weight != Weight::None)
    }
}

impl From<HandlerError> for Failure {
    fn from(error: HandlerError) -> Self {
        match error {
            HandlerError::Malformed(reason) => Self::fatal(reason),
            HandlerError::Database(error) => Self::from(&error),
            HandlerError::Fault(fault) => {
                let blameless = matches!(fault.code, Code::Unavailable | Code::Aborted);
                let weight = if blameless { Weight::None } else { Weight::Attempt };
                Self { reason: fault.reason.to_owned(), weight }
            }
        }
    }
}

impl From<&sqlx::Error> for Failure {
    fn from(error: &sqlx::Error) -> Self {
        let blameless = is_away(error) || is_collision(error);
        let weight = if blameless { Weight::None } else { Weight::Attempt };
        let reason = match error {
            // An SQLSTATE and a constraint's name say enough; messages can quote values.
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                error.constraint().map_or_else(|| format!("SQL {code}"), |name| format!("SQL {code} {name}"))
            }
            sqlx::Error::RowNotFound => "ROW_NOT_FOUND".to_owned(),
            _ if blameless => "DATABASE_AWAY".to_owned(),
            _ => "DATABASE".to_owned(),
        };
        Self { reason, weight }
    }
}

/// Why a whole transaction came to nothing.
pub(super) enum Undone {
    /// The database.
    Database(sqlx::Error),
    /// A handler says that it collided with another transaction: its locks have to go before it runs again.
    Collision(Failure),
    /// A handler failed with no savepoint to go back to.
    Failed(Failure),
}

impl Undone {
    /// The same transaction may well succeed at once.
    pub(super) fn is_collision(&self) -> bool {
        match self {
            Self::Database(error) => is_collision(error),
            Self::Collision(_) => true,
            Self::Failed(_) => false,
        }
    }

    /// What to record of it; an error when the database is away, so that nothing can be.
    pub(super) fn into_failure(self) -> Result<Failure, sqlx::Error> {
        match self {
            Self::Database(error) if is_away(&error) => Err(error),
            Self::Database(error) => Ok(Failure::from(&error)),
            Self::Collision(failure) | Self::Failed(failure) => Ok(failure),
        }
    }
}

impl From<sqlx::Error> for Undone {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// The database cannot be reached or does not take work now: nothing is wrong with what we asked.
pub(super) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // 08: connection, 53: resources, 57P: shutting down or starting up, 25006: a standby.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") || code == "25006"
        }),
        _ => false,
    }
}

/// The transaction collided with another one and can simply run again.
fn is_collision(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().is_some_and(|code| code.starts_with("40")))
}

impl HandlerError {
    /// Whether the handler collided with another transaction, however it says so.
    pub(super) fn is_collision(&self) -> bool {
        match self {
            Self::Database(error) => is_collision(error),
            Self::Fault(fault) => fault.code == Code::Aborted,
            Self::Malformed(_) => false,
        }
    }
}
