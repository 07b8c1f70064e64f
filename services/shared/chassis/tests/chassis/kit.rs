//! A small service on a free port, and clients for it.

use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use candor_proto::accounts::v1::session_service_server::{SessionService, SessionServiceServer};
use candor_proto::accounts::v1::*;
use candor_proto::journal::v1 as journal;
use candor_proto::journal::v1::check_in_service_server::{CheckInService, CheckInServiceServer};
use chassis::config::Platform;
use chassis::identity::TokenSigner;
use chassis::identity::capability::{self, Opening};
use chassis::identity::claims::Claims;
use chassis::identity::{Assurance, KeySource, Keyring, Kind, Passport, PublicKey, Scopes, caller};
use chassis::serve::ServeError;
use chassis::telemetry::propagate;
use chassis::{Clock, Fault, Health, Host, Ids, rpc};
use futures::future::BoxFuture;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Nothing here takes that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An Ed25519 private key in PKCS #8.
fn private_key() -> Vec<u8> {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([3; 32]);
    der
}

pub(crate) struct OneKey;

impl KeySource for OneKey {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<PublicKey>, Fault>> {
        let key = jsonwebtoken::EncodingKey::from_ed_der(&private_key());
        let jwk = Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::EdDSA).unwrap();
        let AlgorithmParameters::OctetKeyPair(pair) = jwk.algorithm else { panic!("an Ed25519 key") };
        Box::pin(async move { Ok(vec![PublicKey { key_id: "k".into(), x: pair.x }]) })
    }
}

/// Lets a test hold a call inside its handler.
pub(crate) struct Control {
    pub(crate) entered: Semaphore,
    pub(crate) release: Semaphore,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) health: Health,
    pub(crate) control: Arc<Control>,
    pub(crate) done: JoinHandle<Result<(), ServeError>>,
    clock: Clock,
}

pub(crate) fn start(platform: Platform) -> Server {
    start_with(platform, |clock| Keyring::new(Arc::new(OneKey), clock))
}

