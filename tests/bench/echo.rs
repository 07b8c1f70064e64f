//! A call that does nothing, with everything that stands in front of a handler, beside a bare server of the same
//! framework. Both are processes of their own; `h2load` calls them.

use crate::ground::Ground;
use crate::load::Measure;
use crate::rounds::{RATE, side, take};
use crate::table::{Goal, Row};
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_proto::journal::v1::entry_service_server::{EntryService, EntryServiceServer};
use candor_proto::journal::v1::{
    Entry, GetEntryRequest, GetEntryResponse, ListEntriesRequest, ListEntriesResponse, WriteEntryRequest,
    WriteEntryResponse,
};
use candor_tests::Process;
use chassis::config::Platform;
use chassis::identity::TokenSigner;
use chassis::identity::claims::Claims;
use chassis::identity::{KeySource, Keyring, Kind, PublicKey};
use chassis::{Clock, Fault, Health, Host, Ids, rpc, telemetry};
use ed25519_dalek::SigningKey;
use futures::future::BoxFuture;
use prost::Message as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The argument that makes a server of this program.
pub(crate) const SERVE: &str = "serve-echo";

const OURS: &str = "echo behind all layers";
const BARE: &str = "bare tonic";

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let (ours, bare) = (Child::start(ground, "layers").await, Child::start(ground, "bare").await);
    let time = ground.arguments.turn;
    let rounds =
        take(ground, vec![side(OURS, || ours.turn(ground, time)), side(BARE, || bare.turn(ground, time))])
            .await;
    vec![Row {
        figure: format!("{OURS}, 1 KiB, 32 in flight"),
        ours: rounds.median(OURS, RATE),
        beside: BARE,
        denominator: Some(rounds.median(BARE, RATE)),
        ratio: Some(rounds.ratio(OURS, BARE, RATE)),
        unit: "/s",
        goal: Goal::AtLeast(0.8),
    }]
}

/// A server in a process of its own.
struct Child {
    address: String,
    _process: Process,
}

impl Child {
    async fn start(ground: &Ground, kind: &'static str) -> Self {
        let (file, log) = (ground.folder().join(kind), ground.folder().join(format!("{kind}.log")));
        let program = std::env::current_exe().unwrap();
        let process = Process::spawn(&program, &[SERVE, kind, file.to_str().unwrap()], &[], &log);
        let address = format!("http://{}", process.wrote(&file).await);
        Self { address, _process: process }
    }

    /// A turn. Every call that h2load counts was answered by the handler.
    async fn turn(&self, ground: &Ground, time: Duration) -> Measure {
        let before = self.answered().await;
        let message = message().encode_to_vec();
        let mut frame = vec![0];
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(message);
        let data = ground.folder().join("echo.grpc");
        std::fs::write(&data, frame).unwrap();
        let mut command = Command::new("h2load");
        command.args(["-t1", "-c8", "-m4", "-D", &time.as_secs().to_string()]).arg("-d").arg(&data);
        for header in [
            "content-type: application/grpc",
            "te: trailers",
            &format!("authorization: Bearer {}", passport()),
        ] {
            command.args(["-H", header]);
        }
        command.arg(format!("{}/candor.journal.v1.EntryService/WriteEntry", self.address)).kill_on_drop(true);
        let output = command.output().await.expect("h2load, of Debian's package nghttp2-client");
        let said = String::from_utf8_lossy(&output.stdout);
        let finished = said.lines().find_map(|line| line.strip_prefix("finished in ")).expect(&said);
        let rate = finished.split(", ").find_map(|part| part.strip_suffix(" req/s")?.parse().ok());
        let succeeded = said.lines().find_map(|line| line.strip_prefix("requests: ")).expect(&said);
        let succeeded: u64 = number_before(succeeded, " succeeded").expect(&said);
        let answered = self.answered().await - before - 1; // the second question is one itself
        assert!(answered >= succeeded, "the handler answered {answered} of {succeeded} calls");
        Measure { rate: rate.expect(&said), p50: f64::NAN, p99: f64::NAN }
    }

