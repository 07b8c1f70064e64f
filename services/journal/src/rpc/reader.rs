//! The reader of another person's shares: one commit of the receipts' events for all who wait.

use crate::Error;
use crate::app::received::{self as app, ReadShare, Received};
use crate::domain::to_microseconds;
use bus::Outbox;
use chassis::{Clock, Code, Fault, Ids};
use sqlx::PgPool;

/// Reads batches of shares. Clones share everything.
#[derive(Clone)]
pub(super) struct Reader {
    pool: PgPool,
    outbox: Outbox,
    clock: Clock,
    ids: Ids,
}

impl Reader {
    /// On the journal's database; `outbox` hears of each commit.
    pub(super) fn new(pool: PgPool, outbox: Outbox, clock: Clock, ids: Ids) -> Self {
        Self { pool, outbox, clock, ids }
    }

    /// Reads for all of them together; whoever it is answers only once it is kept that they read. When that fails for
    /// all, each is tried by itself, unless the database is away.
    pub(super) async fn read(self, wishes: Vec<ReadShare>) -> Vec<Result<Received, Fault>> {
        let failed: Fault = match self.commit(&wishes).await {
            Ok(answers) => return answers.into_iter().map(|answer| answer.map_err(Fault::from)).collect(),
            Err(error) => Error::Database(error).into(),
        };
        if wishes.len() == 1 || failed.code == Code::Unavailable {
            return wishes.iter().map(|_| Err(failed.clone())).collect();
        }
        let mut answers = Vec::with_capacity(wishes.len());
        for wish in &wishes {
            answers.push(self.read_alone(wish).await);
        }
        answers
    }

    async fn read_alone(&self, wish: &ReadShare) -> Result<Received, Fault> {
        let mut answers = self.commit(std::slice::from_ref(wish)).await.map_err(Error::Database)?;
        Ok(answers.pop().unwrap_or(Err(Error::ShareNotFound))?)
    }

    async fn commit(&self, wishes: &[ReadShare]) -> Result<Vec<Result<Received, Error>>, sqlx::Error> {
        // Two statements, each its own transaction: what was admitted is told before it is answered, and nothing else hangs
        // on the two.
        let mut conn = self.pool.acquire().await?;
        let now = to_microseconds(self.clock.now());
        let lease = self.outbox.lease();
        let (answers, events) = app::find_received(&mut conn, wishes, now, &self.ids, lease).await?;
        self.outbox.hand(events, lease);
        Ok(answers)
    }
}
