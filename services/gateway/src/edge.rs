//! The outermost layer: what every request meets first and every answer passes last.

use crate::app::App;
use crate::body::{self, Bodies};
use crate::error::Problem;
use crate::pages;
use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chassis::telemetry::{self, KeyValue, Level, propagate};
use opentelemetry::metrics::{Counter, Histogram};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tracing::{Instrument as _, field};

/// How long a request may take, calls to services included.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes of headers that are taken.
const MAX_HEADERS: usize = 16 * 1024;
/// The longest address that is taken.
const MAX_TARGET: usize = 4 * 1024;

/// The route an answer belongs to: the template, never the values in it.
#[derive(Clone)]
pub(crate) struct RouteName(pub(crate) Arc<str>);

/// What the layer needs.
#[derive(Clone)]
pub(crate) struct Edge {
    /// The gateway's state.
    pub(crate) app: Arc<App>,
    /// One permit for each request in flight.
    pub(crate) permits: Arc<Semaphore>,
    /// What bodies may take.
    pub(crate) bodies: Bodies,
    /// What is measured of requests.
    pub(crate) meters: Meters,
}

/// What is measured of requests.
#[derive(Clone)]
pub(crate) struct Meters {
    durations: Histogram<f64>,
    in_flight: Level,
    refused: Counter<u64>,
}

impl Meters {
    /// Nothing measured yet.
    pub(crate) fn new() -> Self {
        let refused =
            telemetry::counter("candor_gateway_refused", "Requests refused because the house was full.");
        refused.add(0, &[]);
        Self {
            durations: telemetry::histogram("candor_gateway_request_duration", "How long requests take."),
            in_flight: Level::new("candor_gateway_requests_in_flight", "Requests that are being answered."),
            refused,
        }
    }
}

/// Bounds, times, hardens, logs and traces a request.
pub(crate) async fn layer(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let (start, _in_flight) = (Instant::now(), edge.meters.in_flight.enter());
    let method = known(request.method());
    let span = tracing::info_span!(
        "gateway.request",
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = field::Empty,
        http.response.status_code = field::Empty,
    );
    propagate::set_parent_of(&span, request.headers());
    let mut response = answer(&edge, request, next).instrument(span.clone()).await;
    harden(&mut response, edge.app.cookies.secure());

    let route = response.extensions().get::<RouteName>().map_or("unmatched".into(), |route| route.0.clone());
    let status = response.status().as_u16();
    propagate::rename(&span, format!("{method} {route}"));
    span.record("http.route", &*route);
    span.record("http.response.status_code", status);
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(method, %route, status, milliseconds, "request"));
    let labels = [
        KeyValue::new("method", method),
        KeyValue::new("route", route.to_string()),
        KeyValue::new("status", i64::from(status)),
    ];
    edge.meters.durations.record(start.elapsed().as_secs_f64(), &labels);
    response
}

async fn answer(edge: &Edge, request: Request, next: Next) -> Response {
    let shape = Shape::of(&request);
    if let Err(problem) = check_head(&request) {
        edge.bodies.forgo(request).await;
        return shape.refuse(&edge.app, problem);
    }
    // A body comes as slowly as its sender likes, so it is read before the request takes a permit.
    let (request, _room) = match edge.bodies.receive(request).await {
        Ok(received) => received,
        Err(problem) => return edge.refuse(&shape, problem),
    };
    let Ok(_permit) = edge.permits.try_acquire() else { return edge.refuse(&shape, Problem::busy()) };
    match tokio::time::timeout(TIMEOUT, next.run(request)).await {
        Ok(response) => shape.settle(&edge.app, response),
        Err(_) => {
            let detail = "This took too long. It may have been done; please look before you try again.";
            let problem = Problem::new(StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", detail);
            shape.refuse(&edge.app, problem)
        }
    }
}

impl Edge {
    /// Refuses a request before it is handled, and counts it if that is for want of room.
    fn refuse(&self, shape: &Shape, problem: Problem) -> Response {
        self.meters.refused.add(u64::from(problem.status == StatusCode::SERVICE_UNAVAILABLE), &[]);
        shape.refuse(&self.app, problem)
    }
}

/// Refuses what cannot be understood, or is too large, by the head of the request alone.
fn check_head(request: &Request) -> Result<(), Problem> {
    if request.version() == Version::HTTP_11 && !names_one_host(request.headers()) {
        let detail = "The request must name its host once, in the header Host.";
        return Err(Problem::bad_request("INVALID_HOST", detail));
    }
    if body::is_encoded(request.headers()) {
        let detail = "Bodies are taken as they are, without Content-Encoding. Nothing was stored.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_ENCODING", detail));
    }
    check_size(request)
}

