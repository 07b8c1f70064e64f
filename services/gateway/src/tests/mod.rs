//! The gateway before fake services that speak real gRPC.

mod addresses;
mod care;
mod careful;
mod check_in;
mod circle;
mod clients;
mod counselors;
mod couple_care;
mod data;
mod door;
mod export;
mod fakes;
mod fakes_care;
mod fakes_check_in;
mod fakes_clients;
mod fakes_counselors;
mod fakes_couple_care;
mod fakes_export;
mod fakes_looks;
mod fakes_opened;
mod fakes_passkeys;
mod fakes_privacy;
mod fakes_self_check;
mod fakes_software;
mod fakes_terms;
mod fakes_trust;
mod invitation;
mod ledger;
mod limits;
mod log;
mod looks;
mod notice;
mod oauth;
mod opened;
mod pages;
mod passkeys;
mod prove_again;
mod renewal;
mod rest;
mod security;
mod self_check;
mod server;
mod share;
mod software;
mod stations;
mod terms;
mod trust;
mod two;
mod two_fakes;

use crate::Config;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chassis::config::{Listen, Platform};
use chassis::{Clock, Health, Host, Ids};
use fakes::Fakes;
use std::sync::Arc;
use tower::ServiceExt as _;

/// The gateway and what it stands before.
struct World {
    router: Router,
    fakes: Arc<Fakes>,
    clock: Clock,
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

fn config(url: &str, public_url: Option<&str>) -> Config {
    Config {
        listen: Listen { address: "127.0.0.1:0".parse().unwrap() },
        public_url: public_url.map(str::to_owned),
        accounts_url: url.into(),
        journal_url: url.into(),
        reminders_url: url.into(),
        content_url: url.into(),
        csrf_key: Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into()),
        leave_url: LEAVE.into(),
        connections_per_address: 256,
        trusted_proxies: Vec::new(),
        notice: None,
    }
}

const ORIGIN: &str = "https://candor.example";
const LEAVE: &str = "https://en.wikipedia.org/wiki/Main_Page";

fn host(clock: &Clock) -> Host {
    Host {
        clock: clock.clone(),
        ids: Ids::new(clock.clone()),
        shutdown: tokio_util::sync::CancellationToken::new(),
        listener: std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
        platform: Arc::new(Platform::default()),
        health: Health::new(),
    }
}

impl World {
    async fn new() -> Self {
        let clock = Clock::manual("2026-03-10T07:30:00Z".parse().unwrap());
        let fakes = Arc::new(Fakes::new(clock.clone()));
        let url = fakes.serve().await;
        let router = crate::router(&config(&url, Some(ORIGIN)), &host(&clock)).unwrap();
        Self { router, fakes, clock }
    }

    async fn send(&self, mut request: Request<Body>) -> Answer {
        let host = header::HeaderValue::from_static("candor.example");
        request.headers_mut().entry(header::HOST).or_insert(host);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 16 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// As a browser asks for a page.
    async fn visit(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::ACCEPT, "text/html").header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// As a browser sends a form of our own.
    async fn submit(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(form(path, cookie, fields).header(header::ORIGIN, ORIGIN).body(encode(fields)).unwrap())
            .await
    }

    /// The token of a page's forms.
    async fn token(&self, path: &str, cookie: &str) -> String {
        token_in(&self.visit(path, cookie).await.body)
    }

    /// An API call with a bearer token.
    async fn call(&self, method: &str, path: &str, bearer: Option<&str>, body: &str) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

fn form(path: &str, cookie: &str, _: &[(&str, &str)]) -> axum::http::request::Builder {
    Request::post(path)
        .header(header::ACCEPT, "text/html")
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

fn encode(fields: &[(&str, &str)]) -> Body {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", crate::query::encode(value)));
    Body::from(pairs.collect::<Vec<_>>().join("&"))
}

fn token_in(html: &str) -> String {
    let (_, rest) = html.split_once("name=\"csrf\" value=\"").expect("a form with a token");
    rest.split('"').next().unwrap().to_owned()
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }
}
