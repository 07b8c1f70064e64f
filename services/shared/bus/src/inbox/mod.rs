//! The receiving end. Every event's effect is committed once, together with the note that it was handled.

mod batch;
mod failure;
mod retry;

pub use failure::HandlerError;

use crate::{
    Envelope, Outbox, Transport, TransportError, key_of,
    metrics::Consumer,
    pace::apart,
    step::Observer,
    store,
    transport::{Acker, Content, Delivery, Subscription},
};
use bytes::Bytes;
use chassis::Clock;
use futures::future::BoxFuture;
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Events per transaction, at most; never waited for.
const BATCH: usize = 256;
/// How often the retry table is looked at.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// How often it is measured what is kept aside, and how far that is counted.
const GAUGE_EVERY: Duration = Duration::from_secs(2);
const GAUGE_LIMIT: i64 = 10_000;
/// Names foreign messages in the table of dead letters, where every row needs an id.
const FOREIGN: Uuid = Uuid::from_u128(0x0bad_f00d_0000_4000_8000_0000_0000_0000);

/// What is known about an event besides its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The event.
    pub event_id: Uuid,
    /// What it is about.
    pub aggregate_id: Uuid,
    /// The aggregate's version after it. Events come in any order: compare.
    pub version: i64,
    /// When it happened.
    pub time: Timestamp,
}

type Handle<C> = Box<
    dyn for<'c> Fn(&'c C, &'c mut PgConnection, Vec<(Meta, Bytes)>) -> BoxFuture<'c, Result<(), HandlerError>>
        + Send
        + Sync,
>;

/// What handles a kind of event.
struct Handler<C> {
    handle: Handle<C>,
    /// Whether it takes many at once.
    many: bool,
    /// Whether it takes events about people who are erased, too.
    closes: bool,
    /// Whom an event is about, where it names others beside them.
    about: Option<About>,
}

type About = Box<dyn Fn(&[u8]) -> Option<Vec<Uuid>> + Send + Sync>;

/// One consumer: its handlers and the database they write to. `C` is what the handlers need besides it.
pub struct Inbox<C> {
    consumer: &'static str,
    pool: PgPool,
    context: C,
    clock: Clock,
    handlers: BTreeMap<String, Handler<C>>,
    outbox: Option<Outbox>,
    observer: Option<Observer>,
}

/// An event to take over; with a reason where there is no point in handling it.
struct Arrival {
    event: Envelope,
    hopeless: Option<&'static str>,
}

