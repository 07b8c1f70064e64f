//! Suspensions that hold, and appeals against them.

use super::{PAGE, reason};
use crate::error::Problem;
use crate::pages::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{
    AppealState, DecideAppealRequest, GetSuspensionCaseRequest, LiftSuspensionRequest,
    ListSuspensionsRequest, SuspensionSummary,
};
use jiff::tz::TimeZone;

/// Where they are.
pub(super) const PLACE: &str = "/suspensions";

#[derive(Template)]
#[template(path = "suspensions.html")]
struct Page {
    frame: Frame,
    appealed: bool,
    rows: Vec<Row>,
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "suspension.html")]
struct OnePage {
    frame: Frame,
    row: Row,
    appeal: String,
}

struct Row {
    id: String,
    account_id: String,
    report_id: String,
    reason: &'static str,
    since: Option<words::Moment>,
    ends: Option<words::Moment>,
    over: Option<words::Moment>,
    appeal: &'static str,
    waits: bool,
    own: bool,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let appealed = parameter(query.as_deref(), "show").as_deref() == Some("appeals");
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListSuspensionsRequest { appealed, page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.moderation();
    let (reply, zone) = tokio::join!(client.list_suspensions(request), member.time_zone());
    let reply = reply?.into_inner();
    let (token, list) = (reply.next_page_token, if appealed { "appeals" } else { "all" });
    let more = (!token.is_empty()).then(|| format!("{PLACE}?show={list}&from={}", query::encode(&token)));
    let rows = reply.suspensions.into_iter().map(|one| row(one, &zone)).collect();
    member.guest.show(&Page { frame: member.guest.frame("suspensions"), appealed, rows, more })
}

fn row(found: SuspensionSummary, zone: &TimeZone) -> Row {
    let state = found.appeal_state();
    Row {
        reason: reason(found.reason()),
        since: words::moment(found.start_time.as_ref(), zone),
        ends: words::moment(found.end_time.as_ref(), zone),
        over: words::moment(found.over_time.as_ref(), zone),
        appeal: match state {
            AppealState::Unspecified => "nobody objected",
            AppealState::Waiting => "an appeal waits",
            AppealState::Granted => "the appeal was granted",
            AppealState::Refused => "the appeal was not granted",
        },
        waits: state == AppealState::Waiting && found.over_time.is_none(),
        own: found.own,
        id: found.suspension_id,
        account_id: found.account_id,
        report_id: found.report_id,
    }
}

pub(super) async fn show_one(member: Member, Segment(suspension_id): Segment) -> Result<Response, Failure> {
    member.require_proof()?;
    let request = member.call(GetSuspensionCaseRequest { suspension_id })?;
    let mut client = member.guest.app.upstream.moderation();
    let (reply, zone) = tokio::join!(client.get_suspension_case(request), member.time_zone());
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument => Failure::closed(),
        _ => Failure::from(status),
    })?;
    let found = reply.into_inner();
    let suspension = found.suspension.ok_or_else(Failure::closed)?;
    let (frame, row) = (member.guest.frame("suspensions"), row(suspension, &zone));
    member.guest.show(&OnePage { frame, row, appeal: found.appeal })
}

fn place(suspension_id: &str) -> String {
    format!("{PLACE}/{}", query::encode(suspension_id))
}

pub(super) async fn decide(
    member: Member,
    Segment(suspension_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let place = place(&suspension_id);
    let granted = match form.text("decision").as_str() {
        "grant" => true,
        "refuse" => false,
        _ => return Err(Problem::bad_request("NOT_SAID", "Please say how. Nothing was decided.").into()),
    };
    let request = member.call(DecideAppealRequest { suspension_id, granted })?;
    let done = member.guest.app.upstream.moderation().decide_appeal(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(&place))
}

pub(super) async fn lift(
    member: Member,
    Segment(suspension_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let place = place(&suspension_id);
    let request = member.call(LiftSuspensionRequest { suspension_id })?;
    let done = member.guest.app.upstream.moderation().lift_suspension(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(&place))
}
