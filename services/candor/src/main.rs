//! `candor`: every service in one process, with a PostgreSQL of its own and the in-memory bus.

mod audit;
mod cli;
mod databases;
mod dead_letters;
mod demo;
mod doors;
mod installation;
mod keys;
mod operator;
mod password;
mod ready;
mod recording;
mod resnapshot;
mod run;
mod services;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
