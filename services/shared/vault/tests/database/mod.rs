//! A database of its own for each test, on the server that `CANDOR_TEST_POSTGRES_URL` names.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

pub(crate) struct Database {
    pub(crate) pool: PgPool,
}

impl Database {
    pub(crate) async fn make() -> Self {
        let server = std::env::var("CANDOR_TEST_POSTGRES_URL")
            .expect("CANDOR_TEST_POSTGRES_URL names a PostgreSQL server for tests: run them with `make test`");
        let mut random = [0u8; 16];
        getrandom::fill(&mut random).unwrap();
        let name = format!("vault_test_{}", Uuid::from_bytes(random).simple());
        let mut admin = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
        let pool = PgPoolOptions::new().max_connections(10).connect(&format!("{server}/{name}")).await.unwrap();
        Self { pool }
    }

    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&self.pool).await.unwrap();
    }

    pub(crate) async fn text(&self, sql: &str) -> String {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.pool).await.unwrap()
    }
}
