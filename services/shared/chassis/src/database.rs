//! Connections to a service's own PostgreSQL.

use crate::config;
use crate::telemetry::{self, KeyValue};
use opentelemetry::metrics::Gauge;
use serde::{Deserialize, Deserializer};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a call waits for a connection before it is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection idle for longer is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(5);

/// Where a database is.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `postgres://user:password@host:port/database`. Secret.
    #[serde(deserialize_with = "address")]
    pub url: String,
    /// The same database without a pooler in between, for migrations. Secret. Left out: `url`.
    #[serde(default, deserialize_with = "other_address")]
    pub direct_url: Option<String>,
    /// Connections of this process at most.
    #[serde(default = "default_connections", deserialize_with = "connections")]
    pub max_connections: u32,
}

fn default_connections() -> u32 {
    10
}

fn address<'de, D: Deserializer<'de>>(given: D) -> Result<String, D::Error> {
    let fits = |url: &str| {
        ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
            && PgConnectOptions::from_str(url).is_ok()
    };
    config::text(given, fits, "an address such as postgres://user:password@host:5432/database")
}

fn other_address<'de, D: Deserializer<'de>>(given: D) -> Result<Option<String>, D::Error> {
    address(given).map(Some)
}

fn connections<'de, D: Deserializer<'de>>(given: D) -> Result<u32, D::Error> {
    let most = 10_000;
    let number = u32::deserialize(given).ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| config::refused("a whole number from 1 to 10000"))
}

impl Config {
    /// A database by its address, with defaults for the rest.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), direct_url: None, max_connections: default_connections() }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("max_connections", &self.max_connections).finish_non_exhaustive()
    }
}

/// A pool to serve with. The database need not be there yet: connections are made as they are needed.
///
/// # Errors
/// Only when the address cannot be understood.
pub async fn connect(config: &Config) -> Result<PgPool, sqlx::Error> {
    pool(&config.url, config.max_connections)
}

/// A small pool to migrate with, past any pooler.
///
/// # Errors
/// Only when the address cannot be understood.
pub async fn connect_direct(config: &Config) -> Result<PgPool, sqlx::Error> {
    pool(config.direct_url.as_ref().unwrap_or(&config.url), 2)
}

fn pool(url: &str, max_connections: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Heard by `telemetry`, which measures it.
        .acquire_time_level(log::LevelFilter::Trace)
        // Asking at every use would cost a round trip in the hottest path.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < TRUSTED_IDLE || connection.ping().await.is_ok()) })
        });
    Ok(options.connect_lazy_with(PgConnectOptions::from_str(url)?))
}

/// How much of a pool is in use.
struct Usage {
    connections: Gauge<u64>,
    limit: Gauge<u64>,
    database: KeyValue,
}

impl Usage {
    fn of(pool: &PgPool) -> Self {
        let name = pool.connect_options().get_database().unwrap_or_default().to_owned();
        Self {
            connections: telemetry::gauge(
                "candor_database_connections",
                "Connections of a pool, idle and busy.",
            ),
            limit: telemetry::gauge(
                "candor_database_connections_limit",
                "Connections that a pool has at most.",
            ),
            database: KeyValue::new("database", name),
        }
    }

    fn measure(&self, pool: &PgPool) {
        let (all, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
        for (state, number) in [("idle", idle), ("busy", all.saturating_sub(idle))] {
            self.connections.record(number, &[self.database.clone(), KeyValue::new("state", state)]);
        }
        let limit = pool.options().get_max_connections();
        self.limit.record(limit.into(), std::slice::from_ref(&self.database));
    }
}

/// A health check with a connection of its own, so that a busy pool is not mistaken for a dead database. As it is made
/// for every pool and asked every second, it also measures how much of the pool is in use.
pub fn probe(
    pool: &PgPool,
) -> impl Fn() -> futures::future::BoxFuture<'static, bool> + Send + Sync + 'static {
    let options = pool.connect_options();
    let kept: Arc<Mutex<Option<PgConnection>>> = Arc::default();
    let (pool, usage) = (pool.clone(), OnceLock::new());
    move || {
        usage.get_or_init(|| Usage::of(&pool)).measure(&pool);
        let (options, kept) = (options.clone(), kept.clone());
        Box::pin(async move {
            let mut kept = kept.lock().await;
            // Taken out, so that a check cut off midway leaves no half-read connection behind.
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => match PgConnection::connect_with(&options).await {
                    Ok(connection) => connection,
                    Err(_) => return false,
                },
            };
            let alive = connection.ping().await.is_ok();
            if alive {
                *kept = Some(connection);
            }
            alive
        })
    }
}
