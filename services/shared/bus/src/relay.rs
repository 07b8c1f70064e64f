//! From the outbox to the transport.
//!
//! A round is: one short transaction leases a batch of rows; the batch is published with no transaction open;
//! another short transaction moves what was confirmed to the log. A relay that dies in between leaves a lease
//! behind that runs out, and somebody publishes those rows again; the inbox knows them. Rows are claimed with
//! `SKIP LOCKED`, so any number of replicas share the work. Order is not promised, not even per aggregate.

use crate::{
    Envelope, Outbox, Transport, TransportError, log, metrics,
    step::{self, Observer, Step},
    store, trace,
};
use chassis::Clock;
use futures::{FutureExt as _, StreamExt as _, stream};
use jiff::{SignedDuration, civil::Date};
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

/// Rows per round.
const BATCH: i64 = 500;
/// Publishes under way at once; with one at a time a quorum queue confirms a fortieth of what it can.
const IN_FLIGHT: usize = 256;
/// Longer than a round can take: its publishes run side by side, each no longer than
/// [`CONFIRM_DEADLINE`](crate::transport::CONFIRM_DEADLINE).
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// What was not confirmed rests for a moment before it is tried again.
const REST: SignedDuration = SignedDuration::from_secs(1);
/// Finds what nobody woke us for: rows of a dead replica, a wake that was forgotten.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
/// How long confirms may still come in when the process wants to stop.
const GRACE: Duration = Duration::from_secs(1);
/// How often the backlog is measured.
const GAUGE_EVERY: Duration = Duration::from_secs(2);
/// The gauge counts no further.
const GAUGE_LIMIT: i64 = 100_000;

/// Publishes one service's outbox.
pub struct Relay {
    pool: PgPool,
    outbox: Outbox,
    transport: Transport,
    clock: Clock,
    lease_clock: Clock,
    observer: Option<Observer>,
}

/// Publishes one service's outbox until the process wants to stop.
pub async fn run(
    pool: PgPool,
    outbox: Outbox,
    transport: Transport,
    clock: Clock,
    shutdown: CancellationToken,
) {
    Relay::new(pool, outbox, transport, clock).run(shutdown).await;
}

impl Relay {
    /// A relay; `clock` dates the log.
    pub fn new(pool: PgPool, outbox: Outbox, transport: Transport, clock: Clock) -> Self {
        // Leases are about the life of processes, not about what members live through: a clock that a test
        // holds still would never free a dead relay's rows, one that leaps would take a living relay's away.
        Self { pool, outbox, transport, clock, lease_clock: Clock::system(), observer: None }
    }

    /// Another clock for the leases.
    #[must_use]
    pub fn lease_clock(mut self, clock: Clock) -> Self {
        self.lease_clock = clock;
        self
    }

    /// Somebody to tell about each step.
    #[must_use]
    pub fn observe(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Publishes until the process wants to stop.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut made_for, mut gauged) = (None, None);
        let mut failing = false;
        while !shutdown.is_cancelled() {
            let turn = async {
                self.upkeep(&mut made_for, &mut gauged).await?;
                self.drain(&shutdown).await
            };
            match turn.await {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, "the outbox cannot be published; trying on");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.outbox.woken() => {}
                _ = sweep.tick() => {}
            }
        }
    }

    /// The log's partitions once per day of the clock, the gauge every few seconds.
    async fn upkeep(
        &self,
        made_for: &mut Option<Date>,
        gauged: &mut Option<Instant>,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        if *made_for != Some(log::day(now)) {
            log::maintain(&mut *self.pool.acquire().await?, now).await?;
            *made_for = Some(log::day(now));
        }
        if gauged.is_none_or(|at| at.elapsed() >= GAUGE_EVERY) {
            let backlog = store::backlog(&mut *self.pool.acquire().await?, GAUGE_LIMIT).await?;
            let options = self.pool.connect_options();
            metrics::outbox(options.get_database().unwrap_or_default(), &backlog, now);
            *gauged = Some(Instant::now());
        }
        Ok(())
    }

    /// Rounds until the outbox is empty or something does not go through.
    async fn drain(&self, shutdown: &CancellationToken) -> Result<(), sqlx::Error> {
        while self.transport.healthy() && !shutdown.is_cancelled() {
            let (claimed, confirmed) = self.round(shutdown).await?;
            if confirmed < claimed || (claimed as i64) < BATCH {
                break;
            }
        }
        Ok(())
    }

    /// One batch; returns how many rows were claimed and how many of them confirmed.
    async fn round(&self, shutdown: &CancellationToken) -> Result<(usize, usize), sqlx::Error> {
        let now = self.lease_clock.now();
        let until = now.saturating_add(LEASE).unwrap_or(now);
        let claimed = store::claim(&mut *self.pool.acquire().await?, now, until, BATCH).await?;
        if claimed.is_empty() {
            return Ok((0, 0));
        }
        step::reached(self.observer.as_ref(), Step::Claimed).await;
        let confirmed = self.publish(&claimed, shutdown).await;
        step::reached(self.observer.as_ref(), Step::Published).await;
        self.settle(&claimed, &confirmed).await?;
        Ok((claimed.len(), confirmed.len()))
    }

    async fn publish(&self, events: &[Envelope], shutdown: &CancellationToken) -> Vec<Uuid> {
        let mut confirmed = Vec::with_capacity(events.len());
        let publishing = async {
            // Boxed before the stream sees them: a closure over references would keep this future from being spawned.
            let sends: Vec<_> =
                events.iter().map(|event| async move { (event, self.send(event).await) }.boxed()).collect();
            let mut results = stream::iter(sends).buffer_unordered(IN_FLIGHT);
            let mut failed = None;
            while let Some((event, result)) = results.next().await {
                match result {
                    Ok(()) => confirmed.push(event.id),
                    Err(error) => failed = Some((error, event)),
                }
            }
            failed
        };
        let patience = async {
            shutdown.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            failed = publishing => {
                if let Some((error, event)) = failed {
                    complain(&error, event, events.len());
                }
            }
            () = patience => {}
        }
        confirmed
    }

    async fn send(&self, event: &Envelope) -> Result<(), TransportError> {
        let (span, sent) = trace::sending(event);
        let begun = Instant::now();
        let result = self.transport.publish(&sent).instrument(span.clone()).await;
        match &result {
            Ok(()) => metrics::published(&event.key, begun.elapsed()),
            Err(_) => {
                span.record("otel.status_code", "ERROR");
            }
        }
        result
    }

    /// What was confirmed goes to the log, the rest is let go.
    async fn settle(&self, claimed: &[Envelope], confirmed: &[Uuid]) -> Result<(), sqlx::Error> {
        let mut conn = self.pool.acquire().await?;
        if !confirmed.is_empty() {
            store::move_to_log(&mut conn, confirmed, self.clock.now()).await?;
        }
        let rest: Vec<_> =
            claimed.iter().map(|event| event.id).filter(|id| !confirmed.contains(id)).collect();
        if !rest.is_empty() {
            let now = self.lease_clock.now();
            store::release(&mut conn, &rest, now.saturating_add(REST).unwrap_or(now)).await?;
        }
        Ok(())
    }
}

fn complain(error: &TransportError, event: &Envelope, batch: usize) {
    tracing::warn!(%error, event_id = %event.id, key = event.key, batch, "events were not confirmed; they stay in the outbox");
}
