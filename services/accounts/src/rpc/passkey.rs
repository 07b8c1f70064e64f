//! `PasskeyService`.

use super::{Rpc, id, wire};
use crate::{
    Error, PasskeyError,
    app::{
        self, AskedDevice,
        metrics::{self, Step},
    },
    domain::{ChallengeToken, DeviceLabel, DeviceToken, Name, PendingToken},
};
use candor_proto::accounts::v1::{
    AddPasskeyRequest, AddPasskeyResponse, BeginPasskeyRequest, BeginPasskeyResponse,
    BeginPasskeySignInRequest, BeginPasskeySignInResponse, BeginPasskeyStepUpRequest,
    BeginPasskeyStepUpResponse, ListPasskeysRequest, ListPasskeysResponse, Passkey, RemovePasskeyRequest,
    RemovePasskeyResponse, RenamePasskeyRequest, RenamePasskeyResponse, SignInWithPasskeyRequest,
    SignInWithPasskeyResponse, StepUpWithPasskeyRequest, StepUpWithPasskeyResponse,
    passkey_service_server::PasskeyService,
};
use chassis::{
    identity::Passport,
    rpc::{admit_public, admit_signed_in, require_step_up},
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl PasskeyService for Rpc {
    async fn list_passkeys(
        &self,
        request: Request<ListPasskeysRequest>,
    ) -> Result<Response<ListPasskeysResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        let mine = app::passkeys_of(&self.accounts, passport.account_id).await?;
        let passkeys = mine.into_iter().map(|mine| Passkey {
            passkey_id: mine.passkey_id.to_string(),
            name: mine.name,
            create_time: Some(wire(mine.created_at)),
            use_time: mine.used_at.map(wire),
        });
        Ok(Response::new(ListPasskeysResponse { passkeys: passkeys.collect() }))
    }

    async fn begin_passkey(
        &self,
        request: Request<BeginPasskeyRequest>,
    ) -> Result<Response<BeginPasskeyResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let name = Name::parse_as("name", &message.name).map_err(Error::from)?;
        let asked = app::begin_passkey(&self.accounts, &passport, &name).await?;
        let (options, challenge_token, expire_time) = told(&asked);
        Ok(Response::new(BeginPasskeyResponse { options, challenge_token, expire_time }))
    }

    async fn add_passkey(
        &self,
        request: Request<AddPasskeyRequest>,
    ) -> Result<Response<AddPasskeyResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(add(self, &passport, &message).await?))
    }

    async fn rename_passkey(
        &self,
        request: Request<RenamePasskeyRequest>,
    ) -> Result<Response<RenamePasskeyResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let passkey_id = id("passkey_id", &message.passkey_id)?;
        let name = Name::parse_as("name", &message.name).map_err(Error::from)?;
        let sealed = app::seal_passkey_name(&self.accounts, passport.account_id, passkey_id, &name).await?;
        let mut tx = self.accounts.pool.begin().await.map_err(Error::from)?;
        app::rename_passkey(&self.accounts, &mut tx, &passport, passkey_id, &sealed).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(RenamePasskeyResponse {}))
    }

    async fn remove_passkey(
        &self,
        request: Request<RemovePasskeyRequest>,
    ) -> Result<Response<RemovePasskeyResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let passkey_id = id("passkey_id", &message.passkey_id)?;
        let mut tx = self.accounts.pool.begin().await.map_err(Error::from)?;
        app::remove_passkey(&self.accounts, &mut tx, &passport, passkey_id, message.others_go_on).await?;
        tx.commit().await.map_err(Error::from)?;
        self.accounts.outbox.wake();
        self.accounts.mails.notify_one();
        Ok(Response::new(RemovePasskeyResponse {}))
    }

    async fn begin_passkey_sign_in(
        &self,
        request: Request<BeginPasskeySignInRequest>,
    ) -> Result<Response<BeginPasskeySignInResponse>, Status> {
        let message = admit_public(request)?;
        let asked = begin_sign_in(self, &message.pending_token).await?;
        let (options, challenge_token, expire_time) = told(&asked);
        Ok(Response::new(BeginPasskeySignInResponse { options, challenge_token, expire_time }))
    }

    async fn sign_in_with_passkey(
        &self,
        request: Request<SignInWithPasskeyRequest>,
    ) -> Result<Response<SignInWithPasskeyResponse>, Status> {
        let message = admit_public(request)?;
        let answer = sign_in(self, &message).await;
        Ok(Response::new(metrics::sign_in(answer, Step::Whole)?))
    }

    async fn begin_passkey_step_up(
        &self,
        request: Request<BeginPasskeyStepUpRequest>,
    ) -> Result<Response<BeginPasskeyStepUpResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        let asked = app::begin_passkey_step_up(&self.accounts, &passport).await?;
        let (options, challenge_token, expire_time) = told(&asked);
        Ok(Response::new(BeginPasskeyStepUpResponse { options, challenge_token, expire_time }))
    }

    async fn step_up_with_passkey(
        &self,
        request: Request<StepUpWithPasskeyRequest>,
    ) -> Result<Response<StepUpWithPasskeyResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        Ok(Response::new(step_up(self, &passport, &message).await?))
    }
}

