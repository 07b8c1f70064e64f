//! What content is made of: articles, languages, reading order, instruments, the path. Pure: no clock, no database.

pub mod article;
pub mod front_matter;
pub mod library;
pub mod locale;
pub mod page;
pub mod path;
pub mod prompts;
pub mod questionnaire;

pub use article::{Article, Kind, Listed, Step};
pub use library::LibraryError;
pub use locale::Locale;
pub use page::PageToken;
