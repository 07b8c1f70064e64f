//! Whether what is measured is durable: what PostgreSQL promises a role, and how often it really went to the disk.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

/// Entries that one flush of the log may carry. Ours carries a batch, pgbench's what its clients commit together; without
/// waiting for the disk there would be five flushes a second, for thousands of entries.
const OF_A_FLUSH: u64 = 256;

/// Sees that a commit of this role waits until the log is on the disk.
pub(crate) async fn settings(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        let query = AssertSqlSafe(format!("SHOW {name}"));
        let value: String = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
        assert_eq!(value, "on", "{name}");
    }
    connection.close().await.unwrap();
}

/// A look at the log while something is written.
pub(crate) struct Watch {
    pool: PgPool,
    before: u64,
}

impl Watch {
    /// Begins to look, on the server of this database.
    pub(crate) async fn begin(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), before: flushes(pool).await }
    }

    /// Sees that so many entries, or events, were not answered before they were on the disk.
    pub(crate) async fn carried(self, entries: u64) {
        let flushes = flushes(&self.pool).await - self.before;
        assert!(flushes * OF_A_FLUSH >= entries, "{entries} entries with {flushes} flushes of the log");
    }
}

/// How often the log has been flushed to the disk so far. PostgreSQL 18 tells it in another place than those before.
async fn flushes(pool: &PgPool) -> u64 {
    let version = "SELECT current_setting('server_version_num')::int";
    let version: i32 = sqlx::query_scalar(version).fetch_one(pool).await.unwrap();
    let flushes = if version < 180_000 {
        "SELECT wal_sync FROM pg_stat_wal"
    } else {
        "SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal'"
    };
    let flushes: i64 = sqlx::query_scalar(flushes).fetch_one(pool).await.unwrap();
    u64::try_from(flushes).unwrap()
}
