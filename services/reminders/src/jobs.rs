//! Background work: firing what is due, and forgetting what nobody asks for any more.

use crate::app;
use crate::domain::{Fate, Kind};
use crate::error::Error;
use bus::Outbox;
use chassis::telemetry::{Job, KeyValue, age, counter, lags};
use chassis::{Clock, Ids};
use jiff::Timestamp;
use opentelemetry::metrics::{Counter, Gauge, Histogram};
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
    let (job, mut ticks) = (Job::new("reminders.sweep"), interval(SWEEP_EVERY));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = job.turn(sweep_once(&pool, clock.now(), &shutdown)).await {
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
        let (job, mut ticks) = (Job::new("reminders.fire_due"), interval(LOOK_EVERY));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match job.turn(self.fire_all_due(&shutdown)).await {
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
        let fate = self.transact(now).instrument(span).await?;
        self.outbox.wake();
        self.metrics.came_to(&fate);
        Ok(fate.fired.len() as u64)
    }

    async fn transact(&self, now: Timestamp) -> Result<Fate, Error> {
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        app::check_ins::come_due(&mut tx, &self.ids, now, BATCH).await?;
        let fate = app::fire_due(&mut tx, &self.ids, now, BATCH).await?;
        tx.commit().await?;
        Ok(fate)
    }
}

struct Metrics {
    fired: Counter<u64>,
    late: Counter<u64>,
    delivered: Counter<u64>,
    missed: Counter<u64>,
    lag: Histogram<f64>,
    overdue: Gauge<f64>,
}

impl Metrics {
    fn new() -> Self {
        let metrics = Self {
            fired: counter("candor_reminders_fired", "Schedules that fired."),
            late: counter(
                "candor_reminders_fired_late",
                "Schedules that fired more than a minute after their time.",
            ),
            delivered: counter("candor_reminders_delivered", "Items that arrived in an inbox."),
            missed: counter("candor_reminders_missed", "Schedules that were over before they could fire."),
            lag: lags("candor_reminders_lag", "From a schedule's time to its firing."),
            overdue: age(
                "candor_reminders_overdue",
                "How long the oldest schedule that is due has been waiting to fire.",
            ),
        };
        for kind in Kind::ALL {
            for counter in [&metrics.fired, &metrics.late, &metrics.delivered, &metrics.missed] {
                counter.add(0, &[of(kind)]);
            }
        }
        metrics
    }

    fn came_to(&self, fate: &Fate) {
        for schedule in &fate.fired {
            let kind = [of(schedule.kind)];
            self.fired.add(1, &kind);
            self.late.add(u64::from(schedule.is_late()), &kind);
            self.lag.record(schedule.lag().as_secs_f64().max(0.0), &kind);
        }
        for (counter, kinds) in [(&self.delivered, &fate.delivered), (&self.missed, &fate.missed)] {
            for kind in kinds {
                counter.add(1, &[of(*kind)]);
            }
        }
    }

    fn overdue(&self, since: Option<Timestamp>, now: Timestamp) {
        self.overdue.record(since.map_or(0.0, |since| now.duration_since(since).as_secs_f64()), &[]);
    }
}

fn of(kind: Kind) -> KeyValue {
    KeyValue::new("kind", kind.as_str())
}
