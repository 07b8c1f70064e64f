//! `CoupleService`.

use super::{Rpc, circle, id, pause, wire};
use crate::{
    Error,
    app::{self, Accepted, Complaint},
    domain::{self, InvitationCode, Name, ReportReason},
};
use candor_proto::accounts::v1::{
    AcceptInvitationRequest, AcceptInvitationResponse, BlockInviterRequest, BlockInviterResponse,
    CancelInvitationRequest, CancelInvitationResponse, CancelUnlinkRequest, CancelUnlinkResponse, Couple,
    DeclineInvitationRequest, DeclineInvitationResponse, GetCoupleRequest, GetCoupleResponse, InvitationKind,
    InvitePartnerRequest, InvitePartnerResponse, LiftInvitationPauseRequest, LiftInvitationPauseResponse,
    ListInvitationPausesRequest, ListInvitationPausesResponse, OpenInvitation, PreviewInvitationRequest,
    PreviewInvitationResponse, ReportInvitationRequest, ReportInvitationResponse, UnlinkPartnerRequest,
    UnlinkPartnerResponse, couple_service_server::CoupleService,
};
use chassis::{
    Fault,
    rpc::{admit_member, admit_owner, admit_public, require_step_up},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

#[tonic::async_trait]
impl CoupleService for Rpc {
    async fn invite_partner(
        &self,
        request: Request<InvitePartnerRequest>,
    ) -> Result<Response<InvitePartnerResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let name = Zeroizing::new(message.own_name);
        Ok(Response::new(invite(self, passport.account_id, &name).await?))
    }

    async fn cancel_invitation(
        &self,
        request: Request<CancelInvitationRequest>,
    ) -> Result<Response<CancelInvitationResponse>, Status> {
        let (passport, _) = admit_member(request)?;
        cancel(self, passport.account_id).await?;
        Ok(Response::new(CancelInvitationResponse {}))
    }

    async fn get_couple(
        &self,
        request: Request<GetCoupleRequest>,
    ) -> Result<Response<GetCoupleResponse>, Status> {
        let (passport, _) = admit_member(request)?;
        let linkage = app::couple_of(&self.accounts, passport.account_id).await?;
        let invitation = linkage.invitation.map(|open| OpenInvitation {
            invitation_id: open.invitation_id.to_string(),
            expire_time: Some(wire(open.expires_at)),
        });
        Ok(Response::new(GetCoupleResponse { couple: linkage.couple.map(couple), invitation }))
    }

    async fn preview_invitation(
        &self,
        request: Request<PreviewInvitationRequest>,
    ) -> Result<Response<PreviewInvitationResponse>, Status> {
        let code = Zeroizing::new(admit_public(request)?.code);
        let code = InvitationCode::parse(&code).ok_or(Error::InvitationNotFound)?;
        let preview = app::preview_invitation(&self.accounts, &code).await?;
        let kind = match preview.kind {
            domain::InvitationKind::Couple => InvitationKind::Couple,
            domain::InvitationKind::Circle => InvitationKind::Circle,
        };
        Ok(Response::new(PreviewInvitationResponse {
            kind: kind.into(),
            inviter_name: preview.inviter_name,
            expire_time: Some(wire(preview.expires_at)),
        }))
    }

    async fn accept_invitation(
        &self,
        request: Request<AcceptInvitationRequest>,
    ) -> Result<Response<AcceptInvitationResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let (code, name) = (Zeroizing::new(message.code), Zeroizing::new(message.own_name));
        Ok(Response::new(match accept(self, passport.account_id, &code, &name).await? {
            Accepted::Couple(linked) => {
                AcceptInvitationResponse { couple: Some(couple(linked)), place: None }
            }
            Accepted::Place(joined) => {
                AcceptInvitationResponse { couple: None, place: Some(circle::place(joined)) }
            }
        }))
    }

    async fn decline_invitation(
        &self,
        request: Request<DeclineInvitationRequest>,
    ) -> Result<Response<DeclineInvitationResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        decline(self, passport.account_id, &Zeroizing::new(message.code)).await?;
        Ok(Response::new(DeclineInvitationResponse {}))
    }

    async fn block_inviter(
        &self,
        request: Request<BlockInviterRequest>,
    ) -> Result<Response<BlockInviterResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        block(self, passport.account_id, &Zeroizing::new(message.code)).await?;
        Ok(Response::new(BlockInviterResponse {}))
    }

    async fn report_invitation(
        &self,
        request: Request<ReportInvitationRequest>,
    ) -> Result<Response<ReportInvitationResponse>, Status> {
        let message = admit_public(request)?;
        let (code, note) = (Zeroizing::new(message.code), Zeroizing::new(message.note));
        let reason =
            ReportReason::of(message.reason).ok_or_else(|| Fault::invalid_field("reason", "is not known"))?;
        report(self, &code, Complaint { reason, note }).await?;
        Ok(Response::new(ReportInvitationResponse {}))
    }

    async fn unlink_partner(
        &self,
        request: Request<UnlinkPartnerRequest>,
    ) -> Result<Response<UnlinkPartnerResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        Ok(Response::new(unlink(self, passport.account_id, message.delay_hours).await?))
    }

    async fn cancel_unlink(
        &self,
        request: Request<CancelUnlinkRequest>,
    ) -> Result<Response<CancelUnlinkResponse>, Status> {
        let (passport, _) = admit_member(request)?;
        let mut conn = self.accounts.pool.acquire().await.map_err(Error::from)?;
        app::cancel_unlink(&mut conn, passport.account_id).await?;
        Ok(Response::new(CancelUnlinkResponse {}))
    }

    async fn list_invitation_pauses(
        &self,
        request: Request<ListInvitationPausesRequest>,
    ) -> Result<Response<ListInvitationPausesResponse>, Status> {
        let (passport, message) = admit_owner(request)?;
        Ok(Response::new(pause::list(self, passport.account_id, &message).await?))
    }

    async fn lift_invitation_pause(
        &self,
        request: Request<LiftInvitationPauseRequest>,
    ) -> Result<Response<LiftInvitationPauseResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        pause::lift(self, &passport, id("pause_id", &message.pause_id)?).await?;
        Ok(Response::new(LiftInvitationPauseResponse {}))
    }
}

