//! One trace from the span that appended an event, over the transport, to the handler.

use crate::ground::Ground;
use futures::future::ready;
use opentelemetry::trace::{SpanKind, TracerProvider as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use std::sync::{Arc, Mutex, OnceLock};
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;

over_both!(a_trace_goes_on_in_the_consumer);

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.0.lock().unwrap().extend(batch);
        ready(Ok(()))
    }
}

/// Spans of the whole test binary.
fn kept() -> Kept {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    KEPT.get_or_init(|| {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("conformance"));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
        kept
    })
    .clone()
}

async fn a_trace_goes_on_in_the_consumer(ground: Ground) {
    let kept = kept();
    let transport = ground.declared().await;
    let span = tracing::info_span!("producer");
    let (event, producer) = async {
        let current = chassis::telemetry::propagate::inject_current().unwrap();
        let event = ground.event(1, 1, 1);
        ground.tell(std::slice::from_ref(&event)).await;
        (event, current)
    }
    .instrument(span)
    .await;
    assert_eq!(event.traceparent.as_ref(), Some(&producer));
    let process = ground.start(transport, None);
    ground.until_counted(1).await;
    let handler = ground.tally.traceparent.lock().unwrap().clone().unwrap();
    let (trace, producer_span) = (&producer[3..35], &producer[36..52]);
    assert_eq!(&handler[3..35], trace, "the handler runs in the producer's trace");
    assert_ne!(&handler[36..52], producer_span);
    process.stop().await;
    let spans = kept.0.lock().unwrap().clone();
    let find = |id: &str| spans.iter().find(|span| span.span_context.span_id().to_string() == id).unwrap();
    let handling = find(&handler[36..52]);
    assert_eq!((&*handling.name, &handling.span_kind), ("tally test.v1.counted", &SpanKind::Consumer));
    let sending = find(&handling.parent_span_id.to_string());
    assert_eq!((&*sending.name, &sending.span_kind), ("publish test.v1.counted", &SpanKind::Producer));
    assert_eq!(sending.parent_span_id.to_string(), producer_span);
}
