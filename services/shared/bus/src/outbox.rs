//! The sending end: events are rows of the transaction that made them true.

use crate::{
    Envelope,
    handover::{Handed, Handover},
    store,
};
use jiff::Timestamp;
use sqlx::PgConnection;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Wakes the relay of the same process. Clones wake the same one.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Inner>);

#[derive(Default)]
struct Inner {
    wake: Notify,
    /// When one was heard.
    last: Mutex<Option<Instant>>,
    handover: Handover,
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

    /// Until when rows that are written now are leased to the relay of this process, if it takes any: whoever writes them so
    /// ([`append_leased`]) hands their events over once they are committed ([`Outbox::hand`]), and nobody has to look for
    /// them. For what is hot.
    pub fn lease(&self) -> Option<Timestamp> {
        self.0.handover.lease()
    }

    /// Hands over events that were committed under a lease; without one, wakes the relay. Forgetting it costs up to the
    /// length of a lease, never an event.
    pub fn hand(&self, events: Vec<Envelope>, lease: Option<Timestamp>) {
        match lease {
            Some(lease) => self.0.handover.hand(Handed { events, lease }),
            None => self.wake(),
        }
    }

    pub(crate) fn handover(&self) -> &Handover {
        &self.0.handover
    }

    /// Resolves at the next wake, or at once if there was one since the last; but not so soon after the last. Given up in
    /// between, it forgets no wake.
    pub(crate) async fn woken(&self, apart: Duration) {
        let last = *self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last {
            sleep_until(last + apart).await;
        }
        self.0.wake.notified().await;
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Appends events in the transaction of the connection, with one statement for all of them.
/// Appending an id twice is an error of the caller (a unique violation).
pub async fn append(conn: &mut PgConnection, events: &[Envelope]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    store::append(conn, events, None).await
}

/// The same under a lease of [`Outbox::lease`], for events that are handed over after the commit.
pub async fn append_leased(
    conn: &mut PgConnection,
    events: &[Envelope],
    lease: Option<Timestamp>,
) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    store::append(conn, events, lease).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::apart;
    use futures::FutureExt as _;

    #[tokio::test(start_paused = true)]
    async fn a_wake_is_heard_at_once_and_the_next_a_moment_later() {
        let outbox = Outbox::new();
        let begun = Instant::now();
        outbox.wake();
        outbox.woken(apart(2)).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        outbox.wake();
        outbox.wake();
        outbox.woken(apart(2)).await;
        assert_eq!(begun.elapsed(), apart(2));
        assert!(outbox.woken(apart(2)).now_or_never().is_none(), "two wakes in a moment are one");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_waiting_forgets_no_wake() {
        let outbox = Outbox::new();
        outbox.wake();
        outbox.woken(apart(2)).await;
        outbox.wake();
        assert!(outbox.woken(apart(2)).now_or_never().is_none(), "it is too early");
        tokio::time::advance(apart(2) * 3).await;
        assert!(outbox.woken(apart(2)).now_or_never().is_some());
    }
}