/// What a device is asked, as it is told: options, token, and until when.
fn told(asked: &AskedDevice) -> (String, String, Option<prost_types::Timestamp>) {
    (asked.options.to_string(), asked.token.text().to_string(), Some(wire(asked.expires_at)))
}

async fn add(
    rpc: &Rpc,
    passport: &Passport,
    message: &AddPasskeyRequest,
) -> Result<AddPasskeyResponse, Error> {
    let accounts = &rpc.accounts;
    let token = ChallengeToken::parse(&message.challenge_token).ok_or(PasskeyError::Over)?;
    let prepared = app::prepare_passkey(accounts, passport, &token, &message.credential).await?;
    let mut tx = accounts.pool.begin().await?;
    let codes = app::add_passkey(accounts, &mut tx, passport, &prepared).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    let codes = codes.unwrap_or_default().into_iter().map(|code| code.to_string());
    Ok(AddPasskeyResponse { recovery_codes: codes.collect() })
}

async fn begin_sign_in(rpc: &Rpc, half: &str) -> Result<AskedDevice, Error> {
    let half = match half {
        "" => None,
        token => Some(PendingToken::parse(token).ok_or(Error::SignInOver)?),
    };
    app::begin_passkey_sign_in(&rpc.accounts, half.as_ref()).await
}

async fn sign_in(rpc: &Rpc, message: &SignInWithPasskeyRequest) -> Result<SignInWithPasskeyResponse, Error> {
    let accounts = &rpc.accounts;
    let label = DeviceLabel::parse(&message.device_label)?;
    let token = ChallengeToken::parse(&message.challenge_token).ok_or(Error::SignInOver)?;
    let checked = app::check_sign_in(accounts, &token, &message.credential, &label).await?;
    let mut tx = accounts.pool.begin().await?;
    let device = DeviceToken::parse(&message.device_token);
    let started = app::sign_in_with_passkey(accounts, &mut tx, checked, device.as_ref()).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    let passport = app::mint(accounts, &started.live).await?;
    Ok(SignInWithPasskeyResponse {
        session_id: started.live.session_id.to_string(),
        session_secret: started.secret.text().to_string(),
        passport: passport.token.to_string(),
        passport_expire_time: Some(wire(passport.expires_at)),
        session_expire_time: Some(wire(started.expires_at)),
        device_token: started.device.text().to_string(),
    })
}

async fn step_up(
    rpc: &Rpc,
    passport: &Passport,
    message: &StepUpWithPasskeyRequest,
) -> Result<StepUpWithPasskeyResponse, Error> {
    let accounts = &rpc.accounts;
    let token = ChallengeToken::parse(&message.challenge_token).ok_or(PasskeyError::Over)?;
    let proven = app::check_step_up(accounts, passport, &token, &message.credential).await?;
    let mut tx = accounts.pool.begin().await?;
    let live = app::step_up_with_passkey(accounts, &mut tx, passport, &proven).await?;
    tx.commit().await?;
    let passport = app::mint(accounts, &live).await?;
    Ok(StepUpWithPasskeyResponse {
        passport: passport.token.to_string(),
        passport_expire_time: Some(wire(passport.expires_at)),
    })
}
