//! The test kit: what tests of every crate need around the thing they test. It uses none of Candor's crates but
//! `private-postgres`; what it knows of the services is how to start them.
//!
//! - [`postgres()`]: a database of the test's own on the shared test server; [`Postgres`]: a server of the test's
//!   own that it may stop, freeze and start;
//! - [`rabbit()`]: the shared broker, with an exchange name of the test's own; [`Rabbit`]: a node of the test's
//!   own that it may stop, kill and start;
//! - [`eventually`]: waits for a condition, never for a time;
//! - [`TestClock`]: time that several processes share and the test moves;
//! - [`Process`]: a program of ours as a child, with its log in a file;
//! - [`five`]: the five processes of Candor, wired together, and [`One`], all of it in one process; [`Rest`] speaks to
//!   them over HTTP, [`Browser`] as people do;
//! - [`Device`]: what keeps passkeys, in software, and lies when told to;
//! - [`Collector`]: where they send their traces and metrics; [`Tap`]: hears what they say to a server.
//!
//! The shared servers come from `testbed` (`make test` starts it), which says where they are in
//! `CANDOR_TEST_POSTGRES_URL` and `CANDOR_TEST_AMQP_URL`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a kit for tests: what fails, fails the test

mod browser;
mod child;
mod clock;
pub mod collector;
mod device;
mod eventually;
pub mod five;
mod mail;
mod one;
mod postgres;
mod process;
mod rabbit;
mod rest;
mod server;
mod tap;

pub use browser::{Browser, percent};
pub use clock::TestClock;
pub use collector::Collector;
pub use device::Device;
pub use eventually::eventually;
pub use mail::mailed_token;
pub use one::One;
pub use postgres::{Database, postgres};
pub use process::{Process, binary, free_address};
pub use rabbit::{Broker, Rabbit, rabbit};
pub use rest::{Answer, Reply, Rest};
pub use server::Postgres;
pub use tap::Tap;

/// The variable that names the shared PostgreSQL.
pub const POSTGRES_URL: &str = "CANDOR_TEST_POSTGRES_URL";
/// The variable that names the shared RabbitMQ.
pub const AMQP_URL: &str = "CANDOR_TEST_AMQP_URL";

fn shared(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run the tests with `make test`, or a single one with \
             `cargo run -p candor-tests --bin testbed -- run -- cargo test -p CRATE NAME`"
        )
    })
}
