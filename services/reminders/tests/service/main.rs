//! Reminders against a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what fails, fails the test

mod check_ins;
mod disorder;
mod ending;
mod erasing;
mod firing;
mod lists;
mod look_backs;
mod notices;
mod one_unread;
mod process;
mod stage;
mod sweeping;
