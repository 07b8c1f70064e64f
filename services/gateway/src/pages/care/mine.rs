//! A member's own care: whom they asked, whose care they are in, and ending it.

use super::PAGE;
use crate::pages::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{Care, CareState, EndCareRequest, ListCareRequest, ListCareResponse};
use jiff::tz::TimeZone;

/// Where it is.
pub(super) const PLACE: &str = "/care";
/// How many are looked through at a time.
const MOST: i32 = 100;

#[derive(Template)]
#[template(path = "care.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "care_end.html")]
struct EndPage {
    frame: Frame,
    care: Row,
}

struct Row {
    id: String,
    counselor_id: String,
    counselor: String,
    state: &'static str,
    waits: bool,
    active: bool,
    began: bool,
    on_hold: bool,
    place: String,
    asked: Option<words::Moment>,
    expires: Option<words::Moment>,
    started: Option<words::Moment>,
    ended: Option<words::Moment>,
}

async fn list(member: &Member, page_size: i32, page_token: String) -> Result<ListCareResponse, Failure> {
    let request = member.call(ListCareRequest { page_size, page_token })?;
    Ok(member.guest.app.upstream.care().list_care(request).await?.into_inner())
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let from = parameter(query.as_deref(), "from").unwrap_or_default();
    let (found, zone) = tokio::join!(list(&member, PAGE, from), member.time_zone());
    let found = found?;
    let token = found.next_page_token;
    let more = (!token.is_empty()).then(|| format!("{PLACE}?from={}", query::encode(&token)));
    let rows = found.care.into_iter().map(|care| row(care, &zone)).collect();
    member.guest.show(&Page { frame: member.guest.frame("care"), rows, more })
}

/// What ending means, before it is done.
pub(super) async fn show_end(member: Member, Segment(care_id): Segment) -> Result<Response, Failure> {
    let (found, zone) = tokio::join!(find(&member, &care_id), member.time_zone());
    let care = row(found?, &zone);
    member.guest.show(&EndPage { frame: member.guest.frame("care"), care })
}

/// One of the member's own, however long ago.
pub(in crate::pages) async fn find(member: &Member, care_id: &str) -> Result<Care, Failure> {
    let mut page_token = String::new();
    loop {
        let page = list(member, MOST, page_token).await?;
        if let Some(found) = page.care.into_iter().find(|care| care.care_id == care_id) {
            return Ok(found);
        }
        if page.next_page_token.is_empty() {
            return Err(Failure::closed());
        }
        page_token = page.next_page_token;
    }
}

pub(super) async fn end(member: Member, Segment(care_id): Segment, form: Form) -> Result<Response, Failure> {
    let request = member.call(EndCareRequest { care_id, block: form.text("block") == "yes" })?;
    member.guest.app.upstream.care().end_care(request).await?;
    Ok(go(PLACE))
}

fn row(care: Care, zone: &TimeZone) -> Row {
    let state = care.state();
    let moment = |time: Option<&prost_types::Timestamp>| words::moment(time, zone);
    Row {
        state: match state {
            CareState::Unspecified => "not said",
            CareState::Asked => "waits for an answer",
            CareState::Active => "in care",
            CareState::Declined => "not taken on",
            CareState::Expired => "not answered",
            CareState::Ended => "over",
        },
        waits: state == CareState::Asked,
        active: state == CareState::Active,
        began: care.start_time.is_some(),
        on_hold: care.on_hold,
        asked: moment(care.request_time.as_ref()),
        expires: moment(care.expire_time.as_ref()),
        started: moment(care.start_time.as_ref()),
        ended: moment(care.end_time.as_ref()),
        id: care.care_id,
        counselor_id: care.counselor_account_id,
        counselor: care.counselor_name,
        place: care.jurisdiction,
    }
}
