//! The whole service, over the network: from `run` to its end.

use crate::stage::{NOW, Stage, entry, fields, mood, stage};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bus::Transport;
use bus::transport::Content;
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_proto::journal::v1::{
    EntryWritten, GetEntryRequest, ListEntriesRequest, WriteEntryRequest, WriteEntryResponse,
};
use candor_tests::eventually;
use chassis::config::Platform;
use chassis::identity::TokenSigner;
use chassis::identity::claims::Claims;
use chassis::identity::{KeySource, Keyring, Kind, PublicKey};
use chassis::serve::LIVENESS;
use chassis::{Fault, Health, Host};
use ed25519_dalek::SigningKey;
use futures::future::BoxFuture;
use prost::Message as _;
use sqlx::AssertSqlSafe;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use uuid::Uuid;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: [u8; 32] = [3; 32];

/// Accounts' public keys, of which there is one.
struct OneKey;

impl KeySource for OneKey {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<PublicKey>, Fault>> {
        let public = SigningKey::from_bytes(&SECRET).verifying_key();
        let key = PublicKey { key_id: "k".into(), x: URL_SAFE_NO_PAD.encode(public.as_bytes()) };
        Box::pin(async move { Ok(vec![key]) })
    }
}

pub(crate) struct Server {
    pub(crate) stage: Stage,
    pub(crate) channel: Channel,
    pub(crate) transport: Transport,
    shutdown: CancellationToken,
    done: JoinHandle<Result<(), journal::Error>>,
}

pub(crate) async fn serve() -> Server {
    let stage = stage().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let host = Host {
        clock: stage.clock.clone(),
        ids: stage.ids.clone(),
        shutdown: CancellationToken::new(),
        listener,
        platform: Arc::new(Platform::default()),
        health: Health::new(),
    };
    let shutdown = host.shutdown.clone();
    let transport =
        Transport::memory(&[("watcher", journal::events::emits()), (journal::CONSUMER, journal::consumes())]);
    let keyring = Keyring::new(Arc::new(OneKey), stage.clock.clone());
    let running = journal::run_with(stage.config.clone(), host, transport.clone(), keyring);
    let done = tokio::spawn(running);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    Server { stage, channel, transport, shutdown, done }
}

/// The private key of `k`, an Ed25519 key in PKCS #8.
pub(crate) fn private_key() -> Vec<u8> {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(SECRET);
    der
}

impl Server {
    pub(crate) fn signed<T>(&self, who: Uuid, message: T) -> Request<T> {
        let now = self.stage.clock.now();
        let claims = Claims::new(who, Uuid::from_u128(5), Kind::Member, now, now);
        let token = claims.sign(&TokenSigner::new("k", &private_key()).unwrap()).unwrap();
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    }

    fn client(&self) -> EntryServiceClient<Channel> {
        EntryServiceClient::new(self.channel.clone())
    }

    /// `WriteEntry` with whatever bytes the message makes.
    async fn write_raw<M: prost::Message + Default + 'static>(&self, request: Request<M>) -> Status {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<M, WriteEntryResponse>::default();
        let path = http::uri::PathAndQuery::from_static("/candor.journal.v1.EntryService/WriteEntry");
        grpc.unary(request, path, codec).await.err().unwrap()
    }

    async fn health(&self, service: &str) -> ServingStatus {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(self.channel.clone()).check(request).await.unwrap();
        answer.into_inner().status()
    }

    pub(crate) async fn stop(self) -> Stage {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.done).await.unwrap().unwrap().unwrap();
        self.stage
    }
}

/// Bytes where `WriteEntryRequest` has its text.
#[derive(Clone, PartialEq, prost::Message)]
struct Bytes {
    #[prost(bytes = "vec", tag = "2")]
    body: Vec<u8>,
}

