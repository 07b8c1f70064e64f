//! `SupportService`.

use super::{Rpc, wire};
use crate::{
    Error,
    app::support::{self, Seen},
    domain::AccountKind,
};
use candor_proto::accounts::v1::{
    CreateSupportCodeRequest, CreateSupportCodeResponse, LookUpSupportCodeRequest, LookUpSupportCodeResponse,
    support_service_server::SupportService,
};
use chassis::{
    identity::{Kind, Passport},
    rpc::admit_kinds,
};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

/// Whom is helped.
const HELPED: [Kind; 2] = [Kind::Member, Kind::Counselor];
/// Who helps.
const HELPERS: [Kind; 1] = [Kind::Support];

#[tonic::async_trait]
impl SupportService for Rpc {
    async fn create_support_code(
        &self,
        request: Request<CreateSupportCodeRequest>,
    ) -> Result<Response<CreateSupportCodeResponse>, Status> {
        let (passport, _) = admit_kinds(request, &HELPED)?;
        Ok(Response::new(create(self, &passport).await?))
    }

    async fn look_up_support_code(
        &self,
        request: Request<LookUpSupportCodeRequest>,
    ) -> Result<Response<LookUpSupportCodeResponse>, Status> {
        let (passport, message) = admit_kinds(request, &HELPERS)?;
        Ok(Response::new(look(self, &passport, &Zeroizing::new(message.code)).await?))
    }
}

async fn create(rpc: &Rpc, by: &Passport) -> Result<CreateSupportCodeResponse, Error> {
    let made = support::make_code(&rpc.accounts).await?;
    let mut tx = rpc.accounts.pool.begin().await?;
    let code = support::keep_code(&rpc.accounts, &mut tx, by, &made).await?;
    tx.commit().await?;
    Ok(CreateSupportCodeResponse { code: code.text.to_string(), expire_time: Some(wire(code.expires_at)) })
}

async fn look(rpc: &Rpc, by: &Passport, typed: &str) -> Result<LookUpSupportCodeResponse, Error> {
    let accounts = &rpc.accounts;
    // A turn is taken whatever comes of it.
    support::take_turn(accounts, by).await?;
    let code = support::typed_code(accounts, typed).await?;
    let mut tx = accounts.pool.begin().await?;
    let seen = support::look(accounts, &mut tx, by, code).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(answer(seen))
}

fn answer(seen: Seen) -> LookUpSupportCodeResponse {
    let (found, factors) = (seen.standing, seen.factors);
    LookUpSupportCodeResponse {
        look_id: seen.look_id.to_string(),
        is_counselor: AccountKind::stored(&found.kind) == AccountKind::Counselor,
        address_confirmed: found.confirmed,
        suspended: found.suspended,
        erasing: found.erasing,
        export_open_time: found.export_opens_at.map(|at| wire(at.to_jiff())),
        has_app: factors.totp,
        has_passkey: factors.passkeys > 0,
        has_recovery_codes: factors.recovery_codes > 0,
        codes_refused: found.codes_refused,
        mails_waiting: i32::try_from(found.mails_waiting).unwrap_or(i32::MAX),
        mails_undelivered: found.mails_dead,
    }
}
