//! The sending end: events are rows of the transaction that made them true.

use crate::{Envelope, store};
use sqlx::PgConnection;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Wakes are this far apart at least. After a quiet moment one is heard at once; where commit follows upon commit, the
/// relay takes what a few of them left in one go, which costs the database and the broker a fraction.
const APART: Duration = Duration::from_millis(3);

/// Wakes the relay of the same process. Clones wake the same one.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Inner>);

#[derive(Default)]
struct Inner {
    wake: Notify,
    /// The next one is not heard before.
    next: Mutex<Option<Instant>>,
}

impl Outbox {
    /// For one service's database and its relay.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that something was committed. Forgetting it costs up to 250 ms, never an event.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Resolves at the next wake, or at once if there was one since the last; but not right after the last. Given up in
    /// between, it forgets no wake.
    pub(crate) async fn woken(&self) {
        let next = *self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = next {
            sleep_until(next).await;
        }
        self.0.wake.notified().await;
        *self.0.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + APART);
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test(start_paused = true)]
    async fn a_wake_is_heard_at_once_and_the_next_a_moment_later() {
        let outbox = Outbox::new();
        let begun = Instant::now();
        outbox.wake();
        outbox.woken().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        outbox.wake();
        outbox.wake();
        outbox.woken().await;
        assert_eq!(begun.elapsed(), APART);
        assert!(outbox.woken().now_or_never().is_none(), "two wakes in a moment are one");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_waiting_forgets_no_wake() {
        let outbox = Outbox::new();
        outbox.wake();
        outbox.woken().await;
        outbox.wake();
        assert!(outbox.woken().now_or_never().is_none(), "it is too early");
        tokio::time::advance(APART * 3).await;
        assert!(outbox.woken().now_or_never().is_some());
    }
}
