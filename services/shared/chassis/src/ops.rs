//! The operators' HTTP endpoint: `/livez`, `/servez` (whether to send calls here), `/readyz` (whether all it stands on
//! is there), `/metrics`. It holds nothing private and belongs on a network of its own all the same.

use crate::Health;
use crate::telemetry::Metrics;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at a time; more wait their turn.
const CONNECTIONS: usize = 32;
/// A client has this long to send its request.
const PATIENCE: Duration = Duration::from_secs(5);
/// A pause after a connection that could not be taken.
const BREATH: Duration = Duration::from_millis(50);
/// The largest request head.
const HEAD_BYTES: usize = 16 * 1024;

/// Answers on a listener that is bound already, until `shutdown`.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: std::net::TcpListener,
    health: Health,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    // This client's trouble, or no descriptors left: then at once again would only spin.
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            },
            () = shutdown.cancelled() => return Ok(()),
        };
        let (health, metrics, shutdown) = (health.clone(), metrics.clone(), shutdown.clone());
        tokio::spawn(async move {
            shutdown.run_until_cancelled(answer(stream, health, metrics)).await;
            drop(place);
        });
    }
}

async fn answer(stream: TcpStream, health: Health, metrics: Metrics) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let response = route(request.method(), request.uri().path(), &health, &metrics);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the operators' endpoint ended");
    }
}

fn route(method: &Method, path: &str, health: &Health, metrics: &Metrics) -> Response<Full<Bytes>> {
    let (status, text) = match path {
        "/livez" | "/servez" | "/readyz" | "/metrics" if method != Method::GET && method != Method::HEAD => {
            (StatusCode::METHOD_NOT_ALLOWED, "Only GET.\n".to_owned())
        }
        "/livez" => (StatusCode::OK, "alive\n".to_owned()),
        "/servez" if health.takes_calls() => (StatusCode::OK, "send calls\n".to_owned()),
        "/servez" => (StatusCode::SERVICE_UNAVAILABLE, "no calls\n".to_owned()),
        "/readyz" if health.is_ready() => (StatusCode::OK, "ready\n".to_owned()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()),
        "/metrics" => (StatusCode::OK, metrics.text()),
        _ => (StatusCode::NOT_FOUND, "There is /livez, /servez, /readyz and /metrics.\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = if path == "/metrics" { "text/plain; version=0.0.4" } else { "text/plain; charset=utf-8" };
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
