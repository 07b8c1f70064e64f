//! Content: the public library and the seven-step path. There is no private text here.

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod rpc;
pub mod store;

pub use config::Config;
pub use error::Error;
pub use events::{CONSUMER, consumes, resnapshot};

use bus::{Outbox, Transport};
use candor_proto::content::v1::instrument_service_server::InstrumentServiceServer;
use candor_proto::content::v1::library_service_server::LibraryServiceServer;
use candor_proto::content::v1::path_service_server::PathServiceServer;
use candor_proto::content::v1::prompt_service_server::PromptServiceServer;
use chassis::identity::Keyring;
use chassis::serve::MAX_MESSAGE_BYTES;
use chassis::{Background, Clock, Health, Host, Ids, database};
use sqlx::{Connection, PgPool};
use tonic::service::RoutesBuilder;

/// Brings content's database up to date (the bus's tables and its own), publishes the library and the
/// instruments this binary carries, and declares the queue, so that nothing is lost before the first start.
///
/// # Errors
/// When a file of the library or an instrument breaks a rule, the database or the broker cannot be reached, or a migration fails.
pub async fn migrate(config: Config, transport: Transport) -> Result<(), Error> {
    let library = domain::library::parse(domain::library::FILES)?;
    let instruments = domain::questionnaire::parse_files(domain::questionnaire::FILES)?;
    let pool = database::connect_direct(&config.database).await?;
    bus::migrate(&pool).await?;
    sqlx::migrate!().run(&pool).await?;

    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    let loaded = app::load_library(&mut tx, &library, clock.now(), &ids).await?;
    let changed = app::instruments::load_instruments(&mut tx, &instruments, clock.now(), &ids).await?;
    tx.commit().await?;
    tracing::info!(published = loaded.published, withdrawn = loaded.withdrawn, "the library is loaded");
    tracing::info!(published = changed, "the instruments are loaded");

    bus::declare(&transport, CONSUMER, &consumes()).await?;
    Ok(())
}

/// Serves until the host shuts down; then drains and returns.
///
/// # Errors
/// When the questions of check-ins break a rule, an address cannot be used, the server fails, or background work ends
/// early: the consumer is unknown to the transport, for example.
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
    let prompts = domain::prompts::CheckInPrompts::parse(domain::prompts::FILE)?;
    let pool = database::connect(&config.database).await?;
    register_checks(&host.health, &pool, &transport);
    let outbox = Outbox::new();
    let background = Background::new(&host.shutdown);
    let clock = host.clock.clone();
    let inbox = events::inbox(pool.clone(), clock.clone(), host.ids.clone(), outbox.clone());
    let (own, events) = (pool.clone(), transport.clone());
    let time = clock.clone();
    let part = app::OwnPart { clock: clock.clone(), ids: host.ids.clone() };
    let (mine, time_of_erasing, wakes) = (pool.clone(), clock.clone(), outbox.clone());
    background.spawn("content erasing", |stop| {
        bus::erasure::run(part, "content.erasing", mine, wakes, time_of_erasing, stop)
    });
    background.spawn("content relay", |stop| bus::relay::run(own, outbox, events, time, stop));
    background.spawn("content inbox", |stop| inbox.run(transport, stop));

    let served =
        chassis::serve::serve(host, "candor.content.v1", keyring, routes(pool, clock, prompts)).await;
    Ok(background.finish(served).await?)
}

fn routes(pool: PgPool, clock: Clock, prompts: domain::prompts::CheckInPrompts) -> RoutesBuilder {
    let library = LibraryServiceServer::new(rpc::Library::new(pool.clone()));
    let instruments = InstrumentServiceServer::new(rpc::Instruments::new(pool.clone()));
    let path = PathServiceServer::new(rpc::Path::new(pool, clock));
    let prompts = PromptServiceServer::new(rpc::Prompts::new(prompts));
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(
            library.max_decoding_message_size(MAX_MESSAGE_BYTES).max_encoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(
            instruments
                .max_decoding_message_size(MAX_MESSAGE_BYTES)
                .max_encoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(prompts.max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(
            path.max_decoding_message_size(MAX_MESSAGE_BYTES).max_encoding_message_size(MAX_MESSAGE_BYTES),
        );
    routes
}

fn register_checks(health: &Health, pool: &PgPool, transport: &Transport) {
    health.register("content database", database::probe(pool));
    let transport = transport.clone();
    health.register("content bus", move || {
        let transport = transport.clone();
        Box::pin(async move { transport.healthy() })
    });
}
