//! W3C trace context (`traceparent`) from one process to the next, over gRPC, HTTP and AMQP alike.

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::service::Interceptor;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header, metadata key and AMQP header of the same name.
pub const TRACEPARENT: &str = "traceparent";

/// The current span as a `traceparent`, or nothing outside any trace.
pub fn inject_current() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid()
        .then(|| format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()))
}

/// Makes a span continue the trace it came from. Only before the span is first entered: afterwards its trace is
/// settled. A `traceparent` that cannot be understood is left out.
pub fn set_parent(span: &Span, traceparent: &str) {
    let parent = TraceContextPropagator::new().extract(&Single(traceparent));
    if parent.span().span_context().is_valid() {
        let _ = span.set_parent(parent);
    }
}

/// The id of the trace a span belongs to. It settles the span's parent.
pub(crate) fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let context = context.span();
    let context = context.span_context();
    context.is_valid().then(|| context.trace_id().to_string())
}

struct Single<'a>(&'a str);

impl Extractor for Single<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// A gRPC client's interceptor: sends the current trace along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traceparent;

impl Interceptor for Traceparent {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        if let Some(value) = inject_current().and_then(|value| value.parse().ok()) {
            request.metadata_mut().insert(TRACEPARENT, value);
        }
        Ok(request)
    }
}
