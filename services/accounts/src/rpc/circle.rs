//! `CircleService`.

use super::{Rpc, id, wire};
use crate::{
    Error,
    app::{self, Side},
    domain::{Name, TrustReason},
};
use candor_proto::accounts::v1::{
    CancelCircleInvitationRequest, CancelCircleInvitationResponse, CircleInvitation, GetCircleRequest,
    GetCircleResponse, HostedPlace, InviteTrustedPersonRequest, InviteTrustedPersonResponse,
    LeaveCircleRequest, LeaveCircleResponse, RemoveTrustedPersonRequest, RemoveTrustedPersonResponse,
    TrustedPerson, UpdateTrustedPersonRequest, UpdateTrustedPersonResponse,
    circle_service_server::CircleService,
};
use chassis::rpc::admit_member;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

#[tonic::async_trait]
impl CircleService for Rpc {
    async fn invite_trusted_person(
        &self,
        request: Request<InviteTrustedPersonRequest>,
    ) -> Result<Response<InviteTrustedPersonResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        Ok(Response::new(invite(self, passport.account_id, message).await?))
    }

    async fn get_circle(
        &self,
        request: Request<GetCircleRequest>,
    ) -> Result<Response<GetCircleResponse>, Status> {
        let (passport, _) = admit_member(request)?;
        let circles = app::circles_of(&self.accounts, passport.account_id).await?;
        Ok(Response::new(GetCircleResponse {
            people: circles.people.into_iter().map(person).collect(),
            invitations: circles.invitations.into_iter().map(invitation).collect(),
            places: circles.places.into_iter().map(place).collect(),
        }))
    }

    async fn cancel_circle_invitation(
        &self,
        request: Request<CancelCircleInvitationRequest>,
    ) -> Result<Response<CancelCircleInvitationResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let invitation_id = id("invitation_id", &message.invitation_id)?;
        cancel(self, passport.account_id, invitation_id).await?;
        Ok(Response::new(CancelCircleInvitationResponse {}))
    }

    async fn update_trusted_person(
        &self,
        request: Request<UpdateTrustedPersonRequest>,
    ) -> Result<Response<UpdateTrustedPersonResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let circle_id = id("circle_id", &message.circle_id)?;
        let (called, reason) = (Zeroizing::new(message.called), Zeroizing::new(message.reason));
        update(self, passport.account_id, circle_id, &called, &reason).await?;
        Ok(Response::new(UpdateTrustedPersonResponse {}))
    }

    async fn remove_trusted_person(
        &self,
        request: Request<RemoveTrustedPersonRequest>,
    ) -> Result<Response<RemoveTrustedPersonResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        end(self, passport.account_id, id("circle_id", &message.circle_id)?, Side::Host).await?;
        Ok(Response::new(RemoveTrustedPersonResponse {}))
    }

    async fn leave_circle(
        &self,
        request: Request<LeaveCircleRequest>,
    ) -> Result<Response<LeaveCircleResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        end(self, passport.account_id, id("circle_id", &message.circle_id)?, Side::Guest).await?;
        Ok(Response::new(LeaveCircleResponse {}))
    }
}

async fn invite(
    rpc: &Rpc,
    account_id: Uuid,
    message: InviteTrustedPersonRequest,
) -> Result<InviteTrustedPersonResponse, Error> {
    let accounts = &rpc.accounts;
    let (name, called) = (Zeroizing::new(message.own_name), Zeroizing::new(message.called));
    let (name, called) = (Name::parse(&name)?, Name::parse_as("called", &called)?);
    let reason = TrustReason::parse(&Zeroizing::new(message.reason))?;
    let draft = app::draft_circle_invitation(accounts, account_id, &name, &called, reason.as_ref()).await?;
    let mut tx = accounts.pool.begin().await?;
    let invited = app::invite(accounts, &mut tx, draft).await?;
    tx.commit().await?;
    Ok(InviteTrustedPersonResponse {
        invitation_id: invited.invitation_id.to_string(),
        code: invited.code.to_string(),
        link: invited.link.to_string(),
        expire_time: Some(wire(invited.expires_at)),
    })
}

async fn cancel(rpc: &Rpc, account_id: Uuid, invitation_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::cancel_circle_invitation(accounts, &mut tx, account_id, invitation_id).await?;
    Ok(tx.commit().await?)
}

async fn update(
    rpc: &Rpc,
    account_id: Uuid,
    circle_id: Uuid,
    called: &str,
    reason: &str,
) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let (called, reason) = (Name::parse_as("called", called)?, TrustReason::parse(reason)?);
    let note = app::seal_note(accounts, account_id, circle_id, &called, reason.as_ref()).await?;
    let mut tx = accounts.pool.begin().await?;
    app::keep_note(&mut tx, account_id, &note).await?;
    Ok(tx.commit().await?)
}

async fn end(rpc: &Rpc, account_id: Uuid, circle_id: Uuid, side: Side) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::end_place(accounts, &mut tx, account_id, circle_id, side).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(())
}

fn person(mine: app::MyPerson) -> TrustedPerson {
    TrustedPerson {
        circle_id: mine.circle_id.to_string(),
        account_id: mine.guest_id.to_string(),
        name: mine.name,
        called: mine.called,
        reason: mine.reason,
        join_time: Some(wire(mine.joined_at)),
    }
}

fn invitation(mine: app::MyInvitation) -> CircleInvitation {
    CircleInvitation {
        invitation_id: mine.invitation_id.to_string(),
        called: mine.called,
        expire_time: Some(wire(mine.expires_at)),
    }
}

/// A place in somebody's circle, as who is in it sees it.
pub(super) fn place(mine: app::MyPlace) -> HostedPlace {
    HostedPlace {
        circle_id: mine.circle_id.to_string(),
        host_account_id: mine.host_id.to_string(),
        host_name: mine.host_name,
        own_name: mine.own_name,
        join_time: Some(wire(mine.joined_at)),
    }
}
