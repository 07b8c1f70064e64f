//! The service as it runs: migrated, listening, with the relay and the inbox at work.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bus::{Envelope, Transport};
use candor_proto::content::v1::library_service_client::LibraryServiceClient;
use candor_proto::content::v1::path_service_client::PathServiceClient;
use candor_proto::content::v1::{GetPathRequest, ListArticlesRequest};
use candor_proto::journal::v1::EntryWritten;
use candor_tests::{eventually, postgres};
use chassis::config::{Listen, Platform};
use chassis::identity::TokenSigner;
use chassis::identity::claims::Claims;
use chassis::identity::{KeySource, Keyring, Kind, PublicKey};
use chassis::{Clock, Fault, Health, Host, Ids};
use content::{CONSUMER, Config, consumes};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use futures::future::BoxFuture;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};
use uuid::Uuid;

/// Accounts' part: one signing key.
struct Signer(SigningKey);

impl KeySource for Signer {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<PublicKey>, Fault>> {
        let x = URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes());
        Box::pin(async { Ok(vec![PublicKey { key_id: "k1".to_owned(), x }]) })
    }
}

fn bearer<T>(message: T, account_id: Uuid, signer: &Signer) -> Request<T> {
    let now = crate::now();
    let pkcs8 = signer.0.to_pkcs8_der().unwrap();
    let claims = Claims::new(account_id, Uuid::from_u128(7), Kind::Member, now, now);
    let token = claims.sign(&TokenSigner::new("k1", pkcs8.as_bytes()).unwrap()).unwrap();
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

fn host(listener: TcpListener, shutdown: &CancellationToken) -> Host {
    let clock = Clock::manual(crate::now());
    Host {
        ids: Ids::new(clock.clone()),
        clock,
        shutdown: shutdown.clone(),
        listener,
        platform: Arc::new(Platform::default()),
        health: Health::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_the_library_to_all_and_each_path_to_its_member_alone() {
    let database = postgres().await;
    let transport = Transport::memory(&[(CONSUMER, consumes())]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let config = Config {
        listen: Listen { address },
        database: chassis::database::Config::new(database.url()),
        accounts_url: "http://127.0.0.1:1".to_owned(),
        bus: None,
    };
    content::migrate(config.clone(), transport.clone()).await.unwrap();
    content::migrate(config.clone(), transport.clone()).await.unwrap();

    let shutdown = CancellationToken::new();
    let signer = Signer(SigningKey::from_bytes(&[7; 32]));
    let host = host(listener, &shutdown);
    let keyring = Keyring::new(Arc::new(Signer(signer.0.clone())), host.clock.clone());
    let running = tokio::spawn(content::run_with(config, host, transport.clone(), keyring));

    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let mut library = LibraryServiceClient::new(channel.clone());
    let listed = library.list_articles(ListArticlesRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.articles.len(), crate::library().len());

    let mut path = PathServiceClient::new(channel);
    assert_eq!(path.get_path(GetPathRequest {}).await.err().unwrap().code(), Code::Unauthenticated);
    let me = Uuid::from_u128(1);
    let event = EntryWritten {
        entry_id: Uuid::from_u128(2).to_string(),
        account_id: me.to_string(),
        ..EntryWritten::default()
    };
    let event = Envelope::new(Uuid::from_u128(3), crate::now(), Uuid::from_u128(2), 1, &event);
    transport.publish(&event).await.unwrap();
    let mine = path.get_path(bearer(GetPathRequest {}, me, &signer)).await.unwrap().into_inner();
    assert_eq!(mine.next_milestone_id, "first-self-check");
    let theirs =
        path.get_path(bearer(GetPathRequest {}, Uuid::from_u128(9), &signer)).await.unwrap().into_inner();
    assert_eq!(theirs.next_milestone_id, "first-entry");

    let left = async || crate::outbox(database.pool()).await.len();
    eventually("the relay has published everything", Duration::from_secs(10), async || left().await == 0)
        .await;
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(15), running).await.unwrap().unwrap().unwrap();
}
