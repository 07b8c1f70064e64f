//! Rebuilding a projection: the owner tells its current state again, as events through its outbox.
//! Consumers compare versions, so whoever knows it already loses nothing.

use crate::{Envelope, Outbox, outbox};
use futures::future::BoxFuture;
use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;

/// One page of an owner's state; `K` is what its rows are ordered by.
pub struct Page<K = Uuid> {
    /// The state as events, with fresh ids and each aggregate's current version.
    pub events: Vec<Envelope>,
    /// Where the next page begins, if there is one: the last key of this page.
    pub next: Option<K>,
}

/// Appends an owner's whole state to its outbox, one page per transaction, and returns how many events it
/// was. `page` reads the state after a key (`None`: from the beginning) on the given connection; it sees and
/// appends in one transaction, so a change committed meanwhile is told by its own, later event. It can be
/// stopped and started again at any time. The running service's relay publishes what it appends.
pub async fn run<K, F, E>(pool: &PgPool, outbox: &Outbox, page: F) -> Result<u64, E>
where
    F: for<'c> Fn(&'c mut PgConnection, Option<K>) -> BoxFuture<'c, Result<Page<K>, E>>,
    E: From<sqlx::Error>,
{
    let mut conn = pool.acquire().await?;
    let (mut told, mut after) = (0, None);
    loop {
        let mut tx = conn.begin().await?;
        let current = page(&mut tx, after).await?;
        outbox::append(&mut tx, &current.events).await?;
        tx.commit().await?;
        outbox.wake();
        told += current.events.len() as u64;
        match current.next {
            Some(next) => after = Some(next),
            None => return Ok(told),
        }
    }
}
