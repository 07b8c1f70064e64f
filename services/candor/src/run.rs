//! The commands that run everything, or prepare it.

use crate::cli::{BoxError, Place, Run, say};
use crate::databases::Databases;
use crate::doors::{self, Doors};
use crate::ready::ReadyFile;
use crate::services::{self, Ground, Running};
use crate::settings::{GATEWAY, Given, Settings};
use chassis::process::stop_on_signals;
use chassis::{Ids, ops, telemetry};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The services drain in 10 s; then this much is left for what they finish after.
const LAST_CALL: Duration = Duration::from_secs(15);

/// `candor run`.
pub(crate) async fn run(options: &Run) -> Result<(), BoxError> {
    let given = Given::read(&options.place)?;
    let data = data_folder(&options.place.data)?;
    if let Some(file) = &options.ready_file {
        ReadyFile::clear(file);
    }
    let wished = doors::wished(&given, options);
    let checked = Settings::check(&given, &wished, &data)?;
    let doors = Doors::open(&wished)?;
    let observed = telemetry::init(&checked.platform, "candor")?;
    let shutdown = stop_on_signals()?;
    let done = match shutdown.run_until_cancelled(Databases::start(&given, &data)).await {
        Some(databases) => {
            let databases = databases?;
            let done = with_databases(options, &given, &databases, doors, &data, &observed, &shutdown).await;
            databases.stop().await;
            done
        }
        None => Ok(()),
    };
    observed.shutdown().await;
    done
}

async fn with_databases(
    options: &Run,
    given: &Given,
    databases: &Databases,
    doors: Doors,
    data: &Path,
    observed: &telemetry::Guard,
    shutdown: &CancellationToken,
) -> Result<(), BoxError> {
    let settings = Settings::complete(given, &databases.urls, &doors.addresses, data)?;
    let transport = services::transport(&settings)?;
    match shutdown.run_until_cancelled(services::migrate(&settings, &transport)).await {
        Some(migrated) => migrated?,
        None => return Ok(()),
    }
    let clock = settings.platform.clock.clock();
    let ground = Ground {
        ids: Ids::new(clock.clone()),
        clock,
        platform: Arc::new(settings.platform.clone()),
        shutdown: shutdown.clone(),
    };
    let addresses = doors.addresses.clone();
    let mail = settings.accounts.mail.folder.clone();
    let ops_address = settings.platform.ops.address;
    let mut running = Running::start(settings, doors, &ground, &transport);
    if let Some(address) = ops_address {
        let health = running.health();
        health.start(shutdown.clone());
        let listener = chassis::process::bind(address)?;
        tokio::spawn(ops::serve(listener, health, observed.metrics(), shutdown.clone()));
    }
    if let Some(ready) = shutdown.run_until_cancelled(running.ready()).await {
        ready?;
    }
    let _ready_file = match &options.ready_file {
        Some(file) if !shutdown.is_cancelled() => Some(
            ReadyFile::write(file, &addresses, mail.as_deref())
                .map_err(|error| format!("the ready file {} cannot be written: {error}", file.display()))?,
        ),
        _ => None,
    };
    if !shutdown.is_cancelled() {
        welcome(&addresses[GATEWAY].to_string(), data, mail.as_deref());
    }
    finish(running, shutdown).await
}

fn welcome(address: &str, data: &Path, mail: Option<&Path>) {
    say(&format!("\nCandor is here: http://{address}\n"));
    if let Some(mail) = mail {
        say(&format!("Mail goes nowhere; it lies in {}.", mail.display()));
    }
    say(&format!("What is written stays in {}. Ctrl-C stops everything.", data.display()));
}

async fn finish(running: Running, shutdown: &CancellationToken) -> Result<(), BoxError> {
    let late = async {
        shutdown.cancelled().await;
        say("Stopping: what runs is finished first.");
        tokio::time::sleep(LAST_CALL).await;
    };
    tokio::select! {
        done = running.finish(shutdown) => done,
        () = late => Err("not everything finished in time".into()),
    }
}

/// `candor migrate`.
pub(crate) async fn migrate(place: &Place) -> Result<(), BoxError> {
    let given = Given::read(place)?;
    let data = data_folder(&place.data)?;
    let checked = Settings::check(&given, &doors::nowhere(), &data)?;
    let observed = telemetry::init(&checked.platform, "candor")?;
    let databases = Databases::start(&given, &data).await?;
    let done = migrate_into(&given, &databases, &data).await;
    databases.stop().await;
    observed.shutdown().await;
    if done.is_ok() {
        say("Every database is up to date.");
    }
    done
}

/// Brings the given databases up to date and returns the settings that name them.
pub(crate) async fn migrate_into(given: &Given, databases: &Databases, data: &Path) -> Result<(), BoxError> {
    let settings = Settings::complete(given, &databases.urls, &doors::nowhere(), data)?;
    services::migrate(&settings, &services::transport(&settings)?).await
}

/// `candor check-config`.
pub(crate) fn check(place: &Place) -> Result<(), BoxError> {
    Settings::check(&Given::read(place)?, &doors::nowhere(), &place.data)?;
    say("The settings can be used.");
    Ok(())
}

/// The data folder, made private where it is missing, as an absolute path.
pub(crate) fn data_folder(path: &Path) -> Result<PathBuf, BoxError> {
    let failed =
        |error: std::io::Error| format!("the data folder {} cannot be used: {error}", path.display());
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    Ok(path.canonicalize().map_err(failed)?)
}
