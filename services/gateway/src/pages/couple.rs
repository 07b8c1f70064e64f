//! The couple: one's link with another person, and an invitation.

use super::self_check::is_careful;
use super::{Failure, Form, Frame, Member, go, words};
use crate::error::Problem;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    CancelInvitationRequest, Couple, GetCoupleRequest, InvitePartnerRequest, InvitePartnerResponse,
};

#[derive(Template)]
#[template(path = "couple.html")]
struct Page {
    frame: Frame,
    linked: Option<Linked>,
    invitation_ends: Option<words::Moment>,
    own_name: String,
    problem: Option<Problem>,
    /// Whether to propose nothing for two.
    careful: bool,
}

struct Linked {
    partner: String,
    own_name: String,
    since: Option<words::Moment>,
}

#[derive(Template)]
#[template(path = "invitation_made.html")]
struct Made {
    frame: Frame,
    code: String,
    link: String,
    ends: Option<words::Moment>,
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    page(&member, String::new(), None).await
}

async fn page(member: &Member, own_name: String, problem: Option<Problem>) -> Result<Response, Failure> {
    let request = member.call(GetCoupleRequest {})?;
    let mut client = member.guest.app.upstream.couple();
    let (reply, zone, careful) =
        tokio::join!(client.get_couple(request), member.time_zone(), is_careful(member));
    let reply = reply?.into_inner();
    let invitation_ends = reply.invitation.and_then(|open| words::moment(open.expire_time.as_ref(), &zone));
    let linked = reply.couple.map(|couple: Couple| Linked {
        since: words::moment(couple.link_time.as_ref(), &zone),
        partner: couple.partner_name,
        own_name: couple.own_name,
    });
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let frame = member.guest.frame("couple");
    member.guest.show_with(status, &Page { frame, linked, invitation_ends, own_name, problem, careful })
}

/// Makes an invitation and shows its code, this once.
pub(super) async fn invite(member: Member, form: Form) -> Result<Response, Failure> {
    let own_name = form.text("own_name").trim().to_owned();
    let request = member.call(InvitePartnerRequest { own_name: own_name.clone() })?;
    let mut client = member.guest.app.upstream.couple();
    let (reply, zone) = tokio::join!(client.invite_partner(request), member.time_zone());
    match reply {
        Ok(reply) => {
            let InvitePartnerResponse { code, link, expire_time, .. } = reply.into_inner();
            let ends = words::moment(expire_time.as_ref(), &zone);
            member.guest.show(&Made { frame: member.guest.frame("couple"), code, link, ends })
        }
        Err(status) => page(&member, own_name, Some(status.into())).await,
    }
}

pub(super) async fn cancel(member: Member, _form: Form) -> Result<Response, Failure> {
    let request = member.call(CancelInvitationRequest {})?;
    member.guest.app.upstream.couple().cancel_invitation(request).await?;
    Ok(go("/couple"))
}
