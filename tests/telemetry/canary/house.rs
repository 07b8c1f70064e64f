//! A Candor in five processes, of which everything is kept that it says to anybody but its members.

use super::call::Rpc;
use super::guises::Search;
use super::secrets::Secrets;
use candor_tests::five::{Five, KEYS, PROGRAMS, SERVICES, Servers};
use candor_tests::{Browser, Collector, Postgres, Reply, Tap, eventually, rabbit};
use chassis::codec::Raw;
use prost::bytes::Bytes;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tonic::Status;
use tonic::client::Grpc;
use tonic::transport::Channel;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Everything at its most talkative, and by name those that would repeat what they are told.
const TALKATIVE: &str = "trace,h2::codec=trace,h2::proto=trace,hyper::proto=trace,hyper_util::client=trace,\
                         tonic::transport=trace,tower::buffer=trace,sqlx::query=trace,sqlx::postgres=trace,\
                         lapin::channel=trace,lapin::frames=trace,axum::rejection=trace,rustls::conn=trace,\
                         opentelemetry_sdk::trace=trace,opentelemetry_otlp::exporter=trace";

/// What is kept of it, by where it was said.
pub(crate) type Said = BTreeMap<String, Vec<u8>>;

/// A running Candor.
pub(crate) struct House {
    pub(crate) five: Five,
    pub(crate) postgres: Postgres,
    pub(crate) collector: Collector,
    pub(crate) secrets: RefCell<Secrets>,
    tap: Tap,
    /// What callers were told who got no answer, and where browsers were sent.
    told: RefCell<Vec<u8>>,
}

impl House {
    /// Its own PostgreSQL, and a tap on the wire to the broker.
    pub(crate) async fn start() -> Self {
        let (postgres, collector, broker) = tokio::join!(Postgres::start(), Collector::start(), rabbit());
        let mut databases = BTreeMap::new();
        for name in SERVICES.into_iter().chain([KEYS]) {
            databases.insert(name, postgres.create(name).await);
        }
        let (user, rest) = broker.url.split_once('@').unwrap_or(("amqp://", &broker.url));
        let (server, place) = rest.split_once('/').unwrap_or((rest, ""));
        let tap = Tap::on(server).await;
        let amqp_url = format!("{user}@{}/{place}", tap.address());
        let servers = Servers { databases, amqp_url, exchange: broker.exchange };
        let mut settings = collector.settings();
        settings.push(("TELEMETRY__LOG".to_owned(), TALKATIVE.to_owned()));
        let five = Five::start_with(servers, settings).await;
        let (secrets, told) = (RefCell::default(), RefCell::default());
        Self { five, postgres, collector, secrets, tap, told }
    }

    /// A text for a private field, with a word that must be nowhere.
    pub(crate) fn text(&self, what: &str) -> String {
        self.secrets.borrow_mut().text(what)
    }

    /// The word alone.
    pub(crate) fn word(&self, what: &str) -> String {
        self.secrets.borrow_mut().word(what)
    }

