//! The way to the world: mail, the addresses at which clients publish their keys, and the folder where the audit is anchored.

mod anchors;
mod jwks;
mod postman;

pub use anchors::AnchorFolder;
pub use jwks::{KeyFetcher, Reach};
pub use postman::Postman;
