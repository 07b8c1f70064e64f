//! A database for each test.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A fresh database on the shared test server. Dropped, with whoever is still connected, at the end of the test.
pub struct Database {
    server: String,
    name: String,
    pool: PgPool,
}

/// Makes a fresh, empty database.
///
/// # Panics
/// When [`crate::POSTGRES_URL`] is not set or the server does not answer.
pub async fn postgres() -> Database {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = crate::shared(crate::POSTGRES_URL);
    // One process at a time has this id, and counts.
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    statements(
        &server,
        &[format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")],
    )
    .await
    .unwrap_or_else(|error| panic!("the test server does not make a database: {error}"));
    let options = PgConnectOptions::from_str(&server).expect("a PostgreSQL URL").database(&name);
    let pool = PgPoolOptions::new().max_connections(8).connect_lazy_with(options);
    Database { server, name, pool }
}

impl Database {
    /// A pool of up to 8 connections to it.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (path, query) =
            self.server.split_once('?').map_or((&*self.server, ""), |(path, query)| (path, query));
        let (base, _) = path.rsplit_once('/').expect("the server's URL ends in a database");
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{base}/{}{query}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A thread with a runtime of its own: the test's may be going down.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(statements(&server, &[format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]))
        });
        drop(dropped.join()); // the server may be gone; that is no failure of the test
    }
}

async fn statements(server: &str, statements: &[String]) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(server).await?;
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut connection).await?;
    }
    connection.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_test_has_a_database_of_its_own() {
        let (one, two) = (postgres().await, postgres().await);
        assert_ne!(one.url(), two.url());
        sqlx::raw_sql("CREATE TABLE t (n INT)").execute(one.pool()).await.unwrap();
        sqlx::raw_sql("CREATE TABLE t (n INT)").execute(two.pool()).await.unwrap();
        let url = one.url();
        PgConnection::connect(&url).await.unwrap();
        drop(one);
        PgConnection::connect(&url).await.unwrap_err();
    }
}
