//! The sending end: events are rows of the transaction that made them true.

use crate::{Envelope, store};
use sqlx::PgConnection;
use std::sync::Arc;
use tokio::sync::Notify;

/// Wakes the relay of the same process. Clones wake the same one.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Notify>);

impl Outbox {
    /// For one service's database and its relay.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that something was committed. Forgetting it costs up to 250 ms, never an event.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Resolves at the next wake, or at once if there was one since the last.
    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}

/// Appends events in the transaction of the connection, with one statement for all of them.
/// Appending an id twice is an error of the caller (a unique violation).
pub async fn append(conn: &mut PgConnection, events: &[Envelope]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    store::append(conn, events).await
}
