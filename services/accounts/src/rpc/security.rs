//! `SecurityService`.

use super::{
    Rpc,
    ledger::{cursor, page_token},
    wire,
};
use crate::{Error, app, domain::PageSize};
use candor_proto::accounts::v1::{
    BeginTotpRequest, BeginTotpResponse, ChooseNoticesRequest, ChooseNoticesResponse, ConfirmTotpRequest,
    ConfirmTotpResponse, GetSecurityRequest, GetSecurityResponse, ListSecurityNoticesRequest,
    ListSecurityNoticesResponse, RemoveTotpRequest, RemoveTotpResponse, RenewRecoveryCodesRequest,
    RenewRecoveryCodesResponse, SecurityNotice, WaitingAddress, security_service_server::SecurityService,
};
use chassis::{
    identity::Passport,
    rpc::{admit_signed_in, require_step_up},
};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

#[tonic::async_trait]
impl SecurityService for Rpc {
    async fn get_security(
        &self,
        request: Request<GetSecurityRequest>,
    ) -> Result<Response<GetSecurityResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        let found = app::security_of(&self.accounts, passport.account_id).await?;
        Ok(Response::new(GetSecurityResponse {
            password_time: Some(wire(found.password_set_at)),
            notices_by_mail: found.notices_by_mail,
            totp_time: found.app_since.map(wire),
            passkeys: i32::try_from(found.passkeys).unwrap_or(i32::MAX),
            recovery_codes: i32::try_from(found.recovery_codes).unwrap_or(i32::MAX),
            second_factor_missing: found.second_factor_missing,
            waiting_address: found.waiting_address.map(|waiting| WaitingAddress {
                email: waiting.email,
                request_time: Some(wire(waiting.requested_at)),
                expire_time: Some(wire(waiting.expires_at)),
            }),
        }))
    }

    async fn list_security_notices(
        &self,
        request: Request<ListSecurityNoticesRequest>,
    ) -> Result<Response<ListSecurityNoticesResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let (notices, next) = app::list_notices(&self.accounts, passport.account_id, size, after).await?;
        let notices = notices.into_iter().map(|own| SecurityNotice {
            notice_id: own.notice_id.to_string(),
            kind: own.kind.number(),
            happen_time: Some(wire(own.happened_at)),
            session_id: own.session_id.map(|id| id.to_string()).unwrap_or_default(),
        });
        Ok(Response::new(ListSecurityNoticesResponse {
            notices: notices.collect(),
            next_page_token: page_token(next),
        }))
    }

    async fn choose_notices(
        &self,
        request: Request<ChooseNoticesRequest>,
    ) -> Result<Response<ChooseNoticesResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(choose_notices(self, &passport, message.by_mail).await?))
    }

    async fn begin_totp(
        &self,
        request: Request<BeginTotpRequest>,
    ) -> Result<Response<BeginTotpResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let proposed = app::begin_app(&self.accounts, &passport).await?;
        Ok(Response::new(BeginTotpResponse {
            secret: proposed.secret.to_string(),
            uri: proposed.uri.to_string(),
        }))
    }

    async fn confirm_totp(
        &self,
        request: Request<ConfirmTotpRequest>,
    ) -> Result<Response<ConfirmTotpResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let (code, others_go_on) = (Zeroizing::new(message.code), message.others_go_on);
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(confirm_totp(self, &passport, &code, others_go_on).await?))
    }

    async fn remove_totp(
        &self,
        request: Request<RemoveTotpRequest>,
    ) -> Result<Response<RemoveTotpResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(remove_totp(self, &passport, message.others_go_on).await?))
    }

    async fn renew_recovery_codes(
        &self,
        request: Request<RenewRecoveryCodesRequest>,
    ) -> Result<Response<RenewRecoveryCodesResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(renew_recovery_codes(self, &passport, message.others_go_on).await?))
    }
}

async fn confirm_totp(
    rpc: &Rpc,
    passport: &Passport,
    code: &str,
    others_go_on: bool,
) -> Result<ConfirmTotpResponse, Error> {
    let accounts = &rpc.accounts;
    app::admit_confirmation(accounts, &mut *accounts.pool.acquire().await?, passport).await?;
    let prepared = app::prepare_app(accounts, passport, code).await?;
    let mut tx = accounts.pool.begin().await?;
    let codes = app::confirm_app(accounts, &mut tx, passport, &prepared, others_go_on).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(ConfirmTotpResponse { recovery_codes: shown(codes.unwrap_or_default()) })
}

async fn remove_totp(
    rpc: &Rpc,
    passport: &Passport,
    others_go_on: bool,
) -> Result<RemoveTotpResponse, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::remove_app(accounts, &mut tx, passport, others_go_on).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(RemoveTotpResponse {})
}

async fn renew_recovery_codes(
    rpc: &Rpc,
    passport: &Passport,
    others_go_on: bool,
) -> Result<RenewRecoveryCodesResponse, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    let codes = app::renew_recovery_codes(accounts, &mut tx, passport, others_go_on).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(RenewRecoveryCodesResponse { recovery_codes: shown(codes) })
}

fn shown(codes: app::FreshCodes) -> Vec<String> {
    codes.into_iter().map(|code| code.to_string()).collect()
}

async fn choose_notices(
    rpc: &Rpc,
    passport: &Passport,
    by_mail: bool,
) -> Result<ChooseNoticesResponse, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::choose_notices(accounts, &mut tx, passport, by_mail).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(ChooseNoticesResponse {})
}

#[cfg(test)]
mod tests {
    use crate::domain::NoticeKind;
    use candor_proto::accounts::v1::SecurityNoticeKind as Wire;

    #[test]
    fn kinds_have_the_numbers_of_the_proto() {
        for kind in NoticeKind::ALL {
            let wire = Wire::try_from(kind.number()).unwrap();
            let name = wire.as_str_name().strip_prefix("SECURITY_NOTICE_KIND_").unwrap();
            assert_eq!(name.to_lowercase(), kind.as_str());
            assert_eq!(NoticeKind::stored(kind.as_str()), Some(kind));
        }
        let said = (1..1000).filter(|number| Wire::try_from(*number).is_ok()).count();
        assert_eq!(said, NoticeKind::ALL.len(), "a kind of the proto is never told, or two have a number");
    }
}
