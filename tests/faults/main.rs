//! Five real processes, and what breaks around them: servers that stop or freeze, processes that are killed or
//! asked to end, settings that cannot be used. Whatever happens, nothing that was promised is lost, nothing comes
//! twice, and everything finds back by itself; what was taken back stays so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests: what fails, fails the test

mod broker;
mod firing;
mod member;
mod preparing;
mod readiness;
mod revocation;
mod settings;
mod stage;
mod stopping;
mod writers;
