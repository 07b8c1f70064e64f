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

/// The spans of events that are handled together, each a child of its producer's; those without a trace make none, unless
/// all are. The work is done in the first, which is linked to the others.
pub(crate) fn handling(consumer: &str, events: &[&Envelope]) -> Vec<Span> {
    let mut spans: Vec<_> = events
        .iter()
        .filter(|event| event.traceparent.is_some())
        .map(|event| handling_of(consumer, event))
        .collect();
    match spans.split_first() {
        Some((first, others)) => {
            others.iter().for_each(|other| chassis::telemetry::propagate::link(first, other))
        }
        None => spans.extend(events.first().map(|event| handling_of(consumer, event))),
    }
    spans
}

fn handling_of(consumer: &str, event: &Envelope) -> Span {
    let span = tracing::info_span!(
        "bus.handle",
        otel.name = format!("{consumer} {}", event.key),
        otel.kind = "consumer",
        otel.status_code = Empty,
        event_id = %event.id,
    );
    set_parent(&span, event.traceparent.as_deref());
    span
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
