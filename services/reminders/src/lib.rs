//! Reminders: everything with a time. Plans a gentle look back at each entry, knows when a couple's check-ins are and
//! when something shared opens, fires each once when it is due, and keeps the in-app inbox. It knows ids and times; there
//! is no private text here.

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
pub use events::{CONSUMER, consumes};

use bus::{Outbox, Transport};
use candor_proto::reminders::v1::check_in_schedule_service_server::CheckInScheduleServiceServer;
use candor_proto::reminders::v1::inbox_service_server::InboxServiceServer;
use candor_proto::reminders::v1::schedule_service_server::ScheduleServiceServer;
use chassis::audience::EndedTokens;
use chassis::identity::Keyring;
use chassis::serve::MAX_MESSAGE_BYTES;
use chassis::{Background, Health, Host, database};
use sqlx::PgPool;
use std::sync::Arc;
use tonic::service::RoutesBuilder;

/// Brings reminders' database up to date (the bus's and the chassis' tables and its own) and declares the queue, so that nothing is
/// lost before the first start.
///
/// # Errors
/// When the database or the broker cannot be reached, or a migration fails.
pub async fn migrate(config: Config, transport: Transport) -> Result<(), Error> {
    let pool = database::connect_direct(&config.database).await?;
    bus::migrate(&pool).await?;
    chassis::migrate(&pool).await?;
    sqlx::migrate!().run(&pool).await?;
    bus::declare(&transport, CONSUMER, &consumes()).await?;
    Ok(())
}

/// Serves until the host shuts down; then drains and returns.
///
/// # Errors
/// When an address cannot be used, the server fails, or background work ends early: the consumer is unknown to the
/// transport, for example.
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
    register_checks(&host.health, &pool, &transport);
    let (clock, ids, outbox) = (host.clock.clone(), host.ids.clone(), Outbox::new());
    let background = Background::new(&host.shutdown);
    let firing = jobs::Firing::new(pool.clone(), outbox.clone(), clock.clone(), host.ids.clone());
    background.spawn("reminders firing", |stop| firing.run(stop));
    let (own, time) = (pool.clone(), clock.clone());
    background.spawn("reminders sweep", |stop| jobs::sweep(own, time, stop));
    let (own, events, time) = (pool.clone(), transport.clone(), clock.clone());
    let wakes = outbox.clone();
    let part = app::OwnPart { clock: clock.clone(), ids: host.ids.clone() };
    let (mine, time_of_erasing) = (pool.clone(), clock.clone());
    let wakes_of_erasing = outbox.clone();
    background.spawn("reminders erasing", |stop| {
        bus::erasure::run(part, "reminders.erasing", mine, wakes_of_erasing, time_of_erasing, stop)
    });
    background.spawn("reminders relay", |stop| bus::relay::run(own, wakes, events, time, stop));
    let inbox = events::inbox(pool.clone(), clock.clone());
    background.spawn("reminders inbox", |stop| inbox.run(transport, stop));

    let routes = routes(rpc::Reminders::new(pool, outbox, clock, ids));
    let served = chassis::serve::serve(host, "candor.reminders.v1", keyring, routes).await;
    Ok(background.finish(served).await?)
}

fn routes(reminders: rpc::Reminders) -> RoutesBuilder {
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(
            ScheduleServiceServer::new(reminders.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(InboxServiceServer::new(reminders.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(
            CheckInScheduleServiceServer::new(reminders).max_decoding_message_size(MAX_MESSAGE_BYTES),
        );
    routes
}

fn register_checks(health: &Health, pool: &PgPool, transport: &Transport) {
    health.register("reminders database", database::probe(pool));
    let transport = transport.clone();
    health.register("reminders bus", move || {
        let transport = transport.clone();
        Box::pin(async move { transport.healthy() })
    });
}
