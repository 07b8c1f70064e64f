//! The HTTP server: HTTP/1.1 and HTTP/2 on one port, bounded in every direction, stopped gently.

use crate::error::Error;
use crate::peers::{Peer, Peers};
use crate::proxies::Proxies;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How long what runs may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a client may take to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Streams of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 64;
/// The buffer of an HTTP/1 connection, which also bounds its headers.
const MAX_BUFFER: usize = 32 * 1024;
/// The headers of an HTTP/2 request.
const MAX_HEADER_LIST: u32 = 20 * 1024;

/// What connections may take.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections at once; more wait in the kernel's queue.
    pub(crate) connections: usize,
    /// Connections of one address at once; more are closed.
    pub(crate) per_address: usize,
    /// How long a connection may take until its first request has begun. Until then it is not even known which HTTP
    /// it speaks, and no other time is kept.
    pub(crate) first_request: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 4096, per_address: 256, first_request: HEADER_TIMEOUT }
    }
}

/// Serves until `shutdown`, then lets what runs finish.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    bounds: Bounds,
    proxies: Proxies,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(bounds.connections));
    let peers = Peers::new(bounds.per_address, proxies);
    let builder = builder();
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (stream, address, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: others must end before the next can begin.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(peer) = peers.admit(address.ip()) else { continue };
        let _ = stream.set_nodelay(true);
        let begun = Arc::new(AtomicBool::new(false));
        let service =
            TowerToHyperService::new(router.clone().layer(from_fn_with_state((begun.clone(), peer), begin)));
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _permit = permit;
            tokio::pin!(connection);
            // A client that goes away in the middle is its own business.
            let waited = tokio::time::timeout(bounds.first_request, &mut connection).await;
            if waited.is_err() && begun.load(Ordering::Relaxed) {
                let _ = connection.await;
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

/// The next connection, with the permit to have one.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = connections.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    Ok((stream, address, permit))
}

/// Remembers that a connection has brought a request, and tells whose it is.
async fn begin(
    State((begun, peer)): State<(Arc<AtomicBool>, Arc<Peer>)>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(peer);
    begun.store(true, Ordering::Relaxed);
    next.run(request).await
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}
