//! `PrivacyService`.

use super::{Rpc, ledger::cursor, wire};
use crate::{
    Error,
    app::{self, FoundCertificate, WaitingErasure},
    domain::{self, PageSize},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use candor_proto::accounts::v1::{
    CancelErasureRequest, CancelErasureResponse, CancelExportRequest, CancelExportResponse, ErasedClass,
    Erasure, ErasureState, Export, GetErasureCertificateRequest, GetErasureCertificateResponse,
    GetErasureRequest, GetErasureResponse, GetExportRequest, GetExportResponse, ListTiesRequest,
    ListTiesResponse, RequestErasureRequest, RequestErasureResponse, RequestExportRequest,
    RequestExportResponse, TakeExportRequest, TakeExportResponse, Tie, TieKind,
    privacy_service_server::PrivacyService,
};
use chassis::{
    identity::{Kind, Passport},
    rpc::{admit_kinds, admit_owner, admit_public, require_step_up},
};
use tonic::{Request, Response, Status};

/// Who has an account, and so something to take along.
const PEOPLE: [Kind; 5] = [Kind::Member, Kind::Counselor, Kind::Operator, Kind::Editor, Kind::Support];

#[tonic::async_trait]
impl PrivacyService for Rpc {
    async fn request_erasure(
        &self,
        request: Request<RequestErasureRequest>,
    ) -> Result<Response<RequestErasureResponse>, Status> {
        let (passport, message) = admit_kinds(request, &PEOPLE)?;
        demand_no_role(&passport)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(request_erasure(self, &passport, message.mail_certificate).await?))
    }

    async fn cancel_erasure(
        &self,
        request: Request<CancelErasureRequest>,
    ) -> Result<Response<CancelErasureResponse>, Status> {
        let (passport, _) = admit_kinds(request, &PEOPLE)?;
        cancel(self, &passport).await?;
        Ok(Response::new(CancelErasureResponse {}))
    }

    async fn get_erasure(
        &self,
        request: Request<GetErasureRequest>,
    ) -> Result<Response<GetErasureResponse>, Status> {
        let (passport, _) = admit_kinds(request, &PEOPLE)?;
        let mut conn = self.accounts.pool.acquire().await.map_err(Error::from)?;
        let waiting = app::erasure_of(&mut conn, passport.account_id).await?;
        Ok(Response::new(GetErasureResponse { erasure: waiting.map(erasure) }))
    }

    async fn request_export(
        &self,
        request: Request<RequestExportRequest>,
    ) -> Result<Response<RequestExportResponse>, Status> {
        let (passport, _) = admit_kinds(request, &PEOPLE)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(RequestExportResponse { export: Some(request_export(self, &passport).await?) }))
    }

    async fn cancel_export(
        &self,
        request: Request<CancelExportRequest>,
    ) -> Result<Response<CancelExportResponse>, Status> {
        let (passport, _) = admit_kinds(request, &PEOPLE)?;
        cancel_export(self, &passport).await?;
        Ok(Response::new(CancelExportResponse {}))
    }

    async fn get_export(
        &self,
        request: Request<GetExportRequest>,
    ) -> Result<Response<GetExportResponse>, Status> {
        let (passport, _) = admit_kinds(request, &PEOPLE)?;
        let mut conn = self.accounts.pool.acquire().await.map_err(Error::from)?;
        let found = app::export_of(&self.accounts, &mut conn, passport.account_id).await?;
        Ok(Response::new(GetExportResponse { export: found.map(export) }))
    }

    async fn take_export(
        &self,
        request: Request<TakeExportRequest>,
    ) -> Result<Response<TakeExportResponse>, Status> {
        let (passport, _) = admit_kinds(request, &PEOPLE)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(TakeExportResponse { export: Some(take(self, &passport).await?) }))
    }

    async fn list_ties(
        &self,
        request: Request<ListTiesRequest>,
    ) -> Result<Response<ListTiesResponse>, Status> {
        let (passport, message) = admit_owner(request)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let mut conn = self.accounts.pool.acquire().await.map_err(Error::from)?;
        let (ties, next) = app::list_ties(&mut conn, passport.account_id, size, after).await?;
        Ok(Response::new(ListTiesResponse {
            ties: ties.into_iter().map(tie).collect(),
            next_page_token: next.map(|next| URL_SAFE_NO_PAD.encode(next.to_bytes())).unwrap_or_default(),
        }))
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

/// Whoever runs the place could otherwise take away the audit of what they did.
fn demand_no_role(passport: &Passport) -> Result<(), Error> {
    if matches!(passport.kind, Kind::Operator | Kind::Editor | Kind::Support) {
        return Err(Error::StillStaff);
    }
    Ok(())
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

async fn request_export(rpc: &Rpc, passport: &Passport) -> Result<Export, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    let asked = app::request_export(accounts, &mut tx, passport).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(export(asked))
}

async fn cancel_export(rpc: &Rpc, passport: &Passport) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::cancel_export(accounts, &mut tx, passport).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(())
}

async fn take(rpc: &Rpc, passport: &Passport) -> Result<Export, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    let taken = app::take_export(accounts, &mut tx, passport).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(export(taken))
}

fn export(found: app::Export) -> Export {
    Export {
        request_time: Some(wire(found.requested_at)),
        open_time: Some(wire(found.opens_at)),
        expire_time: Some(wire(found.expires_at)),
        take_count: found.taken,
    }
}

fn tie(tie: app::Tie) -> Tie {
    let kind = match tie.kind.as_str() {
        "couple" => TieKind::Couple,
        "host" => TieKind::Host,
        _ => TieKind::Guest,
    };
    Tie {
        tie_id: tie.tie_id.to_string(),
        kind: kind.into(),
        other_account_id: tie.other_id.to_string(),
        begin_time: Some(wire(tie.began_at)),
        over: tie.over,
    }
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
