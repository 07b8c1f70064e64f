//! Events over RabbitMQ (3.10 to 4.x): a durable topic exchange, one quorum queue per consumer, persistent
//! messages, confirms.
//!
//! One task owns the connection, watches it and replaces it, for ever; whoever publishes or consumes takes
//! the current one from a `watch` channel. The client's own recovery is not used: it covers neither a broker
//! that is away at the first start nor a channel the broker has closed, and one mechanism is enough.

mod consume;
mod headers;
mod topology;

pub(crate) use consume::{Acker, Subscription, ack};

use crate::{Config, Envelope, TransportError, metrics, transport::CONFIRM_DEADLINE};
use futures::StreamExt as _;
use lapin::{
    Channel, Confirmation, Connection, ConnectionProperties, Event,
    options::{BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions},
    uri::AMQPUri,
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::MissedTickBehavior,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long connecting may take, handshake and exchange included.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How often a connection that says nothing is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// How often the broker is asked for a sign of life, and how long it may take. A host that is gone without a
/// goodbye leaves a connection that looks whole until the heartbeats are missed; readiness knows sooner.
const ASK_EVERY: Duration = Duration::from_millis(500);
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// How long a command that makes queues waits for the broker.
const DECLARE_DEADLINE: Duration = Duration::from_secs(30);
/// Seconds without a sign of life after which a connection counts as lost.
const HEARTBEAT: u16 = 10;

pub(crate) struct Rabbit {
    config: Arc<Config>,
    live: watch::Receiver<Option<Arc<Live>>>,
    look: Arc<Notify>,
    /// Keys that once had no queue to go to.
    unheard: Mutex<HashSet<String>>,
    _stop: DropGuard,
}

/// A connection that works, as far as one knows.
pub(crate) struct Live {
    connection: Connection,
    publisher: Channel,
    /// A confirm did not come: better not trust it any more.
    suspect: AtomicBool,
    /// The broker answered when it was last asked.
    answers: AtomicBool,
}

impl Live {
    fn works(&self) -> bool {
        self.connection.status().connected()
            && self.publisher.status().connected()
            && !self.suspect.load(Ordering::Relaxed)
    }
}

impl Rabbit {
    pub(crate) fn start(config: Config) -> Result<Self, TransportError> {
        let mut uri: AMQPUri = config.amqp_url.parse().map_err(|_| TransportError::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let config = Arc::new(config);
        let (sender, live) = watch::channel(None);
        let look = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        tokio::spawn(keep_connected(uri, Arc::clone(&config), sender, Arc::clone(&look), stop.clone()));
        Ok(Self { config, live, look, unheard: Mutex::default(), _stop: stop.drop_guard() })
    }

    pub(crate) fn healthy(&self) -> bool {
        self.live.borrow().as_ref().is_some_and(|live| {
            live.works() && live.answers.load(Ordering::Relaxed) && !live.connection.status().blocked()
        })
    }

    pub(crate) async fn publish(&self, event: &Envelope) -> Result<(), TransportError> {
        let live = self.live.borrow().clone().ok_or(TransportError::Away)?;
        let publishing = tokio::time::timeout(CONFIRM_DEADLINE, self.publish_on(&live.publisher, event));
        let result = publishing.await.map_err(|_| TransportError::TimedOut).flatten();
        match result {
            // This connection is replaced, not one that has taken its place by now.
            Err(TransportError::TimedOut) => live.suspect.store(true, Ordering::Relaxed),
            Err(TransportError::Protocol(_)) => {}
            _ => return result,
        }
        self.look.notify_one();
        result
    }

    async fn publish_on(&self, channel: &Channel, event: &Envelope) -> Result<(), TransportError> {
        // Mandatory: an event without a queue comes back before its confirm, which is how we can count them.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm = channel
            .basic_publish(
                self.config.exchange.as_str().into(),
                event.key.as_str().into(),
                options,
                &event.body,
                headers::write(event),
            )
            .await
            .map_err(protocol)?;
        match confirm.await.map_err(protocol)? {
            Confirmation::Ack(None) => Ok(()),
            // It comes with whichever confirm is next: it says itself what it is.
            Confirmation::Ack(Some(returned)) => {
                self.nobody_hears(returned.delivery.routing_key.as_str());
                Ok(())
            }
            Confirmation::Nack(_) | Confirmation::NotRequested => Err(TransportError::Refused),
        }
    }

    /// No queue wants this key. That is in order for an event without a consumer, and a loss where a consumer has not yet
    /// declared its queue; the broker cannot tell which. The first of each key is worth a look.
    fn nobody_hears(&self, key: &str) {
        metrics::unroutable(key);
        let mut unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner);
        if unheard.insert(key.to_owned()) {
            tracing::warn!(
                key,
                "no queue takes this kind of event; if a service is to consume it, run its migrate first"
            );
        }
    }

    pub(crate) fn subscribe(&self, consumer: &str, keys: &[String]) -> Subscription {
        Subscription::start(self.live.clone(), topology::Queue::new(&self.config.exchange, consumer, keys))
    }

    pub(crate) async fn declare(&self, consumer: &str, keys: &[String]) -> Result<(), TransportError> {
        let queue = topology::Queue::new(&self.config.exchange, consumer, keys);
        let mut live = self.live.clone();
        let declaring = async {
            let live = live.wait_for(Option::is_some).await.map_err(|_| TransportError::Away)?.clone();
            let live = live.ok_or(TransportError::Away)?;
            let channel = live.connection.create_channel().await.map_err(protocol)?;
            queue.declare(&channel).await.map_err(protocol)
        };
        tokio::time::timeout(DECLARE_DEADLINE, declaring).await.map_err(|_| TransportError::Away)?
    }
}

pub(crate) fn protocol(error: lapin::Error) -> TransportError {
    TransportError::Protocol(error.to_string())
}

async fn keep_connected(
    uri: AMQPUri,
    config: Arc<Config>,
    sender: watch::Sender<Option<Arc<Live>>>,
    look: Arc<Notify>,
    stop: CancellationToken,
) {
    let first = Duration::from_millis(100);
    let mut pause = first;
    while !stop.is_cancelled() {
        let connecting = tokio::time::timeout(CONNECT_DEADLINE, connect(&uri, &config.exchange));
        match connecting.await.map_err(|_| TransportError::TimedOut).flatten() {
            Ok(live) => {
                tracing::info!("connected to the message broker");
                pause = first;
                let live = Arc::new(live);
                sender.send_replace(Some(Arc::clone(&live)));
                tokio::select! {
                    () = until_lost(&live, &look) => tracing::warn!("the connection to the message broker is lost"),
                    () = keep_asking(&live) => {}
                    () = stop.cancelled() => {}
                }
                sender.send_replace(None);
                // Best effort and in the background: a connection that is lost may take its time to notice.
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(CONNECT_DEADLINE, live.connection.close(200, "bye".into()))
                        .await;
                });
            }
            Err(error) => tracing::warn!(%error, "no connection to the message broker yet"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(5)),
        }
    }
}

