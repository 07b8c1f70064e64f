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

/// How often the log has been flushed to the disk so far.
pub(crate) async fn flushes(pool: &PgPool) -> u64 {
    let flushes: i64 = sqlx::query_scalar("SELECT wal_sync FROM pg_stat_wal").fetch_one(pool).await.unwrap();
    u64::try_from(flushes).unwrap()
}

/// Sees that so many entries were not answered before they were on the disk.
pub(crate) fn carried(entries: u64, flushes: u64) {
    assert!(flushes * OF_A_FLUSH >= entries, "{entries} entries with {flushes} flushes of the log");
}
