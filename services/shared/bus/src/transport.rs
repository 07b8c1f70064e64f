//! How events travel: over RabbitMQ, or within the process. Both keep the same promises.

use crate::{
    Config, Envelope,
    memory::{self, Memory},
    rabbit::{self, Rabbit},
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use thiserror::Error;

/// How long a publish may wait for its confirm.
pub const CONFIRM_DEADLINE: Duration = Duration::from_secs(10);

/// Why something could not be sent, declared or consumed.
#[derive(Debug, Error)]
pub enum TransportError {
    /// There is no connection to the broker just now.
    #[error("the message broker cannot be reached")]
    Away,
    /// The broker did not confirm in time. It may have the event or not.
    #[error("the message broker did not confirm in time")]
    TimedOut,
    /// The broker said no.
    #[error("the message broker refused the event")]
    Refused,
    /// The AMQP URL cannot be read. The reason leaves the URL out: it holds a password.
    #[error("amqp_url is not a valid AMQP URL; it looks like amqp://user:password@host:5672/%2f")]
    Url,
    /// The in-memory topology has no such consumer.
    #[error("consumer {0} is not part of this process's topology")]
    UnknownConsumer(String),
    /// Anything else the broker's protocol can say.
    #[error("the message broker failed: {0}")]
    Protocol(String),
}

/// A way for events to travel. Clones share it.
#[derive(Clone)]
pub struct Transport(Arc<Kind>);

enum Kind {
    Rabbit(Rabbit),
    Memory(Memory),
}

impl Transport {
    /// RabbitMQ. Connects in the background, for ever, so a broker that is away delays events and nothing
    /// else. Call it within a tokio runtime. Only an unreadable URL is an error.
    pub fn rabbit(config: &Config) -> Result<Self, TransportError> {
        Ok(Self(Arc::new(Kind::Rabbit(Rabbit::start(config.clone())?))))
    }

    /// Within this process, for the given consumers and the keys each wants. The topology is complete from
    /// the beginning, so no event is lost before a consumer starts.
    pub fn memory(topology: &[(&str, Vec<String>)]) -> Self {
        Self(Arc::new(Kind::Memory(Memory::new(topology))))
    }

    /// Whether events can travel now; for readiness, and for the relay, which otherwise need not try.
    pub fn healthy(&self) -> bool {
        match &*self.0 {
            Kind::Rabbit(rabbit) => rabbit.healthy(),
            Kind::Memory(_) => true,
        }
    }

    /// Sends one event and waits until it is safe: on RabbitMQ written by a majority of each bound queue's
    /// replicas, in memory handled and acknowledged by each bound consumer. An error does not mean that
    /// nobody got it.
    pub async fn publish(&self, event: &Envelope) -> Result<(), TransportError> {
        match &*self.0 {
            Kind::Rabbit(rabbit) => rabbit.publish(event).await,
            Kind::Memory(memory) => tokio::time::timeout(CONFIRM_DEADLINE, memory.publish(event))
                .await
                .map_err(|_| TransportError::TimedOut),
        }
    }

    /// Starts to consume what a consumer's queue holds.
    pub fn subscribe(&self, consumer: &str, keys: &[String]) -> Result<Subscription, TransportError> {
        Ok(match &*self.0 {
            Kind::Rabbit(rabbit) => Subscription::Rabbit(rabbit.subscribe(consumer, keys)),
            Kind::Memory(memory) => Subscription::Memory(memory.subscribe(consumer)?),
        })
    }
}

/// Makes a consumer's queue and binds its keys, so that nothing is lost before its first start. A service's
/// `migrate` calls it; starting the inbox does the same. Waits up to 30 s for the broker.
pub async fn declare(transport: &Transport, consumer: &str, keys: &[String]) -> Result<(), TransportError> {
    match &*transport.0 {
        Kind::Rabbit(rabbit) => rabbit.declare(consumer, keys).await,
        Kind::Memory(memory) => memory.subscribe(consumer).map(drop),
    }
}

/// Events arriving for one consumer. Dropping it gives back what was not acknowledged.
pub enum Subscription {
    #[doc(hidden)]
    Rabbit(rabbit::Subscription),
    #[doc(hidden)]
    Memory(memory::Subscription),
}

impl Subscription {
    /// The next event, whenever it comes; an outage of the broker is only a longer wait.
    /// May be dropped while it waits.
    pub async fn next(&mut self) -> Delivery {
        match self {
            Self::Rabbit(rabbit) => rabbit.next().await,
            Self::Memory(memory) => memory.next().await,
        }
    }

    /// The next event if one is here already.
    pub fn ready(&mut self) -> Option<Delivery> {
        match self {
            Self::Rabbit(rabbit) => rabbit.ready(),
            Self::Memory(memory) => memory.ready(),
        }
    }
}

/// One event handed to a consumer. Dropped without [`Delivery::ack`], it comes again.
pub struct Delivery {
    /// The event, or what arrived in its place.
    pub content: Content,
    pub(crate) acker: Acker,
}

/// What a delivery holds.
pub enum Content {
    /// An event to handle.
    Event(Envelope),
    /// An event that came back so often (a crash at each attempt) that the broker gave it up.
    Exhausted(Envelope),
    /// A message that is no event of ours: its routing key and its bytes.
    Foreign(String, Bytes),
}

pub(crate) enum Acker {
    Rabbit(rabbit::Acker),
    Memory(memory::Acker),
}

impl Delivery {
    /// Says that the event is taken care of. If the broker does not hear it, the event comes again.
    pub async fn ack(self) {
        Acker::ack(vec![self.acker]).await;
    }
}

impl Acker {
    /// Says it of several at once.
    pub(crate) async fn ack(ackers: Vec<Self>) {
        let mut of_rabbit = Vec::with_capacity(ackers.len());
        for acker in ackers {
            match acker {
                Self::Rabbit(acker) => of_rabbit.push(acker),
                Self::Memory(acker) => acker.ack(),
            }
        }
        rabbit::ack(&mut of_rabbit).await;
    }
}
