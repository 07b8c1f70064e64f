//! The way to the world: mail, and the folder where the audit is anchored.

mod anchors;
mod postman;

pub use anchors::AnchorFolder;
pub use postman::Postman;
