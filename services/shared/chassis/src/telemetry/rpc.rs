//! gRPC calls as spans: what they are called, and the client's half of each. The server's half is in `serve`.

use super::propagate;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::Service;
use tracing::{Instrument as _, Span, field::Empty};

/// A channel that makes a span of every call and sends its trace along. Every client of ours calls through one, but for
/// questions of health: those are asked every second by everybody.
#[derive(Clone)]
pub struct Traced(Channel);

impl Traced {
    /// Calls through this channel.
    pub fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// The channel itself, for what is not worth a span.
    pub fn untraced(&self) -> Channel {
        self.0.clone()
    }
}

impl Service<Request<Body>> for Traced {
    type Response = Response<Answer>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let span = client_span(request.uri().path());
        let traceparent = propagate::inject(&span).and_then(|text| text.parse().ok());
        if let Some(traceparent) = traceparent {
            request.headers_mut().insert(propagate::TRACEPARENT, traceparent);
        }
        let answer = self.0.call(request).instrument(span.clone());
        let answer = answer.map(|answer| match answer {
            Ok(response) => {
                // An answer without a message has its status here; every other has it in the trailers.
                note(&span, response.headers());
                Ok(response.map(|body| Answer { body, span }))
            }
            Err(error) => {
                span.record("otel.status_code", "ERROR");
                Err(error)
            }
        });
        Box::pin(answer)
    }
}

fn client_span(path: &str) -> Span {
    let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    tracing::info_span!(
        "call",
        otel.name = name(service, method),
        otel.kind = "client",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    )
}

fn note(span: &Span, headers: &http::HeaderMap) {
    if let Some(code) = headers.get(Status::GRPC_STATUS) {
        finish(span, Code::from_bytes(code.as_bytes()));
    }
}

/// Notes on a span how its call ended; what is nobody's fault but ours, or the network's, is an error.
pub(crate) fn finish(span: &Span, code: Code) {
    span.record("rpc.grpc.status_code", code as i32);
    if matches!(
        code,
        Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable | Code::DeadlineExceeded
    ) {
        span.record("otel.status_code", "ERROR");
    }
}

/// An answer on its way to the client: its call's span ends with it.
pub struct Answer {
    body: Body,
    span: Span,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    note(&this.span, trailers);
                }
            }
            Some(Err(status)) => finish(&this.span, status.code()),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A call's span: `candor.journal.v1.EntryService`, `WriteEntry` → `journal.write_entry`.
pub(crate) fn name(service: &str, method: &str) -> String {
    let mut package: Vec<&str> = service.split('.').collect();
    package.truncate(package.len().saturating_sub(2).max(1)); // without the version and the service
    let mut name = package.last().copied().unwrap_or_default().to_owned();
    name.push('.');
    for (index, letter) in method.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}
