//! Forgetting what is over: idempotency records, marks of sessions that ended, and answers to check-ins that no schedule
//! has.

use crate::app;
use chassis::telemetry::Job;
use chassis::{Clock, audience, idempotency};
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often records are swept.
const EVERY: Duration = Duration::from_secs(60);

/// How many records one transaction sweeps: short locks, whatever has piled up.
const BITE: i64 = 1_000;

/// Sweeps until shutdown. A database that is away is asked again at the next turn.
pub async fn sweep(pool: PgPool, clock: Clock, shutdown: CancellationToken) {
    let (job, mut turns) = (Job::new("journal.sweep"), tokio::time::interval(EVERY));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = turns.tick() => {}
        }
        if let Err(error) = job.turn(sweep_once(&pool, &clock, BITE, &shutdown)).await {
            tracing::warn!(%error, "what is over was not swept this time");
        }
    }
}

/// Sweeps everything that is over by now, `bite` records of a kind at a time; says how many there were.
///
/// # Errors
/// When the database is away; what was swept until then stays swept.
pub async fn sweep_once(
    pool: &PgPool,
    clock: &Clock,
    bite: i64,
    shutdown: &CancellationToken,
) -> Result<u64, sqlx::Error> {
    let mut swept = 0;
    while !shutdown.is_cancelled() {
        let mut conn = pool.acquire().await?;
        let records = idempotency::sweep(&mut conn, clock.now(), bite).await?;
        let marks = audience::sweep(&mut conn, clock.now(), bite).await?;
        let check_ins = app::forget_unannounced_check_ins(&mut conn, clock.now(), bite).await?;
        swept += records + marks + check_ins;
        if records.max(marks).max(check_ins) < bite.unsigned_abs() {
            break;
        }
    }
    Ok(swept)
}
