//! `SessionService`.

use super::{Rpc, wire};
use crate::{
    Error,
    app::{
        self,
        metrics::{self, Step},
    },
    domain::{Address, DeviceLabel, DeviceToken, Password, PendingToken, SessionSecret},
};
use candor_proto::accounts::v1::{
    CompleteSignInRequest, CompleteSignInResponse, Device, EndSessionRequest, EndSessionResponse,
    EndSessionsRequest, EndSessionsResponse, ForgetDeviceRequest, ForgetDeviceResponse, ListDevicesRequest,
    ListDevicesResponse, ListSessionsRequest, ListSessionsResponse, ListSigningKeysRequest,
    ListSigningKeysResponse, MintPassportRequest, MintPassportResponse, RotateSecretRequest,
    RotateSecretResponse, Session, SignInRequest, SignInResponse, SigningKey, StepUpRequest, StepUpResponse,
    session_service_server::SessionService,
};
use chassis::{
    Fault,
    identity::Passport,
    rpc::{admit_public, admit_signed_in},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

#[tonic::async_trait]
impl SessionService for Rpc {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        let mut message = admit_public(request)?;
        let typed = Zeroizing::new(std::mem::take(&mut message.password));
        let answer = sign_in(self, &message, &typed).await;
        let is_half = answer.as_ref().is_ok_and(|begun| begun.session_secret.is_empty());
        Ok(Response::new(metrics::sign_in(answer, if is_half { Step::Half } else { Step::Whole })?))
    }

    async fn complete_sign_in(
        &self,
        request: Request<CompleteSignInRequest>,
    ) -> Result<Response<CompleteSignInResponse>, Status> {
        let mut message = admit_public(request)?;
        let code = Zeroizing::new(std::mem::take(&mut message.code));
        let device = DeviceToken::parse(&message.device_token);
        let answer = complete_sign_in(self, &message.pending_token, &code, device.as_ref()).await;
        Ok(Response::new(metrics::sign_in(answer, Step::Whole)?))
    }

    async fn mint_passport(
        &self,
        request: Request<MintPassportRequest>,
    ) -> Result<Response<MintPassportResponse>, Status> {
        let secret = Zeroizing::new(admit_public(request)?.session_secret);
        Ok(Response::new(mint_passport(self, &secret).await?))
    }

    async fn rotate_secret(
        &self,
        request: Request<RotateSecretRequest>,
    ) -> Result<Response<RotateSecretResponse>, Status> {
        let secret = Zeroizing::new(admit_public(request)?.session_secret);
        Ok(Response::new(rotate_secret(self, &secret).await?))
    }

    async fn step_up(&self, request: Request<StepUpRequest>) -> Result<Response<StepUpResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let (password, code) = (Zeroizing::new(message.password), Zeroizing::new(message.code));
        Ok(Response::new(step_up(self, &passport, &password, &code).await?))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        Ok(Response::new(list_sessions(self, &passport).await?))
    }

    async fn end_session(
        &self,
        request: Request<EndSessionRequest>,
    ) -> Result<Response<EndSessionResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let session_id = Uuid::try_parse(&message.session_id)
            .map_err(|_| Fault::invalid_field("session_id", "is not a UUID"))?;
        Ok(Response::new(end_session(self, &passport, session_id).await?))
    }

    async fn end_sessions(
        &self,
        request: Request<EndSessionsRequest>,
    ) -> Result<Response<EndSessionsResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        Ok(Response::new(end_sessions(self, &passport, message.this_one_too).await?))
    }

    async fn list_devices(
        &self,
        request: Request<ListDevicesRequest>,
    ) -> Result<Response<ListDevicesResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        Ok(Response::new(list_devices(self, &passport).await?))
    }

    async fn forget_device(
        &self,
        request: Request<ForgetDeviceRequest>,
    ) -> Result<Response<ForgetDeviceResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let device_id = Uuid::try_parse(&message.device_id)
            .map_err(|_| Fault::invalid_field("device_id", "is not a UUID"))?;
        Ok(Response::new(forget_device(self, &passport, device_id).await?))
    }

    async fn list_signing_keys(
        &self,
        request: Request<ListSigningKeysRequest>,
    ) -> Result<Response<ListSigningKeysResponse>, Status> {
        admit_public(request)?;
        Ok(Response::new(list_signing_keys(self).await?))
    }
}

async fn sign_in(rpc: &Rpc, message: &SignInRequest, password: &str) -> Result<SignInResponse, Error> {
    let accounts = &rpc.accounts;
    let address = Address::parse(&message.email)?;
    let password = Password::offer(password)?;
    let label = DeviceLabel::parse(&message.device_label)?;
    let device = DeviceToken::parse(&message.device_token);
    let mut attempt = app::attempt(accounts, &address).await?;
    let found = {
        let mut conn = accounts.pool.acquire().await?;
        let found = app::credentials(&mut conn, &attempt).await?;
        app::admit_attempt(accounts, &mut conn, &mut attempt, found.as_ref(), device.as_ref()).await?;
        found
    };
    let proven = app::prove(accounts, found, password).await?;
    let label = app::seal_label(accounts, proven.account_id, &label).await?;
    let mut tx = accounts.pool.begin().await?;
    let proven = app::still_proven(&mut tx, proven, &attempt).await?;
    let factors = app::factors_of(&mut tx, proven.account_id).await?;
    if factors.any() {
        let half = app::keep_half(accounts, &mut tx, &proven, &attempt, &label).await?;
        tx.commit().await?;
        return Ok(SignInResponse {
            pending_token: half.token.text().to_string(),
            pending_expire_time: Some(wire(half.expires_at)),
            passkey: factors.passkeys > 0,
            ..SignInResponse::default()
        });
    }
    let started = app::start_session(accounts, &mut tx, proven, &attempt, &label, device.as_ref()).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    let passport = app::mint(accounts, &started.live).await?;
    Ok(SignInResponse {
        session_id: started.live.session_id.to_string(),
        session_secret: started.secret.text().to_string(),
        passport: passport.token.to_string(),
        passport_expire_time: Some(wire(passport.expires_at)),
        session_expire_time: Some(wire(started.expires_at)),
        device_token: started.device.text().to_string(),
        ..SignInResponse::default()
    })
}

