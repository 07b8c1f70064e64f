//! The journal on a real PostgreSQL, called as a member's client calls it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what fails, fails the test

mod assessments;
mod batches;
mod check_ins;
mod entries;
mod erasing;
mod idempotency;
mod moods;
mod opened;
mod privacy;
mod server;
mod shares;
mod stage;
