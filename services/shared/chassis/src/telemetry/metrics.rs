//! Counters and durations: one meter, scraped as Prometheus text and, where there is a collector, sent to it.

use super::TelemetryError;
use crate::config::TelemetryConfig;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, UpDownCounter};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, TextEncoder};

/// The metrics of the process, as text. Clones show the same.
#[derive(Clone, Default)]
pub struct Metrics(prometheus::Registry);

impl Metrics {
    /// Everything measured so far, in Prometheus' text format.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.0.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

pub(super) fn start(
    config: &TelemetryConfig,
    resource: Resource,
) -> Result<(SdkMeterProvider, Metrics), TelemetryError> {
    let metrics = Metrics::default();
    let scraped = opentelemetry_prometheus::exporter()
        .with_registry(metrics.0.clone())
        .scope_info_enabled(false)
        .build()
        .map_err(TelemetryError::new)?;
    let mut provider = SdkMeterProvider::builder().with_resource(resource).with_reader(scraped);
    if let Some(endpoint) = &config.otlp_endpoint {
        let exporter =
            opentelemetry_otlp::MetricExporter::builder().with_tonic().with_endpoint(endpoint).build();
        provider = provider.with_periodic_exporter(exporter.map_err(TelemetryError::new)?);
    }
    let provider = provider.build();
    super::process::measure(&provider.meter("candor"));
    Ok((provider, metrics))
}

fn meter() -> Meter {
    opentelemetry::global::meter("candor")
}

/// A counter, such as `candor_journal_entries_written`; `_total` is added where it is scraped. Make it once, after
/// telemetry has started: one made earlier counts nothing.
pub fn counter(name: &'static str, description: &'static str) -> Counter<u64> {
    meter().u64_counter(name).with_description(description).build()
}

/// A value that goes up and down, such as the length of a queue. Made like a [`counter`].
pub fn gauge(name: &'static str, description: &'static str) -> Gauge<u64> {
    meter().u64_gauge(name).with_description(description).build()
}

/// How long something has lasted by now, in seconds; `_seconds` is added where it is scraped. Made like a [`counter`].
pub fn age(name: &'static str, description: &'static str) -> Gauge<f64> {
    meter().f64_gauge(name).with_description(description).with_unit("s").build()
}

/// Durations in seconds, of work that somebody waits for; `_seconds` is added where they are scraped. Made like a
/// [`counter`].
pub fn histogram(name: &'static str, description: &'static str) -> Histogram<f64> {
    let boundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
    durations(name, description, &boundaries)
}

/// The same for what nobody waits for, and which may take from milliseconds to a day.
pub fn lags(name: &'static str, description: &'static str) -> Histogram<f64> {
    let boundaries =
        [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0];
    durations(name, description, &boundaries)
}

fn durations(name: &'static str, description: &'static str, boundaries: &[f64]) -> Histogram<f64> {
    let meter = meter();
    let histogram = meter.f64_histogram(name).with_description(description).with_unit("s");
    histogram.with_boundaries(boundaries.to_vec()).build()
}

/// How many there are of something at a time, such as commands in a batch. Made like a [`counter`].
pub fn sizes(name: &'static str, description: &'static str) -> Histogram<u64> {
    let boundaries = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
    let meter = meter();
    let histogram = meter.u64_histogram(name).with_description(description);
    histogram.with_boundaries(boundaries.to_vec()).build()
}

/// How much of something is going on at this moment. Made like a [`counter`].
#[derive(Clone)]
pub struct Level(UpDownCounter<i64>);

impl Level {
    /// Nothing yet.
    pub fn new(name: &'static str, description: &'static str) -> Self {
        let level = meter().i64_up_down_counter(name).with_description(description).build();
        level.add(0, &[]); // there from the beginning
        Self(level)
    }

    /// One more, until what is returned is dropped.
    pub fn enter(&self) -> Entered {
        self.0.add(1, &[]);
        Entered(self.0.clone())
    }
}

/// One of a [`Level`].
pub struct Entered(UpDownCounter<i64>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.add(-1, &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::KeyValue;

    #[test]
    fn names_are_scraped_as_the_dashboards_know_them() {
        let (provider, metrics) = start(&TelemetryConfig::default(), Resource::builder().build()).unwrap();
        let meter = provider.meter("candor");
        meter.u64_counter("candor_grpc_requests").build().add(2, &[KeyValue::new("code", "OK")]);
        let duration = meter.f64_histogram("candor_grpc_request_duration").with_unit("s").build();
        duration.record(0.5, &[]);
        let text = metrics.text();
        assert!(text.contains("candor_grpc_requests_total{code=\"OK\"} 2"), "{text}");
        assert!(text.contains("candor_grpc_request_duration_seconds_count 1"), "{text}");
    }
}
