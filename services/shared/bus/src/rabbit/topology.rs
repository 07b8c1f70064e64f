//! What exists on the broker. Everything is durable and declared in code; nothing that 4.x refuses.

use lapin::{
    Channel, ExchangeKind, Result,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString, ShortString},
};

/// How often the broker hands out a message before it gives it up. The inbox gives up long before, with a
/// record; this is for an event that takes the process down with it.
const DELIVERY_LIMIT: i64 = 50;

/// One consumer's queue and what it wants.
#[derive(Clone)]
pub(crate) struct Queue {
    exchange: String,
    consumer: String,
    keys: Vec<String>,
}

impl Queue {
    pub(crate) fn new(exchange: &str, consumer: &str, keys: &[String]) -> Self {
        Self { exchange: exchange.to_owned(), consumer: consumer.to_owned(), keys: keys.to_vec() }
    }

    /// Events to handle.
    pub(crate) fn name(&self) -> ShortString {
        format!("{}.{}", self.exchange, self.consumer).into()
    }

    /// Events the broker gave up. The inbox takes them into its table of dead letters.
    pub(crate) fn exhausted(&self) -> ShortString {
        format!("{}.{}.exhausted", self.exchange, self.consumer).into()
    }

    /// Makes both queues and their bindings; harmless where they exist.
    pub(crate) async fn declare(&self, channel: &Channel) -> Result<()> {
        declare_exchange(channel, &self.exchange).await?;
        let dead = dead_exchange(&self.exchange);
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        channel.exchange_declare(dead.clone(), ExchangeKind::Direct, durable, FieldTable::default()).await?;

        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), text("quorum"));
        channel.queue_declare(self.exhausted(), options, arguments.clone()).await?;
        let (bind, none) = (QueueBindOptions::default(), FieldTable::default());
        channel
            .queue_bind(self.exhausted(), dead.clone(), self.consumer.as_str().into(), bind, none.clone())
            .await?;

        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
        arguments.insert("x-dead-letter-exchange".into(), text(dead.as_str()));
        arguments.insert("x-dead-letter-routing-key".into(), text(&self.consumer));
        // A message given up is safe in the other queue before it leaves this one; needs reject-publish.
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
        channel.queue_declare(self.name(), options, arguments).await?;
        for key in &self.keys {
            channel
                .queue_bind(
                    self.name(),
                    self.exchange.as_str().into(),
                    key.as_str().into(),
                    bind,
                    none.clone(),
                )
                .await?;
        }
        Ok(())
    }
}

/// Makes the exchange events are published to.
pub(crate) async fn declare_exchange(channel: &Channel, exchange: &str) -> Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.into(), ExchangeKind::Topic, durable, FieldTable::default()).await
}

fn dead_exchange(exchange: &str) -> ShortString {
    format!("{exchange}.dead").into()
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value.as_bytes()))
}
