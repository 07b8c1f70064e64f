//! The writer of entries: one commit for all that wait.

use crate::Error;
use crate::app::{self, WriteEntry, Written};
use bus::Outbox;
use chassis::{Code, Fault};
use opentelemetry::metrics::Counter;
use sqlx::{Acquire as _, PgPool};

/// Writes batches of entries. Clones share everything.
#[derive(Clone)]
pub(super) struct Writer {
    pool: PgPool,
    outbox: Outbox,
    written: Counter<u64>,
}

impl Writer {
    /// On the journal's database; `outbox` hears of each commit.
    pub(super) fn new(pool: PgPool, outbox: Outbox) -> Self {
        let written = chassis::telemetry::counter("candor_journal_entries_written", "Entries kept.");
        written.add(0, &[]);
        Self { pool, outbox, written }
    }

    /// Writes the commands together. When the batch fails as a whole, each is tried by itself, so that only the one
    /// to blame is refused; when the database is away, all are told so at once.
    pub(super) async fn write(self, commands: Vec<WriteEntry>) -> Vec<Result<Written, Fault>> {
        let failed: Fault = match self.commit(&commands).await {
            Ok(results) => return results.into_iter().map(|result| result.map_err(Fault::from)).collect(),
            Err(error) => error.into(),
        };
        if commands.len() == 1 || failed.code == Code::Unavailable {
            return commands.iter().map(|_| Err(failed.clone())).collect();
        }
        let mut results = Vec::with_capacity(commands.len());
        for command in &commands {
            results.push(self.write_alone(command).await);
        }
        results
    }

    async fn write_alone(&self, command: &WriteEntry) -> Result<Written, Fault> {
        let mut results = self.commit(std::slice::from_ref(command)).await?;
        Ok(results.pop().unwrap_or(Err(Error::Database(sqlx::Error::RowNotFound)))?)
    }

    async fn commit(&self, commands: &[WriteEntry]) -> Result<Vec<Result<Written, Error>>, sqlx::Error> {
        let results = self.keep(commands).await?;
        let fresh = results.iter().filter(|result| matches!(result, Ok(Written::Fresh))).count();
        self.written.add(fresh as u64, &[]);
        Ok(results)
    }

    /// Nearly always all of them are new, and one statement is enough. A retry among them is found out by the
    /// statement's failing, and then looked at in a transaction.
    async fn keep(&self, commands: &[WriteEntry]) -> Result<Vec<Result<Written, Error>>, sqlx::Error> {
        let mut conn = self.pool.acquire().await?;
        let lease = self.outbox.lease();
        if let Some(events) = app::write_new_entries(&mut conn, commands, lease).await? {
            self.outbox.hand(events, lease);
            return Ok(commands.iter().map(|_| Ok(Written::Fresh)).collect());
        }
        let mut transaction = conn.begin().await?;
        let results = app::write_entries(&mut transaction, commands).await?;
        transaction.commit().await?;
        self.outbox.wake();
        Ok(results)
    }
}
