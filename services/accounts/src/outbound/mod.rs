//! The way to the world: mail, the addresses at which clients publish their keys, the folder where the audit is anchored, and
//! that of legal texts.

mod anchors;
mod jwks;
mod postman;
mod terms_folder;

pub use anchors::AnchorFolder;
pub use jwks::{KeyFetcher, Reach};
pub use postman::Postman;
pub use terms_folder::read_terms;
