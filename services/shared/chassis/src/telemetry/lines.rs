//! Log lines that say which trace they belong to. The id is looked up when a line is written: every call has spans, and few
//! of them say anything.

use opentelemetry::trace::TraceContextExt as _;
use std::fmt;
use tracing::{Event, Subscriber, dispatcher};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Any format, with the trace's id among the fields of the current span.
pub(super) struct Traced<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if let Some(span) = event.parent().and_then(|id| ctx.span(id)).or_else(|| ctx.lookup_current()) {
            name_trace::<S, N>(&span);
        }
        self.0.format_event(ctx, writer, event)
    }
}

/// A span whose fields name its trace already.
struct Named;

fn name_trace<'span, S, N>(span: &SpanRef<'span, S>)
where
    S: LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    if span.extensions().get::<Named>().is_some() {
        return;
    }
    // Before its extensions are held: OpenTelemetry's layer keeps the trace there too.
    let context = dispatcher::get_default(|here| tracing_opentelemetry::get_otel_context(&span.id(), here));
    let Some(context) = context else { return };
    let context = context.span().span_context().clone();
    let mut extensions = span.extensions_mut();
    let Some(fields) = extensions.get_mut::<FormattedFields<N>>().filter(|_| context.is_valid()) else {
        return;
    };
    super::fields::add(&mut fields.fields, "trace_id", &context.trace_id().to_string());
    if extensions.get_mut::<Named>().is_none() {
        extensions.insert(Named);
    }
}
