//! Fake clients: what accounts says of software.

use super::fakes::Fake;
use candor_proto::accounts::v1::o_auth_client_service_server::{
    OAuthClientService, OAuthClientServiceServer,
};
use candor_proto::accounts::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

pub(super) const CLIENT: &str = "0195f1c2-7f00-4000-8000-00000000c11e";

/// What was asked about clients.
#[derive(Default)]
pub(super) struct Clients {
    pub(super) issued: Mutex<Vec<IssueClientTokenRequest>>,
    pub(super) revoked: Mutex<Vec<RevokeClientTokenRequest>>,
    pub(super) registered: Mutex<Vec<RegisterClientRequest>>,
    pub(super) rotated: Mutex<Vec<RotateClientKeysRequest>>,
    pub(super) disabled: Mutex<Vec<String>>,
    /// Whoever runs the platform has no second factor yet.
    pub(super) factor_is_missing: AtomicBool,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(OAuthClientServiceServer::new(fake))
}

/// What an assertion gets by what it says.
fn judge(assertion: &str) -> Result<(), Status> {
    let fault = match assertion {
        "good" => return Ok(()),
        "early" => Fault::new(Code::ResourceExhausted, "TOO_MANY_TOKENS", "Later.")
            .retry_after(Duration::from_millis(1500)),
        "keyless" => {
            Fault::new(Code::Unavailable, "CLIENT_KEYS_AWAY", "Later.").retry_after(Duration::from_secs(30))
        }
        "scopeless" => Fault::new(Code::InvalidArgument, "SCOPE_REFUSED", "Others."),
        "scopes" => Fault::invalid_field("scope", "takes at most 4096 bytes"),
        "broken" => Fault::new(Code::Internal, "INTERNAL", "Something."),
        _ => Fault::new(Code::Unauthenticated, "CLIENT_REFUSED", "Nobody."),
    };
    Err(fault.into())
}

impl Fake {
    /// Only for whoever runs the platform, which takes a second factor.
    fn admit_holder<T>(&self, request: &Request<T>) -> Result<(), Status> {
        self.admit(request)?;
        if self.0.clients.factor_is_missing.load(Ordering::SeqCst) {
            return Err(Fault::new(Code::FailedPrecondition, "SECOND_FACTOR_REQUIRED", "Set it up.").into());
        }
        Ok(())
    }

    fn client(&self) -> OAuthClient {
        let disabled = !self.0.clients.disabled.lock().unwrap().is_empty();
        OAuthClient {
            client_id: CLIENT.into(),
            name: "Praxis <b>one</b>".into(),
            purpose: "Progress notes".into(),
            contact: "it@clinic.example".into(),
            scopes: vec!["system/*.rs".into()],
            keys: vec![OAuthClientKey { key_id: "k1".into(), algorithm: "ES384".into() }],
            jwks_url: "https://clinic.example/keys".into(),
            keys_fetch_time: self.0.timestamp(-60),
            keys_problem: ClientKeysProblem::Certificate.into(),
            holder_account_id: String::new(),
            create_time: self.0.timestamp(-3600),
            use_time: None,
            disable_time: if disabled { self.0.timestamp(0) } else { None },
            open_consents: Some(17),
        }
    }
}

#[tonic::async_trait]
impl OAuthClientService for Fake {
    async fn register_client(
        &self,
        request: Request<RegisterClientRequest>,
    ) -> Answer<RegisterClientResponse> {
        self.admit_proven(&request)?;
        let message = request.into_inner();
        if message.jwks == "wrong" {
            return Err(Fault::invalid_field("jwks", "is not a JSON Web Key Set").into());
        }
        self.0.clients.registered.lock().unwrap().push(message);
        Ok(Response::new(RegisterClientResponse { client: Some(self.client()) }))
    }

    async fn list_clients(&self, request: Request<ListClientsRequest>) -> Answer<ListClientsResponse> {
        self.admit_holder(&request)?;
        let next_page_token = if request.get_ref().page_token.is_empty() { "a+b/c=" } else { "" };
        Ok(Response::new(ListClientsResponse {
            clients: vec![self.client()],
            next_page_token: next_page_token.into(),
        }))
    }

    async fn list_own_clients(
        &self,
        request: Request<ListOwnClientsRequest>,
    ) -> Answer<ListOwnClientsResponse> {
        self.admit(&request)?;
        Ok(Response::new(ListOwnClientsResponse { clients: vec![self.client()], ..Default::default() }))
    }

    async fn get_client(&self, request: Request<GetClientRequest>) -> Answer<GetClientResponse> {
        self.admit(&request)?;
        if request.get_ref().client_id != CLIENT {
            return Err(Fault::new(Code::NotFound, "CLIENT_NOT_FOUND", "There is no such client.").into());
        }
        Ok(Response::new(GetClientResponse { client: Some(self.client()) }))
    }

    async fn rotate_client_keys(
        &self,
        request: Request<RotateClientKeysRequest>,
    ) -> Answer<RotateClientKeysResponse> {
        self.admit_proven(&request)?;
        let message = request.into_inner();
        if message.jwks == "wrong" {
            return Err(Fault::invalid_field("jwks", "is not a JSON Web Key Set").into());
        }
        self.0.clients.rotated.lock().unwrap().push(message);
        Ok(Response::new(RotateClientKeysResponse { client: Some(self.client()) }))
    }

    async fn disable_client(&self, request: Request<DisableClientRequest>) -> Answer<DisableClientResponse> {
        self.admit(&request)?;
        self.0.clients.disabled.lock().unwrap().push(request.into_inner().client_id);
        Ok(Response::new(DisableClientResponse {}))
    }

    async fn issue_client_token(
        &self,
        request: Request<IssueClientTokenRequest>,
    ) -> Answer<IssueClientTokenResponse> {
        assert!(request.metadata().get("authorization").is_none());
        let message = request.into_inner();
        judge(&message.client_assertion)?;
        let scope = message.scope.clone();
        self.0.clients.issued.lock().unwrap().push(message);
        Ok(Response::new(IssueClientTokenResponse {
            access_token: "a.token.of.software".into(),
            expire_time: self.0.timestamp(300),
            expires_in: 300,
            scope,
        }))
    }

    async fn revoke_client_token(
        &self,
        request: Request<RevokeClientTokenRequest>,
    ) -> Answer<RevokeClientTokenResponse> {
        let message = request.into_inner();
        judge(&message.client_assertion)?;
        self.0.clients.revoked.lock().unwrap().push(message);
        Ok(Response::new(RevokeClientTokenResponse {}))
    }
}
