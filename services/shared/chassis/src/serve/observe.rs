//! A span, a count and a duration for every call.

use super::methods::Method;
use crate::telemetry::{self, Entered, KeyValue, Level, propagate, rpc};
use http::HeaderMap;
use opentelemetry::metrics::{Counter, Histogram};
use std::sync::Arc;
use tokio::time::Instant;
use tonic::Code;
use tracing::{Span, field::Empty};

/// What is measured.
pub(super) struct Meters {
    requests: Counter<u64>,
    duration: Histogram<f64>,
    in_flight: Level,
    refused: Counter<u64>,
}

impl Meters {
    pub(super) fn new() -> Self {
        let refused = telemetry::counter("candor_grpc_refused", "Calls refused because the house was full.");
        refused.add(0, &[]);
        Self {
            requests: telemetry::counter("candor_grpc_requests", "Calls by service, method and outcome."),
            duration: telemetry::histogram("candor_grpc_request_duration", "How long calls take."),
            in_flight: Level::new("candor_grpc_requests_in_flight", "Calls that are being answered."),
            refused,
        }
    }

    /// A call found no place.
    pub(super) fn refused(&self) {
        self.refused.add(1, &[]);
    }
}

/// The call's span, with its parent set: it has not been entered yet.
pub(super) fn span(method: &Method, headers: &HeaderMap) -> Span {
    if method.housekeeping {
        return Span::none(); // asked every second by everybody
    }
    let span = tracing::info_span!(
        "rpc",
        otel.name = method.span,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = &*method.service,
        rpc.method = &*method.name,
        rpc.grpc.status_code = Empty,
    );
    propagate::set_parent_of(&span, headers);
    span
}

/// Records how a call ends, once; a call that is dropped was cancelled by its caller.
pub(super) struct Record {
    meters: Arc<Meters>,
    method: Arc<Method>,
    span: Span,
    started: Instant,
    finished: bool,
    _in_flight: Option<Entered>,
}

impl Record {
    pub(super) fn new(meters: &Arc<Meters>, method: Arc<Method>, span: Span, started: Instant) -> Self {
        // Questions of health are asked all the time; they would only blur the picture.
        let _in_flight = (!method.housekeeping).then(|| meters.in_flight.enter());
        Self { meters: meters.clone(), method, span, started, finished: false, _in_flight }
    }

    /// The call's span, where its answer is still being worked on while it is sent. What answers with one message has
    /// that ready, and entering a span for each of its frames would cost more than it tells.
    pub(super) fn working_span(&self) -> Option<&Span> {
        self.method.streams.then_some(&self.span)
    }

    pub(super) fn finish(&mut self, code: Code) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let labels = [
            KeyValue::new("service", self.method.service.clone()),
            KeyValue::new("method", self.method.name.clone()),
            KeyValue::new("code", name(code)),
        ];
        self.meters.requests.add(1, &labels);
        self.meters.duration.record(self.started.elapsed().as_secs_f64(), &labels[..2]);
        rpc::finish(&self.span, code);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.finish(Code::Cancelled);
    }
}

/// The code as gRPC's specification spells it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
