//! The way to the world: mail.

mod postman;

pub use postman::Postman;
