//! The people in a counselor's care, and those who asked.

use super::PAGE;
use crate::pages::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{
    AcceptCareRequest, CareState, DeclineCareRequest, EndCareRequest, ListPeopleInCareRequest, PersonInCare,
};
use jiff::tz::TimeZone;

/// Where they are.
pub(super) const PLACE: &str = "/practice/people";

#[derive(Template)]
#[template(path = "people.html")]
struct Page {
    frame: Frame,
    asking: Vec<Row>,
    in_care: Vec<Row>,
    more: Option<String>,
}

struct Row {
    id: String,
    account_id: String,
    name: String,
    note: String,
    place: String,
    asked: Option<words::Moment>,
    expires: Option<words::Moment>,
    started: Option<words::Moment>,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListPeopleInCareRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.care();
    let (reply, zone) = tokio::join!(client.list_people_in_care(request), member.time_zone());
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let more = (!token.is_empty()).then(|| format!("{PLACE}?from={}", query::encode(&token)));
    let (asking, in_care): (Vec<_>, Vec<_>) =
        reply.people.into_iter().partition(|person| person.state() == CareState::Asked);
    let rows = |people: Vec<PersonInCare>| people.into_iter().map(|person| row(person, &zone)).collect();
    let page =
        Page { frame: member.guest.frame("people"), asking: rows(asking), in_care: rows(in_care), more };
    member.guest.show(&page)
}

fn row(person: PersonInCare, zone: &TimeZone) -> Row {
    Row {
        asked: words::moment(person.request_time.as_ref(), zone),
        expires: words::moment(person.expire_time.as_ref(), zone),
        started: words::moment(person.start_time.as_ref(), zone),
        id: person.care_id,
        account_id: person.member_account_id,
        name: person.member_name,
        note: person.note,
        place: person.jurisdiction,
    }
}

pub(super) async fn accept(
    member: Member,
    Segment(care_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let request = member.call(AcceptCareRequest { care_id, attested: form.text("attested") == "yes" })?;
    member.guest.app.upstream.care().accept_care(request).await?;
    Ok(go(PLACE))
}

pub(super) async fn decline(
    member: Member,
    Segment(care_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(DeclineCareRequest { care_id })?;
    member.guest.app.upstream.care().decline_care(request).await?;
    Ok(go(PLACE))
}

pub(super) async fn end(member: Member, Segment(care_id): Segment, _form: Form) -> Result<Response, Failure> {
    let request = member.call(EndCareRequest { care_id, block: false })?;
    member.guest.app.upstream.care().end_care(request).await?;
    Ok(go(PLACE))
}
