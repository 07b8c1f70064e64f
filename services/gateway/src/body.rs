//! Request bodies, never larger than what is taken.

use crate::error::Problem;
use crate::peers::Peer;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Version, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body: 1 MiB, as everywhere in Candor.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// How much of a body that was refused is still let pass, and for how long.
const LET_PASS: usize = 16 * MAX_BODY;
const PASSING: Duration = Duration::from_secs(2);

/// What bodies may take.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// How long a body may take until it is whole.
    pub(crate) time: Duration,
    /// Bytes of all bodies at once, those on their way and those of requests that are not answered yet.
    pub(crate) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), bytes: 64 * MAX_BODY }
    }
}

/// Receives bodies, in bounded time and memory.
#[derive(Clone)]
pub(crate) struct Bodies {
    time: Duration,
    /// One permit for each byte.
    room: Arc<Semaphore>,
}

impl Bodies {
    /// With all room free.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { time: bounds.time, room: Arc::new(Semaphore::new(bounds.bytes.min(Semaphore::MAX_PERMITS))) }
    }

    /// The request with its body whole, and the room the body takes while it is held.
    ///
    /// # Errors
    /// 408 when the body takes too long, 413 beyond [`MAX_BODY`], 503 when there is no room, 400 when the client
    /// stopped in the middle.
    pub(crate) async fn receive(
        &self,
        request: Request,
    ) -> Result<(Request, Option<OwnedSemaphorePermit>), Problem> {
        use axum::body::HttpBody as _;
        if request.body().is_end_stream() {
            return Ok((request, None));
        }
        let _place = match request.extensions().get::<Arc<Peer>>() {
            Some(peer) => Some(peer.begin_body().ok_or_else(Problem::busy)?),
            None => None,
        };
        let (parts, mut body) = request.into_parts();
        let received = tokio::time::timeout(self.time, self.collect(&mut body)).await.map_err(|_| {
            let detail = "The body did not arrive in time. Nothing was stored; please try again.";
            Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", detail)
        })?;
        match received {
            Ok((body, room)) => Ok((Request::from_parts(parts, Body::from(body)), room)),
            Err(problem) => {
                let_pass(parts.version, &parts.headers, body).await;
                Err(problem)
            }
        }
    }

    /// Lets the body of a request that is refused by its head pass by, if the sender has a place for one.
    pub(crate) async fn forgo(&self, request: Request) {
        let place = request.extensions().get::<Arc<Peer>>().map(|peer| peer.begin_body());
        if !matches!(place, Some(None)) {
            let (parts, body) = request.into_parts();
            let_pass(parts.version, &parts.headers, body).await;
        }
    }

    async fn collect(&self, body: &mut Body) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Problem> {
        let mut body = Limited::new(body, MAX_BODY);
        let mut whole = BytesMut::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreadable(&*error))?;
            let Ok(data) = frame.into_data() else { continue };
            let size = u32::try_from(data.len()).map_err(|_| Problem::too_large())?;
            let more = self.room.clone().try_acquire_many_owned(size).map_err(|_| Problem::busy())?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            whole.extend_from_slice(&data);
        }
        Ok((whole.freeze(), room))
    }
}

/// Lets what a client still sends of a request that is refused pass by, within bounds, so that it comes to read why: a
/// connection that is closed with something unread is reset, and the answer is lost with it (RFC 9112, section 9.6).
async fn let_pass(version: Version, headers: &HeaderMap, body: Body) {
    // HTTP/2 ends one stream and not the connection; whoever asks first, with Expect, sends nothing now.
    if version >= Version::HTTP_2 || headers.contains_key(header::EXPECT) {
        return;
    }
    let mut body = Limited::new(body, LET_PASS);
    let passing = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(PASSING, passing).await;
}

/// Whether the headers announce a body that is too large, so that none of it has to be read.
pub(crate) fn announces_too_much(headers: &HeaderMap) -> bool {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > MAX_BODY as u64)
}

/// Whether the headers say that the body is compressed or otherwise not what it will be.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    let plain = |coding: &str| coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity");
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    values.any(|value| !value.to_str().is_ok_and(|codings| codings.split(',').all(plain)))
}

/// Reads a body whole.
///
/// # Errors
/// 413 beyond [`MAX_BODY`], 400 when the client stopped in the middle.
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    let read = Limited::new(body, MAX_BODY).collect().await;
    read.map(|body| body.to_bytes()).map_err(|error| unreadable(&*error))
}

fn unreadable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Problem {
    if error.is::<LengthLimitError>() {
        return Problem::too_large();
    }
    Problem::bad_request("INCOMPLETE_BODY", "The body did not arrive whole. Nothing was stored.")
}
