//! What a relay has published and not yet noted.

use super::{BATCH, IN_FLIGHT};
use crate::{Envelope, Transport, TransportError, metrics, trace};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;
use uuid::Uuid;

/// How long what was confirmed may wait to be noted together with the next rows that are claimed: a statement of its own
/// costs the database as much again, and whatever is committed meanwhile waits for it. What is not noted when a process dies
/// is published again.
const NOTED_WITHIN: Duration = Duration::from_millis(20);

/// Publishes under way, and those that ended since they were last noted.
#[derive(Default)]
pub(super) struct Flights {
    under_way: FuturesUnordered<BoxFuture<'static, Landed>>,
    /// Claimed and neither confirmed nor failed, each with its lease.
    up: HashMap<Uuid, Timestamp>,
    confirmed: Vec<Uuid>,
    /// When the first of them was.
    confirmed_since: Option<Instant>,
    failed: Failed,
    /// How often some failed since one was confirmed.
    setbacks: u32,
}

struct Landed {
    id: Uuid,
    key: String,
    result: Result<(), TransportError>,
}

/// Events that were not confirmed.
#[derive(Default)]
pub(super) struct Failed {
    /// Each with the lease it was claimed with.
    pub(super) leased: Vec<(Uuid, Timestamp)>,
    /// The last one's error, id and kind.
    pub(super) last: Option<(TransportError, Uuid, String)>,
    /// How often that happened before without one that was confirmed.
    pub(super) setbacks: u32,
}

impl Flights {
    /// Publishes an event; [`Flights::land`] brings it on.
    pub(super) fn start(&mut self, transport: Transport, event: Envelope, lease: Timestamp) {
        self.up.insert(event.id, lease);
        let flight = async move {
            let result = send(&transport, &event).await;
            Landed { id: event.id, key: event.key, result }
        };
        self.under_way.push(flight.boxed());
    }

    /// Waits until one ends, and takes the others that did as well; for ever where none is under way. May be dropped
    /// while it waits.
    pub(super) async fn land(&mut self) {
        match self.under_way.next().await {
            Some(landed) => self.note(landed),
            None => std::future::pending().await,
        }
        while let Some(Some(landed)) = self.under_way.next().now_or_never() {
            self.note(landed);
        }
    }

    fn note(&mut self, Landed { id, key, result }: Landed) {
        let Some(lease) = self.up.remove(&id) else { return };
        match result {
            Ok(()) => {
                self.confirmed.push(id);
                self.confirmed_since.get_or_insert_with(Instant::now);
                self.setbacks = 0;
            }
            Err(error) => {
                self.failed.leased.push((id, lease));
                self.failed.last = Some((error, id, key));
            }
        }
    }

    /// Whether a turn is worth its statement: there are rows to claim and room for them, or some failed, or there is enough
    /// to note, or what there is has waited long enough for a turn that claims as well.
    pub(super) fn want_a_turn(&self, wanted: bool) -> bool {
        let rested = self.confirmed_since.is_some_and(|since| since.elapsed() >= NOTED_WITHIN);
        let over = !self.failed.leased.is_empty() && self.are_down();
        (wanted && self.have_room()) || self.confirmed.len() >= BATCH || over || rested
    }

    /// Resolves when what was confirmed has to be noted even if no row is to be claimed; never where there is nothing.
    pub(super) fn rest(&self) -> impl Future<Output = ()> + use<> {
        let since = self.confirmed_since;
        async move {
            match since {
                Some(since) => sleep_until(since + NOTED_WITHIN).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Whether as many may be claimed as are claimed at once.
    pub(super) fn have_room(&self) -> bool {
        self.up.len() + BATCH <= IN_FLIGHT
    }

    /// Whether none is under way.
    pub(super) fn are_down(&self) -> bool {
        self.up.is_empty()
    }

    /// Those that were confirmed and not noted.
    pub(super) fn take_confirmed(&mut self) -> Vec<Uuid> {
        self.confirmed_since = None;
        std::mem::take(&mut self.confirmed)
    }

    /// Takes them back: noting them went wrong.
    pub(super) fn give_back_confirmed(&mut self, confirmed: Vec<Uuid>) {
        if !confirmed.is_empty() {
            self.confirmed_since.get_or_insert_with(Instant::now);
        }
        self.confirmed.extend(confirmed);
    }

    /// Whether some failed and none was confirmed.
    pub(super) fn all_failed(&self) -> bool {
        !self.failed.leased.is_empty() && self.confirmed.is_empty()
    }

    /// Whether what was published last was confirmed, as far as is known.
    pub(super) fn go_well(&self) -> bool {
        self.setbacks == 0 && !self.all_failed()
    }

    /// Those that were not confirmed, if there are any.
    pub(super) fn take_failed(&mut self) -> Option<Failed> {
        if self.failed.leased.is_empty() {
            return None;
        }
        let failed = Failed { setbacks: self.setbacks, ..std::mem::take(&mut self.failed) };
        self.setbacks = self.setbacks.saturating_add(1);
        Some(failed)
    }

    /// Takes them back: letting go of them went wrong.
    pub(super) fn give_back_failed(&mut self, failed: Failed) {
        self.failed.leased.extend(failed.leased);
        self.setbacks = failed.setbacks;
    }

    /// Ends those under way as if they had failed: whether the broker has them will not be known.
    pub(super) fn give_up(&mut self) {
        self.under_way.clear();
        self.failed.leased.extend(self.up.drain());
    }
}

async fn send(transport: &Transport, event: &Envelope) -> Result<(), TransportError> {
    let (span, sent) = trace::sending(event);
    let begun = Instant::now();
    let result = transport.publish(&sent).instrument(span.clone()).await;
    match &result {
        Ok(()) => metrics::published(&event.key, begun.elapsed()),
        Err(_) => {
            span.record("otel.status_code", "ERROR");
        }
    }
    result
}
