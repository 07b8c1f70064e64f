//! Consuming: a task per subscription keeps a consumer going over every outage and hands deliveries on.

use super::{Live, headers, topology::Queue};
use crate::transport::{self, Content, Delivery};
use futures::{StreamExt as _, future::join_all, stream};
use lapin::{
    message,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// Unacknowledged messages per consumer: the batch that is handled and the one that comes next.
const PREFETCH: u16 = 512;
/// How long an acknowledgement may take to leave.
const ACK_DEADLINE: Duration = Duration::from_secs(5);
/// Pause before a consumer that failed on a working connection is set up again.
const AGAIN: Duration = Duration::from_secs(1);

#[doc(hidden)]
pub struct Subscription(mpsc::Receiver<Delivery>);

impl Subscription {
    pub(crate) fn start(live: watch::Receiver<Option<Arc<Live>>>, queue: Queue) -> Self {
        // The prefetch bounds what is under way; this only decouples. A paused inbox fills it, then waits.
        let (sender, receiver) = mpsc::channel(1 + usize::from(PREFETCH));
        tokio::spawn(keep_consuming(live, queue, sender));
        Self(receiver)
    }

    pub(crate) async fn next(&mut self) -> Delivery {
        match self.0.recv().await {
            Some(delivery) => delivery,
            // The task ends only with its runtime or after the transport is gone; nothing more will come.
            None => std::future::pending().await,
        }
    }

    pub(crate) fn ready(&mut self) -> Option<Delivery> {
        self.0.try_recv().ok()
    }
}

/// What it takes to acknowledge a message.
pub(crate) struct Acker {
    acker: lapin::Acker,
    /// The number of the delivery on its channel, from 1.
    tag: u64,
    /// Every delivery of the channel up to this one is acknowledged. A channel has one consumer, which takes them in order.
    done: Arc<AtomicU64>,
}

impl Acker {
    /// Whether another is the delivery right before this one.
    fn follows(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.done, &other.done) && self.tag == other.tag + 1
    }
}

/// Acknowledges; deliveries that came one after the other with one word, where all before them are acknowledged. If the
/// connection is gone meanwhile, the broker delivers again and the inbox knows the events.
pub(crate) async fn ack(ackers: &mut [Acker]) {
    ackers.sort_by_key(|acker| (Arc::as_ptr(&acker.done).addr(), acker.tag));
    join_all(ackers.chunk_by(|one, next| next.follows(one)).map(ack_run)).await;
}

async fn ack_run(run: &[Acker]) {
    let [first, .., last] = run else {
        if let [only] = run {
            let _ = only.done.compare_exchange(only.tag - 1, only.tag, Ordering::Relaxed, Ordering::Relaxed);
            ack_one(only, false).await;
        }
        return;
    };
    if first.done.compare_exchange(first.tag - 1, last.tag, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        ack_one(last, true).await;
    } else {
        join_all(run.iter().map(|acker| ack_one(acker, false))).await;
    }
}

async fn ack_one(acker: &Acker, multiple: bool) {
    // On a connection that just died the client may never answer.
    match tokio::time::timeout(ACK_DEADLINE, acker.acker.ack(BasicAckOptions { multiple })).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an acknowledgement was lost; the event comes again"),
        Err(_) => tracing::debug!("an acknowledgement did not leave in time; the event comes again"),
    }
}

async fn keep_consuming(
    mut live: watch::Receiver<Option<Arc<Live>>>,
    queue: Queue,
    sender: mpsc::Sender<Delivery>,
) {
    loop {
        let current = tokio::select! {
            () = sender.closed() => return,
            current = live.wait_for(Option::is_some) => match current {
                Ok(current) => current.clone(),
                Err(_) => return,
            },
        };
        let Some(current) = current else { continue };
        let replaced = live.clone();
        tokio::select! {
            () = sender.closed() => return,
            () = until_replaced(replaced, &current) => {}
            result = consume(&current, &queue, &sender) => {
                match result {
                    Ok(()) => tracing::warn!(queue = queue.name().as_str(), "the broker ended a subscription"),
                    Err(error) => tracing::warn!(%error, queue = queue.name().as_str(), "cannot consume"),
                }
                tokio::select! {
                    () = sender.closed() => return,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
        }
    }
}

async fn until_replaced(mut live: watch::Receiver<Option<Arc<Live>>>, current: &Arc<Live>) {
    let other = |now: &Option<Arc<Live>>| now.as_ref().is_none_or(|now| !Arc::ptr_eq(now, current));
    // An error means that the transport is gone: replaced by nothing.
    let _ = live.wait_for(other).await;
}

/// Consumes until the channel ends. Dropping it closes the channel: the broker takes back what is open.
async fn consume(live: &Live, queue: &Queue, sender: &mpsc::Sender<Delivery>) -> lapin::Result<()> {
    let channel = live.connection.create_channel().await?;
    queue.declare(&channel).await?;
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    // Each queue has its own channel, so that deliveries are numbered in the order in which they are taken.
    let other = live.connection.create_channel().await?;
    for channel in [&channel, &other] {
        // Per consumer, not global: 4.x has no other.
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    }
    let events = channel.basic_consume(queue.name(), "".into(), options, none.clone()).await?;
    let exhausted = other.basic_consume(queue.exhausted(), "".into(), options, none).await?;
    let done = [Arc::default(), Arc::default()];
    let mut both = stream::select(
        events.map(|message| message.map(|message| (message, false))).chain(ended()),
        exhausted.map(|message| message.map(|message| (message, true))).chain(ended()),
    );
    while let Some(message) = both.next().await {
        let (message, exhausted) = message?;
        let done = &done[usize::from(exhausted)];
        if sender.send(delivery(message, exhausted, done)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Ends the merged stream with the first of its halves, instead of the last.
fn ended() -> stream::Once<std::future::Ready<lapin::Result<(message::Delivery, bool)>>> {
    let error = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
    stream::once(std::future::ready(Err(error.into())))
}

fn delivery(message: message::Delivery, exhausted: bool, done: &Arc<AtomicU64>) -> Delivery {
    let acker = Acker { tag: message.delivery_tag, acker: message.acker, done: Arc::clone(done) };
    let content = match headers::read(&message.properties, message.data) {
        Ok(event) if exhausted => Content::Exhausted(event),
        Ok(event) => Content::Event(event),
        // A key with a NUL, which PostgreSQL takes in no text, would never be set aside.
        Err(body) => Content::Foreign(message.routing_key.to_string().replace('\0', " "), body),
    };
    Delivery { content, acker: transport::Acker::Rabbit(acker) }
}
