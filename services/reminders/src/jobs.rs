//! Background work: firing what is due, and forgetting what nobody asks for any more.

use crate::app;
use crate::domain::Fired;
use crate::error::Error;
use bus::Outbox;
use chassis::{Clock, Ids};
use jiff::Timestamp;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram},
};
use sqlx::{Connection as _, PgPool};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Schedules a transaction.
const BATCH: i64 = 100;
/// How often what is over is forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Rows of a kind in one transaction of a sweep.
const SWEEP_BATCH: i64 = 1000;

/// Forgets what is over, every minute, until the process wants to stop. What fails today is tried again a minute later.
pub async fn sweep(pool: PgPool, clock: Clock, shutdown: CancellationToken) {
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = sweep_once(&pool, clock.now(), &shutdown).await {
            tracing::warn!(error = %error, "what is over is kept for a minute more");
        }
    }
}

/// Forgets everything that is over by now: ended sessions, and what [`app::forget`] says.
///
/// # Errors
/// When the database fails; what was forgotten until then stays so.
pub async fn sweep_once(pool: &PgPool, now: Timestamp, shutdown: &CancellationToken) -> Result<(), Error> {
    let mut conn = pool.acquire().await?;
    while !shutdown.is_cancelled() {
        let mut tx = conn.begin().await?;
        let sessions = chassis::audience::sweep(&mut tx, now, SWEEP_BATCH).await?;
        let over = app::forget(&mut tx, now, SWEEP_BATCH).await?;
        tx.commit().await?;
        if sessions.max(over) < SWEEP_BATCH.unsigned_abs() {
            break;
        }
    }
    Ok(())
}

/// Fires what is due, on the injected clock, until the process wants to stop. Any number of replicas may do so
/// at once: each schedule fires once, with all its consequences in one transaction.
pub struct Firing {
    pool: PgPool,
    outbox: Outbox,
    clock: Clock,
    ids: Ids,
    metrics: Metrics,
}

impl Firing {
    /// Nothing runs yet.
    pub fn new(pool: PgPool, outbox: Outbox, clock: Clock, ids: Ids) -> Self {
        Self { pool, outbox, clock, ids, metrics: Metrics::new() }
    }

    /// Looks every 250 ms until `shutdown`. While the database is away it goes on trying.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match self.fire_all_due(&shutdown).await {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(error = %error, "due reminders cannot fire; trying on");
                }
                Err(_) => {}
            }
        }
    }

    /// Batches until nothing is due any more.
    async fn fire_all_due(&self, shutdown: &CancellationToken) -> Result<(), Error> {
        while !shutdown.is_cancelled() && self.fire_batch().await? == BATCH.unsigned_abs() {}
        Ok(())
    }

    /// Fires at most one batch of what is due now, after the check-ins that are; returns how many fired.
    ///
    /// # Errors
    /// When the database fails; then nothing of the batch has happened.
    pub async fn fire_batch(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let overdue_since = app::overdue_since(&mut *self.pool.acquire().await?, now).await?;
        self.metrics.overdue(overdue_since, now);
        if overdue_since.is_none() {
            return Ok(0); // no transaction, and no span every 250 ms
        }
        let span = tracing::info_span!(parent: None, "reminders.fire_due");
        let fired = self.transact(now).instrument(span).await?;
        self.outbox.wake();
        for schedule in &fired {
            self.metrics.fired(schedule);
        }
        Ok(fired.len() as u64)
    }

    async fn transact(&self, now: Timestamp) -> Result<Vec<Fired>, Error> {
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        app::check_ins::come_due(&mut tx, &self.ids, now, BATCH).await?;
        let fired = app::fire_due(&mut tx, &self.ids, now, BATCH).await?;
        tx.commit().await?;
        Ok(fired)
    }
}

struct Metrics {
    fired: Counter<u64>,
    late: Counter<u64>,
    lag: Histogram<f64>,
    overdue: Gauge<f64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("reminders");
        Self {
            fired: meter
                .u64_counter("candor_reminders_fired")
                .with_description("Schedules that fired")
                .build(),
            late: meter
                .u64_counter("candor_reminders_fired_late")
                .with_description("Schedules that fired more than a minute after their time")
                .build(),
            lag: meter
                .f64_histogram("candor_reminders_lag")
                .with_unit("s")
                .with_description("From a schedule's time to its firing")
                .with_boundaries(vec![0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0])
                .build(),
            overdue: meter
                .f64_gauge("candor_reminders_overdue")
                .with_unit("s")
                .with_description("How long the oldest schedule that is due has been waiting to fire")
                .build(),
        }
    }

    fn fired(&self, schedule: &Fired) {
        let labels = [KeyValue::new("kind", schedule.kind.as_str())];
        self.fired.add(1, &labels);
        self.lag.record(schedule.lag().as_secs_f64().max(0.0), &labels);
        if schedule.is_late() {
            self.late.add(1, &labels);
        }
    }

    fn overdue(&self, since: Option<Timestamp>, now: Timestamp) {
        self.overdue.record(since.map_or(0.0, |since| now.duration_since(since).as_secs_f64()), &[]);
    }
}
