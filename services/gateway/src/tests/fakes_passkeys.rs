//! Fake passkeys: what accounts asks of devices, and which answers it takes.

use super::fakes::{Fake, SECRET};
use candor_proto::accounts::v1::passkey_service_server::{PasskeyService, PasskeyServiceServer};
use candor_proto::accounts::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What Alice's passkey goes by.
pub(super) const PASSKEY: &str = "0195f1c2-7f00-7000-8000-0000000000b1";

/// What was done with passkeys.
#[derive(Default)]
pub(super) struct Passkeys {
    /// Alice has one.
    pub(super) has: AtomicBool,
    /// The halves of sign-ins that devices were asked for.
    pub(super) halves: Mutex<Vec<String>>,
    pub(super) named: Mutex<Vec<String>>,
    /// What was taken away or replaced, and whether others go on.
    pub(super) lost: Mutex<Vec<(&'static str, bool)>>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(PasskeyServiceServer::new(fake))
}

const OPTIONS: &str = r#"{"challenge":"a \"quoted\" <one>"}"#;

fn takes(token: &str, credential: &str, refusal: Fault) -> Result<(), Status> {
    if token == "ck_asked" && credential == "good" { Ok(()) } else { Err(refusal.into()) }
}

#[tonic::async_trait]
impl PasskeyService for Fake {
    async fn list_passkeys(&self, request: Request<ListPasskeysRequest>) -> Answer<ListPasskeysResponse> {
        self.admit(&request)?;
        let one = Passkey {
            passkey_id: PASSKEY.into(),
            name: "My <phone>".into(),
            create_time: self.0.timestamp(-600),
            use_time: self.0.timestamp(-60),
        };
        Ok(Response::new(ListPasskeysResponse { passkeys: vec![one] }))
    }

    async fn begin_passkey(&self, request: Request<BeginPasskeyRequest>) -> Answer<BeginPasskeyResponse> {
        self.admit_proven(&request)?;
        if request.get_ref().name.is_empty() {
            return Err(Fault::invalid_field("name", "must not be blank").into());
        }
        self.0.passkeys.named.lock().unwrap().push(request.into_inner().name);
        let (options, challenge_token) = (OPTIONS.into(), "ck_asked".into());
        Ok(Response::new(BeginPasskeyResponse { options, challenge_token, expire_time: None }))
    }

    async fn add_passkey(&self, request: Request<AddPasskeyRequest>) -> Answer<AddPasskeyResponse> {
        self.admit_proven(&request)?;
        let AddPasskeyRequest { challenge_token, credential } = request.into_inner();
        let refusal = Fault::new(Code::FailedPrecondition, "PASSKEY_UNUSABLE", "It makes no passkey here.");
        takes(&challenge_token, &credential, refusal)?;
        let first = !self.0.passkeys.has.swap(true, Ordering::SeqCst);
        let recovery_codes = if first { vec!["01AB-CDEF-GHJK-MNPQ".into()] } else { Vec::new() };
        Ok(Response::new(AddPasskeyResponse { recovery_codes }))
    }

    async fn rename_passkey(&self, request: Request<RenamePasskeyRequest>) -> Answer<RenamePasskeyResponse> {
        self.admit_proven(&request)?;
        let RenamePasskeyRequest { passkey_id, name } = request.into_inner();
        assert_eq!(passkey_id, PASSKEY);
        self.0.passkeys.named.lock().unwrap().push(name);
        Ok(Response::new(RenamePasskeyResponse {}))
    }

    async fn remove_passkey(&self, request: Request<RemovePasskeyRequest>) -> Answer<RemovePasskeyResponse> {
        self.admit_proven(&request)?;
        assert_eq!(request.get_ref().passkey_id, PASSKEY);
        self.0.passkeys.has.store(false, Ordering::SeqCst);
        self.0.passkeys.lost.lock().unwrap().push(("passkey", request.get_ref().others_go_on));
        Ok(Response::new(RemovePasskeyResponse {}))
    }

    async fn begin_passkey_sign_in(
        &self,
        request: Request<BeginPasskeySignInRequest>,
    ) -> Answer<BeginPasskeySignInResponse> {
        self.0.passkeys.halves.lock().unwrap().push(request.into_inner().pending_token);
        let (options, challenge_token) = (OPTIONS.into(), "ck_asked".into());
        Ok(Response::new(BeginPasskeySignInResponse { options, challenge_token, expire_time: None }))
    }

    async fn sign_in_with_passkey(
        &self,
        request: Request<SignInWithPasskeyRequest>,
    ) -> Answer<SignInWithPasskeyResponse> {
        let SignInWithPasskeyRequest { challenge_token, credential, device_label, .. } = request.into_inner();
        assert!(!device_label.is_empty());
        let refusal = Fault::new(Code::Unauthenticated, "PASSKEY_REFUSED", "This passkey does not fit here.");
        takes(&challenge_token, &credential, refusal)?;
        let (session_secret, passport) = (SECRET.into(), self.passport());
        Ok(Response::new(SignInWithPasskeyResponse { session_secret, passport, ..Default::default() }))
    }

    async fn begin_passkey_step_up(
        &self,
        request: Request<BeginPasskeyStepUpRequest>,
    ) -> Answer<BeginPasskeyStepUpResponse> {
        self.admit(&request)?;
        let (options, challenge_token) = (OPTIONS.into(), "ck_asked".into());
        Ok(Response::new(BeginPasskeyStepUpResponse { options, challenge_token, expire_time: None }))
    }

    async fn step_up_with_passkey(
        &self,
        request: Request<StepUpWithPasskeyRequest>,
    ) -> Answer<StepUpWithPasskeyResponse> {
        self.admit(&request)?;
        let StepUpWithPasskeyRequest { challenge_token, credential } = request.into_inner();
        let refusal = Fault::new(Code::PermissionDenied, "PROOF_REFUSED", "This did not fit.");
        takes(&challenge_token, &credential, refusal)?;
        *self.0.proved_at.lock().unwrap() = Some(self.0.clock.now().as_second());
        let passport = self.passport();
        Ok(Response::new(StepUpWithPasskeyResponse { passport, passport_expire_time: None }))
    }
}
