//! Every way content can fail, and what a caller is told.

use crate::domain::LibraryError;
use crate::domain::prompts::InvalidPrompts;
use crate::domain::questionnaire::InvalidQuestionnaire;
use chassis::{Code, Fault};

/// A failure of content.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No published article has this id.
    #[error("there is no such article")]
    ArticleNotFound,
    /// There is no such instrument, or no such version of it.
    #[error("there is no such instrument")]
    InstrumentNotFound,
    /// The wished language is no language tag.
    #[error("the language is not a BCP 47 tag")]
    InvalidLocale,
    /// The page token is none of ours, or belongs to another list.
    #[error("the page token does not belong to this list")]
    InvalidPageToken,
    /// A file of the library breaks a rule.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// A questionnaire breaks a rule.
    #[error(transparent)]
    Questionnaire(#[from] InvalidQuestionnaire),
    /// The questions of check-ins break a rule.
    #[error(transparent)]
    Prompts(#[from] InvalidPrompts),
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] chassis::config::ConfigError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The tables could not be made.
    #[error("the tables could not be made")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The broker failed.
    #[error(transparent)]
    Transport(#[from] bus::TransportError),
    /// The server failed.
    #[error(transparent)]
    Serve(#[from] chassis::serve::ServeError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::ArticleNotFound => Self::new(
                Code::NotFound,
                "ARTICLE_NOT_FOUND",
                "There is no such article here. The library has others to offer.",
            ),
            Error::InstrumentNotFound => Self::new(
                Code::NotFound,
                "INSTRUMENT_NOT_FOUND",
                "There is no such questionnaire here. Nothing was changed; the list shows those there are.",
            ),
            Error::InvalidLocale => {
                Self::invalid_field("locale", "is not a language tag such as en or de-AT")
            }
            Error::InvalidPageToken => {
                Self::invalid_field("page_token", "does not belong to this list; start again without it")
            }
            Error::Database(error) => error.into(),
            Error::Transport(error) => Self::unavailable(&error),
            Error::Library(_)
            | Error::Questionnaire(_)
            | Error::Prompts(_)
            | Error::Config(_)
            | Error::Migration(_)
            | Error::Serve(_) => Self::internal(&error),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
