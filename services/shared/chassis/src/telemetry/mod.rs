//! Logs, traces and metrics of a process. None of them ever holds private text.

mod database;
mod fields;
mod job;
#[cfg(test)]
pub(crate) mod kept;
mod lines;
mod metrics;
mod process;
pub mod propagate;
pub(crate) mod rpc;

pub use job::Job;
pub use metrics::{Entered, Level, Metrics, age, counter, gauge, histogram, lags, sizes};
pub use opentelemetry::KeyValue;
pub use rpc::Traced;

use crate::config::{ConfigError, Platform, TelemetryConfig};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Libraries that would show headers, frames, statements or challenges when told to talk; they are never told to.
const QUIET: [&str; 15] = [
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "tower",
    "sqlx",
    "lapin",
    "rustls",
    "axum",
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry_otlp",
    "webauthn_attestation_ca",
    "webauthn_rs",
    "webauthn_rs_core",
];

/// Keeps telemetry going; [`Guard::shutdown`] sends what is left.
pub struct Guard {
    traces: SdkTracerProvider,
    meters: SdkMeterProvider,
    metrics: Metrics,
}

/// Telemetry cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("telemetry cannot be started: {0}")]
pub struct TelemetryError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl TelemetryError {
    fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// Whether the settings can be used.
pub(crate) fn check(config: &TelemetryConfig) -> Result<(), ConfigError> {
    if config.log.parse::<Targets>().is_err() {
        return Err(ConfigError::invalid(
            "telemetry.log",
            "must be tracing directives such as info,journal=debug",
        ));
    }
    let usable = |endpoint: &String| {
        endpoint.starts_with("http://") && tonic::transport::Endpoint::from_shared(endpoint.clone()).is_ok()
    };
    if !config.otlp_endpoint.as_ref().is_none_or(usable) {
        return Err(ConfigError::invalid(
            "telemetry.otlp_endpoint",
            "must be an address such as http://collector:4317",
        ));
    }
    Ok(())
}

/// Starts telemetry for the process; call it inside the runtime, before anything makes a counter. `service` is the
/// name it goes by. A second start in one process (tests) keeps the first one's logs.
///
/// # Errors
/// When the endpoint cannot be used.
pub fn init(platform: &Platform, service: &'static str) -> Result<Guard, TelemetryError> {
    let config = &platform.telemetry;
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.namespace", "candor"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let traces = traces(config, resource.clone())?;
    let (meters, metrics) = metrics::start(config, resource)?;
    opentelemetry::global::set_meter_provider(meters.clone());

    let mut filter: Targets = config.log.parse().map_err(TelemetryError::new)?;
    for library in QUIET {
        // lapin warns of a returned message by showing all of it.
        let level = match library {
            "sqlx" => LevelFilter::WARN,
            "lapin" => LevelFilter::ERROR,
            _ => LevelFilter::INFO,
        };
        filter = filter.with_target(library, level);
    }
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .fmt_fields(fields::Fields)
        .map_event_format(lines::Traced)
        .with_writer(std::io::stderr)
        .with_filter(filter);
    let tracer = traces.tracer("candor");
    let collected = config.otlp_endpoint.is_some();
    let statements = database::layer(tracer.clone(), collected);
    let _ =
        tracing_subscriber::registry().with(logs).with(spans(tracer, collected)).with(statements).try_init();
    quiet_panics();
    Ok(Guard { traces, meters, metrics })
}

/// Spans are kept whatever is logged: a trace must not break because the log is quiet. Of what is said inside them only
/// what went wrong is kept with them; places in the source, threads and busy times would cost more than they tell.
///
/// Where spans are collected, the span that is entered is OpenTelemetry's current one too, for statements to be its children;
/// that costs at every entering and leaving.
fn spans<S>(tracer: SdkTracer, collected: bool) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let ours = QUIET.iter().fold(Targets::new().with_default(LevelFilter::INFO), |targets, library| {
        targets.with_target(*library, LevelFilter::OFF)
    });
    let kept = filter_fn(|metadata| metadata.is_span() || *metadata.level() <= tracing::Level::WARN);
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(collected)
        .with_filter(ours.and(kept))
}

fn traces(config: &TelemetryConfig, resource: Resource) -> Result<SdkTracerProvider, TelemetryError> {
    let provider = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        // Nobody would see the spans, so they are not filled. They have ids all the same: those tie events and logs
        // together.
        return Ok(provider.with_sampler(Sampler::AlwaysOff).build());
    };
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(TelemetryError::new)?;
    Ok(provider.with_sampler(sampler).with_batch_exporter(exporter).build())
}

/// A panic's message can quote the text it tripped over; only its place is logged.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
}

impl Guard {
    /// The metrics, to be scraped.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Sends what is left and stops. Waits a few seconds at most when nobody answers.
    pub async fn shutdown(self) {
        // The providers block until their own threads are done.
        let done = tokio::task::spawn_blocking(move || {
            let patience = std::time::Duration::from_secs(3);
            let _ = self.traces.shutdown_with_timeout(patience);
            let _ = self.meters.shutdown_with_timeout(patience);
        });
        let _ = done.await;
    }
}
