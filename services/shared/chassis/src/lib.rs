//! What every Candor process stands on. It knows nothing of journals, couples or reminders.

pub mod audience;
pub mod batch;
pub mod clock;
pub mod codec;
pub mod config;
pub mod database;
pub mod fault;
pub mod health;
pub mod host;
pub mod idempotency;
pub mod identity;
pub mod ids;
mod memory;
pub mod ops;
pub mod process;
pub mod rpc;
pub mod serve;
pub mod supervise;
pub mod telemetry;

use sqlx::PgPool;

pub use batch::Batch;
pub use clock::Clock;
pub use fault::{Code, Fault};
pub use health::Health;
pub use host::Host;
pub use ids::Ids;
pub use supervise::Background;

/// Makes the chassis' tables and functions, in a schema of their own.
///
/// # Errors
/// When the database refuses, or is away.
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    sqlx::migrate!().run(pool).await
}
