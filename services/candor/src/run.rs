//! The commands that run everything, or prepare it.

use crate::cli::{BoxError, Place, Run, say};
use crate::databases::Databases;
use crate::doors::{self, Addresses, Doors};
use crate::ready::ReadyFile;
use crate::services::{self, Running};
use crate::settings::{GATEWAY, Given, Settings};
use chassis::process::stop_on_signals;
use chassis::{ops, telemetry};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The gateway drains in 10 s, then the services in 10 s; then this much is left for what they finish after.
const LAST_CALL: Duration = Duration::from_secs(25);

/// `candor run`.
pub(crate) async fn run(options: &Run) -> Result<(), BoxError> {
    run_after(options, None, async |_| Ok(())).await
}

/// `candor run` with a notice on top of every page, if any, once something else is `prepared` with the databases.
pub(crate) async fn run_after(
    options: &Run,
    notice: Option<&str>,
    prepare: impl AsyncFnOnce(Ground<'_>) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let given = Given::read(&options.place)?;
    let data = data_folder(&options.place.data)?;
    if let Some(file) = &options.serving.ready_file {
        ReadyFile::clear(file);
    }
    let wished = doors::wished(&given, &options.serving);
    let checked = Settings::check(&given, &wished, &data)?;
    let doors = Doors::open(&wished)?;
    let observed = telemetry::init(&checked.platform, "candor")?;
    let shutdown = stop_on_signals()?;
    // Not given up half-way: it may be installing. Ctrl-C reaches the installer as well, and ends it.
    let databases = Databases::start(&given, &data).await?;
    let start =
        Start { options, notice, given: &given, data: &data, observed: &observed, shutdown: &shutdown };
    let ground = Ground { given: &given, databases: &databases, data: &data };
    let done = match shutdown.run_until_cancelled(prepare(ground)).await {
        Some(Ok(())) => start.serve_while_there(&databases, doors).await,
        Some(failed) => failed,
        None => Ok(()),
    };
    databases.stop().await;
    observed.shutdown().await;
    done
}

/// What there is before anything serves: settings, databases that answer, and the folder.
pub(crate) struct Ground<'a> {
    pub(crate) given: &'a Given,
    pub(crate) databases: &'a Databases,
    pub(crate) data: &'a Path,
}

/// What a start knows.
struct Start<'a> {
    options: &'a Run,
    notice: Option<&'a str>,
    given: &'a Given,
    data: &'a Path,
    observed: &'a telemetry::Guard,
    shutdown: &'a CancellationToken,
}

impl Start<'_> {
    /// Serves, and stops serving when the private server is gone for good: nothing could ever be done again.
    async fn serve_while_there(&self, databases: &Databases, doors: Doors) -> Result<(), BoxError> {
        let gone = async {
            databases.gone().await;
            self.shutdown.cancel();
        };
        let mut serving = std::pin::pin!(self.serve(databases, doors));
        tokio::select! {
            done = &mut serving => return done,
            () = gone => {}
        }
        if let Err(error) = serving.await {
            tracing::warn!(%error, "the services did not end in order without their databases");
        }
        Err("PostgreSQL keeps ending and is not started again; the log says why".into())
    }

    /// From answering databases to the end of the last service.
    async fn serve(&self, databases: &Databases, doors: Doors) -> Result<(), BoxError> {
        let mut settings = Settings::complete(self.given, &databases.urls, &doors.addresses, self.data)?;
        if let Some(notice) = self.notice {
            settings.gateway.notice = Some(notice.to_owned());
        }
        let transport = services::transport(&settings)?;
        match self.shutdown.run_until_cancelled(services::migrate(&settings, &transport)).await {
            Some(migrated) => migrated?,
            None => return Ok(()),
        }
        let addresses = doors.addresses.clone();
        let (mail, ops) = (settings.accounts.mail.folder.clone(), settings.platform.ops.address);
        let clock = settings.platform.clock.clock();
        let mut running = Running::start(settings, doors, self.shutdown, &transport, clock);
        if let Some(address) = ops {
            let health = running.health();
            health.start(self.shutdown.clone());
            let listener = chassis::process::bind(address)?;
            tokio::spawn(ops::serve(listener, health, self.observed.metrics(), self.shutdown.clone()));
        }
        let _ready_file = match self.shutdown.run_until_cancelled(running.ready()).await {
            Some(ready) => ready.and_then(|()| self.announce(&addresses, mail.as_deref()))?,
            None => None,
        };
        finish(running, self.shutdown).await
    }

    /// Everything answers: tells the person at the terminal, and whoever waits for the file.
    fn announce(&self, addresses: &Addresses, mail: Option<&Path>) -> Result<Option<ReadyFile>, BoxError> {
        say(&format!("\nCandor is here: http://{}\n", addresses[GATEWAY]));
        if let Some(mail) = mail {
            say(&format!("Mail goes nowhere; it lies in {}.", mail.display()));
        }
        say(&format!("What is written stays in {}. Ctrl-C stops everything.", self.data.display()));
        let Some(file) = &self.options.serving.ready_file else { return Ok(None) };
        let written = ReadyFile::write(file, addresses, mail);
        let failed = |error| format!("the ready file {} cannot be written: {error}", file.display());
        Ok(Some(written.map_err(failed)?))
    }
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
