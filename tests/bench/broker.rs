//! RabbitMQ with a bare client: what the broker does for whoever speaks to it and does nothing else.

use crate::load::Measure;
use futures::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

const QUEUE: &str = "bench.bare";
/// Bytes of a message, as an event's body and headers together.
const MESSAGE: usize = 512;
/// Publishes without their confirm yet, as many as the relay has.
const WINDOW: usize = 256;
/// Messages acknowledged at once where there are many.
const ACKED_TOGETHER: usize = 64;

/// Publishes so many messages, each confirmed, and takes them again.
pub(crate) async fn flood(url: &str, count: usize) -> Measure {
    let began = Instant::now();
    let (latencies, ended) = run(url, count, None).await;
    let time = ended - began;
    Measure { rate: latencies.len() as f64 / time.as_secs_f64(), p50: f64::NAN, p99: f64::NAN }
}

/// The same at a pace.
pub(crate) async fn paced(url: &str, rate: u32, time: Duration) -> Measure {
    let count = usize::try_from(u64::from(rate) * time.as_secs()).unwrap();
    let (latencies, _) = run(url, count, Some(rate)).await;
    Measure::of(latencies, time)
}

async fn run(url: &str, count: usize, rate: Option<u32>) -> (Vec<u32>, Instant) {
    let connect = || Connection::connect(url, ConnectionProperties::default());
    let (one, other) = (connect().await.unwrap(), connect().await.unwrap());
    let (publisher, taker) = (one.create_channel().await.unwrap(), other.create_channel().await.unwrap());
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from("quorum")));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    publisher.queue_declare(QUEUE.into(), durable, arguments).await.unwrap();
    publisher.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    taker.basic_qos(512, BasicQosOptions::default()).await.unwrap();
    let consumer = taker
        .basic_consume(QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
        .unwrap();
    let epoch = Instant::now();
    let together = if rate.is_some() { 1 } else { ACKED_TOGETHER };
    let taking = tokio::spawn(take(consumer, count, epoch, together));
    publish(&publisher, count, rate, epoch).await;
    let (latencies, ended) = taking.await.unwrap();
    publisher.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await.unwrap();
    for connection in [other, one] {
        // Its consumer was cancelled with the queue; what was measured is over.
        let _ = connection.close(200, "bye".into()).await;
    }
    (latencies, ended)
}

async fn publish(channel: &Channel, count: usize, rate: Option<u32>, epoch: Instant) {
    let window = Arc::new(Semaphore::new(WINDOW));
    let mut ticks = rate.map(|rate| tokio::time::interval(Duration::from_secs(1) / rate));
    if let Some(ticks) = &mut ticks {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    }
    for _ in 0..count {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let place = window.clone().acquire_owned().await.unwrap();
        let mut body = vec![0; MESSAGE];
        body[..16].copy_from_slice(&epoch.elapsed().as_micros().to_le_bytes());
        let properties = BasicProperties::default().with_delivery_mode(2);
        let options = BasicPublishOptions::default();
        let confirm =
            channel.basic_publish("".into(), QUEUE.into(), options, &body, properties).await.unwrap();
        tokio::spawn(async move {
            assert!(!confirm.await.unwrap().is_nack(), "the broker confirms");
            drop(place);
        });
    }
    drop(window.acquire_many(u32::try_from(WINDOW).unwrap()).await.unwrap());
}

async fn take(mut consumer: Consumer, count: usize, epoch: Instant, together: usize) -> (Vec<u32>, Instant) {
    let mut latencies = Vec::with_capacity(count);
    while latencies.len() < count {
        let delivery = consumer.next().await.expect("the consumer goes on").unwrap();
        let sent = u128::from_le_bytes(delivery.data[..16].try_into().unwrap());
        latencies.push(u32::try_from(epoch.elapsed().as_micros() - sent).unwrap_or(u32::MAX));
        if latencies.len() % together == 0 || latencies.len() == count {
            delivery.acker.ack(BasicAckOptions { multiple: true }).await.unwrap();
        }
    }
    (latencies, Instant::now())
}
