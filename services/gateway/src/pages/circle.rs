//! The circle of trust: who is in it and why, for the member's eyes; invitations to it; and the circles one is in.

use super::{Failure, Form, Frame, Member, Segment, go, words};
use crate::error::Problem;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    CancelCircleInvitationRequest, CircleInvitation, GetCircleRequest, GetCircleResponse, HostedPlace,
    InviteTrustedPersonRequest, InviteTrustedPersonResponse, LeaveCircleRequest, RemoveTrustedPersonRequest,
    TrustedPerson, UpdateTrustedPersonRequest,
};
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "circle.html")]
struct Page {
    frame: Frame,
    people: Vec<Person>,
    invitations: Vec<Invited>,
    places: Vec<Place>,
    wish: Wish,
    problem: Option<Problem>,
}

struct Person {
    id: String,
    called: String,
    /// The name they chose, where it is another.
    name: Option<String>,
    reason: String,
    since: Option<words::Moment>,
}

struct Invited {
    id: String,
    called: String,
    ends: Option<words::Moment>,
}

struct Place {
    id: String,
    host: String,
    own_name: String,
    since: Option<words::Moment>,
}

/// What the form of an invitation holds.
#[derive(Default)]
struct Wish {
    own_name: String,
    called: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "circle_person.html")]
struct PersonPage {
    frame: Frame,
    person: Person,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "circle_place.html")]
struct PlacePage {
    frame: Frame,
    place: Place,
}

#[derive(Template)]
#[template(path = "circle_made.html")]
struct Made {
    frame: Frame,
    called: String,
    code: String,
    link: String,
    ends: Option<words::Moment>,
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    page(&member, Wish::default(), None).await
}

async fn circles(member: &Member) -> Result<GetCircleResponse, Failure> {
    let request = member.call(GetCircleRequest {})?;
    Ok(member.guest.app.upstream.circle().get_circle(request).await?.into_inner())
}

async fn page(member: &Member, wish: Wish, problem: Option<Problem>) -> Result<Response, Failure> {
    let (found, zone) = tokio::join!(circles(member), member.time_zone());
    let found = found?;
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let page = Page {
        frame: member.guest.frame("circle"),
        people: found.people.into_iter().map(|one| person(one, &zone)).collect(),
        invitations: found.invitations.into_iter().map(|one| invited(one, &zone)).collect(),
        places: found.places.into_iter().map(|one| place(one, &zone)).collect(),
        wish,
        problem,
    };
    member.guest.show_with(status, &page)
}

fn person(found: TrustedPerson, zone: &TimeZone) -> Person {
    Person {
        since: words::moment(found.join_time.as_ref(), zone),
        name: Some(found.name).filter(|name| *name != found.called),
        id: found.circle_id,
        called: found.called,
        reason: found.reason,
    }
}

fn invited(found: CircleInvitation, zone: &TimeZone) -> Invited {
    let ends = words::moment(found.expire_time.as_ref(), zone);
    Invited { id: found.invitation_id, called: found.called, ends }
}

fn place(found: HostedPlace, zone: &TimeZone) -> Place {
    let since = words::moment(found.join_time.as_ref(), zone);
    Place { id: found.circle_id, host: found.host_name, own_name: found.own_name, since }
}

/// Makes an invitation and shows its code, this once.
pub(super) async fn invite(member: Member, form: Form) -> Result<Response, Failure> {
    let text = |name: &str| form.text(name).trim().to_owned();
    let wish = Wish { own_name: text("own_name"), called: text("called"), reason: text("reason") };
    let request = member.call(InviteTrustedPersonRequest {
        own_name: wish.own_name.clone(),
        called: wish.called.clone(),
        reason: wish.reason.clone(),
    })?;
    let mut client = member.guest.app.upstream.circle();
    let (reply, zone) = tokio::join!(client.invite_trusted_person(request), member.time_zone());
    match reply {
        Ok(reply) => {
            let InviteTrustedPersonResponse { code, link, expire_time, .. } = reply.into_inner();
            let ends = words::moment(expire_time.as_ref(), &zone);
            let frame = member.guest.frame("circle");
            member.guest.show(&Made { frame, called: wish.called, code, link, ends })
        }
        Err(status) => page(&member, wish, Some(status.into())).await,
    }
}

pub(super) async fn cancel(
    member: Member,
    Segment(invitation_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(CancelCircleInvitationRequest { invitation_id })?;
    member.guest.app.upstream.circle().cancel_circle_invitation(request).await?;
    Ok(go("/circle"))
}

/// Somebody in the circle: what one calls them, why, and taking them out.
pub(super) async fn show_person(member: Member, Segment(circle_id): Segment) -> Result<Response, Failure> {
    person_page(&member, &circle_id, None).await
}

async fn person_page(
    member: &Member,
    circle_id: &str,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let (found, zone) = tokio::join!(circles(member), member.time_zone());
    let found = found?.people.into_iter().find(|person| person.circle_id == circle_id);
    let person = person(found.ok_or_else(Failure::closed)?, &zone);
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    member.guest.show_with(status, &PersonPage { frame: member.guest.frame("circle"), person, problem })
}

pub(super) async fn keep(
    member: Member,
    Segment(circle_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let request = member.call(UpdateTrustedPersonRequest {
        circle_id: circle_id.clone(),
        called: form.text("called").trim().to_owned(),
        reason: form.text("reason").trim().to_owned(),
    })?;
    match member.guest.app.upstream.circle().update_trusted_person(request).await.map_err(Problem::from) {
        Ok(_) => Ok(go("/circle")),
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => {
            person_page(&member, &circle_id, Some(problem)).await
        }
        Err(problem) => Err(Failure::between_two(problem)),
    }
}

pub(super) async fn remove(
    member: Member,
    Segment(circle_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(RemoveTrustedPersonRequest { circle_id })?;
    member.guest.app.upstream.circle().remove_trusted_person(request).await?;
    Ok(go("/circle"))
}

/// A circle that one is in, and leaving it.
pub(super) async fn show_place(member: Member, Segment(circle_id): Segment) -> Result<Response, Failure> {
    let (found, zone) = tokio::join!(circles(&member), member.time_zone());
    let found = found?.places.into_iter().find(|place| place.circle_id == circle_id);
    let place = place(found.ok_or_else(Failure::closed)?, &zone);
    member.guest.show(&PlacePage { frame: member.guest.frame("circle"), place })
}

pub(super) async fn leave(
    member: Member,
    Segment(circle_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(LeaveCircleRequest { circle_id })?;
    member.guest.app.upstream.circle().leave_circle(request).await?;
    Ok(go("/circle"))
}
