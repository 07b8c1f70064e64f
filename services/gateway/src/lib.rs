//! Candor's HTTP edge: the REST API, transcoded from the protocol buffers, and the pages. It has no database; what it
//! knows it asks the services, in the name of whoever is at the other end.

mod app;
mod body;
mod config;
mod edge;
mod error;
mod export;
mod limits;
mod oauth;
mod pages;
mod passports;
mod peers;
mod proxies;
mod query;
mod rest;
mod server;
mod session;
mod station;
mod upstream;

pub use config::Config;
pub use error::Error;

use app::App;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use chassis::Host;
use edge::Edge;
use passports::Passports;
use session::Cookies;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use upstream::Upstream;

/// The gateway keeps nothing, so there is nothing to prepare.
///
/// # Errors
/// Never.
pub async fn migrate(_: Config) -> Result<(), Error> {
    Ok(())
}

/// Answers on the host's listener until its shutdown; then finishes what runs, for at most 10 seconds.
///
/// # Errors
/// When a setting is wrong, the API's descriptors cannot be served, or the listener fails.
pub async fn run(config: Config, host: Host) -> Result<(), Error> {
    let router = router(&config, &host)?;
    host.health.start(host.shutdown.clone());
    let bounds = server::Bounds { per_address: config.connections_per_address, ..server::Bounds::default() };
    let proxies = config.proxies().map_err(broken)?;
    server::serve(host.listener, router, bounds, proxies, host.shutdown).await
}

fn broken(error: chassis::config::ConfigError) -> Error {
    Error::Config(error.to_string())
}

fn router(config: &Config, host: &Host) -> Result<Router, Error> {
    let site = config.site(host.listener.local_addr()?).map_err(broken)?;
    let upstream = Upstream::new(config).map_err(Error::Config)?;
    upstream.register_health(&host.health);
    let app = Arc::new(App {
        api: rest::Api::new(
            candor_proto::DESCRIPTOR_SET,
            &site.origin,
            &config.leave_url,
            config.notice.as_deref(),
        )?,
        discovery: oauth::Discovery::new(&site.origin),
        passports: Passports::new(upstream.clone(), host.clock.clone()),
        cookies: Cookies::new(site, config.csrf_key().map_err(broken)?),
        desk: pages::desk::Desk::new(),
        limits: limits::Limits::new(host.clock.clone(), config.proxies().map_err(broken)?),
        exports: export::Room::default(),
        clock: host.clock.clone(),
        ids: host.ids.clone(),
        leave_url: config.leave_url.clone(),
        notice: config.notice.clone(),
        upstream,
    });
    let edge = Edge {
        app: app.clone(),
        permits: Arc::new(Semaphore::new(host.platform.limits.calls_in_flight)),
        bodies: body::Bodies::new(body::Bounds::default()),
        meters: edge::Meters::new(),
    };
    let places = pages::router(&app)
        .merge(rest::router())
        .merge(oauth::router())
        .method_not_allowed_fallback(pages::wrong_method)
        .fallback(pages::no_such_path)
        .layer(from_fn(edge::name_route))
        .with_state(app)
        .layer(CatchPanicLayer::custom(edge::panicked));
    // As a service within another router, so that the edge sees answers finished, `Allow` included.
    Ok(Router::new().fallback_service(places).layer(from_fn_with_state(edge, edge::layer)))
}

#[cfg(test)]
mod tests;
