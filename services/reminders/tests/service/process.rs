//! The service as it runs.

use crate::stage::{DUE, SESSION, Stage, config, transport};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use candor_proto::reminders::v1::GetCheckInScheduleRequest;
use candor_proto::reminders::v1::check_in_schedule_service_client::CheckInScheduleServiceClient;
use candor_tests::eventually;
use chassis::identity::TokenSigner;
use chassis::identity::{
    Assurance, Capability, KeySource, Keyring, Kind, Passport, PublicKey, capability, claims,
};
use chassis::{Fault, Health, Host};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey as _};
use futures::future::BoxFuture;
use std::{net::TcpListener, sync::Arc, time::Duration};
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

impl Signer {
    /// A request as a client sends it: passport, and what accounts opened.
    fn request<T>(
        &self,
        stage: &Stage,
        account_id: Uuid,
        opened: Option<&Capability>,
        message: T,
    ) -> Request<T> {
        let (now, pkcs8) = (stage.clock.now(), self.0.to_pkcs8_der().unwrap());
        let passport = claims::Claims::new(account_id, SESSION, Kind::Member, now, now);
        let bearer =
            format!("Bearer {}", passport.sign(&TokenSigner::new("k1", pkcs8.as_bytes()).unwrap()).unwrap());
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        if let Some(opened) = opened {
            let expires_at = now + jiff::SignedDuration::from_mins(1);
            let reader = Passport {
                account_id: opened.reader_id,
                kind: Kind::Member,
                session_id: opened.session_id,
                authenticated_at: now,
                assurance: Assurance::One,
                expires_at,
                scopes: Default::default(),
                suspended: false,
                terms_due: false,
            };
            let token = capability::Claims::new(&reader, &opened.opening, now)
                .sign(&TokenSigner::new("k1", pkcs8.as_bytes()).unwrap());
            request.metadata_mut().insert(capability::HEADER, token.unwrap().parse().unwrap());
        }
        request
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_wire_a_capability_opens_what_two_people_have_and_nothing_else_does() {
    let stage = Stage::new().await;
    let (couple, stranger) = (stage.couple().await, stage.ids.next());
    stage.propose(couple.first_id, stage.ids.next(), "20:30").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let host = Host {
        clock: stage.clock.clone(),
        ids: stage.ids.clone(),
        shutdown: CancellationToken::new(),
        listener,
        platform: Arc::default(),
        health: Health::new(),
    };
    let shutdown = host.shutdown.clone();
    let signer = Signer(SigningKey::from_bytes(&[7; 32]));
    let keyring = Keyring::new(Arc::new(Signer(signer.0.clone())), stage.clock.clone());
    let service = tokio::spawn(reminders::run_with(config(&stage.database), host, transport(), keyring));
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = CheckInScheduleServiceClient::new(channel.connect_lazy());

    let message = GetCheckInScheduleRequest { owner_account_id: couple.first_id.to_string() };
    let opened = stage.capability(couple.second_id, couple.first_id, couple.couple_id);
    let request = signer.request(&stage, couple.second_id, Some(&opened), message.clone());
    let seen = client.get_check_in_schedule(request).await.unwrap().into_inner();
    assert!(seen.partner_proposal.unwrap().local_time == "20:30" && seen.own_proposal.is_none());

    let stolen = signer.request(&stage, stranger, Some(&opened), message.clone());
    let without = signer.request(&stage, couple.second_id, None, message.clone());
    let forger = Signer(SigningKey::from_bytes(&[8; 32]));
    let mut forged = signer.request(&stage, couple.second_id, None, message.clone());
    let token = forger.request(&stage, couple.second_id, Some(&opened), ());
    let token = token.metadata().get(capability::HEADER).unwrap().clone();
    forged.metadata_mut().insert(capability::HEADER, token);
    for request in [stolen, without, forged] {
        let refused = client.get_check_in_schedule(request).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(20), service).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_service_turns_an_event_into_a_reminder_and_stops_when_asked() {
    let stage = Stage::new().await;
    let (account, transport) = (stage.ids.next(), transport());
    let host = Host {
        clock: stage.clock.clone(),
        ids: stage.ids.clone(),
        shutdown: CancellationToken::new(),
        listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        platform: Arc::default(),
        health: Health::new(),
    };
    let (shutdown, health) = (host.shutdown.clone(), host.health.clone());
    health.start(shutdown.clone());
    let keyring = Keyring::remote("http://127.0.0.1:1", stage.clock.clone());
    let service =
        tokio::spawn(reminders::run_with(config(&stage.database), host, transport.clone(), keyring));
    let patience = Duration::from_secs(20);
    eventually("the service is ready", patience, async || health.is_ready()).await;

    transport.publish(&stage.entry_written(account, stage.ids.next(), "Europe/Berlin")).await.unwrap();
    eventually("the look-back is planned", patience, async || stage.schedules(account).await.len() == 1)
        .await;
    stage.clock.set(DUE.parse().unwrap());
    eventually("the reminder is in the inbox", patience, async || stage.inbox(account).await.len() == 1)
        .await;
    eventually("its events are on their way", patience, async || stage.told("reminder_due").await == (0, 0))
        .await;

    shutdown.cancel();
    tokio::time::timeout(patience, service).await.unwrap().unwrap().unwrap();
}
