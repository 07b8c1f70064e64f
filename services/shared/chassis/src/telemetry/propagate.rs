//! W3C trace context (`traceparent`) from one process to the next, over gRPC, HTTP and AMQP alike.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header, metadata key and AMQP header of the same name.
pub const TRACEPARENT: &str = "traceparent";

/// The current span as a `traceparent`, or nothing outside any trace.
pub fn inject_current() -> Option<String> {
    inject(&Span::current())
}

/// A span as a `traceparent`. It settles the span's parent.
pub fn inject(span: &Span) -> Option<String> {
    let context = span.context();
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

/// The same from a request's headers. Two headers of the name are none: nobody can tell which is meant. What else a
/// caller sends with its trace (`tracestate`, `baggage`) goes no further than here.
pub fn set_parent_of(span: &Span, headers: &HeaderMap) {
    let mut values = headers.get_all(TRACEPARENT).iter();
    if let (Some(value), None) = (values.next(), values.next())
        && let Ok(traceparent) = value.to_str()
    {
        set_parent(span, traceparent);
    }
}

/// Gives a span another name than the one it was made with, however long it has run.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// Where a piece of work comes from, to be told to whoever does it later, together with others.
#[derive(Debug, Clone)]
pub struct Origin(SpanContext);

impl Origin {
    /// The current span; nothing, outside any trace.
    pub fn current() -> Self {
        Self(Span::current().context().span().span_context().clone())
    }
}

/// Makes a span work on behalf of several at once: it continues the first one's trace and is linked to the others'.
/// Only before the span is first entered.
pub fn set_origins<'a>(span: &Span, origins: impl Iterator<Item = &'a Origin>) {
    let mut origins = origins.filter(|origin| origin.0.is_valid());
    if let Some(Origin(first)) = origins.next() {
        let _ = span.set_parent(Context::new().with_remote_span_context(first.clone()));
    }
    for Origin(other) in origins {
        span.add_link(other.clone());
    }
}

/// Links a span to another one that it does work for. It settles the parents of both.
pub fn link(span: &Span, other: &Span) {
    let other = other.context();
    let other = other.span();
    if other.span_context().is_valid() {
        span.add_link(other.span_context().clone());
    }
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
