//! `PrivacyService`.

use super::{Rpc, wire};
use crate::{
    Error,
    app::{self, FoundCertificate, WaitingErasure},
    domain,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use candor_proto::accounts::v1::{
    CancelErasureRequest, CancelErasureResponse, ErasedClass, Erasure, ErasureState,
    GetErasureCertificateRequest, GetErasureCertificateResponse, GetErasureRequest, GetErasureResponse,
    RequestErasureRequest, RequestErasureResponse, privacy_service_server::PrivacyService,
};
use chassis::{
    identity::Passport,
    rpc::{admit_member, admit_public, require_step_up},
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl PrivacyService for Rpc {
    async fn request_erasure(
        &self,
        request: Request<RequestErasureRequest>,
    ) -> Result<Response<RequestErasureResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(request_erasure(self, &passport, message.mail_certificate).await?))
    }

    async fn cancel_erasure(
        &self,
        request: Request<CancelErasureRequest>,
    ) -> Result<Response<CancelErasureResponse>, Status> {
        let (passport, _) = admit_member(request)?;
        cancel(self, &passport).await?;
        Ok(Response::new(CancelErasureResponse {}))
    }

    async fn get_erasure(
        &self,
        request: Request<GetErasureRequest>,
    ) -> Result<Response<GetErasureResponse>, Status> {
        let (passport, _) = admit_member(request)?;
        let mut conn = self.accounts.pool.acquire().await.map_err(Error::from)?;
        let waiting = app::erasure_of(&mut conn, passport.account_id).await?;
        Ok(Response::new(GetErasureResponse { erasure: waiting.map(erasure) }))
    }

    async fn get_erasure_certificate(
        &self,
        request: Request<GetErasureCertificateRequest>,
    ) -> Result<Response<GetErasureCertificateResponse>, Status> {
        let message = admit_public(request)?;
        let found = app::certificate_of(&self.accounts, &message.code).await?;
        Ok(Response::new(certificate(found)))
    }
}

async fn request_erasure(
    rpc: &Rpc,
    passport: &Passport,
    mail_certificate: bool,
) -> Result<RequestErasureResponse, Error> {
    let accounts = &rpc.accounts;
    let prepared = app::prepare_erasure(accounts, passport.account_id, mail_certificate).await?;
    let pause = app::pause_of_partner(accounts, passport.account_id).await?;
    let mut tx = accounts.pool.begin().await?;
    let waiting = app::request_erasure(accounts, &mut tx, passport, &prepared, pause.as_ref()).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(RequestErasureResponse {
        erasure: Some(erasure(waiting)),
        certificate_code: prepared.code().to_string(),
    })
}

async fn cancel(rpc: &Rpc, passport: &Passport) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::cancel_erasure(accounts, &mut tx, passport).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(())
}

fn erasure(waiting: WaitingErasure) -> Erasure {
    Erasure {
        request_time: Some(wire(waiting.requested_at)),
        begin_time: Some(wire(waiting.begins_at)),
        mail_certificate: waiting.mail_certificate,
    }
}

fn certificate(certified: FoundCertificate) -> GetErasureCertificateResponse {
    let state = match certified.state {
        domain::ErasureState::Waiting => ErasureState::Waiting,
        domain::ErasureState::Begun => ErasureState::Begun,
        domain::ErasureState::Done => ErasureState::Done,
    };
    let found = certified.found;
    let classes = certified.parts.iter().flat_map(|part| {
        part.destroyed.iter().map(|(class, count)| ErasedClass {
            service: part.service.clone(),
            class: class.clone(),
            count: *count,
        })
    });
    let pending = if state == ErasureState::Begun { certified.pending } else { Vec::new() };
    GetErasureCertificateResponse {
        state: state.into(),
        begin_time: Some(wire(found.begins_at)),
        finish_time: found.done_at.map(wire),
        backups_end_time: found.backups_end_at.map(wire),
        destroyed: classes.collect(),
        pending_services: pending.into_iter().map(ToOwned::to_owned).collect(),
        certificate: found.certificate.unwrap_or_default(),
        signature: found.signature.map(|bytes| STANDARD.encode(bytes)).unwrap_or_default(),
        public_key: found.public_key.map(|bytes| STANDARD.encode(bytes)).unwrap_or_default(),
    }
}
