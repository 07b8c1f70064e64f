//! Every service, started in this process and watched.

use crate::cli::BoxError;
use crate::doors::Doors;
use crate::settings::{GATEWAY, Settings};
use bus::Transport;
use chassis::config::Platform;
use chassis::{Clock, Health, Host, Ids};
use std::collections::BTreeMap;
use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A start that takes longer says what it waits for.
const SLOW_START: Duration = Duration::from_secs(20);

/// The bus: RabbitMQ where it is set, memory otherwise.
pub(crate) fn transport(settings: &Settings) -> Result<Transport, BoxError> {
    match &settings.broker {
        Some(broker) => Ok(Transport::rabbit(broker)?),
        None => Ok(Transport::memory(&[
            (accounts::CONSUMER, accounts::consumes()),
            (journal::CONSUMER, journal::consumes()),
            (reminders::CONSUMER, reminders::consumes()),
            (content::CONSUMER, content::consumes()),
        ])),
    }
}

/// Brings every database up to date, all at the same time.
pub(crate) async fn migrate(settings: &Settings, transport: &Transport) -> Result<(), BoxError> {
    demand_keks(settings).await?;
    if !settings.production() {
        vault::init_kek(&settings.accounts.vault.kek_file)?;
        vault::init_kek(&settings.journal.vault.kek_file)?;
    }
    let mut migrations = JoinSet::new();
    let (accounts, events) = (settings.accounts.clone(), transport.clone());
    migrations.spawn(async { named("accounts", accounts::migrate(accounts, events).await) });
    let (journal, events) = (settings.journal.clone(), transport.clone());
    migrations.spawn(async { named("journal", journal::migrate(journal, events).await) });
    let (reminders, events) = (settings.reminders.clone(), transport.clone());
    migrations.spawn(async { named("reminders", reminders::migrate(reminders, events).await) });
    let (content, events) = (settings.content.clone(), transport.clone());
    migrations.spawn(async { named("content", content::migrate(content, events).await) });
    while let Some(done) = migrations.join_next().await {
        done??;
    }
    Ok(())
}

/// Before a key file is made: none may be lost that keys are wrapped with.
async fn demand_keks(settings: &Settings) -> Result<(), BoxError> {
    for (service, vault) in [("accounts", &settings.accounts.vault), ("journal", &settings.journal.vault)] {
        let store = chassis::database::connect_direct(&vault.keystore).await?;
        let done = named("the key store", vault::migrate(&store).await);
        let done = match done {
            Ok(()) => vault::demand_kek(&store, &vault.kek_file, service).await.map_err(Into::into),
            failed => failed,
        };
        store.close().await;
        done?;
    }
    Ok(())
}

fn named<E: Error + Send + Sync + 'static>(name: &str, done: Result<(), E>) -> Result<(), BoxError> {
    done.map_err(|error| format!("{name}: {}", chassis::process::chain(&error)).into())
}

/// What all services share.
struct Ground {
    clock: Clock,
    ids: Ids,
    platform: Arc<Platform>,
    shutdown: CancellationToken,
}

impl Ground {
    /// The same for somebody who stops at another moment.
    fn until(&self, shutdown: &CancellationToken) -> Self {
        let (clock, ids, platform) = (self.clock.clone(), self.ids.clone(), Arc::clone(&self.platform));
        Self { clock, ids, platform, shutdown: shutdown.clone() }
    }
}

