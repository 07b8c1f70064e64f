use crate::kit::start;
use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use candor_proto::accounts::v1::*;
use chassis::config::Platform;
use chassis::telemetry::{Traced, propagate};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

fn tracing_here() -> tracing::subscriber::DefaultGuard {
    let tracer = SdkTracerProvider::builder().build().tracer("test");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    tracing::subscriber::set_default(tracing_subscriber::registry().with(layer))
}

// The runtime of a test has one thread, so that its subscriber sees the server's tasks too.
#[tokio::test]
async fn a_call_continues_its_caller_s_trace() {
    let _tracing = tracing_here();
    let server = start(Platform::default());
    let mut request = server.signed(ListSessionsRequest {});
    let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.metadata_mut().insert("traceparent", sent.parse().unwrap());
    let answer = server.client().list_sessions(request).await.unwrap().into_inner();
    let seen = &answer.sessions[0].device_label;
    assert_eq!(seen[..36], sent[..36], "the same trace");
    assert_ne!(seen[36..52], sent[36..52], "a span of its own");

    let mut request = server.signed(ListSessionsRequest {});
    request.metadata_mut().insert("traceparent", "00-nonsense".parse().unwrap());
    let answer = server.client().list_sessions(request).await.unwrap().into_inner();
    assert_eq!(answer.sessions[0].device_label.len(), 55, "a trace of its own");
}

#[tokio::test]
async fn a_client_sends_its_trace_along() {
    let _tracing = tracing_here();
    let server = start(Platform::default());
    let mut client = SessionServiceClient::new(Traced::new(server.channel()));
    let request = server.signed(ListSessionsRequest {});
    let span = tracing::info_span!("outer");
    let (own, answer) = async { (propagate::inject_current().unwrap(), client.list_sessions(request).await) }
        .instrument(span)
        .await;
    assert_eq!(answer.unwrap().into_inner().sessions[0].device_label[..36], own[..36]);
    assert_eq!(propagate::inject_current(), None, "outside any span there is no trace");
}
