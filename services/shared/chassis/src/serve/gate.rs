//! What stands in front of every handler: a place, a passport, a deadline; and what catches it when it falls.

use super::answer;
use super::body::{Limited, Observed};
use super::methods::{Method, Methods};
use super::observe::{Meters, Record, span};
use crate::Fault;
use crate::config::LimitsConfig;
use crate::identity::{Keyring, bearer, shown_capability};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Service;
use tracing::Instrument;

/// The tower service in front of the routes.
#[derive(Clone)]
pub(super) struct Gate {
    routes: Routes,
    shared: Arc<Shared>,
}

struct Shared {
    methods: Methods,
    keyring: Keyring,
    places: Arc<Semaphore>,
    longest: Duration,
    meters: Arc<Meters>,
    draining: CancellationToken,
    cut: CancellationToken,
}

/// A call on its way.
struct Call {
    method: Arc<Method>,
    deadline: Instant,
    /// Ends the call, whatever it does.
    cut: CancellationToken,
}

impl Gate {
    pub(super) fn new(
        routes: Routes,
        methods: Methods,
        keyring: Keyring,
        limits: &LimitsConfig,
        draining: CancellationToken,
        cut: CancellationToken,
    ) -> Self {
        let shared = Shared {
            methods,
            keyring,
            places: Arc::new(Semaphore::new(limits.calls_in_flight.min(Semaphore::MAX_PERMITS))),
            longest: Duration::from_secs(limits.deadline_seconds.into()),
            meters: Arc::new(Meters::new()),
            draining,
            cut,
        };
        Self { routes: routes.prepare(), shared: Arc::new(shared) }
    }

    async fn answer(
        mut self,
        request: Request<Body>,
        call: &Call,
    ) -> (Response<Body>, Option<OwnedSemaphorePermit>) {
        let work = async {
            match self.shared.admit(request, &call.method).await {
                Ok((request, place)) => (handle(&mut self.routes, request).await, place),
                Err(fault) => (Status::from(fault).into_http(), None),
            }
        };
        let (response, place) = tokio::select! {
            biased;
            done = work => done,
            () = tokio::time::sleep_until(call.deadline) => (answer::too_late().into_http(), None),
            () = call.cut.cancelled() => (Status::from(answer::cut_off()).into_http(), None),
        };
        (answer::undecodable(response), place)
    }
}

impl Service<Request<Body>> for Gate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(())) // a full house answers, it does not keep waiting
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = &self.shared;
        let method = shared.methods.find(request.uri().path());
        let span = span(&method, request.headers());
        // Counted from here, before tonic starts its own, so that the caller reads DEADLINE_EXCEEDED.
        let started = Instant::now();
        let deadline = started + asked(request.headers()).unwrap_or(shared.longest).min(shared.longest);
        let cut = if method.housekeeping { &shared.draining } else { &shared.cut };
        let call = Call { deadline, cut: cut.clone(), method };
        let mut record = Record::new(&shared.meters, call.method.clone(), span.clone(), started);
        let gate = self.clone();
        let answer = async move {
            let (response, place) = gate.answer(request, &call).await;
            if let Some(code) = response.headers().get(Status::GRPC_STATUS) {
                record.finish(Code::from_bytes(code.as_bytes()));
            }
            // A stream may stay for hours; what it does then is bounded by itself.
            let place = place.filter(|_| !call.method.streams);
            Ok(response.map(|body| Body::new(Observed::new(body, record, place, call.cut))))
        };
        Box::pin(answer.instrument(span))
    }
}

impl Shared {
    /// Finds a place and, where one is needed, the passport, before a byte of the message is decoded.
    async fn admit(
        &self,
        mut request: Request<Body>,
        method: &Method,
    ) -> Result<(Request<Body>, Option<OwnedSemaphorePermit>), Fault> {
        let place = match method.health {
            true => None,
            false => Some(self.places.clone().try_acquire_owned().map_err(|_| {
                self.meters.refused();
                answer::busy()
            })?),
        };
        if !method.public {
            let passport = self.keyring.verify(bearer(request.headers())?).await?;
            if passport.suspended && !method.never_gated {
                return Err(answer::suspended());
            }
            if passport.terms_due && !method.never_gated {
                return Err(answer::terms_due());
            }
            request.extensions_mut().insert(passport);
            if method.delegated
                && let Some(token) = shown_capability(request.headers())?
            {
                let capability = self.keyring.verify_capability(token).await?;
                request.extensions_mut().insert(capability);
            }
        }
        Ok((request.map(|body| Body::new(Limited::new(body))), place))
    }
}

/// Runs the handler. A panic becomes an answer and leaves the connection alone.
async fn handle(routes: &mut Routes, request: Request<Body>) -> Response<Body> {
    let handled = AssertUnwindSafe(async { routes.call(request).await }).catch_unwind().await;
    match handled {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => Status::from(answer::panicked()).into_http(),
    }
}

/// The deadline a caller sets (`grpc-timeout`): up to eight digits and a unit.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_as_grpc_writes_it() {
        let asked = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", http::HeaderValue::from_static(text));
            asked(&headers)
        };
        assert_eq!(asked("250m"), Some(Duration::from_millis(250)));
        assert_eq!(asked("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for wrong in ["", "S", "-1S", "123456789S", "5x", "5", "1.5S"] {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }
}
