//! The rules of the house, read from `cargo metadata`, the sources and the descriptors.
//! A failure says what to do instead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests: what fails, fails the test

mod api;
mod crates;
mod layers;
mod sources;
mod sql;
mod staff;
