//! Deciding check-ins whose time has come, also when nobody looks and no event arrives.

use crate::app;
use bus::Outbox;
use chassis::telemetry::Job;
use chassis::{Clock, Ids};
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often the clock is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Check-ins a transaction: short locks, whatever has piled up.
const BATCH: i64 = 100;

/// Decides what is due, on the injected clock, until shutdown. Any number of replicas may do so at once.
pub async fn decide_check_ins(
    pool: PgPool,
    outbox: Outbox,
    clock: Clock,
    ids: Ids,
    shutdown: CancellationToken,
) {
    let (job, mut turns) = (Job::new("journal.decide_check_ins"), interval(EVERY));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = turns.tick() => {}
        }
        match job.turn(decide_check_ins_once(&pool, &outbox, &clock, &ids, &shutdown)).await {
            Ok(_) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "check-ins that are due cannot be decided; trying on");
                }
                failing = true;
            }
        }
    }
}

/// Decides everything that is due by now; says how many there were.
///
/// # Errors
/// When the database is away; what was decided until then stays decided.
pub async fn decide_check_ins_once(
    pool: &PgPool,
    outbox: &Outbox,
    clock: &Clock,
    ids: &Ids,
    shutdown: &CancellationToken,
) -> Result<usize, sqlx::Error> {
    let mut decided = 0;
    while !shutdown.is_cancelled() {
        let mut transaction = pool.begin().await?;
        let batch = app::decide_due(&mut transaction, ids, clock.now(), BATCH).await?;
        transaction.commit().await?;
        if batch > 0 {
            outbox.wake();
        }
        decided += batch;
        if i64::try_from(batch).is_ok_and(|batch| batch < BATCH) {
            break;
        }
    }
    Ok(decided)
}