pub(crate) fn start_with(platform: Platform, keyring: impl FnOnce(Clock) -> Keyring) -> Server {
    let clock = Clock::manual("2024-03-10T07:30:00Z".parse().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let control = Arc::new(Control { entered: Semaphore::new(0), release: Semaphore::new(0) });
    let host = Host {
        ids: Ids::new(clock.clone()),
        clock: clock.clone(),
        shutdown: CancellationToken::new(),
        listener,
        platform: Arc::new(platform),
        health: Health::new(),
    };
    let (shutdown, health) = (host.shutdown.clone(), host.health.clone());
    let mut routes = tonic::service::Routes::builder();
    routes.add_service(SessionServiceServer::new(Sessions(control.clone())));
    routes.add_service(CheckInServiceServer::new(CheckIns));
    let keyring = keyring(clock.clone());
    let done = tokio::spawn(chassis::serve::serve(host, "candor.accounts.v1", keyring, routes));
    Server { address, shutdown, health, control, done, clock }
}

impl Server {
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }

    pub(crate) fn client(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel())
    }

    pub(crate) fn token(&self, account: Uuid) -> String {
        let now = self.clock.now();
        Claims::new(account, Uuid::from_u128(2), Kind::Member, now, now)
            .sign(&TokenSigner::new("k", &private_key()).unwrap())
            .unwrap()
    }

    /// A token of somebody whose account is suspended.
    pub(crate) fn suspended_token(&self, account: Uuid) -> String {
        let now = self.clock.now();
        let claims = Claims::new(account, Uuid::from_u128(2), Kind::Member, now, now).of_suspended(true);
        claims.sign(&TokenSigner::new("k", &private_key()).unwrap()).unwrap()
    }

    /// A token of somebody who has yet to accept the terms.
    pub(crate) fn unaccepted_token(&self, account: Uuid) -> String {
        let now = self.clock.now();
        let claims = Claims::new(account, Uuid::from_u128(2), Kind::Member, now, now).with_terms_due(true);
        claims.sign(&TokenSigner::new("k", &private_key()).unwrap()).unwrap()
    }

    /// A token of software.
    pub(crate) fn client_token(&self, token_id: Uuid) -> String {
        let scopes = Scopes::exactly("system/*.rs").unwrap();
        let claims = Claims::of_client(Uuid::from_u128(20), token_id, &scopes, self.clock.now());
        claims.sign(&TokenSigner::new("k", &private_key()).unwrap()).unwrap()
    }

    /// A capability for the session of the kit's passports.
    pub(crate) fn capability(&self, reader: Uuid, opening: &Opening) -> String {
        self.capability_of_session(reader, Uuid::from_u128(2), opening)
    }

    pub(crate) fn capability_of_session(&self, reader: Uuid, session: Uuid, opening: &Opening) -> String {
        let now = self.clock.now();
        let passport = Passport {
            account_id: reader,
            kind: Kind::Member,
            session_id: session,
            authenticated_at: now,
            assurance: Assurance::One,
            expires_at: now + Duration::from_secs(60),
            scopes: Default::default(),
            suspended: false,
            terms_due: false,
        };
        capability::Claims::new(&passport, opening, now)
            .sign(&TokenSigner::new("k", &private_key()).unwrap())
            .unwrap()
    }

    pub(crate) fn move_clock(&self, seconds: i64) {
        self.clock.set(self.clock.now() + jiff::SignedDuration::from_secs(seconds));
    }

    /// A request with a passport.
    pub(crate) fn signed<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let value = format!("Bearer {}", self.token(Uuid::from_u128(1))).parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }

    /// Asks the service to panic, to wait, or nothing in particular.
    pub(crate) fn ask(&self, what: &str) -> Request<EndSessionRequest> {
        self.signed(EndSessionRequest { session_id: what.to_owned() })
    }

    /// A call that stays in its handler until it is released.
    pub(crate) async fn held(&self) -> JoinHandle<Result<Response<EndSessionResponse>, Status>> {
        let (mut client, request) = (self.client(), self.ask("wait"));
        let call = tokio::spawn(async move { client.end_session(request).await });
        within(self.control.entered.acquire()).await.unwrap().forget();
        call
    }

    pub(crate) async fn ready(&self) {
        within(self.health.watch().wait_for(|ready| *ready)).await.unwrap();
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

struct Sessions(Arc<Control>);

#[tonic::async_trait]
impl SessionService for Sessions {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        assert!(caller(request.extensions()).is_err());
        rpc::admit_public(request)?;
        Ok(Response::new(SignInResponse::default()))
    }

    async fn mint_passport(
        &self,
        _: Request<MintPassportRequest>,
    ) -> Result<Response<MintPassportResponse>, Status> {
        Err(Status::internal("a handler's own words"))
    }

    async fn complete_sign_in(
        &self,
        _: Request<CompleteSignInRequest>,
    ) -> Result<Response<CompleteSignInResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn rotate_secret(
        &self,
        _: Request<RotateSecretRequest>,
    ) -> Result<Response<RotateSecretResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn step_up(&self, _: Request<StepUpRequest>) -> Result<Response<StepUpResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    /// Answers with the caller's account and the trace it is in.
    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let (passport, _) = rpc::admit_member(request)?;
        let session = Session {
            session_id: passport.account_id.to_string(),
            device_label: propagate::inject_current().unwrap_or_default(),
            ..Default::default()
        };
        Ok(Response::new(ListSessionsResponse { sessions: vec![session] }))
    }

    async fn end_session(
        &self,
        request: Request<EndSessionRequest>,
    ) -> Result<Response<EndSessionResponse>, Status> {
        match request.into_inner().session_id.as_str() {
            "panic" => panic!("on purpose"),
            "wait" => {
                self.0.entered.add_permits(1);
                self.0.release.acquire().await.unwrap().forget();
            }
            _ => {}
        }
        Ok(Response::new(EndSessionResponse {}))
    }

    async fn end_sessions(
        &self,
        _: Request<EndSessionsRequest>,
    ) -> Result<Response<EndSessionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_devices(
        &self,
        _: Request<ListDevicesRequest>,
    ) -> Result<Response<ListDevicesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn forget_device(
        &self,
        _: Request<ForgetDeviceRequest>,
    ) -> Result<Response<ForgetDeviceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_signing_keys(
        &self,
        _: Request<ListSigningKeysRequest>,
    ) -> Result<Response<ListSigningKeysResponse>, Status> {
        let keys = OneKey.fetch().await?;
        let keys = keys.into_iter().map(|key| SigningKey { key_id: key.key_id, public_key: key.x }).collect();
        Ok(Response::new(ListSigningKeysResponse { keys }))
    }
}

struct CheckIns;

/// One of its calls stands for every call that may read another person's data, another for those that may be closed to an account.
#[tonic::async_trait]
impl CheckInService for CheckIns {
    async fn answer_check_in(
        &self,
        _: Request<journal::AnswerCheckInRequest>,
    ) -> Result<Response<journal::AnswerCheckInResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn take_back_check_in_answer(
        &self,
        _: Request<journal::TakeBackCheckInAnswerRequest>,
    ) -> Result<Response<journal::TakeBackCheckInAnswerResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_check_in(
        &self,
        request: Request<journal::GetCheckInRequest>,
    ) -> Result<Response<journal::GetCheckInResponse>, Status> {
        crate::audience::get_check_in(request)
    }

    async fn list_check_ins(
        &self,
        _: Request<journal::ListCheckInsRequest>,
    ) -> Result<Response<journal::ListCheckInsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