impl<C: Send + Sync + 'static> Inbox<C> {
    /// A consumer without handlers. `pool` is the database of the service, the tables' and the handlers'.
    pub fn new(consumer: &'static str, pool: PgPool, context: C, clock: Clock) -> Self {
        Self { consumer, pool, context, clock, handlers: BTreeMap::new(), outbox: None, observer: None }
    }

    /// Handles events of a generated message. The handler writes on the given connection and nowhere else:
    /// its work is committed with the event or not at all, and may be run again. It must cope with
    /// disorder. It makes no network calls: a transaction is open.
    #[must_use]
    pub fn on<E>(
        mut self,
        handler: impl for<'c> Fn(
            &'c C,
            &'c mut PgConnection,
            &'c Meta,
            E,
        ) -> BoxFuture<'c, Result<(), HandlerError>>
        + Send
        + Sync
        + 'static,
    ) -> Self
    where
        E: prost::Message + prost::Name + Default + 'static,
    {
        let handler = Arc::new(handler);
        let handle: Handle<C> = Box::new(move |context, conn, events| {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                for (meta, event) in decode::<E>(events)? {
                    handler(context, &mut *conn, &meta, event).await?;
                }
                Ok(())
            })
        });
        self.handlers.insert(key_of::<E>(), Handler { handle, many: false, closes: false, about: None });
        self
    }

    /// The same for a kind of event of which many come: the handler gets all that are in a batch, in the order of their
    /// aggregates, and does with a few statements what would be a few for each. Where it fails, it is called again for
    /// each event alone, so that no event pays for another one.
    #[must_use]
    pub fn on_many<E>(
        mut self,
        handler: impl for<'c> Fn(
            &'c C,
            &'c mut PgConnection,
            &'c [(Meta, E)],
        ) -> BoxFuture<'c, Result<(), HandlerError>>
        + Send
        + Sync
        + 'static,
    ) -> Self
    where
        E: prost::Message + prost::Name + Default + 'static,
    {
        let handler = Arc::new(handler);
        let handle: Handle<C> = Box::new(move |context, conn, events| {
            let handler = Arc::clone(&handler);
            Box::pin(async move { handler(context, conn, &decode::<E>(events)?).await })
        });
        self.handlers.insert(key_of::<E>(), Handler { handle, many: true, closes: false, about: None });
        self
    }

    /// Lets events of a kind through although they name somebody who is erased here: those that only end something, and the
    /// one that says so. Of every other kind such an event is taken over without effect.
    #[must_use]
    pub fn even_of_erased<E: prost::Name>(mut self) -> Self {
        if let Some(handler) = self.handlers.get_mut(&key_of::<E>()) {
            handler.closes = true;
        }
        self
    }

    /// Says whom events of a kind are about, where they name others beside them: once one of these is erased, such an event
    /// has no effect any more; that somebody is who is merely named changes nothing. [`Participant::is_about`] says the same
    /// of those that failed.
    ///
    /// [`Participant::is_about`]: crate::erasure::Participant::is_about
    #[must_use]
    pub fn about<E>(mut self, whom: impl Fn(&E) -> Vec<Uuid> + Send + Sync + 'static) -> Self
    where
        E: prost::Message + prost::Name + Default,
    {
        if let Some(handler) = self.handlers.get_mut(&key_of::<E>()) {
            handler.about = Some(Box::new(move |body| E::decode(body).ok().map(|event| whom(&event))));
        }
        self
    }

    /// The outbox to wake after each commit, where handlers append events themselves.
    #[must_use]
    pub fn outbox(mut self, outbox: Outbox) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// Somebody to tell about each step.
    #[must_use]
    pub fn observe(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The routing keys of all handlers.
    pub fn keys(&self) -> Vec<String> {
        self.handlers.keys().cloned().collect()
    }

    /// Consumes until the process wants to stop. While the database is away nothing is consumed and nothing
    /// given back: what was delivered waits here. Only an unknown consumer is an error.
    pub async fn run(self, transport: Transport, shutdown: CancellationToken) -> Result<(), TransportError> {
        let subscription = transport.subscribe(self.consumer, &self.keys())?;
        self.metrics().begin();
        tokio::select! {
            // In this order: what is under way at the shutdown is finished.
            biased;
            () = self.consume(subscription, &shutdown) => {}
            // Beside it, so that no event waits for what is kept aside.
            () = self.look_after() => {}
        }
        Ok(())
    }

    async fn consume(&self, mut subscription: Subscription, shutdown: &CancellationToken) {
        let mut next = Instant::now();
        loop {
            let first = tokio::select! {
                // In this order: after a batch that was given up for the shutdown comes no other.
                biased;
                () = shutdown.cancelled() => return,
                first = subscription.next() => first,
            };
            tokio::time::sleep_until(next).await;
            let begun = Instant::now();
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Some(delivery) = subscription.ready()
            {
                batch.push(delivery);
            }
            next = begun + apart(batch.len());
            self.settle(batch, shutdown).await;
        }
    }

    /// Retries, gauges and the sweep, for ever.
    async fn look_after(&self) {
        let mut retry = interval(RETRY_EVERY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut swept, mut gauged, mut failing) = (None, None, false);
        loop {
            retry.tick().await;
            match self.upkeep(&mut swept, &mut gauged).await {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, consumer = self.consumer, "retries have to wait; trying on");
                }
                Err(_) => {}
            }
        }
    }

    /// Takes a batch over, however long the database makes us wait, then acknowledges it.
    async fn settle(&self, batch: Vec<Delivery>, shutdown: &CancellationToken) {
        let now = self.clock.now();
        let (arrivals, ackers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|delivery| (Arrival::of(delivery.content, now), delivery.acker)).unzip();
        let arrivals: Vec<_> = arrivals.into_iter().filter(|arrival| self.wanted(arrival)).collect();
        for arrival in &arrivals {
            self.metrics().taken(arrival.event.time, now);
        }
        let mut pause = Duration::from_millis(100);
        while let Err(error) = self.take_over(&arrivals).await {
            tracing::warn!(%error, consumer = self.consumer, "consuming pauses until the database is back");
            tokio::select! {
                // Not acknowledged: the events come again.
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(5)),
            }
        }
        Acker::ack(ackers).await;
    }

    /// A key nobody handles is a binding left over from an older version.
    fn wanted(&self, arrival: &Arrival) -> bool {
        arrival.hopeless.is_some() || self.handlers.contains_key(&arrival.event.key)
    }

    async fn upkeep(
        &self,
        swept: &mut Option<Timestamp>,
        gauged: &mut Option<Instant>,
    ) -> Result<(), sqlx::Error> {
        self.retry_due().await?;
        if gauged.is_none_or(|at| at.elapsed() >= GAUGE_EVERY) {
            let mut conn = self.pool.acquire().await?;
            let (retries, dead) = store::aside(&mut conn, self.consumer, GAUGE_LIMIT).await?;
            self.metrics().aside(retries, dead);
            *gauged = Some(Instant::now());
        }
        self.sweep_hourly(swept).await
    }

    fn metrics(&self) -> Consumer {
        Consumer(self.consumer)
    }
}

fn decode<E: prost::Message + Default>(events: Vec<(Meta, Bytes)>) -> Result<Vec<(Meta, E)>, HandlerError> {
    let decoded = events.into_iter().map(|(meta, body)| E::decode(body).map(|event| (meta, event)));
    decoded.collect::<Result<_, _>>().map_err(|_| HandlerError::Malformed("UNDECODABLE"))
}

impl From<&Envelope> for Meta {
    fn from(event: &Envelope) -> Self {
        Self {
            event_id: event.id,
            aggregate_id: event.aggregate_id,
            version: event.version,
            time: event.time,
        }
    }
}

impl Arrival {
    fn of(content: Content, now: Timestamp) -> Self {
        match content {
            Content::Event(event) => Self { event, hopeless: None },
            Content::Exhausted(event) => Self { event, hopeless: Some("DELIVERY_LIMIT") },
            Content::Foreign(key, body) => {
                // The same message delivered again gets the same id.
                let id = Uuid::new_v5(&FOREIGN, &body);
                let (aggregate_id, version, traceparent) = (Uuid::nil(), 0, None);
                let event = Envelope { id, key, aggregate_id, version, time: now, traceparent, body };
                Self { event, hopeless: Some("FOREIGN") }
            }
        }
    }
}
