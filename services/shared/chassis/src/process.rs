//! A process from its command line to its exit code: the whole `main` of the services' binaries.

use crate::config::{Platform, Settings, load};
use crate::{Health, Host, Ids, ops, telemetry};
use std::error::Error;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Settings cannot be used, or the command line is wrong.
const MISCONFIGURED: u8 = 2;
/// After the signal, what still runs has this long; the server itself drains in 10 s.
const LAST_CALL: Duration = Duration::from_secs(15);

type BoxError = Box<dyn Error + Send + Sync>;

/// Runs a service: `NAME [run | migrate | check-config] [--config FILE]`. `run` gets the settings and the ground to
/// stand on, and returns once `host.shutdown` has fired and all is done; `migrate` prepares the service's stores.
pub fn main<T, Run, RunFuture, RunError, Migrate, MigrateFuture, MigrateError>(
    run: Run,
    migrate: Migrate,
) -> ExitCode
where
    T: Settings,
    Run: FnOnce(T, Host) -> RunFuture,
    RunFuture: Future<Output = Result<(), RunError>>,
    RunError: Into<BoxError>,
    Migrate: FnOnce(T) -> MigrateFuture,
    MigrateFuture: Future<Output = Result<(), MigrateError>>,
    MigrateError: Into<BoxError>,
{
    let command = match parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(sentence) => return complain(&sentence, MISCONFIGURED),
    };
    let (platform, settings) = match load::<T>(command.config.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => return complain(&error.to_string(), MISCONFIGURED),
    };
    if command.action == Action::CheckConfig {
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("The process cannot start: {error}."), 1),
    };
    let done = runtime.block_on(async {
        let guard = telemetry::init(&platform, T::SECTION)?;
        let done = match command.action {
            Action::Migrate => migrate(settings).await.map_err(Into::into),
            _ => serve(platform, settings, &guard, run).await,
        };
        guard.shutdown().await;
        done
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{} stopped: {}.", T::SECTION, chain(error.as_ref())), 1),
    }
}

async fn serve<T, Run, RunFuture, RunError>(
    platform: Platform,
    settings: T,
    guard: &telemetry::Guard,
    run: Run,
) -> Result<(), BoxError>
where
    T: Settings,
    Run: FnOnce(T, Host) -> RunFuture,
    RunFuture: Future<Output = Result<(), RunError>>,
    RunError: Into<BoxError>,
{
    let clock = platform.clock.clock();
    let listener = bind(settings.listen().address)?;
    let address = listener.local_addr()?;
    let host = Host {
        ids: Ids::new(clock.clone()),
        clock,
        shutdown: stop_on_signals()?,
        listener,
        platform: Arc::new(platform),
        health: Health::new(),
    };
    let shutdown = host.shutdown.clone();
    host.health.start(shutdown.clone());
    if let Some(address) = host.platform.ops.address {
        let listener = bind(address)?;
        tracing::info!(address = %listener.local_addr()?, "the operators' endpoint");
        tokio::spawn(ops::serve(listener, host.health.clone(), guard.metrics(), shutdown.clone()));
    }
    tracing::info!(%address, "{} is starting", T::SECTION);
    let late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(LAST_CALL).await;
    };
    let done = tokio::select! {
        done = run(settings, host) => done.map_err(Into::into),
        () = late => Err("it did not finish in time".into()),
    };
    // Whatever else the process started stops with its service.
    shutdown.cancel();
    tracing::info!("{} has stopped", T::SECTION);
    done
}

/// Takes an address.
///
/// # Errors
/// A sentence's end that names the address.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BoxError> {
    TcpListener::bind(address).map_err(|error| format!("it cannot listen on {address}: {error}").into())
}

/// A token that fires at the first SIGTERM or SIGINT. The second ends the process at once.
///
/// # Errors
/// When the signals cannot be listened for.
pub fn stop_on_signals() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = CancellationToken::new();
    let fired = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("asked to stop");
        fired.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(1);
    });
    Ok(shutdown)
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    Run,
    Migrate,
    CheckConfig,
}

#[derive(Debug, PartialEq, Eq)]
struct Command {
    action: Action,
    config: Option<PathBuf>,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    const USAGE: &str = "Use: [run | migrate | check-config] [--config FILE].";
    let mut command = Command { action: Action::Run, config: None };
    let mut named = false;
    while let Some(argument) = arguments.next() {
        let action = match argument.as_str() {
            "--config" => {
                let file = arguments.next().ok_or_else(|| format!("--config needs a file. {USAGE}"))?;
                command.config = Some(file.into());
                continue;
            }
            "run" => Action::Run,
            "migrate" => Action::Migrate,
            "check-config" => Action::CheckConfig,
            _ => return Err(format!("An argument is not known. {USAGE}")),
        };
        if std::mem::replace(&mut named, true) {
            return Err(format!("One command at a time. {USAGE}"));
        }
        command.action = action;
    }
    Ok(command)
}

/// An error and what caused it, as one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        // Some errors quote their source already.
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

#[allow(clippy::print_stderr)] // the one place where a process speaks to whoever started it
fn complain(sentence: &str, code: u8) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn the_command_line_is_a_command_and_perhaps_a_file() {
        assert_eq!(parsed(&[]).unwrap(), Command { action: Action::Run, config: None });
        let command = parsed(&["--config", "x.toml", "migrate"]).unwrap();
        assert_eq!(command, Command { action: Action::Migrate, config: Some("x.toml".into()) });
        for wrong in [&["serve"][..], &["--config"], &["run", "migrate"]] {
            assert!(parsed(wrong).unwrap_err().contains("Use:"));
        }
    }
}
