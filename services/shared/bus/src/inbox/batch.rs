//! Taking a batch of events over in one transaction. Nearly always everything goes well, so it is tried without savepoints
//! first, each of which is two trips to the database; where anything goes wrong, all of it is done again with a savepoint per
//! event, or per run of events that are handled together.

use super::{
    Arrival, Inbox, Meta,
    failure::{Failure, Undone},
    retry,
};
use crate::{
    Envelope, erasure,
    step::{self, Step},
    store::{self, Parked, Received},
    trace,
};
use futures::FutureExt as _;
use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection};
use std::panic::AssertUnwindSafe;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

/// Whether handlers run under savepoints.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Savepoints {
    /// Whatever fails undoes all.
    None,
    /// Each run of a handler is undone for itself.
    Each,
}

/// How often an event alone in its transaction may collide with others before it is set aside for a while.
const COLLISIONS: usize = 3;

impl<C: Send + Sync + 'static> Inbox<C> {
    /// Handles events that came by another way than a transport, exactly as if they had been delivered.
    /// An error means that the database is away and nothing was taken over.
    pub async fn handle(&self, events: &[Envelope]) -> Result<(), sqlx::Error> {
        let arrivals: Vec<_> =
            events.iter().map(|event| Arrival { event: event.clone(), hopeless: None }).collect();
        let wanted: Vec<_> = arrivals.into_iter().filter(|arrival| self.wanted(arrival)).collect();
        self.take_over(&wanted).await
    }

    /// Takes all of them over. What goes wrong for the whole transaction (a collision, a constraint that
    /// fails only at the commit) is tried again event by event, so that neighbours do not pay for it.
    pub(super) async fn take_over(&self, arrivals: &[Arrival]) -> Result<(), sqlx::Error> {
        if arrivals.is_empty() {
            return Ok(());
        }
        for savepoints in [Savepoints::None, Savepoints::Each] {
            // One alone is guarded by what comes below.
            if savepoints == Savepoints::None || arrivals.len() > 1 {
                let Err(undone) = self.transact(arrivals, savepoints).await else { return Ok(()) };
                undone.into_failure()?;
            }
        }
        for arrival in arrivals {
            self.take_over_alone(arrival).await?;
        }
        Ok(())
    }

    async fn take_over_alone(&self, arrival: &Arrival) -> Result<(), sqlx::Error> {
        let mut collisions = 0;
        loop {
            match self.transact(std::slice::from_ref(arrival), Savepoints::Each).await {
                Ok(()) => return Ok(()),
                Err(undone) if undone.is_collision() && collisions < COLLISIONS => collisions += 1,
                Err(undone) => return self.set_aside(arrival, undone.into_failure()?).await,
            }
        }
    }

    /// Records a failure of an event whose own transaction cannot be committed.
    async fn set_aside(&self, arrival: &Arrival, failure: Failure) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let mut tx = self.pool.begin().await?;
        let fresh = store::receive(&mut tx, self.consumer, &[arrival.event.id], &[], now).await?.fresh;
        let outcome = [(&arrival.event, 0, Err(failure))];
        if !fresh.is_empty() {
            store::park(&mut tx, self.consumer, &parked(&outcome, now)).await?;
        }
        tx.commit().await?;
        if !fresh.is_empty() {
            self.report(&outcome, now);
        }
        Ok(())
    }

    async fn transact(&self, arrivals: &[Arrival], savepoints: Savepoints) -> Result<(), Undone> {
        let now = self.clock.now();
        let mut tx = self.pool.begin().await?;
        let ids: Vec<_> = arrivals.iter().map(|arrival| arrival.event.id).collect();
        let named: Vec<_> = arrivals.iter().flat_map(|arrival| self.named(&arrival.event)).collect();
        let Received { mut fresh, erased } =
            store::receive(&mut tx, self.consumer, &ids, &named, now).await?;
        let known = ids.len() - fresh.len();
        let mut outcomes = Vec::with_capacity(fresh.len());
        // `remove`: an event may be in the batch twice.
        let mut news: Vec<_> = arrivals.iter().filter(|arrival| fresh.remove(&arrival.event.id)).collect();
        // What names somebody who is erased here has no effect any more.
        if !erased.is_empty() {
            news.retain(|arrival| !self.named(&arrival.event).iter().any(|id| erased.contains(id)));
        }
        // In one order everywhere, so that replicas wait for each other's rows instead of deadlocking. Handlers that
        // lock other rows than their aggregate's may still collide.
        news.sort_by_cached_key(|arrival| {
            (self.together(arrival), arrival.event.aggregate_id, arrival.event.version)
        });
        for run in news
            .chunk_by(|one, next| self.together(one).is_some() && self.together(one) == self.together(next))
        {
            match savepoints {
                Savepoints::None => self.handle_unguarded(&mut tx, run, &mut outcomes).await?,
                Savepoints::Each => self.handle_run(&mut tx, run, &mut outcomes).await?,
            }
        }
        let parked = parked(&outcomes, now);
        if !parked.is_empty() {
            store::park(&mut tx, self.consumer, &parked).await?;
        }
        step::reached(self.observer.as_ref(), Step::Handled).await;
        store::commit_whole(tx).await?;
        self.metrics().duplicates(known);
        self.report(&outcomes, now);
        step::reached(self.observer.as_ref(), Step::Committed).await;
        Ok(())
    }

    /// Whoever an event is about, for all one can tell; nobody, where it is to be handled in any case.
    fn named(&self, event: &Envelope) -> Vec<Uuid> {
        let handler = self.handlers.get(&event.key);
        if handler.is_some_and(|handler| handler.closes) {
            return Vec::new();
        }
        let about = handler.and_then(|handler| handler.about.as_ref()?(&event.body));
        about.unwrap_or_else(|| erasure::named(&event.body).chain([event.aggregate_id]).collect())
    }

    /// The kind of an event, where its handler takes all of the kind at once.
    fn together<'a>(&self, arrival: &'a Arrival) -> Option<&'a str> {
        let handler = self.handlers.get(&arrival.event.key)?;
        (handler.many && arrival.hopeless.is_none()).then_some(&arrival.event.key)
    }

    /// All of a run at once, whose failure undoes the whole transaction.
    async fn handle_unguarded<'a>(
        &self,
        conn: &mut PgConnection,
        run: &[&'a Arrival],
        outcomes: &mut Vec<Outcome<'a>>,
    ) -> Result<(), Undone> {
        if let [Arrival { event, hopeless: Some(reason) }] = run {
            outcomes.push((event, 0, Err(Failure::fatal(reason))));
            return Ok(());
        }
        let events: Vec<_> = run.iter().map(|arrival| &arrival.event).collect();
        self.run_handler(conn, &events).await?;
        outcomes.extend(events.into_iter().map(|event| (event, 0, Ok(()))));
        Ok(())
    }

    /// All of a run at once, or, where that fails, each alone: who fails then, fails for itself.
    async fn handle_run<'a>(
        &self,
        conn: &mut PgConnection,
        run: &[&'a Arrival],
        outcomes: &mut Vec<Outcome<'a>>,
    ) -> Result<(), Undone> {
        let events: Vec<_> = run.iter().map(|arrival| &arrival.event).collect();
        if events.len() > 1 && self.attempt(conn, &events).await?.is_ok() {
            outcomes.extend(events.into_iter().map(|event| (event, 0, Ok(()))));
            return Ok(());
        }
        for Arrival { event, hopeless } in run {
            let outcome = match hopeless {
                Some(reason) => Err(Failure::fatal(reason)),
                None => self.attempt(conn, &[event]).await?,
            };
            outcomes.push((event, 0, outcome));
        }
        Ok(())
    }

    /// Whether an event that is tried again names somebody who is erased here by now.
    pub(super) async fn is_over(&self, conn: &mut PgConnection, event: &Envelope) -> Result<bool, Undone> {
        Ok(!erasure::among(conn, &self.named(event)).await?.is_empty())
    }

    /// Runs the handler of events of one kind under a savepoint. An error is one of the whole transaction.
    pub(super) async fn attempt(
        &self,
        conn: &mut PgConnection,
        events: &[&Envelope],
    ) -> Result<Result<(), Failure>, Undone> {
        let mut savepoint = conn.begin().await?;
        match self.run_handler(&mut savepoint, events).await {
            Ok(()) => {
                savepoint.commit().await?;
                Ok(Ok(()))
            }
            Err(Undone::Failed(failure)) => {
                // When the connection itself is lost, this says so, and the whole batch waits for the database.
                savepoint.rollback().await?;
                Ok(Err(failure))
            }
            Err(undone) => Err(undone),
        }
    }

    /// Runs the handler of events of one kind; when it fails, what it wrote has to be undone.
    async fn run_handler(&self, conn: &mut PgConnection, events: &[&Envelope]) -> Result<(), Undone> {
        let Some(handler) = events.first().and_then(|event| self.handlers.get(&event.key)) else {
            // Only a replay after an upgrade comes here: nobody wants it any more.
            return Ok(());
        };
        let spans = trace::handling(self.consumer, events);
        let span = spans.first().cloned().unwrap_or_else(Span::none);
        let told = events.iter().map(|event| (Meta::from(*event), event.body.clone())).collect();
        let handling = async { (handler.handle)(&self.context, conn, told).await };
        let handled = AssertUnwindSafe(handling).catch_unwind().instrument(span).await;
        if !matches!(handled, Ok(Ok(()))) {
            for span in &spans {
                span.record("otel.status_code", "ERROR");
            }
        }
        match handled {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if error.is_collision() => Err(Undone::Collision(Failure::from(error))),
            Ok(Err(error)) => Err(Undone::Failed(Failure::from(error))),
            Err(_) => Err(Undone::Failed(Failure::panicked())),
        }
    }

    /// After the commit: counts, complains, and wakes who has to know.
    pub(super) fn report(&self, outcomes: &[Outcome<'_>], now: Timestamp) {
        for (event, attempts, outcome) in outcomes {
            match outcome {
                Ok(()) => self.metrics().handled(&event.key, event.time, now),
                Err(failure) => {
                    let (attempts, dead) = retry::verdict(*attempts, failure);
                    let (consumer, key, reason) = (self.consumer, &event.key, &failure.reason);
                    if dead {
                        self.metrics().dead();
                        tracing::error!(consumer, event_id = %event.id, key, attempts, reason, "an event is dead; replay it once its cause is gone");
                    } else {
                        self.metrics().retried();
                        tracing::warn!(consumer, event_id = %event.id, key, attempts, reason, "an event failed and will be tried again");
                    }
                }
            }
        }
        if let Some(outbox) = &self.outbox {
            outbox.wake();
        }
    }
}

/// An event, its attempts before, and how this one went.
pub(super) type Outcome<'a> = (&'a Envelope, i32, Result<(), Failure>);

/// The rows that the failures among some outcomes become.
pub(super) fn parked<'a>(outcomes: &[Outcome<'a>], now: Timestamp) -> Vec<Parked<'a>> {
    let failed = outcomes
        .iter()
        .filter_map(|(event, before, outcome)| Some((*event, *before, outcome.as_ref().err()?)));
    failed
        .map(|(event, before, failure)| {
            let (attempts, dead) = retry::verdict(before, failure);
            Parked {
                event,
                attempts,
                next_at: retry::next_at(now, attempts),
                reason: failure.reason.clone(),
                dead_at: dead.then_some(now),
            }
        })
        .collect()
}
