//! The journal: all private text and self-ratings, seen by their writer, and by whom the writer opens them to.

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod jobs;
pub mod rpc;
pub mod store;

pub use config::Config;
pub use error::Error;
pub use events::{CONSUMER, consumes, resnapshot};

use bus::{Outbox, Transport};
use candor_proto::journal::v1::assessment_service_server::AssessmentServiceServer;
use candor_proto::journal::v1::check_in_service_server::CheckInServiceServer;
use candor_proto::journal::v1::entry_service_server::EntryServiceServer;
use candor_proto::journal::v1::mood_service_server::MoodServiceServer;
use candor_proto::journal::v1::opened_service_server::OpenedServiceServer;
use candor_proto::journal::v1::share_service_server::ShareServiceServer;
use chassis::audience::EndedTokens;
use chassis::identity::Keyring;
use chassis::serve::MAX_MESSAGE_BYTES;
use chassis::{Background, Health, Host, database};
use sqlx::PgPool;
use std::sync::Arc;
use tonic::service::RoutesBuilder;
use vault::Vault;

/// The journal's name: in keys, spans and metrics.
pub const NAME: &str = "journal";

/// Brings the journal's databases up to date (its own, the bus's and the chassis' tables in it, and the key store) and
/// declares its queue, so that nothing is lost before the first start.
///
/// # Errors
/// [`Error::Migrate`] naming the part that failed; [`Error::Bus`] when the broker cannot be reached.
pub async fn migrate(config: Config, transport: Transport) -> Result<(), Error> {
    let pool = database::connect_direct(&config.database).await?;
    let keystore = database::connect_direct(&config.vault.keystore).await?;
    let failed = |part| move |cause| Error::Migrate(part, cause);
    bus::migrate(&pool).await.map_err(failed("bus"))?;
    chassis::migrate(&pool).await.map_err(failed("chassis"))?;
    sqlx::migrate!().run(&pool).await.map_err(failed("journal"))?;
    vault::migrate(&keystore).await.map_err(failed("key store"))?;
    bus::declare(&transport, CONSUMER, &consumes()).await?;
    Ok(())
}

/// Serves until the host shuts down; then drains, writes what was handed in, and returns.
///
/// # Errors
/// When the key file or an address cannot be used, the server fails, or background work ends early.
pub async fn run(config: Config, host: Host, transport: Transport) -> Result<(), Error> {
    let keyring = Keyring::remote(&config.accounts_url, host.clock.clone());
    run_with(config, host, transport, keyring).await
}

/// The same with a keyring at hand instead of accounts' keys over the network.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    config: Config,
    host: Host,
    transport: Transport,
    keyring: Keyring,
) -> Result<(), Error> {
    let pool = database::connect(&config.database).await?;
    let keyring = keyring.taking_clients(Arc::new(EndedTokens(pool.clone())));
    let vault =
        Vault::open(&config.vault, NAME, host.clock.clone(), host.ids.clone()).await.map_err(Error::Vault)?;
    register_checks(&host.health, &pool, &vault, &transport);
    let outbox = Outbox::new();
    let background = Background::new(&host.shutdown);
    let inbox = events::inbox(pool.clone(), host.clock.clone(), host.ids.clone(), outbox.clone());
    let (own, clock, wakes, events) = (pool.clone(), host.clock.clone(), outbox.clone(), transport.clone());
    background.spawn("journal relay", |stop| bus::relay::run(own, wakes, events, clock, stop));
    let part = app::OwnPart { vault: vault.clone(), clock: host.clock.clone(), ids: host.ids.clone() };
    let (own, clock, wakes) = (pool.clone(), host.clock.clone(), outbox.clone());
    background
        .spawn("journal erasing", |stop| bus::erasure::run(part, "journal.erasing", own, wakes, clock, stop));
    background.spawn("journal inbox", |stop| inbox.run(transport, stop));
    let (own, clock) = (pool.clone(), host.clock.clone());
    background.spawn("journal sweep", |stop| jobs::sweep(own, clock, stop));
    let (own, clock, wakes, ids) = (pool.clone(), host.clock.clone(), outbox.clone(), host.ids.clone());
    background.spawn("journal check-ins", |stop| jobs::decide_check_ins(own, wakes, clock, ids, stop));

    let journal =
        rpc::Journal::start(pool, vault, outbox, host.clock.clone(), host.ids.clone(), config.batch);
    let served = chassis::serve::serve(host, "candor.journal.v1", keyring, routes(&journal)).await;

    // The server has drained: finish what it handed in, then the background work.
    journal.close().await;
    Ok(background.finish(served).await?)
}

fn routes(journal: &rpc::Journal) -> RoutesBuilder {
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(EntryServiceServer::new(journal.clone()).max_encoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(MoodServiceServer::new(journal.clone()).max_encoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(ShareServiceServer::new(journal.clone()).max_encoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(CheckInServiceServer::new(journal.clone()).max_encoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(OpenedServiceServer::new(journal.clone()).max_encoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(
            AssessmentServiceServer::new(journal.clone()).max_encoding_message_size(MAX_MESSAGE_BYTES),
        );
    routes
}

fn register_checks(health: &Health, pool: &PgPool, vault: &Vault, transport: &Transport) {
    health.register("journal database", database::probe(pool));
    let vault = vault.clone();
    health.register("journal key store", move || {
        let vault = vault.clone();
        Box::pin(async move { vault.is_reachable().await })
    });
    let transport = transport.clone();
    health.register("journal bus", move || {
        let transport = transport.clone();
        Box::pin(async move { transport.healthy() })
    });
}