async fn invite(rpc: &Rpc, account_id: Uuid, name: &str) -> Result<InvitePartnerResponse, Error> {
    let accounts = &rpc.accounts;
    let draft = app::draft_invitation(accounts, account_id, &Name::parse(name)?).await?;
    let mut tx = accounts.pool.begin().await?;
    let invited = app::invite(accounts, &mut tx, draft).await?;
    tx.commit().await?;
    Ok(InvitePartnerResponse {
        invitation_id: invited.invitation_id.to_string(),
        code: invited.code.to_string(),
        link: invited.link.to_string(),
        expire_time: Some(wire(invited.expires_at)),
    })
}

async fn cancel(rpc: &Rpc, account_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::cancel_invitation(accounts, &mut tx, account_id).await?;
    Ok(tx.commit().await?)
}

async fn accept(rpc: &Rpc, account_id: Uuid, code: &str, name: &str) -> Result<Accepted, Error> {
    let accounts = &rpc.accounts;
    let (name, code) = (Name::parse(name)?, InvitationCode::parse(code));
    let acceptance = app::prepare_acceptance(accounts, account_id, code.as_ref(), &name).await?;
    let mut tx = accounts.pool.begin().await?;
    let accepted = app::accept(accounts, &mut tx, acceptance).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(accepted)
}

async fn decline(rpc: &Rpc, account_id: Uuid, code: &str) -> Result<(), Error> {
    let Some(code) = InvitationCode::parse(code) else { return Ok(()) };
    let accounts = &rpc.accounts;
    let Some(pause) = app::pause_of_code(accounts, account_id, &code).await? else { return Ok(()) };
    let mut tx = accounts.pool.begin().await?;
    app::decline_invitation(accounts, &mut tx, account_id, &code, &pause).await?;
    Ok(tx.commit().await?)
}

async fn block(rpc: &Rpc, account_id: Uuid, code: &str) -> Result<(), Error> {
    let Some(code) = InvitationCode::parse(code) else { return Ok(()) };
    let accounts = &rpc.accounts;
    let Some(pause) = app::pause_of_code(accounts, account_id, &code).await? else { return Ok(()) };
    let mut tx = accounts.pool.begin().await?;
    app::block_inviter(accounts, &mut tx, &pause).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(())
}

async fn report(rpc: &Rpc, code: &str, complaint: Complaint) -> Result<(), Error> {
    let Some(code) = InvitationCode::parse(code) else { return Ok(()) };
    let accounts = &rpc.accounts;
    let report = app::seal_report(accounts, &complaint).await?;
    let mut tx = accounts.pool.begin().await?;
    app::report_invitation(accounts, &mut tx, &code, &report).await?;
    Ok(tx.commit().await?)
}

async fn unlink(rpc: &Rpc, account_id: Uuid, hours: i32) -> Result<UnlinkPartnerResponse, Error> {
    let accounts = &rpc.accounts;
    if hours > 0 {
        let mut conn = accounts.pool.acquire().await?;
        let planned = app::plan_unlink(accounts, &mut conn, account_id, hours).await?;
        return Ok(UnlinkPartnerResponse { planned_unlink_time: planned.map(wire) });
    }
    let pause = app::pause_of_partner(accounts, account_id).await?;
    let mut tx = accounts.pool.begin().await?;
    app::unlink(accounts, &mut tx, account_id, pause.as_ref()).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(UnlinkPartnerResponse { planned_unlink_time: None })
}

fn couple(mine: app::MyCouple) -> Couple {
    Couple {
        couple_id: mine.couple_id.to_string(),
        partner_account_id: mine.partner_id.to_string(),
        partner_name: mine.partner_name,
        own_name: mine.own_name,
        link_time: Some(wire(mine.linked_at)),
        planned_unlink_time: mine.leaves_at.map(wire),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::ReportReason;
    use candor_proto::accounts::v1::ReportReason as Wire;

    #[test]
    fn reasons_have_the_numbers_of_the_proto() {
        use Wire::{
            Conduct, Harassment, Other, Pressure, Pretence, Privacy, Threat, UnderAge, UnknownPerson,
        };
        let wire = [Other, UnknownPerson, UnderAge, Pretence, Conduct, Privacy, Harassment, Pressure, Threat];
        assert_eq!(ReportReason::ALL.map(ReportReason::number), wire.map(|reason| reason as i32));
        assert!(ReportReason::of(Wire::Unspecified as i32).is_none());
        assert!(Wire::try_from(1 + ReportReason::ALL.len() as i32).is_err());
    }
}