    /// Calls over REST. What is private in question and answer is a secret from now on.
    pub(crate) async fn call(&self, rpc: &str, request: Value, bearer: Option<&str>) -> (u16, Value) {
        let rpc = Rpc::named(rpc);
        self.secrets.borrow_mut().see(&rpc.method.input(), &request);
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(bearer.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
        let (path, body) = rpc.address(&request);
        let reply = self.send(rpc.verb, &path, &headers, body).await;
        let json = serde_json::from_str(&reply.body).unwrap_or_default();
        if reply.status == 200 {
            self.secrets.borrow_mut().see(&rpc.method.output(), &json);
        }
        (reply.status, json)
    }

    /// A call that must succeed.
    pub(crate) async fn ok(&self, rpc: &str, request: Value, bearer: Option<&str>) -> Value {
        let (status, json) = self.call(rpc, request, bearer).await;
        assert_eq!(status, 200, "{rpc}: {json}");
        json
    }

    /// A call that succeeds once what it needs has got around.
    pub(crate) async fn in_time(&self, rpc: &str, request: Value, bearer: &str) -> Value {
        let mut answer = Value::Null;
        eventually(&format!("{rpc} succeeds"), PATIENCE, async || {
            let (status, json) = self.call(rpc, request.clone(), Some(bearer)).await;
            answer = json;
            status == 200
        })
        .await;
        answer
    }

    /// Any request; unless it is answered, the reply must not repeat a word of it.
    pub(crate) async fn send(
        &self,
        verb: &str,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Reply {
        let reply = self.five.rest().exchange(verb, path, headers, body).await;
        let reply = reply.unwrap_or_else(|error| panic!("{verb} {}: {error}", &path[..path.len().min(60)]));
        if reply.status >= 400 {
            self.hear(format!("{reply:?}\n").as_bytes());
        }
        reply
    }

    /// Any bytes to a gRPC method of a service; how it was refused.
    pub(crate) async fn refused(
        &self,
        service: &str,
        method: &str,
        metadata: &[(&'static str, String)],
        message: Vec<u8>,
    ) -> Status {
        let mut call = tonic::Request::new(Bytes::from(message));
        for (name, value) in metadata {
            call.metadata_mut().insert(*name, value.parse().unwrap());
        }
        let channel: Channel = self.five.grpc(service);
        let mut grpc = Grpc::new(channel);
        grpc.ready().await.unwrap();
        let path = format!("/candor.{service}.v1.{method}").parse().unwrap();
        let status = grpc.unary(call, path, Raw).await.expect_err(method);
        self.hear(format!("{status:?}\n").as_bytes());
        self.hear(status.message().as_bytes());
        self.hear(status.details());
        status
    }

    /// A page's form, sent; where the browser is sent next must hold no word of it.
    pub(crate) async fn submit(&self, browser: &Browser, page: &str, fields: &[(&str, &str)]) -> Reply {
        let reply = browser.submit(page, page, fields).await;
        self.hear(format!("{:?}\n", reply.header("location")).as_bytes());
        reply
    }

    fn hear(&self, text: &[u8]) {
        self.told.borrow_mut().extend(text);
    }

    /// All that has been said until now.
    pub(crate) async fn said(&self) -> Said {
        let mut said = Said::new();
        for program in PROGRAMS {
            said.insert(format!("the log of {program}"), self.five.logged(program).into_bytes());
            let metrics = self.five.operators(program).exchange("GET", "/metrics", &[], Vec::new()).await;
            said.insert(format!("the metrics of {program}"), metrics.unwrap().body.into_bytes());
        }
        for name in SERVICES.into_iter().chain([KEYS]) {
            said.insert(format!("the dump of {name}"), dump(self.five.database_url(name)));
        }
        said.insert("the log of PostgreSQL".to_owned(), self.postgres.logged().into_bytes());
        said.insert("what the collector got".to_owned(), self.collector.bodies().join(&b"\n"[..]));
        said.insert("what the broker got".to_owned(), self.tap.heard().join(&b"\n"[..]));
        said.insert("what callers were told".to_owned(), self.told.borrow().clone());
        said
    }

    /// Every secret in any guise that is in any of it.
    pub(crate) fn leaks(&self, said: &Said) -> BTreeSet<String> {
        let search = Search::for_guises(self.secrets.borrow().values());
        let found = said.iter().flat_map(|(place, text)| {
            search.found(text).into_iter().map(move |found| format!("{place}: {found}"))
        });
        found.collect()
    }
}

/// A database as `pg_dump` writes it; what it writes in hexadecimal also as the bytes it means.
fn dump(url: &str) -> Vec<u8> {
    let output = std::process::Command::new("pg_dump").args(["--dbname", url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut text = output.stdout;
    let mut bytes = Vec::new();
    for value in String::from_utf8_lossy(&text).split("\\\\x").skip(1) {
        let digits: Vec<u8> = value.bytes().take_while(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        bytes.extend(digits.chunks_exact(2).map(byte));
        bytes.push(b'\n');
    }
    text.extend(bytes);
    text
}
