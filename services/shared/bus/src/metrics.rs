//! What the bus measures. Labels are the names of consumers, databases and kinds of events, which the code knows.

use crate::store::Backlog;
use chassis::telemetry::{KeyValue, age, counter, gauge, histogram, lags};
use jiff::Timestamp;
use opentelemetry::metrics::{Counter, Gauge, Histogram};
use std::sync::LazyLock;
use std::time::Duration;

struct Instruments {
    pending: Gauge<u64>,
    oldest: Gauge<f64>,
    published: Counter<u64>,
    publishing: Histogram<f64>,
    unroutable: Counter<u64>,
    handled: Counter<u64>,
    duplicates: Counter<u64>,
    retried: Counter<u64>,
    dead: Counter<u64>,
    retries: Gauge<u64>,
    dead_letters: Gauge<u64>,
    queued: Histogram<f64>,
    lag: Histogram<f64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments {
    pending: gauge("candor_bus_outbox_pending", "Events that are not yet with the broker."),
    oldest: age("candor_bus_outbox_oldest_age", "How long the oldest of them has been waiting."),
    published: counter("candor_bus_published", "Events the broker confirmed."),
    publishing: histogram("candor_bus_publish_duration", "From a publish to its confirm."),
    unroutable: counter("candor_bus_unroutable", "Events nobody has a queue for."),
    handled: counter("candor_bus_handled", "Events whose handler's effect is committed."),
    duplicates: counter("candor_bus_duplicates", "Events that came again and were known."),
    retried: counter("candor_bus_retried", "Failed attempts that will be repeated."),
    dead: counter("candor_bus_dead", "Events given up; replay them by command."),
    retries: gauge("candor_bus_retries_waiting", "Events that wait for another attempt."),
    dead_letters: gauge("candor_bus_dead_letters", "Events that nobody tries any more."),
    queued: lags("candor_bus_queue_age", "How old events are when their consumer takes them."),
    lag: lags("candor_bus_lag", "From the event to the commit of its handler."),
});

/// Rows waiting in a database's outbox.
pub(crate) fn outbox(database: &str, backlog: &Backlog, now: Timestamp) {
    let database = [KeyValue::new("database", database.to_owned())];
    INSTRUMENTS.pending.record(backlog.rows, &database);
    INSTRUMENTS.oldest.record(backlog.oldest.map_or(0.0, |oldest| seconds(oldest, now)), &database);
}

/// One event confirmed.
pub(crate) fn published(key: &str, after: Duration) {
    INSTRUMENTS.published.add(1, &[KeyValue::new("key", key.to_owned())]);
    INSTRUMENTS.publishing.record(after.as_secs_f64(), &[]);
}

/// One event confirmed that no queue is bound for.
pub(crate) fn unroutable(key: &str) {
    INSTRUMENTS.unroutable.add(1, &[KeyValue::new("key", key.to_owned())]);
}

/// One consumer: what it takes, and what becomes of it.
#[derive(Clone, Copy)]
pub(crate) struct Consumer(pub(crate) &'static str);

impl Consumer {
    /// It is there, and nothing has happened to it yet.
    pub(crate) fn begin(self) {
        let name = [self.name()];
        for counter in [&INSTRUMENTS.duplicates, &INSTRUMENTS.retried, &INSTRUMENTS.dead] {
            counter.add(0, &name);
        }
    }

    /// An event has come, for the first time or again.
    pub(crate) fn taken(self, happened: Timestamp, now: Timestamp) {
        INSTRUMENTS.queued.record(seconds(happened, now), &[self.name()]);
    }

    /// Events that were taken over before.
    pub(crate) fn duplicates(self, number: usize) {
        INSTRUMENTS.duplicates.add(number as u64, &[self.name()]);
    }

    /// One event's effect committed.
    pub(crate) fn handled(self, key: &str, happened: Timestamp, now: Timestamp) {
        let labels = [self.name(), KeyValue::new("key", key.to_owned())];
        INSTRUMENTS.handled.add(1, &labels);
        INSTRUMENTS.lag.record(seconds(happened, now), &labels);
    }

    /// One failed attempt.
    pub(crate) fn retried(self) {
        INSTRUMENTS.retried.add(1, &[self.name()]);
    }

    /// One event given up.
    pub(crate) fn dead(self) {
        INSTRUMENTS.dead.add(1, &[self.name()]);
    }

    /// How many events are kept aside.
    pub(crate) fn aside(self, retries: u64, dead: u64) {
        INSTRUMENTS.retries.record(retries, &[self.name()]);
        INSTRUMENTS.dead_letters.record(dead, &[self.name()]);
    }

    fn name(self) -> KeyValue {
        KeyValue::new("consumer", self.0)
    }
}

fn seconds(since: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(since).as_secs_f64().max(0.0)
}
