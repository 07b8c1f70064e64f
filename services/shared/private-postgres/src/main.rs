//! `private-postgres FOLDER`: runs a server on the folder, prints its URL, and stops at Ctrl-C or SIGTERM.

use private_postgres::{Error, Options, Server};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        return fail("say where the data go: private-postgres FOLDER");
    };
    match run(Options { folder: folder.into(), install: true, ..Options::default() }).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

async fn run(options: Options) -> Result<(), Error> {
    let stop = |kind| signal(kind).map_err(|error| Error::Start(error.to_string()));
    let (mut interrupt, mut terminate) = (stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?);
    let server = Server::start(options).await?;
    #[allow(clippy::print_stdout)] // its whole purpose
    {
        println!("{}", server.url("postgres")?);
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    server.stop().await;
    Ok(())
}

#[allow(clippy::print_stderr)] // how a command says why it ends
fn fail(sentence: &str) -> ExitCode {
    eprintln!("private-postgres: {sentence}");
    ExitCode::FAILURE
}
