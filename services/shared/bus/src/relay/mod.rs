//! From the outbox to the transport.
//!
//! A turn is one statement: it moves what was confirmed to the log, and leases more rows. What is hot is leased when it is
//! written, and handed over. Leased rows are published with no
//! transaction open, and the next turn does not wait for the slowest of them. A relay that dies in between leaves leases
//! behind that run out, and somebody publishes those rows again; the inbox knows them. Rows are claimed with
//! `SKIP LOCKED`, so any number of replicas share the work. Order is not promised, not even per aggregate.

mod flights;

use crate::{
    Outbox, Transport,
    handover::{self, Handed},
    log, metrics,
    pace::apart,
    step::{self, Observer, Step},
    store,
};
use chassis::Clock;
use flights::Flights;
use jiff::{SignedDuration, Timestamp, civil::Date};
use sqlx::PgPool;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Rows per turn.
const BATCH: usize = store::CLAIMED_AT_ONCE;
/// Publishes under way at once; with one at a time a quorum queue confirms a fortieth of what it can.
const IN_FLIGHT: usize = 512;
/// Longer than a row can be under way: its publish takes no longer than
/// [`CONFIRM_DEADLINE`](crate::transport::CONFIRM_DEADLINE).
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// What was not confirmed rests for a moment before it is tried again; twice as long each time nothing is confirmed.
const REST: SignedDuration = SignedDuration::from_secs(1);
/// And so often at most.
const MOST_DOUBLINGS: u32 = 5;
/// Finds what nobody woke us for: rows of a dead replica, a wake that was forgotten.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
/// How long confirms may still come in when the process wants to stop.
const GRACE: Duration = Duration::from_secs(1);
/// How often the backlog is measured.
const GAUGE_EVERY: Duration = Duration::from_secs(2);
/// After so many rows were moved, what is left of them is taken away; looked at so often.
const MOVED_LEAVE: usize = 1_000;
const CLEAN_EVERY: Duration = Duration::from_millis(500);
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
    /// Rows moved since the outbox was cleaned.
    moved: AtomicUsize,
}

