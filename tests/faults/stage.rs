//! Five processes on the shared servers, with a view of their databases.

use candor_tests::five::{Five, Servers, databases};
use candor_tests::{Database, rabbit};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

/// A running Candor whose tables can be looked at.
pub(crate) struct Stage {
    pub(crate) five: Five,
    databases: BTreeMap<&'static str, Database>,
}

impl Stage {
    /// On the shared PostgreSQL and the shared broker.
    pub(crate) async fn shared() -> Self {
        let broker = rabbit().await;
        Self::with_broker(broker.url, broker.exchange).await
    }

    /// On the shared PostgreSQL and a broker of the test's own.
    pub(crate) async fn with_broker(url: String, exchange: String) -> Self {
        let databases = databases().await;
        Self { five: Five::start(Servers::new(&databases, url, exchange)).await, databases }
    }

    /// As [`Stage::with_broker`], on the machine's clock.
    pub(crate) async fn on_the_machines_clock(url: String, exchange: String) -> Self {
        let databases = databases().await;
        let servers = Servers::new(&databases, url, exchange);
        Self { five: Five::start_on_the_machines_clock(servers).await, databases }
    }

    /// A service's database.
    pub(crate) fn database(&self, service: &str) -> &Database {
        &self.databases[service]
    }

    /// How many rows of a service's database there are of `what`: a table, with conditions.
    pub(crate) async fn rows(&self, service: &str, what: &str) -> i64 {
        let query = AssertSqlSafe(format!("SELECT count(*) FROM {what}"));
        sqlx::query_scalar(query).fetch_one(self.databases[service].pool()).await.unwrap()
    }

    /// How many events of a kind the service has told or has still to tell.
    pub(crate) async fn events(&self, service: &str, key: &str) -> i64 {
        self.rows(service, &format!("{EVENTS} WHERE key = '{key}'")).await
    }

    /// How many times the service made more than one event of a kind about the same thing.
    pub(crate) async fn events_twice(&self, service: &str, key: &str) -> i64 {
        let twice = format!(
            "(SELECT FROM {EVENTS} WHERE key = '{key}' GROUP BY aggregate_id HAVING count(*) > 1) AS twice"
        );
        self.rows(service, &twice).await
    }
}

/// What a service has still to tell, and what it has told.
const EVENTS: &str = "(SELECT id, key, aggregate_id FROM bus.outbox UNION ALL SELECT id, key, aggregate_id FROM bus.log) AS events";
