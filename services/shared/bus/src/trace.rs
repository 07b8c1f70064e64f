//! Traces across the bus: W3C trace context in the outbox row and the message header.

use tracing::Span;

/// The current span's `traceparent`, if it is part of a trace.
pub(crate) fn current() -> Option<String> {
    chassis::telemetry::propagate::inject_current()
}

/// Makes a span the child of the producer's. Call it before the span is first entered: later it is ignored.
pub(crate) fn set_parent(span: &Span, traceparent: Option<&str>) {
    if let Some(traceparent) = traceparent {
        chassis::telemetry::propagate::set_parent(span, traceparent);
    }
}
