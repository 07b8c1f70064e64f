//! `candor`: every service in one process, with a PostgreSQL of its own and the in-memory bus.

mod cli;
mod databases;
mod doors;
mod operator;
mod password;
mod ready;
mod run;
mod services;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
