//! What a relay has published and not yet noted.

use super::{BATCH, IN_FLIGHT};
use crate::{Envelope, Transport, TransportError, metrics, trace};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use std::collections::HashSet;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

/// Publishes under way, and those that ended since they were last noted.
#[derive(Default)]
pub(super) struct Flights {
    under_way: FuturesUnordered<BoxFuture<'static, Landed>>,
    /// Claimed and neither confirmed nor failed.
    up: HashSet<Uuid>,
    confirmed: Vec<Uuid>,
    failed: Failed,
}

struct Landed {
    id: Uuid,
    key: String,
    result: Result<(), TransportError>,
}

/// Events that were not confirmed.
#[derive(Default)]
pub(super) struct Failed {
    pub(super) ids: Vec<Uuid>,
    /// The last one's error, id and kind.
    pub(super) last: Option<(TransportError, Uuid, String)>,
}

impl Flights {
    /// Publishes an event; [`Flights::land`] brings it on.
    pub(super) fn start(&mut self, transport: Transport, event: Envelope) {
        self.up.insert(event.id);
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
        self.up.remove(&id);
        match result {
            Ok(()) => self.confirmed.push(id),
            Err(error) => {
                self.failed.ids.push(id);
                self.failed.last = Some((error, id, key));
            }
        }
    }

    /// Whether a turn is worth its statement: there are rows to claim and room for them, or there is enough to note.
    pub(super) fn want_a_turn(&self, wanted: bool) -> bool {
        let ended = !self.confirmed.is_empty() || !self.failed.ids.is_empty();
        (wanted && self.room() == BATCH) || self.confirmed.len() >= BATCH || (ended && self.are_down())
    }

    /// How many more may be claimed.
    pub(super) fn room(&self) -> usize {
        IN_FLIGHT.saturating_sub(self.up.len()).min(BATCH)
    }

    /// Whether none is under way.
    pub(super) fn are_down(&self) -> bool {
        self.up.is_empty()
    }

    /// Those that were confirmed and not noted.
    pub(super) fn take_confirmed(&mut self) -> Vec<Uuid> {
        std::mem::take(&mut self.confirmed)
    }

    /// Takes them back: noting them went wrong.
    pub(super) fn give_back_confirmed(&mut self, confirmed: Vec<Uuid>) {
        self.confirmed.extend(confirmed);
    }

    /// Those that were not confirmed, if there are any.
    pub(super) fn failed(&self) -> Option<&Failed> {
        (!self.failed.ids.is_empty()).then_some(&self.failed)
    }

    /// They were let go of.
    pub(super) fn forget_failed(&mut self) {
        self.failed = Failed::default();
    }

    /// Ends those under way as if they had failed: whether the broker has them will not be known.
    pub(super) fn give_up(&mut self) {
        self.under_way.clear();
        self.failed.ids.extend(self.up.drain());
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