/// What one turn leaves to the next.
struct Turns {
    /// Whether there may be rows to claim.
    wanted: bool,
    /// How many the last one claimed that looked for some.
    claimed: usize,
    /// The day that the log was made ready for.
    made_for: Option<Date>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { wanted: true, claimed: 0, made_for: None }
    }
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
        Self {
            pool,
            outbox,
            transport,
            clock,
            lease_clock: Clock::system(),
            observer: None,
            moved: AtomicUsize::new(0),
        }
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
        tokio::select! {
            // In this order: what is under way at the shutdown is finished.
            biased;
            () = self.publish(&shutdown) => {}
            // Beside it, so that no event waits for them.
            () = self.watch() => {}
            () = self.clean() => {}
        }
    }

    async fn publish(&self, shutdown: &CancellationToken) {
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut flights, mut turns, mut failing) = (Flights::default(), Turns::default(), false);
        while !shutdown.is_cancelled() {
            match self.turn(&mut flights, &mut turns).await {
                Ok(()) => failing = false,
                Err(error) => {
                    self.outbox.handover().offer(None);
                    if !failing {
                        tracing::warn!(%error, "the outbox cannot be published; trying on");
                    }
                    failing = true;
                    tokio::select! {
                        () = shutdown.cancelled() => {}
                        _ = sweep.tick() => {}
                    }
                }
            }
            while !failing && !flights.want_a_turn(turns.wanted) {
                // Of those confirmed so far; as soon as one more lands it is asked anew.
                let rested = flights.rest();
                self.offer(&flights);
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => break,
                    () = flights.land() => {}
                    handed = self.outbox.handover().handed() => self.take(&mut flights, handed).await,
                    () = rested => {}
                    () = self.outbox.woken(apart(turns.claimed)) => turns.wanted = true,
                    _ = sweep.tick() => turns.wanted = true,
                }
            }
        }
        self.outbox.handover().offer(None);
        if let Err(error) = self.finish(flights).await {
            tracing::warn!(%error, "what was published last is not noted and will be published again");
        }
    }

    /// Says whether whoever writes may lease rows to this relay: not while the broker is away or refuses, and not where there
    /// is no room.
    fn offer(&self, flights: &Flights) {
        let takes = flights.have_room() && self.transport.healthy() && flights.go_well();
        self.outbox.handover().offer(takes.then_some(&self.lease_clock));
    }

    /// Publishes what was handed over.
    async fn take(&self, flights: &mut Flights, handed: Vec<Handed>) {
        step::reached(self.observer.as_ref(), Step::Claimed).await;
        for Handed { events, lease } in handed {
            for event in events {
                flights.start(self.transport.clone(), event, lease);
            }
        }
    }

    /// Does something else while publishes end and others are handed over.
    async fn meanwhile<T>(&self, flights: &mut Flights, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.go_on(flights) => {}
            }
        }
    }

    /// Waits until a publish ends or something is handed over.
    async fn go_on(&self, flights: &mut Flights) {
        tokio::select! {
            () = flights.land() => {}
            handed = self.outbox.handover().handed() => self.take(flights, handed).await,
        }
    }

    /// Notes what came of earlier publishes, and begins others if somebody wants it.
    async fn turn(&self, flights: &mut Flights, turns: &mut Turns) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        if turns.made_for != Some(log::day(now)) {
            log::maintain(&mut *self.pool.acquire().await?, now).await?;
            turns.made_for = Some(log::day(now));
        }
        // While the broker is away, or there and refuses, nothing is claimed; the sweep asks again.
        let room = flights.have_room();
        let asked = turns.wanted && room && self.transport.healthy() && !flights.all_failed();
        self.release(flights).await?;
        let lease = self.lease();
        let claimed = self.log_and_claim(flights, !asked, lease).await?;
        // Where there was no room, those that are wanted still are.
        turns.wanted = if asked { claimed.len() == BATCH } else { turns.wanted && !room };
        if asked {
            turns.claimed = claimed.len();
        }
        if claimed.is_empty() {
            return Ok(());
        }
        step::reached(self.observer.as_ref(), Step::Claimed).await;
        for event in claimed {
            flights.start(self.transport.clone(), event, lease);
        }
        Ok(())
    }

    /// Until when rows that are claimed now are leased.
    fn lease(&self) -> Timestamp {
        handover::until(&self.lease_clock, LEASE)
    }

    /// The one statement of a turn.
    async fn log_and_claim(
        &self,
        flights: &mut Flights,
        none: bool,
        lease: Timestamp,
    ) -> Result<Vec<crate::Envelope>, sqlx::Error> {
        let confirmed = flights.take_confirmed();
        if confirmed.is_empty() && none {
            return Ok(Vec::new());
        }
        if !confirmed.is_empty() {
            step::reached(self.observer.as_ref(), Step::Published).await;
        }
        let claim = store::Claim { now: self.lease_clock.now(), until: lease, none };
        let work = async {
            let mut conn = self.pool.acquire().await?;
            store::log_and_claim(&mut conn, &confirmed, self.clock.now(), claim).await
        };
        let moved = confirmed.len();
        let done = self.meanwhile(flights, work).await;
        if done.is_err() {
            flights.give_back_confirmed(confirmed);
        } else {
            self.moved.fetch_add(moved, Ordering::Relaxed);
        }
        done
    }

    /// Lets go of what was not confirmed.
    async fn release(&self, flights: &mut Flights) -> Result<(), sqlx::Error> {
        let Some(failed) = flights.take_failed() else { return Ok(()) };
        let now = self.lease_clock.now();
        let until = now.saturating_add(REST * (1 << failed.setbacks.min(MOST_DOUBLINGS))).unwrap_or(now);
        let work = async {
            let mut conn = self.pool.acquire().await?;
            store::release(&mut conn, &failed.leased, until).await
        };
        let done = self.meanwhile(flights, work).await;
        if let Some((error, event_id, key)) = &failed.last {
            let events = failed.leased.len();
            tracing::warn!(%error, %event_id, key, events, "events were not confirmed; they stay in the outbox");
        }
        if done.is_err() {
            flights.give_back_failed(failed);
        }
        done
    }

    /// Waits a moment for confirms, notes them, and lets go of the rest.
    async fn finish(&self, mut flights: Flights) -> Result<(), sqlx::Error> {
        let handed = self.outbox.handover().waiting();
        self.take(&mut flights, handed).await;
        let landing = async {
            while !flights.are_down() {
                self.go_on(&mut flights).await;
            }
        };
        let _ = tokio::time::timeout(GRACE, landing).await;
        flights.give_up();
        let noted = self.log_and_claim(&mut flights, true, self.lease()).await;
        self.release(&mut flights).await?;
        noted.map(drop)
    }

    /// Takes away what is left of rows that were moved, for ever.
    async fn clean(&self) {
        let mut every = interval(CLEAN_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if self.moved.load(Ordering::Relaxed) >= MOVED_LEAVE {
                self.moved.store(0, Ordering::Relaxed);
                // Where it fails, autovacuum does it later.
                let _ = self.vacuum().await;
            }
        }
    }

    async fn vacuum(&self) -> Result<(), sqlx::Error> {
        store::vacuum_outbox(&mut *self.pool.acquire().await?).await
    }

    /// Measures what waits, for ever.
    async fn watch(&self) {
        let mut every = interval(GAUGE_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // A database that is away is complained of where it holds up events.
            let _ = self.gauge().await;
        }
    }

    async fn gauge(&self) -> Result<(), sqlx::Error> {
        let backlog = store::backlog(&mut *self.pool.acquire().await?, GAUGE_LIMIT).await?;
        let options = self.pool.connect_options();
        metrics::outbox(options.get_database().unwrap_or_default(), &backlog, self.clock.now());
        Ok(())
    }
}
