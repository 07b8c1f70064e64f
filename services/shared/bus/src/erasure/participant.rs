//! The work of a service that takes part.

use super::{
    Tally, forget, is_pending,
    store::{self, Due},
};
use crate::Outbox;
use chassis::{Clock, Fault, telemetry::Job};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use std::{future::Future, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A pass whose replica died is made again after this.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// So long after the first pass nobody can be writing for the person any more: their last passport is over, and no
/// replica remembers their data key. What came in until then goes in the last pass.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);
/// A pass that has to wait for events to be published, or that failed, is made again after this.
const AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// What a service does of its own. All of it may be done again.
pub trait Participant: Send + Sync + 'static {
    /// Destroys the person's data key; false where the service keeps none. No transaction is open.
    fn shred(&self, account_id: Uuid) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Destroys every row of the person, and says how many.
    fn erase(
        &self,
        conn: &mut PgConnection,
        account_id: Uuid,
    ) -> impl Future<Output = Result<Tally, Fault>> + Send;

    /// Whether an event that failed, which names the person, is about them, and so goes; it is unless a service knows
    /// better. What it says has to fit [`Inbox::about`](crate::Inbox::about).
    fn is_about(&self, _key: &str, _body: &[u8], _account_id: Uuid) -> bool {
        true
    }

    /// Says that nothing is left, in the transaction of the last pass.
    fn answer(
        &self,
        conn: &mut PgConnection,
        answer: &Answer,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// What a service says when nothing is left.
pub struct Answer {
    /// The erasure. Whose it was is not said any more.
    pub erasure_id: Uuid,
    /// When the data key was destroyed; none where there are no keys.
    pub shredded_at: Option<Timestamp>,
    /// What was destroyed.
    pub tally: Tally,
}

/// Makes every pass that is due until shutdown, as the job of the given name. Any number of replicas may do so at once.
pub async fn run<P: Participant>(
    participant: P,
    name: &'static str,
    pool: PgPool,
    outbox: Outbox,
    clock: Clock,
    shutdown: CancellationToken,
) {
    let (job, mut turns) = (Job::new(name), interval(LOOK));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = turns.tick() => {}
        }
        match job.turn(run_once(&participant, &pool, &outbox, &clock)).await {
            Ok(_) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::warn!(job = name, %error, "erasing has to wait; trying on");
                }
                failing = true;
            }
        }
    }
}

/// Makes every pass that is due by now; how many were made.
///
/// # Errors
/// When the database is away. A pass that fails for another reason is made again later, and holds nobody up.
pub async fn run_once<P: Participant>(
    participant: &P,
    pool: &PgPool,
    outbox: &Outbox,
    clock: &Clock,
) -> Result<usize, sqlx::Error> {
    let mut passes = 0;
    loop {
        let now = clock.now();
        let claimed = store::claim(&mut *pool.acquire().await?, now, later(now, LEASE)).await?;
        let Some(due) = claimed else { return Ok(passes) };
        let erasure_id = due.erasure_id;
        match pass(participant, pool, due, now).await {
            Ok(()) => outbox.wake(),
            Err(error) => tracing::error!(%erasure_id, reason = error.reason, "a pass of an erasure failed"),
        }
        passes += 1;
    }
}

async fn pass<P: Participant>(
    participant: &P,
    pool: &PgPool,
    mut due: Due,
    now: Timestamp,
) -> Result<(), Fault> {
    // The key first: whatever happens then, nothing can be read any more.
    if participant.shred(due.account_id).await? && due.shredded_at.is_none() {
        due.shredded_at = Some(now);
    }
    let mut tx = pool.begin().await?;
    due.tally.extend(participant.erase(&mut tx, due.account_id).await?);
    let settled = due.swept_at.map(|swept_at| later(swept_at, SETTLED));
    // What is told after this pass would stand in the log again.
    let last = settled.is_some_and(|settled| now >= settled) && !is_pending(&mut tx, due.account_id).await?;
    let next_at = settled.map_or(later(now, SETTLED), |settled| settled.max(later(now, AGAIN)));
    let next_at = (!last).then_some(next_at);
    due.swept_at = due.swept_at.or(Some(now));
    if last {
        let account_id = due.account_id;
        let is_about = |key: &str, body: &[u8]| participant.is_about(key, body, account_id);
        let events = forget(&mut tx, account_id, is_about).await?;
        due.tally.add("events", events);
    }
    if !store::passed(&mut tx, &due, next_at).await? {
        return Ok(());
    }
    if last {
        let Due { erasure_id, shredded_at, tally, .. } = due;
        participant.answer(&mut tx, &Answer { erasure_id, shredded_at, tally }).await?;
    }
    Ok(tx.commit().await?)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
