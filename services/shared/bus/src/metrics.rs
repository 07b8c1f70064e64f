//! What the bus counts, through OpenTelemetry's global meter.

use jiff::Timestamp;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram},
};
use std::sync::LazyLock;

struct Instruments {
    pending: Gauge<u64>,
    published: Counter<u64>,
    unroutable: Counter<u64>,
    handled: Counter<u64>,
    retried: Counter<u64>,
    dead: Counter<u64>,
    lag: Histogram<f64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("bus");
    Instruments {
        pending: meter
            .u64_gauge("candor_bus_outbox_pending")
            .with_description("Events that are not yet with the broker")
            .build(),
        published: meter
            .u64_counter("candor_bus_published")
            .with_description("Events the broker confirmed")
            .build(),
        unroutable: meter
            .u64_counter("candor_bus_unroutable")
            .with_description("Events nobody has a queue for")
            .build(),
        handled: meter
            .u64_counter("candor_bus_handled")
            .with_description("Events whose handler's effect is committed")
            .build(),
        retried: meter
            .u64_counter("candor_bus_retried")
            .with_description("Failed attempts that will be repeated")
            .build(),
        dead: meter
            .u64_counter("candor_bus_dead")
            .with_description("Events given up; replay them by command")
            .build(),
        lag: meter
            .f64_histogram("candor_bus_lag")
            .with_unit("s")
            .with_description("From the event to the commit of its handler")
            .with_boundaries(vec![
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0,
            ])
            .build(),
    }
});

/// Rows waiting in a database's outbox.
pub(crate) fn pending(database: &str, rows: u64) {
    INSTRUMENTS.pending.record(rows, &[KeyValue::new("database", database.to_owned())]);
}

/// One event confirmed.
pub(crate) fn published(key: &str) {
    INSTRUMENTS.published.add(1, &[KeyValue::new("key", key.to_owned())]);
}

/// One event confirmed that no queue is bound for.
pub(crate) fn unroutable(key: &str) {
    INSTRUMENTS.unroutable.add(1, &[KeyValue::new("key", key.to_owned())]);
}

/// One event's effect committed.
pub(crate) fn handled(consumer: &'static str, key: &str, happened: Timestamp, now: Timestamp) {
    let labels = [KeyValue::new("consumer", consumer), KeyValue::new("key", key.to_owned())];
    INSTRUMENTS.handled.add(1, &labels);
    let lag = now.duration_since(happened).as_secs_f64().max(0.0);
    INSTRUMENTS.lag.record(lag, &labels);
}

/// One failed attempt.
pub(crate) fn retried(consumer: &'static str, key: &str) {
    INSTRUMENTS.retried.add(1, &[KeyValue::new("consumer", consumer), KeyValue::new("key", key.to_owned())]);
}

/// One event given up.
pub(crate) fn dead(consumer: &'static str, key: &str) {
    INSTRUMENTS.dead.add(1, &[KeyValue::new("consumer", consumer), KeyValue::new("key", key.to_owned())]);
}
