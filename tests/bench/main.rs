//! `make bench`: what Candor does on this machine, each figure beside what the same machine does without it, measured
//! in turns, in the same run. What was timed is looked at afterwards: rows are there, texts open to what was written,
//! events were handled. A wrong effect fails the run; a goal that is missed does not, and is said.
//!
//! ```text
//! bench [--only SECTION[,SECTION…]] [--rounds N] [--seconds S] [--json FILE]
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a tool of ours: what fails, fails the run
#![allow(clippy::print_stdout, clippy::print_stderr)] // a command speaks to whoever runs it

mod append;
mod arguments;
mod broker;
mod care;
mod delegated;
mod durable;
mod echo;
mod entries;
mod events;
mod fill;
mod ground;
mod growth;
mod http;
mod load;
mod memory;
mod peers;
mod people;
mod pgbench;
mod processes;
mod rounds;
mod sign_ins;
mod table;
mod timeline;
mod wire;

use arguments::Arguments;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use ground::Ground;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::{Row, Table};
use tokio::runtime::{Builder, Runtime};

/// A section: its name, and what it measures.
type Section = (&'static str, for<'a> fn(&'a Ground) -> LocalBoxFuture<'a, Vec<Row>>);

const SECTIONS: [Section; 10] = [
    ("append", |ground| append::measure(ground).boxed_local()),
    ("timeline", |ground| timeline::measure(ground).boxed_local()),
    ("events", |ground| events::measure(ground).boxed_local()),
    ("delegated", |ground| delegated::measure(ground).boxed_local()),
    ("echo", |ground| echo::measure(ground).boxed_local()),
    ("sign-ins", |ground| sign_ins::measure(ground).boxed_local()),
    ("memory", |ground| memory::measure(ground).boxed_local()),
    ("processes", |ground| processes::measure(ground).boxed_local()),
    ("growth", |ground| growth::measure(ground).boxed_local()),
    ("peers", |ground| peers::measure(ground).boxed_local()),
];

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if let [word, kind, file] = given.as_slice()
        && word == echo::SERVE
    {
        // On as many threads as every service of ours runs on.
        runtime(Builder::new_multi_thread()).block_on(echo::serve(kind, Path::new(file)));
        return ExitCode::SUCCESS;
    }
    // One thread: a load generator that spreads over the cores takes them from what it measures.
    runtime(Builder::new_current_thread()).block_on(measure(given))
}

fn runtime(mut builder: Builder) -> Runtime {
    builder.enable_all().build().expect("a runtime")
}

async fn measure(given: Vec<String>) -> ExitCode {
    let names: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
    let arguments = match Arguments::parse(given.into_iter(), &names) {
        Ok(arguments) => arguments,
        Err(sentence) => {
            eprintln!("bench: {sentence}");
            return ExitCode::from(2);
        }
    };
    let mut table = Table::new(&arguments);
    let ground = Ground::prepare(&arguments).await;
    let mut wrong = Vec::new();
    for (name, measure) in SECTIONS.into_iter().filter(|(name, _)| arguments.wants(name)) {
        eprintln!("bench: {name}");
        // A wrong effect ends its own section; the others still say what they found.
        match AssertUnwindSafe(measure(&ground)).catch_unwind().await {
            Ok(rows) => table.add(name, rows),
            Err(_) => {
                table.add(name, vec![Row::failed(name)]);
                wrong.push(name);
            }
        }
    }
    ground.stop().await;
    print!("{table}");
    if let Some(file) = &arguments.json {
        std::fs::write(file, table.json_lines()).expect("the JSON file can be written");
    }
    if wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("bench: what was timed did not happen as it is meant to in: {}", wrong.join(", "));
    ExitCode::FAILURE
}

/// Where everything is put: below `target`, beside the program. That is on a disk, as `/tmp` may not be.
fn scratch() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("bench-scratch")
}
