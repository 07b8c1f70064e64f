//! Fake services: the answers of the story, and a memory of what was asked.

use candor_proto::accounts::v1::identity_service_server::{IdentityService, IdentityServiceServer};
use candor_proto::accounts::v1::security_service_server::{SecurityService, SecurityServiceServer};
use candor_proto::accounts::v1::session_service_server::{SessionService, SessionServiceServer};
use candor_proto::accounts::v1::*;
use candor_proto::content::v1::library_service_server::{LibraryService, LibraryServiceServer};
use candor_proto::content::v1::path_service_server::{PathService, PathServiceServer};
use candor_proto::content::v1::*;
use candor_proto::journal::v1::entry_service_server::{EntryService, EntryServiceServer};
use candor_proto::journal::v1::*;
use candor_proto::reminders::v1::inbox_service_server::{InboxService, InboxServiceServer};
use candor_proto::reminders::v1::*;
use chassis::{Clock, Code, Fault};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

pub(super) const SECRET: &str = "cs_alice";
/// What takes its place.
pub(super) const NEXT_SECRET: &str = "cs_alice_next";
/// It says nothing of whom it speaks for.
pub(super) const PASSPORT: &str = "passport.of.alice";
pub(super) const ALICE: &str = "0195f1c2-7f00-7000-8000-0000000000a1";
pub(super) const ENTRY: &str = "0195f1c2-7f00-7000-8000-000000000001";

/// What every fake remembers.
pub(super) struct Fakes {
    pub(super) clock: Clock,
    pub(super) mints: AtomicUsize,
    pub(super) rotations: AtomicUsize,
    pub(super) over: AtomicBool,
    /// The session's secret is a day old.
    pub(super) old: AtomicBool,
    /// Its next one was given out a moment ago.
    pub(super) on_its_way: AtomicBool,
    pub(super) broken: AtomicBool,
    /// Accounts answers nothing about sessions and links.
    pub(super) away: AtomicBool,
    /// The path proposes a check-in next.
    pub(super) two_are_next: AtomicBool,
    pub(super) verified: Mutex<Vec<String>>,
    pub(super) registered: Mutex<Vec<RegisterRequest>>,
    pub(super) written: Mutex<Vec<WriteEntryRequest>>,
    pub(super) marked: Mutex<Vec<String>>,
    pub(super) ended: Mutex<Vec<String>>,
    /// Addresses that a link was asked for with.
    pub(super) resets: Mutex<Vec<String>>,
    pub(super) changed: Mutex<Vec<ChangePasswordRequest>>,
    pub(super) by_mail: AtomicBool,
    pub(super) corrected: Mutex<Vec<UpdateProfileRequest>>,
    /// The address that waits to be confirmed.
    pub(super) waiting_address: Mutex<Option<String>>,
    /// Alice has an authenticator app.
    pub(super) app: AtomicBool,
    /// When Alice last proved who she is, as her passports say; `None` says nothing of it.
    pub(super) proved_at: Mutex<Option<i64>>,
    /// What kind of account hers is, if they say when.
    pub(super) kind: Mutex<&'static str>,
    /// The journal is closed to her: she is none of its people.
    pub(super) members_only: AtomicBool,
    /// Whether they say that a second factor was part of the proof.
    pub(super) strong: AtomicBool,
    /// What two people have.
    pub(super) two: super::two_fakes::Two,
    pub(super) check_ins: super::fakes_check_in::CheckIns,
    pub(super) self_checks: super::fakes_self_check::SelfChecks,
    pub(super) clients: super::fakes_clients::Clients,
    pub(super) privacy: super::fakes_privacy::Privacy,
    pub(super) counselors: super::fakes_counselors::Counselors,
    pub(super) passkeys: super::fakes_passkeys::Passkeys,
    pub(super) export: super::fakes_export::Midway,
    pub(super) care: super::fakes_care::CareAsked,
    pub(super) couple_care: super::fakes_couple_care::CoupleCareAsked,
    pub(super) opened: super::fakes_opened::OpenedAsked,
    pub(super) trust: super::fakes_trust::TrustAsked,
    pub(super) terms: super::fakes_terms::TermsAsked,
    pub(super) software: super::fakes_software::SoftwareAsked,
}

