//! Events that go straight to the relay of the process that wrote them: their rows are leased to it from the beginning, so it
//! has to look for none of them and to lease none. A process that dies in between leaves leases that run out, as a relay does
//! that dies while it publishes.

use crate::{Envelope, pace::after_burst};
use chassis::Clock;
use jiff::{SignedDuration, Timestamp};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Twice as long as a publish may take, [`CONFIRM_DEADLINE`](crate::transport::CONFIRM_DEADLINE); and how long events wait
/// whose process died before it published them.
const LEASE: SignedDuration = SignedDuration::from_secs(20);

/// Events that were committed with a lease.
pub(crate) struct Handed {
    pub(crate) events: Vec<Envelope>,
    pub(crate) lease: Timestamp,
}

/// Between those who write and the relay of their process.
#[derive(Default)]
pub(crate) struct Handover {
    state: Mutex<State>,
    handed: Notify,
}

#[derive(Default)]
struct State {
    /// What the relay dates leases by, while it takes events.
    taker: Option<Clock>,
    waiting: Vec<Handed>,
    /// When the next may be taken.
    next: Option<Instant>,
}

impl Handover {
    /// Until when a row that is written now is the relay's; nothing where it takes none.
    pub(crate) fn lease(&self) -> Option<Timestamp> {
        self.state().taker.as_ref().map(|clock| until(clock, LEASE))
    }

    /// Hands over what was committed.
    pub(crate) fn hand(&self, handed: Handed) {
        self.state().waiting.push(handed);
        self.handed.notify_one();
    }

    /// Says whether the relay takes events, and by which clock it leases.
    pub(crate) fn offer(&self, taker: Option<&Clock>) {
        let mut state = self.state();
        if state.taker.is_some() != taker.is_some() {
            state.taker = taker.cloned();
        }
    }

    /// What was handed over; waits until there is something, after many for a moment longer. Given up in between, it loses
    /// nothing.
    pub(crate) async fn handed(&self) -> Vec<Handed> {
        let next = self.state().next;
        if let Some(next) = next {
            sleep_until(next).await;
        }
        loop {
            let waiting = self.waiting();
            if !waiting.is_empty() {
                return waiting;
            }
            self.handed.notified().await;
        }
    }

    /// What was handed over and not taken yet.
    pub(crate) fn waiting(&self) -> Vec<Handed> {
        let mut state = self.state();
        let waiting = std::mem::take(&mut state.waiting);
        let events = waiting.iter().map(|handed| handed.events.len()).sum();
        state.next = Some(Instant::now() + after_burst(events)).filter(|_| events > 0);
        waiting
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a lease ends that begins now, as the database keeps it.
pub(crate) fn until(clock: &Clock, lease: SignedDuration) -> Timestamp {
    let until = clock.now().saturating_add(lease).unwrap_or(Timestamp::MAX);
    Timestamp::from_microsecond(until.as_microsecond()).unwrap_or(until)
}