async fn connect(uri: &AMQPUri, exchange: &str) -> Result<Live, TransportError> {
    let properties = ConnectionProperties::default().with_connection_name("candor".into());
    let connection = Connection::connect_uri(uri.clone(), properties).await.map_err(protocol)?;
    let publisher = connection.create_channel().await.map_err(protocol)?;
    topology::declare_exchange(&publisher, exchange).await.map_err(protocol)?;
    publisher.confirm_select(ConfirmSelectOptions::default()).await.map_err(protocol)?;
    Ok(Live { connection, publisher, suspect: AtomicBool::new(false), answers: AtomicBool::new(true) })
}

/// Returns when the connection or the publishing channel does not work any more.
async fn until_lost(live: &Live, look: &Notify) {
    let mut events = Box::pin(live.connection.events_listener());
    let mut watch = tokio::time::interval(WATCH_EVERY);
    while live.works() {
        tokio::select! {
            _ = watch.tick() => {}
            () = look.notified() => {}
            event = events.next() => match event {
                Some(Event::Error(_)) | None => return,
                Some(_) => {}
            },
        }
    }
}

/// Asks for a sign of life, for ever. A broker that stays silent is not used, and not given up either: that is
/// for the heartbeats to decide.
async fn keep_asking(live: &Live) {
    let mut ask = tokio::time::interval(ASK_EVERY);
    ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ask.tick().await;
        // The cheapest question there is; the channel has no consumers, so the answer changes nothing.
        let question = live.publisher.basic_qos(0, BasicQosOptions::default());
        let answered = matches!(tokio::time::timeout(ANSWERS_WITHIN, question).await, Ok(Ok(())));
        match (live.answers.swap(answered, Ordering::Relaxed), answered) {
            (true, false) => tracing::warn!("the message broker does not answer"),
            (false, true) => tracing::info!("the message broker answers again"),
            _ => {}
        }
    }
}
