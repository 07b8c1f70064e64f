//! For tests: spans that are kept instead of sent.

use super::database;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use std::future::ready;
use std::sync::{Arc, Mutex};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

/// The spans that have ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.0.lock().unwrap().extend(batch);
        ready(Ok(()))
    }
}

impl Kept {
    /// Keeps what happens on this thread, in the layers of a process, until the guard is dropped.
    pub(crate) fn here(sampler: Sampler) -> (Self, DefaultGuard) {
        let kept = Self::default();
        let provider =
            SdkTracerProvider::builder().with_simple_exporter(kept.clone()).with_sampler(sampler).build();
        let tracer = provider.tracer("test");
        let subscriber = tracing_subscriber::registry()
            .with(super::spans(tracer.clone(), true))
            .with(database::layer(tracer, true));
        (kept, tracing::subscriber::set_default(subscriber))
    }

    /// The spans that have ended by now.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.0.lock().unwrap().clone()
    }
}