#[tokio::test]
async fn only_members_with_a_passport_and_well_formed_messages_get_in() {
    let server = serve().await;
    let ada = server.stage.member();
    let request = entry(server.stage.ids.next(), "x");
    let anonymous = server.client().write_entry(request.clone()).await.err().unwrap();
    assert_eq!(anonymous.code(), Code::Unauthenticated);
    let number = ListEntriesRequest { page_size: 7, ..Default::default() }; // where the entry's id belongs
    let undecodable = Bytes { body: vec![0xff, 0xfe, b'x'] };
    assert_eq!(server.write_raw(Request::new(undecodable.clone())).await.code(), Code::Unauthenticated);
    assert_eq!(server.write_raw(server.signed(ada, number)).await.code(), Code::InvalidArgument);
    let refused = server.write_raw(server.signed(ada, undecodable)).await;
    assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["body".to_owned()]));
    let too_large = Bytes { body: vec![b'x'; 2 * 1024 * 1024] };
    let refused = server.write_raw(server.signed(ada, too_large)).await;
    assert!([Code::InvalidArgument, Code::ResourceExhausted, Code::OutOfRange].contains(&refused.code()));

    let mut expired = server.signed(ada, request);
    expired.set_timeout(PATIENCE);
    server.stage.clock.set(server.stage.clock.now() + Duration::from_secs(61));
    assert_eq!(server.client().write_entry(expired).await.err().unwrap().code(), Code::Unauthenticated);
    for table in ["entries", "moods", "chassis.idempotency"] {
        assert_eq!(server.stage.count(table).await, 0, "{table}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_entry_is_written_read_and_told_of() {
    let server = serve().await;
    let (ada, ben) = (server.stage.member(), server.stage.member());
    let request = WriteEntryRequest { mood: Some(mood(1, 2, &[3])), ..entry(server.stage.ids.next(), "x") };
    let id = request.entry_id.clone();
    let written =
        server.client().write_entry(server.signed(ada, request)).await.unwrap().into_inner().entry.unwrap();
    let get = || GetEntryRequest { entry_id: id.clone() };
    let read =
        server.client().get_entry(server.signed(ada, get())).await.unwrap().into_inner().entry.unwrap();
    assert!(read == written);
    let hidden = server.client().get_entry(server.signed(ben, get())).await.err().unwrap();
    assert_eq!(hidden.code(), Code::NotFound);

    let mut watching = server.transport.subscribe("watcher", &journal::events::emits()).unwrap();
    let told = tokio::time::timeout(PATIENCE, watching.next()).await.unwrap();
    let Content::Event(envelope) = &told.content else { panic!("an event") };
    assert_eq!((envelope.key.as_str(), envelope.version), ("journal.v1.entry_written", 1));
    assert!(envelope.aggregate_id.to_string() == id && envelope.time == NOW.parse().unwrap());
    assert!(EntryWritten::decode(envelope.body.clone()).unwrap().has_mood);
    told.ack().await;
    let stage = server.stop().await;
    assert_eq!(stage.count("entries").await, 1);
}

#[tokio::test]
async fn a_key_store_that_is_gone_is_seen_in_readiness_and_nowhere_else() {
    let server = serve().await;
    let ready = async || server.health("candor.journal.v1").await == ServingStatus::Serving;
    eventually("ready", PATIENCE, ready).await;
    let keystore = &server.stage.config.vault.keystore.url;
    let name = keystore.rsplit('/').next().unwrap().split('?').next().unwrap();
    let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    sqlx::query(drop).execute(&server.stage.pool).await.unwrap();
    eventually("not ready", PATIENCE, async || !ready().await).await;
    assert_eq!(server.health(LIVENESS).await, ServingStatus::Serving);
    server.stop().await;
}

#[tokio::test]
async fn entries_kept_are_counted() {
    let mut platform = Platform::default();
    platform.telemetry.log = "error".into();
    let guard = chassis::telemetry::init(&platform, journal::NAME).unwrap();
    let server = serve().await;
    let ada = server.stage.member();
    for _ in 0..2 {
        let request = server.signed(ada, entry(Uuid::from_u128(9), "x"));
        server.client().write_entry(request).await.unwrap();
    }
    let text = guard.metrics().text();
    let line = text.lines().find(|line| line.starts_with("candor_journal_entries_written_total"));
    assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{line:?}");
    server.stop().await;
}

#[tokio::test]
async fn all_entries_can_be_told_again() {
    let server = serve().await;
    let mut expected = Vec::new();
    for who in [server.stage.member(), server.stage.member()] {
        for _ in 0..3 {
            let id = server.stage.ids.next();
            server.stage.write(who, entry(id, "x")).await.unwrap();
            expected.push(id);
        }
    }
    let Stage { pool, clock, ids, .. } = &server.stage;
    let told = journal::events::resnapshot(pool, &bus::Outbox::new(), clock, ids).await.unwrap();
    assert_eq!(told, 6);
    let mut watching = server.transport.subscribe("watcher", &journal::events::emits()).unwrap();
    let mut heard = Vec::new();
    for _ in 0..12 {
        let told = tokio::time::timeout(PATIENCE, watching.next()).await.unwrap();
        let Content::Event(envelope) = &told.content else { panic!("an event") };
        heard.push(envelope.aggregate_id);
        told.ack().await;
    }
    heard.sort();
    heard.dedup();
    assert_eq!(heard, expected);
    server.stop().await;
}
