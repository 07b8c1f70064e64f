//! The rules of the house, read from `cargo metadata`, the sources and the descriptors.
//! A failure says what to do instead.

mod api;
mod crates;
mod layers;
mod sources;
mod sql;
