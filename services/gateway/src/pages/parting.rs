//! Parting: what it means, doing it now or in a while, what is good to look after; and whose invitations do not reach one.

use super::sessions::{self, Device};
use super::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::app::App;
use crate::query;
use askama::Template;
use axum::Router;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::routing::{get, post};
use candor_proto::accounts::v1::{
    CancelUnlinkRequest, InvitationPause, InvitationPauseCause, LiftInvitationPauseRequest,
    ListInvitationPausesRequest, ListInvitationPausesResponse, UnlinkPartnerRequest,
};
use jiff::tz::TimeZone;
use std::sync::Arc;

/// Where the list of pauses is.
const PAUSES: &str = "/couple/pauses";
/// Pauses on one page of it.
const PAGE: i32 = 30;

/// In how many hours the link can end, in words.
const DELAYS: [(i32, &str); 5] =
    [(1, "in one hour"), (6, "in six hours"), (24, "in a day"), (72, "in three days"), (168, "in a week")];

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/couple/unlink", get(show).post(unlink))
        .route("/couple/unlink/cancel", post(cancel))
        .route("/couple/parted", get(show_parted))
        .route(PAUSES, get(show_pauses))
        .route("/couple/pauses/{pause_id}/lift", post(lift))
}

#[derive(Template)]
#[template(path = "unlink.html")]
struct Page {
    frame: Frame,
    partner: String,
    planned: Option<words::Moment>,
    delays: [(i32, &'static str); 5],
    devices: Vec<Device>,
}

#[derive(Template)]
#[template(path = "parted.html")]
struct Parted {
    frame: Frame,
    devices: Vec<Device>,
}

#[derive(Template)]
#[template(path = "pauses.html")]
struct Pauses {
    frame: Frame,
    pauses: Vec<Pause>,
    /// Whether these are the newest.
    is_first: bool,
    /// Where the earlier ones are.
    older: Option<String>,
}

struct Pause {
    id: String,
    name: String,
    why: &'static str,
    since: Option<words::Moment>,
    ends: Option<words::Moment>,
}

/// What parting means, before it is done.
async fn show(member: Member) -> Result<Response, Failure> {
    let Some(couple) = member.couple().await? else { return Ok(go("/couple")) };
    let zone = member.time_zone().await;
    let page = Page {
        frame: member.guest.frame("couple"),
        partner: couple.partner_name,
        planned: words::moment(couple.planned_unlink_time.as_ref(), &zone),
        delays: DELAYS,
        devices: sessions::devices(&member, &zone).await?,
    };
    member.guest.show(&page)
}

/// Ends the link now; or in so many hours, if the form says a number.
async fn unlink(member: Member, form: Form) -> Result<Response, Failure> {
    // The plain button sends none. Anything else that is no number is refused: it was not meant as "now".
    let delay_hours = form.all("hours").next().map_or(0, |hours| hours.parse().unwrap_or(-1));
    let request = member.call(UnlinkPartnerRequest { delay_hours })?;
    let done = member.guest.app.upstream.couple().unlink_partner(request).await?;
    let planned = done.get_ref().planned_unlink_time.is_some();
    Ok(go(if planned { "/couple/unlink" } else { "/couple/parted" }))
}

async fn cancel(member: Member, _form: Form) -> Result<Response, Failure> {
    let request = member.call(CancelUnlinkRequest {})?;
    member.guest.app.upstream.couple().cancel_unlink(request).await?;
    Ok(go("/couple/unlink"))
}

/// What is good to look after, once it is done.
async fn show_parted(member: Member) -> Result<Response, Failure> {
    if member.couple().await?.is_some() {
        return Ok(go("/couple"));
    }
    let zone = member.time_zone().await;
    let devices = sessions::devices(&member, &zone).await?;
    member.guest.show(&Parted { frame: member.guest.frame("couple"), devices })
}

async fn show_pauses(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let is_first = page_token.is_empty();
    let request = member.call(ListInvitationPausesRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.couple();
    let (reply, zone) = tokio::join!(client.list_invitation_pauses(request), member.time_zone());
    let ListInvitationPausesResponse { pauses, next_page_token: token } = reply?.into_inner();
    let pauses = pauses.into_iter().map(|found| pause(found, &zone)).collect();
    let older = (!token.is_empty()).then(|| format!("{PAUSES}?from={}", query::encode(&token)));
    member.guest.show(&Pauses { frame: member.guest.frame("couple"), pauses, is_first, older })
}

fn pause(found: InvitationPause, zone: &TimeZone) -> Pause {
    let why = match found.cause() {
        InvitationPauseCause::Left => "you ended the link",
        InvitationPauseCause::Declined => "you said no to an invitation",
        InvitationPauseCause::Blocked => "you blocked them",
        InvitationPauseCause::Unspecified => "you chose so",
    };
    Pause {
        why,
        since: words::moment(found.create_time.as_ref(), zone),
        ends: words::moment(found.expire_time.as_ref(), zone),
        name: found.name,
        id: found.pause_id,
    }
}

async fn lift(member: Member, Segment(pause_id): Segment, _form: Form) -> Result<Response, Failure> {
    let request = member.call(LiftInvitationPauseRequest { pause_id })?;
    let lifted = member.guest.app.upstream.couple().lift_invitation_pause(request).await;
    lifted.map_err(|status| Failure::back_to(PAUSES, status))?;
    Ok(go(PAUSES))
}