async fn complete_sign_in(
    rpc: &Rpc,
    token: &str,
    code: &str,
    device: Option<&DeviceToken>,
) -> Result<CompleteSignInResponse, Error> {
    let accounts = &rpc.accounts;
    let token = PendingToken::parse(token).ok_or(Error::SignInOver)?;
    let half = app::half(accounts, &mut *accounts.pool.acquire().await?, &token).await?;
    let checked = app::check_code(accounts, half.account_id(), code).await?;
    let mut tx = accounts.pool.begin().await?;
    let started = app::complete(accounts, &mut tx, half, &checked, device).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    let passport = app::mint(accounts, &started.live).await?;
    Ok(CompleteSignInResponse {
        session_id: started.live.session_id.to_string(),
        session_secret: started.secret.text().to_string(),
        passport: passport.token.to_string(),
        passport_expire_time: Some(wire(passport.expires_at)),
        session_expire_time: Some(wire(started.expires_at)),
        device_token: started.device.text().to_string(),
    })
}

async fn mint_passport(rpc: &Rpc, secret: &str) -> Result<MintPassportResponse, Error> {
    let accounts = &rpc.accounts;
    let secret = SessionSecret::parse(secret).ok_or(Error::SessionOver)?;
    let live = app::recognise(accounts, &secret).await?;
    let passport = app::mint(accounts, &live).await?;
    Ok(MintPassportResponse {
        passport: passport.token.to_string(),
        passport_expire_time: Some(wire(passport.expires_at)),
        session_id: live.session_id.to_string(),
        account_id: live.account_id.to_string(),
        secret_is_old: live.is_secret_old(accounts),
    })
}

async fn rotate_secret(rpc: &Rpc, secret: &str) -> Result<RotateSecretResponse, Error> {
    let secret = SessionSecret::parse(secret).ok_or(Error::SessionOver)?;
    let next = app::rotate_secret(&rpc.accounts, &secret).await?;
    Ok(RotateSecretResponse { session_secret: next.map_or_else(String::new, |next| next.text().to_string()) })
}

async fn step_up(
    rpc: &Rpc,
    passport: &Passport,
    password: &str,
    code: &str,
) -> Result<StepUpResponse, Error> {
    let accounts = &rpc.accounts;
    let password = Password::offer(password)?;
    let known = {
        let mut conn = accounts.pool.acquire().await?;
        app::admit_step_up(accounts, &mut conn, passport).await?
    };
    app::still_fits(accounts, &known, password).await?;
    let checked = app::show_code(accounts, &known, code).await?;
    let mut tx = accounts.pool.begin().await?;
    let live = app::step_up(accounts, &mut tx, passport, checked.as_ref()).await?;
    tx.commit().await?;
    let passport = app::mint(accounts, &live).await?;
    Ok(StepUpResponse {
        passport: passport.token.to_string(),
        passport_expire_time: Some(wire(passport.expires_at)),
    })
}

async fn list_sessions(rpc: &Rpc, passport: &Passport) -> Result<ListSessionsResponse, Error> {
    let own = app::list_sessions(&rpc.accounts, passport.account_id).await?;
    let sessions = own
        .into_iter()
        .map(|session| Session {
            session_id: session.session_id.to_string(),
            device_label: session.device_label,
            create_time: Some(wire(session.created_at)),
            expire_time: Some(wire(session.expires_at)),
            current: session.session_id == passport.session_id,
        })
        .collect();
    Ok(ListSessionsResponse { sessions })
}

async fn end_session(rpc: &Rpc, passport: &Passport, session_id: Uuid) -> Result<EndSessionResponse, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::end_session(accounts, &mut tx, passport, session_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(EndSessionResponse {})
}

async fn list_devices(rpc: &Rpc, passport: &Passport) -> Result<ListDevicesResponse, Error> {
    let own = app::list_devices(&rpc.accounts, passport.account_id).await?;
    let devices = own
        .into_iter()
        .map(|device| Device {
            device_id: device.device_id.to_string(),
            device_label: device.label,
            create_time: Some(wire(device.created_at)),
            use_time: Some(wire(device.used_at)),
            current: device.session_id == passport.session_id,
        })
        .collect();
    Ok(ListDevicesResponse { devices })
}

async fn forget_device(
    rpc: &Rpc,
    passport: &Passport,
    device_id: Uuid,
) -> Result<ForgetDeviceResponse, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::forget_device(accounts, &mut tx, passport, device_id).await?;
    tx.commit().await?;
    Ok(ForgetDeviceResponse {})
}

async fn end_sessions(
    rpc: &Rpc,
    passport: &Passport,
    this_one_too: bool,
) -> Result<EndSessionsResponse, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    let ended = app::end_sessions(accounts, &mut tx, passport, this_one_too).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(EndSessionsResponse { ended: i32::try_from(ended).unwrap_or(i32::MAX) })
}

async fn list_signing_keys(rpc: &Rpc) -> Result<ListSigningKeysResponse, Error> {
    let accounts = &rpc.accounts;
    let keys = app::published_keys(&mut *accounts.pool.acquire().await?, accounts.clock.now()).await?;
    let keys = keys.into_iter().map(|key| SigningKey { key_id: key.key_id, public_key: key.x }).collect();
    Ok(ListSigningKeysResponse { keys })
}
