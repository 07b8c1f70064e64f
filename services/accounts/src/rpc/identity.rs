//! `IdentityService`.

use super::{Rpc, email_change, profile};
use crate::{
    Error,
    app::{self, Applicant, Choice, Offered},
    domain::{Address, DeviceLabel, DeviceToken, Locale, Password, ResetToken, VerificationToken, Zone},
};
use candor_proto::accounts::v1::{
    CancelEmailChangeRequest, CancelEmailChangeResponse, ChangePasswordRequest, ChangePasswordResponse,
    ConfirmEmailChangeRequest, ConfirmEmailChangeResponse, GetMeRequest, GetMeResponse, RegisterRequest,
    RegisterResponse, RequestEmailChangeRequest, RequestEmailChangeResponse, RequestPasswordResetRequest,
    RequestPasswordResetResponse, ResendVerificationRequest, ResendVerificationResponse,
    ResetPasswordRequest, ResetPasswordResponse, UndoEmailChangeRequest, UndoEmailChangeResponse,
    UpdateProfileRequest, UpdateProfileResponse, VerifyEmailRequest, VerifyEmailResponse,
    identity_service_server::IdentityService,
};
use chassis::{
    identity::Passport,
    rpc::{admit_public, admit_signed_in, require_step_up},
};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

#[tonic::async_trait]
impl IdentityService for Rpc {
    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        let mut message = admit_public(request)?;
        let typed = Zeroizing::new(std::mem::take(&mut message.password));
        Ok(Response::new(register(self, &message, &typed).await?))
    }

    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        let mut message = admit_public(request)?;
        let typed = Zeroizing::new(std::mem::take(&mut message.password));
        Ok(Response::new(verify_email(self, &message.token, &typed).await?))
    }

    async fn resend_verification(
        &self,
        request: Request<ResendVerificationRequest>,
    ) -> Result<Response<ResendVerificationResponse>, Status> {
        let message = admit_public(request)?;
        Ok(Response::new(resend(self, &message.email).await?))
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        let message = admit_public(request)?;
        Ok(Response::new(request_reset(self, &message.email).await?))
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        let mut message = admit_public(request)?;
        let typed = Zeroizing::new(std::mem::take(&mut message.new_password));
        let code = Zeroizing::new(std::mem::take(&mut message.code));
        Ok(Response::new(reset_password(self, &message, &typed, &code).await?))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let typed = Zeroizing::new(message.new_password);
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(change_password(self, &passport, &typed, message.others_go_on).await?))
    }

    async fn request_email_change(
        &self,
        request: Request<RequestEmailChangeRequest>,
    ) -> Result<Response<RequestEmailChangeResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(email_change::request(self, &passport, &message.email).await?))
    }

    async fn confirm_email_change(
        &self,
        request: Request<ConfirmEmailChangeRequest>,
    ) -> Result<Response<ConfirmEmailChangeResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        Ok(Response::new(email_change::confirm(self, &passport, &message.token).await?))
    }

    async fn cancel_email_change(
        &self,
        request: Request<CancelEmailChangeRequest>,
    ) -> Result<Response<CancelEmailChangeResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        Ok(Response::new(email_change::cancel(self, &passport).await?))
    }

    async fn undo_email_change(
        &self,
        request: Request<UndoEmailChangeRequest>,
    ) -> Result<Response<UndoEmailChangeResponse>, Status> {
        let message = admit_public(request)?;
        Ok(Response::new(email_change::undo(self, &message.token).await?))
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<GetMeResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        let account = profile::me(self, passport.account_id).await?;
        Ok(Response::new(GetMeResponse { account: Some(account) }))
    }

    async fn update_profile(
        &self,
        request: Request<UpdateProfileRequest>,
    ) -> Result<Response<UpdateProfileResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let account = profile::update(self, &passport, &message).await?;
        Ok(Response::new(UpdateProfileResponse { account: Some(account) }))
    }
}

async fn register(rpc: &Rpc, message: &RegisterRequest, password: &str) -> Result<RegisterResponse, Error> {
    let accounts = &rpc.accounts;
    let applicant = Applicant {
        address: Address::parse(&message.email)?,
        password: Password::choose("password", password)?,
        zone: Zone::parse(&message.time_zone)?,
        locale: Locale::parse(&message.locale)?,
        notices_by_mail: message.notices_by_mail,
        offered: Offered { terms: message.terms_version, privacy: message.privacy_version },
    };
    let application = app::apply(accounts, applicant).await?;
    let mut tx = accounts.pool.begin().await?;
    app::record(accounts, &mut tx, application).await?;
    tx.commit().await?;
    accounts.requests.notify_one();
    Ok(RegisterResponse {})
}

async fn verify_email(rpc: &Rpc, token: &str, password: &str) -> Result<VerifyEmailResponse, Error> {
    let accounts = &rpc.accounts;
    let password = Password::offer(password)?;
    let token = VerificationToken::parse(token).ok_or(Error::VerificationNotFound)?;
    let pending = {
        let mut conn = accounts.pool.acquire().await?;
        app::pending_proof(accounts, &mut conn, &token).await?
    };
    let proof = app::prove_registration(accounts, pending, password).await?;
    let mut tx = accounts.pool.begin().await?;
    app::verify_email(accounts, &mut tx, &proof).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(VerifyEmailResponse {})
}

async fn resend(rpc: &Rpc, email: &str) -> Result<ResendVerificationResponse, Error> {
    let accounts = &rpc.accounts;
    let email_index = accounts.index(&Address::parse(email)?).await?;
    let mut tx = accounts.pool.begin().await?;
    app::resend(accounts, &mut tx, &email_index).await?;
    tx.commit().await?;
    accounts.requests.notify_one();
    Ok(ResendVerificationResponse {})
}

async fn request_reset(rpc: &Rpc, email: &str) -> Result<RequestPasswordResetResponse, Error> {
    let accounts = &rpc.accounts;
    let email_index = accounts.index(&Address::parse(email)?).await?;
    let mut tx = accounts.pool.begin().await?;
    app::request_reset(accounts, &mut tx, &email_index).await?;
    tx.commit().await?;
    accounts.requests.notify_one();
    Ok(RequestPasswordResetResponse {})
}

async fn reset_password(
    rpc: &Rpc,
    message: &ResetPasswordRequest,
    password: &str,
    code: &str,
) -> Result<ResetPasswordResponse, Error> {
    let accounts = &rpc.accounts;
    let choice = Choice {
        password: Password::choose_beside("new_password", password)?,
        label: DeviceLabel::parse(&message.device_label)?,
        device: DeviceToken::parse(&message.device_token),
    };
    let token = ResetToken::parse(&message.token).ok_or(Error::ResetNotFound)?;
    let prepared = app::prepare_reset(accounts, &token, choice, code).await?;
    let mut tx = accounts.pool.begin().await?;
    let device = app::reset_password(accounts, &mut tx, &prepared).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(ResetPasswordResponse { device_token: device.text().to_string() })
}

async fn change_password(
    rpc: &Rpc,
    passport: &Passport,
    password: &str,
    others_go_on: bool,
) -> Result<ChangePasswordResponse, Error> {
    let accounts = &rpc.accounts;
    let password = Password::choose_beside("new_password", password)?;
    let new = app::prepare_password(accounts, passport.account_id, password).await?;
    let mut tx = accounts.pool.begin().await?;
    app::change_password(accounts, &mut tx, &new, passport, others_go_on).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(ChangePasswordResponse {})
}
