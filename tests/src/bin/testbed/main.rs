//! `testbed`: the servers that tests and the query checks need, for as long as they need them.
//!
//! ```text
//! testbed run -- COMMAND…          runs a command beside a private PostgreSQL and a private RabbitMQ
//! testbed sqlx [--check] [CRATE…]  writes, or compares, each crate's offline query data
//! ```
#![allow(clippy::print_stderr)] // a command speaks to whoever runs it

mod queries;
mod servers;

use std::process::ExitCode;

const USAGE: &str = "Use: testbed run -- COMMAND…, or testbed sqlx [--check] [CRATE…].";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["run", "--", program, rest @ ..] => servers::run(program, rest).await,
        ["sqlx", "--check", crates @ ..] => queries::run(crates, true).await,
        ["sqlx", crates @ ..] => queries::run(crates, false).await,
        _ => Err(USAGE.to_owned()),
    };
    done.unwrap_or_else(|sentence| {
        eprintln!("testbed: {sentence}");
        ExitCode::FAILURE
    })
}