type Answer<T> = Result<Response<T>, Status>;

#[derive(Clone)]
pub(super) struct Fake(pub(super) Arc<Fakes>);

/// A passport that says whom it speaks for, as real ones do.
pub(super) fn speaking_passport() -> String {
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{ALICE}"}}"#));
    format!("e30.{claims}.alice")
}

impl Fakes {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            mints: AtomicUsize::new(0),
            rotations: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            old: AtomicBool::new(false),
            on_its_way: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            away: AtomicBool::new(false),
            two_are_next: AtomicBool::new(false),
            verified: Mutex::default(),
            registered: Mutex::default(),
            written: Mutex::default(),
            marked: Mutex::default(),
            ended: Mutex::default(),
            resets: Mutex::default(),
            changed: Mutex::default(),
            by_mail: AtomicBool::new(false),
            corrected: Mutex::default(),
            waiting_address: Mutex::default(),
            app: AtomicBool::new(false),
            proved_at: Mutex::default(),
            kind: Mutex::new("member"),
            members_only: AtomicBool::new(false),
            strong: AtomicBool::new(false),
            two: super::two_fakes::Two::default(),
            check_ins: super::fakes_check_in::CheckIns::default(),
            self_checks: super::fakes_self_check::SelfChecks::default(),
            clients: super::fakes_clients::Clients::default(),
            privacy: super::fakes_privacy::Privacy::default(),
            counselors: super::fakes_counselors::Counselors::default(),
            passkeys: super::fakes_passkeys::Passkeys::default(),
            export: super::fakes_export::Midway::default(),
            care: super::fakes_care::CareAsked::default(),
            couple_care: super::fakes_couple_care::CoupleCareAsked::default(),
            opened: super::fakes_opened::OpenedAsked::default(),
            trust: super::fakes_trust::TrustAsked::default(),
            terms: super::fakes_terms::TermsAsked::default(),
            software: super::fakes_software::SoftwareAsked::default(),
        }
    }

    /// Serves all fakes on one port and says where.
    pub(super) async fn serve(self: &Arc<Self>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Fake(self.clone());
        let (reporter, health) = tonic_health::server::health_reporter();
        for package in ["accounts", "journal", "reminders", "content"] {
            let name = format!("candor.{package}.v1");
            reporter.set_service_status(name, tonic_health::ServingStatus::Serving).await;
        }
        let server = tonic::transport::Server::builder()
            .add_service(health)
            .add_service(IdentityServiceServer::new(fake.clone()))
            .add_service(SessionServiceServer::new(fake.clone()))
            .add_service(SecurityServiceServer::new(fake.clone()))
            .add_service(EntryServiceServer::new(fake.clone()))
            .add_service(InboxServiceServer::new(fake.clone()))
            .add_service(LibraryServiceServer::new(fake.clone()))
            .add_service(PathServiceServer::new(fake.clone()));
        let server = super::fakes_privacy::add(server, fake.clone());
        let server = super::fakes_export::add(server, fake.clone());
        let server = super::fakes_clients::add(server, fake.clone());
        let server = super::fakes_couple_care::add(server, fake.clone());
        let server = super::fakes_trust::add(server, fake.clone());
        let server = super::fakes_terms::add(server, fake.clone());
        let server = super::fakes_care::add(server, fake.clone());
        let server = super::fakes_opened::add(server, fake.clone());
        let server = super::fakes_software::add(server, fake.clone());
        let server = super::fakes_counselors::add(server, fake.clone());
        let server = super::fakes_passkeys::add(server, fake.clone());
        let server = super::two_fakes::add(server, fake.clone());
        let server = super::fakes_check_in::add(super::fakes_self_check::add(server, fake.clone()), fake);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        format!("http://{address}")
    }

    pub(super) fn timestamp(&self, seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds: self.clock.now().as_second() + seconds, nanos: 0 })
    }
}