/// Whether there is one `Host`, as HTTP/1.1 demands; two readers of one request must not see two sites.
fn names_one_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    host.to_str().is_ok_and(|host| host.parse::<Authority>().is_ok() && !host.contains('@'))
}

fn check_size(request: &Request) -> Result<(), Problem> {
    let headers = request.headers().iter();
    let bytes: usize = headers.map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MAX_HEADERS {
        let detail = "The request's headers are larger than 16 KiB, the most that is taken.";
        return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "HEADERS_TOO_LARGE", detail));
    }
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET) {
        let detail = "The address is longer than 4 KiB, the most that is taken.";
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "ADDRESS_TOO_LONG", detail));
    }
    if body::announces_too_much(request.headers()) { Err(Problem::too_large()) } else { Ok(()) }
}

/// In which form a request wants to be told that something is wrong.
enum Shape {
    /// `application/problem+json`.
    Json,
    /// A page, for the browser with these headers.
    Page { headers: HeaderMap, address: Option<String> },
}

impl Shape {
    fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let api = ["/v1/", "/oauth/", "/.well-known/"].iter().any(|place| path.starts_with(place))
            || path == "/v1"
            || path == "/openapi.json";
        if api || !accept.is_some_and(|accept| accept.contains("text/html")) {
            return Self::Json;
        }
        let address = (request.method() == Method::GET).then(|| request.uri().path_and_query()).flatten();
        Self::Page {
            headers: request.headers().clone(),
            address: address.map(|address| address.as_str().to_owned()),
        }
    }

    /// Gives an answer that is a bare [`Problem`] its form.
    fn settle(&self, app: &App, mut response: Response) -> Response {
        let Some(mut problem) = response.extensions_mut().remove::<Problem>() else { return response };
        // The router knows which methods a page has.
        let allow = response.headers().get(header::ALLOW).and_then(|allow| allow.to_str().ok());
        if let (StatusCode::METHOD_NOT_ALLOWED, Some(allow)) = (problem.status, allow) {
            problem = Problem::wrong_method(allow.replace(',', ", "));
        }
        let mut formed = self.refuse(app, problem);
        if let Some(route) = response.extensions_mut().remove::<RouteName>() {
            formed.extensions_mut().insert(route);
        }
        formed
    }

    fn refuse(&self, app: &App, problem: Problem) -> Response {
        match self {
            Self::Json => problem.into_response(),
            Self::Page { headers, address } => {
                pages::failure(app, &app.cookies.visitor(headers), problem, address.as_deref())
            }
        }
    }
}

/// Remembers the route of a page for the log, inside the router where it is known.
pub(crate) async fn name_route(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(path) = path.filter(|_| response.extensions().get::<RouteName>().is_none()) {
        response.extensions_mut().insert(RouteName(path.as_str().into()));
    }
    response
}

/// A panic of a handler, answered as a bug of ours. Its message stays in the log of the panic hook.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    pages::Failure(Problem::internal()).into_response()
}

const GUARDS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=(), interest-cohort=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Puts the guards on an answer, whatever it is.
fn harden(response: &mut Response, secure: bool) {
    let headers = response.headers_mut();
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if secure {
        let value = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    // What nobody marked as cacheable is private.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The method as a label: a client may send any word, a metric must not grow by it.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
