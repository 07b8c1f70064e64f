//! A collector: takes the traces and metrics that processes send over OTLP, and keeps them to be looked at.

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// What a span is in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work within a process.
    Internal,
    /// The answering half of a call.
    Server,
    /// The asking half of a call.
    Client,
    /// An event on its way out.
    Producer,
    /// An event's handling.
    Consumer,
}

/// A span as it was received. Ids are in hexadecimal.
#[derive(Debug, Clone)]
pub struct Span {
    /// The process that made it, by its `service.name`.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The trace it belongs to.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The id of the span it is a child of; empty for the root of a trace.
    pub parent: String,
    /// The ids of spans it is linked to.
    pub links: Vec<String>,
    /// Its attributes, as texts.
    pub attributes: BTreeMap<String, String>,
    /// Whether it is marked as failed.
    pub failed: bool,
    /// The names of the events inside it.
    pub events: Vec<String>,
}

#[derive(Default)]
struct State {
    spans: Vec<Span>,
    /// Names of metrics, by the process that sent them.
    metrics: BTreeMap<String, BTreeSet<String>>,
    bodies: Vec<Vec<u8>>,
}

/// A collector on a free loopback port. Clones show the same.
#[derive(Clone)]
pub struct Collector {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Collector {
    /// Starts to listen. It does so as long as the runtime lives.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        collector
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The settings that make a process tell it everything, without the usual patience.
    pub fn settings(&self) -> Vec<(String, String)> {
        let settings = [
            ("TELEMETRY__OTLP_ENDPOINT", self.endpoint()),
            ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500".to_owned()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// All spans received so far.
    pub fn spans(&self) -> Vec<Span> {
        self.state().spans.clone()
    }

    /// The spans of one trace received so far.
    pub fn trace(&self, id: &str) -> Vec<Span> {
        self.state().spans.iter().filter(|span| span.trace == id).cloned().collect()
    }

    /// The names of the metrics that a process has sent so far.
    pub fn metrics_of(&self, service: &str) -> BTreeSet<String> {
        self.state().metrics.get(service).cloned().unwrap_or_default()
    }

    /// Everything received so far, byte for byte.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.state().bodies.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.state();
        state.bodies.push(request.encode_to_vec());
        for of_process in request.resource_spans {
            let service = service_name(of_process.resource);
            let spans = of_process.scope_spans.into_iter().flat_map(|scope| scope.spans);
            state.spans.extend(spans.map(|span| read(service.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.state();
        state.bodies.push(request.encode_to_vec());
        for of_process in request.resource_metrics {
            let metrics = of_process.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            let names = metrics.map(|metric| metric.name);
            state.metrics.entry(service_name(of_process.resource)).or_default().extend(names);
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn service_name(resource: Option<Resource>) -> String {
    let mut attributes = resource.unwrap_or_default().attributes.into_iter();
    attributes.find(|attribute| attribute.key == "service.name").map(|name| text(&name)).unwrap_or_default()
}

fn read(service: String, span: otlp::Span) -> Span {
    let kind = match span.kind() {
        otlp::span::SpanKind::Server => Kind::Server,
        otlp::span::SpanKind::Client => Kind::Client,
        otlp::span::SpanKind::Producer => Kind::Producer,
        otlp::span::SpanKind::Consumer => Kind::Consumer,
        _ => Kind::Internal,
    };
    let failed = span.status.is_some_and(|status| status.code() == otlp::status::StatusCode::Error);
    Span {
        service,
        kind,
        failed,
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
        attributes: span.attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect(),
        events: span.events.into_iter().map(|event| event.name).collect(),
    }
}

fn text(attribute: &KeyValue) -> String {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(yes)) => yes.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