/// Services that run.
pub(crate) struct Running {
    tasks: JoinSet<Result<(), BoxError>>,
    healths: Vec<(&'static str, Health)>,
}

impl Running {
    /// Starts all of them behind their doors. `shutdown` stops the gateway, and its end the services.
    pub(crate) fn start(
        settings: Settings,
        doors: Doors,
        shutdown: &CancellationToken,
        transport: &Transport,
        clock: Clock,
    ) -> Self {
        let Settings { platform, accounts, journal, reminders, content, gateway, .. } = settings;
        let ids = Ids::new(clock.clone());
        // Its own: the services stop once the gateway is done with them.
        let after = CancellationToken::new();
        let ground = &Ground { clock, ids, platform: Arc::new(platform), shutdown: after.clone() };
        let mut running = Self { tasks: JoinSet::new(), healths: Vec::new() };
        let mut listeners = doors.listeners;
        if let Some(host) = running.host("accounts", &mut listeners, ground) {
            let events = transport.clone();
            running.tasks.spawn(async { named("accounts", accounts::run(accounts, host, events).await) });
        }
        if let Some(host) = running.host("journal", &mut listeners, ground) {
            let events = transport.clone();
            running.tasks.spawn(async { named("journal", journal::run(journal, host, events).await) });
        }
        if let Some(host) = running.host("reminders", &mut listeners, ground) {
            let events = transport.clone();
            running.tasks.spawn(async { named("reminders", reminders::run(reminders, host, events).await) });
        }
        if let Some(host) = running.host("content", &mut listeners, ground) {
            let events = transport.clone();
            running.tasks.spawn(async { named("content", content::run(content, host, events).await) });
        }
        let after = after.drop_guard();
        if let Some(host) = running.host(GATEWAY, &mut listeners, &ground.until(shutdown)) {
            running.tasks.spawn(async {
                let _after = after;
                named(GATEWAY, gateway::run(gateway, host).await)
            });
        }
        running
    }

    fn host(
        &mut self,
        name: &'static str,
        listeners: &mut BTreeMap<&'static str, TcpListener>,
        ground: &Ground,
    ) -> Option<Host> {
        let health = Health::new();
        health.start(ground.shutdown.clone());
        self.healths.push((name, health.clone()));
        Some(Host {
            clock: ground.clock.clone(),
            ids: ground.ids.clone(),
            shutdown: ground.shutdown.clone(),
            listener: listeners.remove(name)?,
            platform: ground.platform.clone(),
            health,
        })
    }

    /// One health that is as good as the worst of theirs.
    pub(crate) fn health(&self) -> Health {
        let all = Health::new();
        for (name, health) in &self.healths {
            let health = health.clone();
            all.register(name, move || {
                let ready = health.is_ready();
                Box::pin(async move { ready })
            });
        }
        all
    }

    /// Returns once all are ready, or with the reason why one of them ended.
    pub(crate) async fn ready(&mut self) -> Result<(), BoxError> {
        let healths = self.healths.clone();
        let slow = async {
            tokio::time::sleep(SLOW_START).await;
            for (service, health) in self.healths.iter().filter(|(_, health)| !health.is_ready()) {
                tracing::warn!(service, waits_for = health.failing().join(","), "not ready yet");
            }
            std::future::pending::<()>().await;
        };
        let all = async {
            for (_, health) in healths {
                // Closed only when the service is gone, which the other branch reports.
                let _ = health.watch().wait_for(|ready| *ready).await;
            }
        };
        tokio::select! {
            () = all => Ok(()),
            () = slow => Ok(()),
            ended = self.tasks.join_next() => ended_early(ended),
        }
    }

    /// Waits for the end of the first, which is the end of all; they then have until `shutdown`'s grace is over.
    pub(crate) async fn finish(mut self, shutdown: &CancellationToken) -> Result<(), BoxError> {
        let first = self.tasks.join_next().await;
        let wanted = shutdown.is_cancelled();
        shutdown.cancel();
        let mut done = if wanted { flatten(first) } else { ended_early(first) };
        while let Some(next) = self.tasks.join_next().await {
            done = done.and(flatten(Some(next)));
        }
        done
    }
}

type Ended = Option<Result<Result<(), BoxError>, tokio::task::JoinError>>;

fn flatten(ended: Ended) -> Result<(), BoxError> {
    ended.map_or(Ok(()), |joined| joined?)
}

fn ended_early(ended: Ended) -> Result<(), BoxError> {
    flatten(ended)?;
    Err("a service ended by itself".into())
}