impl Fake {
    /// Only the bearer of the passport is a member.
    pub(super) fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        assert!(request.metadata().get("grpc-timeout").is_some(), "a call without a deadline");
        let bearer = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
        let known = bearer.is_some_and(|bearer| {
            bearer == PASSPORT || bearer == speaking_passport() || bearer.ends_with(".proven")
        });
        if known && !self.0.over.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(Fault::new(Code::Unauthenticated, "UNAUTHENTICATED", "Please sign in first.").into())
    }

    /// A passport as it is minted now.
    pub(super) fn passport(&self) -> String {
        use base64::Engine as _;
        let Some(time) = *self.0.proved_at.lock().unwrap() else { return PASSPORT.to_owned() };
        let kind = *self.0.kind.lock().unwrap();
        let acr = if self.0.strong.load(Ordering::SeqCst) { "aal2" } else { "aal1" };
        let due = !self.0.terms.due.lock().unwrap().is_empty();
        let claims = format!(
            r#"{{"sub":"{ALICE}","kind":"{kind}","acr":"{acr}","auth_time":{time},"terms_due":{due}}}"#
        );
        format!("e30.{}.proven", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
    }

    /// Only for a member who proved lately who she is.
    pub(super) fn admit_proven<T>(&self, request: &Request<T>) -> Result<(), Status> {
        self.admit(request)?;
        match *self.0.proved_at.lock().unwrap() {
            Some(proved) if self.0.clock.now().as_second() - proved > 300 => {
                let sentence = "Please prove again that it is you. Nothing was changed.";
                Err(Fault::new(Code::FailedPrecondition, "STEP_UP_REQUIRED", sentence).into())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn answer(&self) -> Result<(), Status> {
        if self.0.away.load(Ordering::SeqCst) { Err(Status::unavailable("away")) } else { Ok(()) }
    }

    fn entry(&self) -> Entry {
        Entry {
            entry_id: ENTRY.into(),
            body: "I was **afraid** and said nothing.\n\n<script>alert(1)</script>".into(),
            title: "Dinner <b>talk</b>".into(),
            entry_time: self.0.timestamp(0),
            time_zone: "Europe/Berlin".into(),
            mood: Some(Mood { pleasantness: -3, energy: 2, body_signs: vec![3, 13] }),
            create_time: self.0.timestamp(0),
        }
    }
}

#[tonic::async_trait]
impl IdentityService for Fake {
    async fn register(&self, request: Request<RegisterRequest>) -> Answer<RegisterResponse> {
        use candor_proto::Validate as _;
        let violations = request.get_ref().violations();
        if !violations.is_empty() {
            return Err(Fault::invalid(violations).into());
        }
        self.0.registered.lock().unwrap().push(request.into_inner());
        Ok(Response::new(RegisterResponse {}))
    }

    async fn verify_email(&self, request: Request<VerifyEmailRequest>) -> Answer<VerifyEmailResponse> {
        let VerifyEmailRequest { token, password } = request.into_inner();
        if token != "good" {
            let sentence = "This link is over or was used already. Your account is safe.";
            return Err(Fault::new(Code::NotFound, "TOKEN_NOT_FOUND", sentence).into());
        }
        if password != "a long enough password" {
            let sentence = "This is not the password chosen at registration. The link still works.";
            return Err(Fault::new(Code::PermissionDenied, "PASSWORD_REFUSED", sentence).into());
        }
        self.0.verified.lock().unwrap().push(token);
        Ok(Response::new(VerifyEmailResponse {}))
    }

    async fn resend_verification(
        &self,
        _: Request<ResendVerificationRequest>,
    ) -> Answer<ResendVerificationResponse> {
        Ok(Response::new(ResendVerificationResponse {}))
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Answer<RequestPasswordResetResponse> {
        self.0.resets.lock().unwrap().push(request.into_inner().email);
        Ok(Response::new(RequestPasswordResetResponse {}))
    }

    async fn reset_password(&self, request: Request<ResetPasswordRequest>) -> Answer<ResetPasswordResponse> {
        let ResetPasswordRequest { token, new_password, code, device_label, device_token } =
            request.into_inner();
        if token != "good" {
            let sentence = "This link is too old or was used already. Your password is what it was.";
            return Err(Fault::new(Code::NotFound, "RESET_NOT_FOUND", sentence).into());
        }
        if new_password != "a long enough password" {
            return Err(Fault::invalid_field("new_password", "is one of the first").into());
        }
        if self.0.app.load(Ordering::SeqCst) && code != "123456" {
            let sentence = "This account has a second factor.";
            return Err(Fault::new(Code::FailedPrecondition, "SECOND_FACTOR_REQUIRED", sentence).into());
        }
        assert!(device_label.contains(" on "), "{device_label}");
        let device_token = if device_token.is_empty() { "cd_new".to_owned() } else { device_token };
        Ok(Response::new(ResetPasswordResponse { device_token }))
    }

    async fn request_email_change(
        &self,
        request: Request<RequestEmailChangeRequest>,
    ) -> Answer<RequestEmailChangeResponse> {
        self.admit_proven(&request)?;
        let email = request.into_inner().email;
        if !email.contains('@') {
            return Err(Fault::invalid_field("email", "is not an e-mail address we can write to").into());
        }
        *self.0.waiting_address.lock().unwrap() = Some(email);
        Ok(Response::new(RequestEmailChangeResponse {}))
    }

    async fn confirm_email_change(
        &self,
        request: Request<ConfirmEmailChangeRequest>,
    ) -> Answer<ConfirmEmailChangeResponse> {
        self.admit(&request)?;
        if request.get_ref().token != "good" || self.0.waiting_address.lock().unwrap().take().is_none() {
            let sentence = "This link is too old, was used already, or belongs to another account.";
            return Err(Fault::new(Code::NotFound, "EMAIL_CHANGE_NOT_FOUND", sentence).into());
        }
        Ok(Response::new(ConfirmEmailChangeResponse {}))
    }

    async fn cancel_email_change(
        &self,
        request: Request<CancelEmailChangeRequest>,
    ) -> Answer<CancelEmailChangeResponse> {
        self.admit(&request)?;
        if self.0.waiting_address.lock().unwrap().take().is_none() {
            return Err(Fault::new(Code::NotFound, "NO_EMAIL_CHANGE", "No other address waits.").into());
        }
        Ok(Response::new(CancelEmailChangeResponse {}))
    }

    async fn undo_email_change(
        &self,
        request: Request<UndoEmailChangeRequest>,
    ) -> Answer<UndoEmailChangeResponse> {
        if request.get_ref().token != "good" {
            let sentence = "This link is too old or was used already. Nothing was changed.";
            return Err(Fault::new(Code::NotFound, "EMAIL_UNDO_NOT_FOUND", sentence).into());
        }
        Ok(Response::new(UndoEmailChangeResponse {}))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Answer<ChangePasswordResponse> {
        self.admit_proven(&request)?;
        if request.get_ref().new_password != "a long enough password" {
            return Err(Fault::invalid_field("new_password", "is one of the first").into());
        }
        self.0.changed.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ChangePasswordResponse {}))
    }

    async fn update_profile(&self, request: Request<UpdateProfileRequest>) -> Answer<UpdateProfileResponse> {
        self.admit(&request)?;
        if request.get_ref().time_zone == "Mars/Olympus" {
            let sentence = "is not an IANA time zone such as Europe/Berlin";
            return Err(Fault::invalid_field("time_zone", sentence).into());
        }
        self.0.corrected.lock().unwrap().push(request.into_inner());
        Ok(Response::new(UpdateProfileResponse::default()))
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Answer<GetMeResponse> {
        self.admit(&request)?;
        let account = Account { time_zone: "Europe/Berlin".into(), ..Account::default() };
        Ok(Response::new(GetMeResponse { account: Some(account) }))
    }
}

#[tonic::async_trait]
impl SessionService for Fake {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Answer<SignInResponse> {
        if request.get_ref().password != "a long enough password" {
            let sentence = "The address and the password do not fit together. Please check both.";
            return Err(Fault::new(Code::Unauthenticated, "SIGN_IN_REFUSED", sentence).into());
        }
        let passkey = self.0.passkeys.has.load(Ordering::SeqCst);
        if passkey || self.0.app.load(Ordering::SeqCst) {
            let pending_token = "ch_half".into();
            return Ok(Response::new(SignInResponse { pending_token, passkey, ..SignInResponse::default() }));
        }
        let (session_secret, passport) = (SECRET.into(), self.passport());
        let device_token = match &*request.get_ref().device_token {
            "" => "cd_fresh".into(),
            known => known.to_owned(),
        };
        Ok(Response::new(SignInResponse {
            session_secret,
            passport,
            device_token,
            ..SignInResponse::default()
        }))
    }

    async fn complete_sign_in(
        &self,
        request: Request<CompleteSignInRequest>,
    ) -> Answer<CompleteSignInResponse> {
        let CompleteSignInRequest { pending_token, code, .. } = request.into_inner();
        if pending_token != "ch_half" {
            let sentence = "This sign-in took too long, or was finished already. Please begin again.";
            return Err(Fault::new(Code::Unauthenticated, "SIGN_IN_OVER", sentence).into());
        }
        if code != "123456" {
            let sentence = "This code does not fit, or was used already.";
            return Err(Fault::new(Code::Unauthenticated, "SECOND_FACTOR_REFUSED", sentence).into());
        }
        let (session_secret, passport) = (SECRET.into(), self.passport());
        Ok(Response::new(CompleteSignInResponse {
            session_secret,
            passport,
            ..CompleteSignInResponse::default()
        }))
    }

    async fn mint_passport(&self, request: Request<MintPassportRequest>) -> Answer<MintPassportResponse> {
        self.answer()?;
        let secret = &request.get_ref().session_secret;
        if ![SECRET, NEXT_SECRET].contains(&secret.as_str()) || self.0.over.load(Ordering::SeqCst) {
            return Err(Fault::new(Code::Unauthenticated, "SESSION_OVER", "The session is over.").into());
        }
        self.0.mints.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(MintPassportResponse {
            passport: self.passport(),
            passport_expire_time: self.0.timestamp(60),
            session_id: "session-of-alice".into(),
            account_id: ALICE.into(),
            secret_is_old: secret == SECRET && self.0.old.load(Ordering::SeqCst),
        }))
    }

    async fn rotate_secret(&self, request: Request<RotateSecretRequest>) -> Answer<RotateSecretResponse> {
        self.answer()?;
        assert_eq!(request.get_ref().session_secret, SECRET);
        let session_secret =
            if self.0.rotations.fetch_add(1, Ordering::SeqCst) == 0 { NEXT_SECRET } else { "" };
        Ok(Response::new(RotateSecretResponse { session_secret: session_secret.into() }))
    }

    async fn step_up(&self, request: Request<StepUpRequest>) -> Answer<StepUpResponse> {
        self.admit(&request)?;
        let fits = !self.0.app.load(Ordering::SeqCst) || request.get_ref().code == "123456";
        if request.get_ref().password != "a long enough password" || !fits {
            let sentence = "This did not fit, so nothing was changed. You stay signed in.";
            return Err(Fault::new(Code::PermissionDenied, "PROOF_REFUSED", sentence).into());
        }
        *self.0.proved_at.lock().unwrap() = Some(self.0.clock.now().as_second());
        Ok(Response::new(StepUpResponse { passport: self.passport(), ..StepUpResponse::default() }))
    }

    async fn list_sessions(&self, request: Request<ListSessionsRequest>) -> Answer<ListSessionsResponse> {
        self.admit(&request)?;
        let session = Session {
            session_id: "session-of-alice".into(),
            device_label: "Firefox on <Linux>".into(),
            create_time: self.0.timestamp(-60),
            expire_time: self.0.timestamp(3600),
            current: true,
        };
        let other = Session { session_id: "other".into(), current: false, ..session.clone() };
        Ok(Response::new(ListSessionsResponse { sessions: vec![session, other] }))
    }

    async fn end_session(&self, request: Request<EndSessionRequest>) -> Answer<EndSessionResponse> {
        self.answer()?;
        self.admit_proven(&request)?;
        self.0.ended.lock().unwrap().push(request.into_inner().session_id);
        Ok(Response::new(EndSessionResponse {}))
    }

    async fn end_sessions(&self, request: Request<EndSessionsRequest>) -> Answer<EndSessionsResponse> {
        self.admit(&request)?;
        self.0.ended.lock().unwrap().push("all others".into());
        Ok(Response::new(EndSessionsResponse { ended: 1 }))
    }

    async fn list_devices(&self, request: Request<ListDevicesRequest>) -> Answer<ListDevicesResponse> {
        self.admit(&request)?;
        let device = Device {
            device_id: ENTRY.into(),
            device_label: "Safari on <iPad>".into(),
            create_time: self.0.timestamp(-7200),
            use_time: self.0.timestamp(-3600),
            current: false,
        };
        Ok(Response::new(ListDevicesResponse { devices: vec![device] }))
    }

    async fn forget_device(&self, request: Request<ForgetDeviceRequest>) -> Answer<ForgetDeviceResponse> {
        self.admit(&request)?;
        if request.get_ref().device_id != ENTRY {
            return Err(Fault::new(Code::NotFound, "DEVICE_NOT_FOUND", "There is no such device.").into());
        }
        self.0.ended.lock().unwrap().push("a device".into());
        Ok(Response::new(ForgetDeviceResponse {}))
    }

    async fn list_signing_keys(&self, _: Request<ListSigningKeysRequest>) -> Answer<ListSigningKeysResponse> {
        let key = SigningKey { key_id: "key-1".into(), public_key: "public-half".into() };
        Ok(Response::new(ListSigningKeysResponse { keys: vec![key] }))
    }
}

#[tonic::async_trait]
impl SecurityService for Fake {
    async fn get_security(&self, request: Request<GetSecurityRequest>) -> Answer<GetSecurityResponse> {
        self.admit(&request)?;
        Ok(Response::new(GetSecurityResponse {
            password_time: self.0.timestamp(-3600),
            notices_by_mail: self.0.by_mail.load(Ordering::SeqCst),
            totp_time: self.0.app.load(Ordering::SeqCst).then(|| self.0.timestamp(-600)).flatten(),
            recovery_codes: 9,
            passkeys: i32::from(self.0.passkeys.has.load(Ordering::SeqCst)),
            second_factor_missing: false,
            waiting_address: self.0.waiting_address.lock().unwrap().clone().map(|email| WaitingAddress {
                email,
                request_time: self.0.timestamp(0),
                expire_time: self.0.timestamp(86_400),
            }),
        }))
    }

    async fn list_security_notices(
        &self,
        request: Request<ListSecurityNoticesRequest>,
    ) -> Answer<ListSecurityNoticesResponse> {
        self.admit(&request)?;
        let is_first = request.get_ref().page_token.is_empty();
        let notice = |kind: SecurityNoticeKind, session: &str| SecurityNotice {
            notice_id: ENTRY.into(),
            kind: kind.into(),
            happen_time: self.0.timestamp(-60),
            session_id: session.into(),
        };
        let (notices, next_page_token) = if is_first {
            let changed = notice(SecurityNoticeKind::PasswordChanged, "session-of-alice");
            (vec![changed, notice(SecurityNoticeKind::AddressTried, "")], "older".to_owned())
        } else {
            (vec![notice(SecurityNoticeKind::AppAdded, "")], String::new())
        };
        Ok(Response::new(ListSecurityNoticesResponse { notices, next_page_token }))
    }

    async fn begin_totp(&self, request: Request<BeginTotpRequest>) -> Answer<BeginTotpResponse> {
        self.admit_proven(&request)?;
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let uri = format!("otpauth://totp/candor.example?secret={secret}");
        Ok(Response::new(BeginTotpResponse { secret: secret.into(), uri }))
    }

    async fn confirm_totp(&self, request: Request<ConfirmTotpRequest>) -> Answer<ConfirmTotpResponse> {
        self.admit_proven(&request)?;
        if request.get_ref().code != "123456" {
            let sentence = "This did not fit, so nothing was changed.";
            return Err(Fault::new(Code::PermissionDenied, "PROOF_REFUSED", sentence).into());
        }
        let first = !self.0.app.swap(true, Ordering::SeqCst);
        self.0.passkeys.lost.lock().unwrap().push(("another app", request.get_ref().others_go_on));
        let recovery_codes = if first { vec!["01AB-CDEF-GHJK-MNPQ".into()] } else { Vec::new() };
        Ok(Response::new(ConfirmTotpResponse { recovery_codes }))
    }

    async fn remove_totp(&self, request: Request<RemoveTotpRequest>) -> Answer<RemoveTotpResponse> {
        self.admit_proven(&request)?;
        self.0.app.store(false, Ordering::SeqCst);
        self.0.passkeys.lost.lock().unwrap().push(("app", request.get_ref().others_go_on));
        Ok(Response::new(RemoveTotpResponse {}))
    }

    async fn renew_recovery_codes(
        &self,
        request: Request<RenewRecoveryCodesRequest>,
    ) -> Answer<RenewRecoveryCodesResponse> {
        self.admit_proven(&request)?;
        self.0.passkeys.lost.lock().unwrap().push(("codes", request.get_ref().others_go_on));
        let recovery_codes = vec!["ZZAB-CDEF-GHJK-MNPQ".into()];
        Ok(Response::new(RenewRecoveryCodesResponse { recovery_codes }))
    }

    async fn choose_notices(&self, request: Request<ChooseNoticesRequest>) -> Answer<ChooseNoticesResponse> {
        self.admit_proven(&request)?;
        self.0.by_mail.store(request.get_ref().by_mail, Ordering::SeqCst);
        Ok(Response::new(ChooseNoticesResponse {}))
    }
}

#[tonic::async_trait]
impl EntryService for Fake {
    async fn write_entry(&self, request: Request<WriteEntryRequest>) -> Answer<WriteEntryResponse> {
        use candor_proto::Validate as _;
        self.admit(&request)?;
        let request = request.into_inner();
        if !request.violations().is_empty() {
            return Err(Fault::invalid(request.violations()).into());
        }
        let mut written = self.0.written.lock().unwrap();
        if written.iter().any(|earlier| earlier.entry_id == request.entry_id && earlier.body != request.body)
        {
            let sentence = "This id holds other words already. They are safe.";
            return Err(Fault::new(Code::AlreadyExists, "ENTRY_EXISTS", sentence).into());
        }
        let entry =
            Entry { entry_id: request.entry_id.clone(), body: request.body.clone(), ..Entry::default() };
        written.push(request);
        Ok(Response::new(WriteEntryResponse { entry: Some(entry) }))
    }

    async fn get_entry(&self, request: Request<GetEntryRequest>) -> Answer<GetEntryResponse> {
        self.admit(&request)?;
        self.terms_first()?;
        if *self.0.trust.held.lock().unwrap() {
            let sentence = "This account is suspended.";
            return Err(Fault::new(Code::PermissionDenied, "ACCOUNT_SUSPENDED", sentence).into());
        }
        if request.get_ref().entry_id != ENTRY {
            let sentence = "There is no such entry.";
            return Err(Fault::new(Code::NotFound, "ENTRY_NOT_FOUND", sentence).into());
        }
        Ok(Response::new(GetEntryResponse { entry: Some(self.entry()) }))
    }

    async fn list_entries(&self, request: Request<ListEntriesRequest>) -> Answer<ListEntriesResponse> {
        self.admit(&request)?;
        if self.0.members_only.load(Ordering::SeqCst) {
            let sentence = "Only a member can do this.";
            return Err(Fault::new(Code::PermissionDenied, "MEMBERS_ONLY", sentence).into());
        }
        let next_page_token = if request.get_ref().page_token.is_empty() { "a+b/c=" } else { "" };
        Ok(Response::new(ListEntriesResponse {
            entries: vec![self.entry()],
            next_page_token: next_page_token.into(),
        }))
    }
}

#[tonic::async_trait]
impl InboxService for Fake {
    async fn list_inbox_items(
        &self,
        request: Request<ListInboxItemsRequest>,
    ) -> Answer<ListInboxItemsResponse> {
        self.admit(&request)?;
        let item = InboxItem {
            inbox_item_id: "item-1".into(),
            kind: ScheduleKind::LookBack.into(),
            subject_id: ENTRY.into(),
            create_time: self.0.timestamp(0),
            read: false,
            link_id: String::new(),
        };
        Ok(Response::new(ListInboxItemsResponse { items: vec![item], next_page_token: String::new() }))
    }

    async fn mark_inbox_item_read(
        &self,
        request: Request<MarkInboxItemReadRequest>,
    ) -> Answer<MarkInboxItemReadResponse> {
        self.admit(&request)?;
        self.0.marked.lock().unwrap().push(request.into_inner().inbox_item_id);
        Ok(Response::new(MarkInboxItemReadResponse {}))
    }
}

fn article() -> Article {
    Article {
        article_id: "what-a-wall-is".into(),
        locale: "en".into(),
        title: "What a wall is".into(),
        summary: "Where guardedness comes from.".into(),
        step: Step::Recognise.into(),
        reading_minutes: 4,
        body: "A wall [protects](/library/other).\n\n![x](https://tracker.example/x.gif)".into(),
        version: 1,
        clinical_review: "none".into(),
        reviewed_date: "2026-01-10".into(),
        sources: vec!["A book".into()],
        next_action: "Name one moment.".into(),
        ..Article::default()
    }
}

#[tonic::async_trait]
impl LibraryService for Fake {
    async fn list_articles(&self, _: Request<ListArticlesRequest>) -> Answer<ListArticlesResponse> {
        Ok(Response::new(ListArticlesResponse { articles: vec![article()], next_page_token: String::new() }))
    }

    async fn get_article(&self, request: Request<GetArticleRequest>) -> Answer<GetArticleResponse> {
        if self.0.broken.load(Ordering::SeqCst) {
            // What a service that breaks its contract looks like from here: no article in the answer.
            return Ok(Response::new(GetArticleResponse { article: None }));
        }
        if request.get_ref().article_id != "what-a-wall-is" {
            return Err(Fault::new(Code::NotFound, "ARTICLE_NOT_FOUND", "There is no such article.").into());
        }
        Ok(Response::new(GetArticleResponse { article: Some(article()) }))
    }
}

#[tonic::async_trait]
impl PathService for Fake {
    async fn get_path(&self, request: Request<GetPathRequest>) -> Answer<GetPathResponse> {
        self.admit(&request)?;
        let reached = Milestone {
            milestone_id: "first-entry".into(),
            title: "Write a first entry".into(),
            reach_time: self.0.timestamp(0),
            progress: 1,
            goal: 1,
        };
        let open = Milestone {
            milestone_id: "third-entry".into(),
            title: "Write three entries".into(),
            reach_time: None,
            progress: 1,
            goal: 3,
        };
        let for_two = |id: &str, title: &str, reach_time| Milestone {
            milestone_id: id.into(),
            title: title.into(),
            reach_time,
            goal: 1,
            ..Milestone::default()
        };
        if self.0.two_are_next.load(Ordering::SeqCst) {
            let steps = vec![
                PathStep { step: Step::Journal.into(), milestones: vec![reached] },
                PathStep {
                    step: Step::Communicate.into(),
                    milestones: vec![for_two("first-check-in", "Have a check-in that opens", None)],
                },
                PathStep {
                    step: Step::Vulnerability.into(),
                    milestones: vec![
                        for_two("first-share", "Share one small thing", self.0.timestamp(0)),
                        for_two("second-share", "Share something again", None),
                        for_two("first-embrace", "A later one for two", None),
                    ],
                },
            ];
            let (next_milestone_id, next_reason) = ("first-check-in".into(), "A few quiet minutes.".into());
            return Ok(Response::new(GetPathResponse { steps, next_milestone_id, next_reason }));
        }
        Ok(Response::new(GetPathResponse {
            steps: vec![PathStep { step: Step::Journal.into(), milestones: vec![reached, open] }],
            next_milestone_id: "third-entry".into(),
            next_reason: "Writing a little, often, helps more than much at once.".into(),
        }))
    }
}
