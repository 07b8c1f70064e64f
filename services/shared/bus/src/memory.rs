//! Events within one process. A publish confirms only when every bound consumer has handled and acknowledged
//! the event, so the outbox keeps it until then: nothing needs to be written here to be safe.

use crate::{
    Envelope, TransportError,
    transport::{self, Content},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

/// How many events a consumer may be behind before publishers wait for it.
const CAPACITY: usize = 1024;

pub(crate) struct Memory {
    queues: Vec<Arc<Queue>>,
}

struct Queue {
    consumer: String,
    keys: Vec<String>,
    state: Mutex<State>,
    /// An event is waiting.
    arrived: Notify,
    /// An event was acknowledged.
    room: Notify,
}

#[derive(Default)]
struct State {
    /// Events not yet handed out, in order.
    waiting: VecDeque<Uuid>,
    /// Every event not yet acknowledged, with those who wait for that.
    unacknowledged: HashMap<Uuid, (Envelope, Vec<oneshot::Sender<()>>)>,
}

impl Memory {
    pub(crate) fn new(topology: &[(&str, Vec<String>)]) -> Self {
        let queue = |(consumer, keys): &(&str, Vec<String>)| {
            Arc::new(Queue {
                consumer: (*consumer).to_owned(),
                keys: keys.clone(),
                state: Mutex::default(),
                arrived: Notify::new(),
                room: Notify::new(),
            })
        };
        Self { queues: topology.iter().map(queue).collect() }
    }

    /// Resolves when every bound consumer has acknowledged the event. Offered again while it is still here
    /// (its publisher had lost patience), an event is not doubled.
    pub(crate) async fn publish(&self, event: &Envelope) {
        let bound: Vec<_> = self.queues.iter().filter(|queue| queue.keys.contains(&event.key)).collect();
        if bound.is_empty() {
            tracing::debug!(event_id = %event.id, key = event.key, "nobody consumes this event");
            crate::metrics::unroutable(&event.key);
        }
        let mut confirms = Vec::with_capacity(bound.len());
        for queue in bound {
            confirms.push(queue.offer(event).await);
        }
        for confirm in confirms {
            // Senders live until the event is acknowledged.
            let _ = confirm.await;
        }
    }

    pub(crate) fn subscribe(&self, consumer: &str) -> Result<Subscription, TransportError> {
        let queue = self.queues.iter().find(|queue| queue.consumer == consumer);
        queue
            .map(|queue| Subscription(Arc::clone(queue)))
            .ok_or_else(|| TransportError::UnknownConsumer(consumer.to_owned()))
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn offer(&self, event: &Envelope) -> oneshot::Receiver<()> {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if let Some(confirm) = self.try_offer(event) {
                return confirm;
            }
            room.await;
        }
    }

    fn try_offer(&self, event: &Envelope) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state();
        let (sender, receiver) = oneshot::channel();
        if let Some((_, senders)) = state.unacknowledged.get_mut(&event.id) {
            senders.retain(|sender| !sender.is_closed());
            senders.push(sender);
            return Some(receiver);
        }
        if state.unacknowledged.len() >= CAPACITY {
            return None;
        }
        state.unacknowledged.insert(event.id, (event.clone(), vec![sender]));
        state.waiting.push_back(event.id);
        drop(state);
        self.arrived.notify_one();
        Some(receiver)
    }

    fn take(self: &Arc<Self>) -> Option<transport::Delivery> {
        let mut state = self.state();
        let id = state.waiting.pop_front()?;
        let event = state.unacknowledged.get(&id).map(|(event, _)| event.clone())?;
        if !state.waiting.is_empty() {
            // One notification may stand for many events; another consumer of this queue may sleep.
            self.arrived.notify_one();
        }
        Some(transport::Delivery {
            content: Content::Event(event),
            acker: transport::Acker::Memory(Acker { queue: Arc::clone(self), id, acknowledged: false }),
        })
    }
}

#[doc(hidden)]
pub struct Subscription(Arc<Queue>);

impl Subscription {
    pub(crate) async fn next(&mut self) -> transport::Delivery {
        loop {
            if let Some(delivery) = self.0.take() {
                return delivery;
            }
            // A notification between the look and this line is kept for us.
            self.0.arrived.notified().await;
        }
    }

    pub(crate) fn ready(&mut self) -> Option<transport::Delivery> {
        self.0.take()
    }
}

pub(crate) struct Acker {
    queue: Arc<Queue>,
    id: Uuid,
    acknowledged: bool,
}

impl Acker {
    pub(crate) fn ack(mut self) {
        self.acknowledged = true;
        let done = self.queue.state().unacknowledged.remove(&self.id);
        for sender in done.into_iter().flat_map(|(_, senders)| senders) {
            let _ = sender.send(());
        }
        self.queue.room.notify_waiters();
    }
}

impl Drop for Acker {
    fn drop(&mut self) {
        if !self.acknowledged {
            self.queue.state().waiting.push_front(self.id);
            self.queue.arrived.notify_one();
        }
    }
}
