//! The chassis as its users meet it: a real server, real HTTP/2 clients, a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests
mod audience;
mod calls;
mod idempotency;
mod kit;
mod limits;
mod readiness;
mod trace;
