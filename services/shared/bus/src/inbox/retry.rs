//! Events that failed: tried again with growing pauses on the injected clock, dead after five attempts.

use super::{
    Inbox,
    batch::{Outcome, parked},
    failure::{Failure, Undone},
};
use crate::{
    Envelope,
    step::{self, Step},
    store,
};
use jiff::{SignedDuration, Timestamp};

/// How often an event is tried before it is dead.
pub(super) const ATTEMPTS: i32 = 5;
/// Retries per look at the table.
const BATCH: usize = 100;
/// How long the inbox remembers what it has taken over. Longer than the log: what is still to be had is
/// still recognised.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(40 * 24);
const SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Rows per statement of a sweep.
const SWEEP_BATCH: i64 = 5_000;

/// When the next attempt is due: 5 s, 25 s, 2 min, 10 min after the first four.
pub(super) fn next_at(now: Timestamp, attempts: i32) -> Timestamp {
    let exponent = u32::try_from(attempts.clamp(1, ATTEMPTS - 1)).unwrap_or(1);
    now.saturating_add(SignedDuration::from_secs(5_i64.pow(exponent))).unwrap_or(now)
}

/// The attempts after a failure, and whether they were the last.
pub(super) fn verdict(before: i32, failure: &Failure) -> (i32, bool) {
    let attempts = before + failure.cost();
    (attempts, failure.is_fatal() || attempts >= ATTEMPTS)
}

impl<C: Send + Sync + 'static> Inbox<C> {
    /// Tries again whatever is due.
    pub(super) async fn retry_due(&self) -> Result<(), sqlx::Error> {
        for _ in 0..BATCH {
            if !self.retry_one().await? {
                break;
            }
        }
        Ok(())
    }

    /// One event in its own transaction: they are few, and have shown that they are trouble.
    async fn retry_one(&self) -> Result<bool, sqlx::Error> {
        let now = self.clock.now();
        let mut tx = self.pool.begin().await?;
        let Some((event, before)) = store::due(&mut tx, self.consumer, now, 1).await?.pop() else {
            return Ok(false);
        };
        let attempt = async {
            let over = self.is_over(&mut tx, &event).await?;
            let outcome = if over { Ok(()) } else { self.attempt(&mut tx, &[&event]).await? };
            let outcome = [(&event, before, outcome)];
            self.record(&mut tx, &outcome, now).await?;
            tx.commit().await?;
            Ok::<_, Undone>(outcome)
        };
        match attempt.await {
            Ok(outcome) => self.report(&outcome, now),
            Err(undone) => {
                step::reached(self.observer.as_ref(), Step::Undone).await;
                self.failed_again(&event, before, undone.into_failure()?, now).await?;
            }
        }
        Ok(true)
    }

    /// Records a failure whose transaction could not be committed. The event was free in between: where another replica
    /// has taken it since, there is nothing to record.
    async fn failed_again(
        &self,
        event: &Envelope,
        before: i32,
        failure: Failure,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let outcome = [(event, before, Err(failure))];
        if self.record(&mut *self.pool.acquire().await?, &outcome, now).await? {
            self.report(&outcome, now);
        }
        Ok(())
    }

    /// Says whether the event was still as this attempt found it.
    async fn record(
        &self,
        conn: &mut sqlx::PgConnection,
        outcome: &[Outcome<'_>; 1],
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let [(event, before, _)] = outcome;
        match parked(outcome, now).first() {
            Some(parked) => store::park_again(conn, self.consumer, parked, *before).await,
            None => store::unpark(conn, self.consumer, &[event.id]).await.map(|()| true),
        }
    }

    /// Forgets what was taken over more than 40 days ago, once an hour of the injected clock.
    pub(super) async fn sweep_hourly(&self, swept: &mut Option<Timestamp>) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        if swept.is_some_and(|at| now.duration_since(at).abs() < SWEEP_EVERY) {
            return Ok(());
        }
        let before = now.saturating_sub(REMEMBERED).unwrap_or(now);
        let mut conn = self.pool.acquire().await?;
        while store::sweep_inbox(&mut conn, before, SWEEP_BATCH).await? >= SWEEP_BATCH.unsigned_abs() {}
        *swept = Some(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let pauses: Vec<_> = [0, 1, 2, 3, 4, 5, 99]
            .map(|attempts| next_at(Timestamp::UNIX_EPOCH, attempts).as_second())
            .into_iter()
            .collect();
        assert_eq!(pauses, [5, 5, 25, 125, 625, 625, 625]);
    }
}
