//! Events between services: a transactional outbox, a relay that publishes it, an inbox that handles every
//! event once in effect, and two transports (RabbitMQ, and memory for the one-process form).
//!
//! What is promised: an event appended in a committed transaction reaches every bound consumer at least once,
//! whatever process dies at whatever moment, and its handler's effect is committed exactly once.
//! What is not: order. Consumers compare versions.
//!
//! A service wires it like this:
//!
//! ```text
//! // migrate: the tables, and the queue, so that nothing is lost before the first start
//! bus::migrate(&pool).await?;
//! bus::declare(&transport, CONSUMER, &consumes()).await?;
//!
//! // run
//! let outbox = bus::Outbox::new();
//! tokio::spawn(bus::relay::run(
//!     pool.clone(), outbox.clone(), transport.clone(), host.clock.clone(), host.shutdown.clone()));
//! let inbox = bus::Inbox::new(CONSUMER, pool.clone(), app.clone(), host.clock.clone())
//!     .on::<EntryWritten>(|app, conn, meta, event| Box::pin(events::entry_written(app, conn, meta, event)))
//!     .outbox(outbox.clone());
//! tokio::spawn(inbox.run(transport.clone(), host.shutdown.clone()));
//!
//! // a use case
//! let event = bus::Envelope::new(ids.next(), clock.now(), entry_id, version, &EntryWritten { .. });
//! bus::outbox::append(&mut tx, &[event]).await?;
//! tx.commit().await?;
//! outbox.wake();
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod config;
pub mod envelope;
pub mod erasure;
mod handover;
pub mod inbox;
pub mod log;
mod memory;
mod metrics;
pub mod outbox;
mod pace;
mod rabbit;
pub mod relay;
pub mod replay;
pub mod resnapshot;
pub mod step;
mod store;
mod trace;
pub mod transport;

pub use config::Config;
pub use envelope::{Envelope, key_of};
pub use inbox::{HandlerError, Inbox, Meta};
pub use outbox::Outbox;
pub use transport::{Transport, TransportError, declare};

use sqlx::{PgPool, migrate::MigrateError};

/// Makes or updates the bus's tables (schema `bus`) in a service's database. Give it a direct connection,
/// not one through a transaction pooler.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    sqlx::migrate!().run(pool).await
}
