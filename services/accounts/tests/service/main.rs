//! Accounts against a real PostgreSQL: what members, strangers and replicas do, and what they get.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod enumeration;
mod hijack;
mod hostile;
mod kit;
mod mails;
mod operators;
mod rotation;
mod sessions;
mod story;
mod throttle;
