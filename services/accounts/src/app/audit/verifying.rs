//! Reading the chain from its beginning and saying what is not as it was sealed. It needs a page of it at a time.

use super::{
    checking::{Checker, Tally},
    reads,
};
use crate::{
    Error,
    domain::audit::{Anchor, Finding},
    store::audit::{
        chain,
        reading::{self, Stored},
    },
};
use sqlx::{PgConnection, PgPool};

/// Batches read at a time.
const BATCHES: i64 = 64;
/// Records read at a time.
const RECORDS: i64 = 4_096;

/// What was read, and what is wrong with it.
#[derive(Debug)]
pub struct Verified {
    /// Batches that are there.
    pub batches: i64,
    /// Records in them.
    pub records: i64,
    /// Of those, how many were erased.
    pub erased: i64,
    /// Records that wait for their place.
    pub waiting: i64,
    /// Anchors that were held against it.
    pub anchors: usize,
    /// The first things that are wrong, in the order of the chain.
    pub findings: Vec<Finding>,
}

/// Verifies the whole chain as of one moment, against the anchors that were kept outside the database; and the receipts of
/// exact reads against what it says of them.
///
/// # Errors
/// When the database fails. What is wrong with the chain is no error, but a finding.
pub async fn verify(pool: &PgPool, anchors: &[Anchor]) -> Result<Verified, Error> {
    let mut tx = reading::one_moment(pool).await?;
    let keys = chain::keys(&mut tx).await?;
    let keys = keys.into_iter().map(|key| (key.key_id, key.public_key)).collect();
    let mut checker = Checker::new(keys, anchors);
    let mut records = Records::new();
    let mut after = 0;
    loop {
        let batches = chain::batches_after(&mut tx, after, BATCHES).await?;
        let Some(last) = batches.last() else { break };
        after = last.head.batch;
        for batch in &batches {
            checker.begin(batch);
            while let Some(record) = records.next_of(&mut tx, batch.head.batch).await? {
                checker.record(&record);
            }
            checker.end();
            reads::check(&mut tx, &mut checker).await?;
        }
        if checker.is_full() {
            break;
        }
    }
    while let Some(record) = records.next_of(&mut tx, i64::MAX).await? {
        checker.unplaced(&record);
        if checker.is_full() {
            break;
        }
    }
    let queue = reading::queue(&mut tx).await?;
    let Tally { batches, records, erased, findings } = checker.finish(queue.bare);
    Ok(Verified { batches, records, erased, waiting: queue.records, anchors: anchors.len(), findings })
}

/// The records of the chain in their order, read ahead by a page.
struct Records {
    page: std::vec::IntoIter<Stored>,
    ahead: Option<Stored>,
    last: (i64, i32),
    is_over: bool,
}

impl Records {
    /// Before everything that can claim a place, be there such a place or not.
    fn new() -> Self {
        Self { page: Vec::new().into_iter(), ahead: None, last: (i64::MIN, i32::MIN), is_over: false }
    }

    /// The next record that is placed in a batch up to the given one.
    async fn next_of(&mut self, conn: &mut PgConnection, batch: i64) -> Result<Option<Stored>, Error> {
        if self.ahead.is_none() {
            self.ahead = self.read(conn).await?;
        }
        Ok(self.ahead.take_if(|record| record.batch <= batch))
    }

    async fn read(&mut self, conn: &mut PgConnection) -> Result<Option<Stored>, Error> {
        if let Some(next) = self.page.next() {
            return Ok(Some(next));
        }
        if self.is_over {
            return Ok(None);
        }
        let page = reading::placed_after(conn, self.last, RECORDS).await?;
        self.is_over = i64::try_from(page.len()).is_ok_and(|count| count < RECORDS);
        if let Some(last) = page.last() {
            self.last = (last.batch, last.position);
        }
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}
