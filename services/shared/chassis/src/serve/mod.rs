//! One gRPC server per service: health that is true, reflection, limits, identity before decoding, a trace of
//! every call, and an end that lets running calls finish.

mod answer;
mod body;
mod gate;
mod methods;
mod observe;

pub use crate::health::Health;

use crate::Host;
use crate::identity::Keyring;
use gate::Gate;
use methods::Methods;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::{ServingStatus, server::HealthReporter};

/// The largest message in either direction, in bytes. Requests beyond it are refused here; for answers every
/// generated server is given it: `.max_encoding_message_size(MAX_MESSAGE_BYTES)`.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// The health service's name for liveness, which depends on nothing.
pub const LIVENESS: &str = "liveness";

/// Header lists beyond it end the connection; the gateway refuses them before.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// Calls on one connection. More than a process takes on at once, so that the surplus is told so instead of waiting.
const MAX_STREAMS: u32 = 1024;
/// How long calls that run may go on once the process wants to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// Then they are cut off, and this long is left to say so.
const FAREWELL: Duration = Duration::from_millis(500);
/// An idle connection is asked whether anybody is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Serving failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener cannot be used.
    #[error("the listener cannot be used")]
    Listener(#[source] std::io::Error),
    /// The server itself failed.
    #[error("the gRPC server failed")]
    Transport(#[source] tonic::transport::Error),
    /// The API's descriptors cannot be read: a bug of the build.
    #[error("the API's descriptors cannot be read: {0}")]
    Descriptors(String),
    /// Something the service cannot do without ended.
    #[error(transparent)]
    Background(#[from] crate::supervise::Ended),
}

/// Serves `routes` until `host.shutdown`, then lets running calls finish for up to 10 s. `name` is the package,
/// such as `candor.journal.v1`; health and reflection answer for it and its services.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    host: Host,
    name: &'static str,
    keyring: Keyring,
    mut routes: RoutesBuilder,
) -> Result<(), ServeError> {
    host.listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let listener = tokio::net::TcpListener::from_std(host.listener).map_err(ServeError::Listener)?;
    let methods = Methods::read().map_err(ServeError::Descriptors)?;
    let services = methods.services_of(name);

    let (reporter, health) = tonic_health::server::health_reporter();
    routes.add_service(health);
    add_reflection(&mut routes, &services)?;
    host.health.start(host.shutdown.clone());
    // Fires once nobody is told any more that this process is ready.
    let draining = CancellationToken::new();
    let mut names = vec![String::new(), name.to_owned()];
    names.extend(services);
    tokio::spawn(report(reporter, names, host.health, host.shutdown, draining.clone()));

    let cut = CancellationToken::new();
    let gate =
        Gate::new(routes.routes(), methods, keyring, &host.platform.limits, draining.clone(), cut.clone());
    let server = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .serve_with_incoming_shutdown(
            gate,
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            draining.clone().cancelled_owned(),
        );
    drain(server, draining, cut).await
}

/// Reflection shows the services of this server, in both versions that clients ask for.
fn add_reflection(routes: &mut RoutesBuilder, services: &[String]) -> Result<(), ServeError> {
    let builder = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(candor_proto::DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        let own = services.iter().map(String::as_str).chain(["grpc.health.v1.Health"]);
        own.fold(builder, tonic_reflection::server::Builder::with_service_name)
    };
    let unreadable = |error: tonic_reflection::server::Error| ServeError::Descriptors(error.to_string());
    routes.add_service(builder().build_v1().map_err(unreadable)?);
    routes.add_service(builder().build_v1alpha().map_err(unreadable)?);
    Ok(())
}

/// Keeps the health service's answers equal to the process' readiness; at the end says "not serving" first and lets
/// the server drain then.
async fn report(
    reporter: HealthReporter,
    names: Vec<String>,
    health: Health,
    shutdown: CancellationToken,
    draining: CancellationToken,
) {
    reporter.set_service_status(LIVENESS, ServingStatus::Serving).await;
    let mut ready = health.watch();
    loop {
        let stopping = shutdown.is_cancelled();
        let serving = *ready.borrow_and_update() && !stopping;
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in &names {
            reporter.set_service_status(name, status).await;
        }
        if stopping {
            return draining.cancel();
        }
        tokio::select! {
            changed = ready.changed() => if changed.is_err() { shutdown.cancelled().await },
            () = shutdown.cancelled() => {}
        }
    }
}

async fn drain(
    server: impl Future<Output = Result<(), tonic::transport::Error>>,
    draining: CancellationToken,
    cut: CancellationToken,
) -> Result<(), ServeError> {
    let mut server = std::pin::pin!(server);
    let late = async {
        draining.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        done = &mut server => return done.map_err(ServeError::Transport),
        () = late => {}
    }
    tracing::warn!("calls are still running after {} s; they are cut off", DRAIN.as_secs());
    cut.cancel();
    match tokio::time::timeout(FAREWELL, server).await {
        Ok(done) => done.map_err(ServeError::Transport),
        Err(_) => Ok(()), // clients that keep their connection open and never read
    }
}
