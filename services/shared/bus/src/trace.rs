//! Traces across the bus: W3C trace context in the outbox row and the message header.

use crate::Envelope;
use std::borrow::Cow;
use tracing::{Span, field::Empty};

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

/// The span of an event's way to the broker, and the event as it is sent: in this span, so that whoever consumes it is
/// its child. An event without a trace makes none.
pub(crate) fn sending(event: &Envelope) -> (Span, Cow<'_, Envelope>) {
    if event.traceparent.is_none() {
        return (Span::none(), Cow::Borrowed(event));
    }
    let span = tracing::info_span!(
        parent: None,
        "bus.publish",
        otel.name = format!("publish {}", event.key),
        otel.kind = "producer",
        otel.status_code = Empty,
        event_id = %event.id,
    );
    set_parent(&span, event.traceparent.as_deref());
    match chassis::telemetry::propagate::inject(&span) {
        traceparent @ Some(_) => (span, Cow::Owned(Envelope { traceparent, ..event.clone() })),
        None => (span, Cow::Borrowed(event)),
    }
}