    /// How many calls the handler has answered, this one included.
    async fn answered(&self) -> u64 {
        let mut client = EntryServiceClient::connect(self.address.clone()).await.unwrap();
        let mut request = Request::new(message());
        request.metadata_mut().insert("authorization", format!("Bearer {}", passport()).parse().unwrap());
        let entry = client.write_entry(request).await.unwrap().into_inner().entry.unwrap();
        assert_eq!(entry.body, message().body);
        entry.title.parse().unwrap()
    }
}

fn number_before(text: &str, word: &str) -> Option<u64> {
    text.split(", ").find_map(|part| part.strip_suffix(word)?.trim().parse().ok())
}

fn message() -> WriteEntryRequest {
    let entry_id = Uuid::from_u128(7);
    let body = crate::entries::text(entry_id);
    WriteEntryRequest { entry_id: entry_id.to_string(), body, ..WriteEntryRequest::default() }
}

/// Serves until it is killed: `kind` is `layers` or `bare`; its address goes to a file.
pub(crate) async fn serve(kind: &str, file: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    listener.set_nonblocking(true).unwrap();
    let beside = file.with_extension("new");
    std::fs::write(&beside, address).unwrap();
    std::fs::rename(beside, file).unwrap();
    let count = Arc::default();
    if kind == "bare" {
        let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener).unwrap());
        let service = EntryServiceServer::new(Echo { count, admits: false });
        let server = Server::builder().add_service(service);
        return server.serve_with_incoming(incoming.with_nodelay(Some(true))).await.unwrap();
    }
    let platform = Platform::default();
    let _guard = telemetry::init(&platform, "bench").unwrap();
    let clock = Clock::system();
    let keyring = Keyring::new(Arc::new(OneKey), clock.clone());
    let host = Host {
        ids: Ids::new(clock.clone()),
        clock,
        shutdown: CancellationToken::new(),
        listener,
        platform: Arc::new(platform),
        health: Health::new(),
    };
    let mut routes = Routes::builder();
    routes.add_service(EntryServiceServer::new(Echo { count, admits: true }));
    chassis::serve::serve(host, "candor.journal.v1", keyring, routes).await.unwrap();
}

/// Answers with what was asked.
struct Echo {
    count: Arc<AtomicU64>,
    /// Whether the caller and the message are looked at, as every handler of ours does.
    admits: bool,
}

#[tonic::async_trait]
impl EntryService for Echo {
    async fn write_entry(
        &self,
        request: Request<WriteEntryRequest>,
    ) -> Result<Response<WriteEntryResponse>, Status> {
        let message = if self.admits { rpc::admit_member(request)?.1 } else { request.into_inner() };
        let title = (self.count.fetch_add(1, Ordering::Relaxed) + 1).to_string();
        let entry = Entry { entry_id: message.entry_id, body: message.body, title, ..Entry::default() };
        Ok(Response::new(WriteEntryResponse { entry: Some(entry) }))
    }

    async fn get_entry(&self, _: Request<GetEntryRequest>) -> Result<Response<GetEntryResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_entries(
        &self,
        _: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

const SEED: [u8; 32] = [3; 32];

/// A passport of now.
fn passport() -> String {
    // The seed in PKCS #8.
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(SEED);
    let now = Clock::system().now();
    let signer = TokenSigner::new("k", &der).unwrap();
    Claims::new(Uuid::from_u128(1), Uuid::from_u128(2), Kind::Member, now, now).sign(&signer).unwrap()
}

struct OneKey;

impl KeySource for OneKey {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<PublicKey>, Fault>> {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let public = SigningKey::from_bytes(&SEED).verifying_key();
        let x = URL_SAFE_NO_PAD.encode(public.as_bytes());
        Box::pin(async move { Ok(vec![PublicKey { key_id: "k".into(), x }]) })
    }
}
