//! The queue of reports, and one of them.

use super::{PAGE, REASONS};
use crate::pages::{Failure, Form, Frame, Member, Segment, go, parameter, trust, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{
    DismissReportRequest, Evidence, EvidenceKind, GetReportRequest, ListReportsRequest, ReportKind,
    ReportRelation, ReportState, ReportSummary, SuspendAccountRequest,
};
use jiff::tz::TimeZone;

/// Where they are.
pub(super) const PLACE: &str = "/moderation";

#[derive(Template)]
#[template(path = "moderation.html")]
struct Page {
    frame: Frame,
    decided: bool,
    rows: Vec<Row>,
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "moderation_one.html")]
struct OnePage {
    frame: Frame,
    row: Row,
    note: String,
    evidence: Vec<(&'static str, String)>,
    suspension_id: String,
    reasons: Vec<(i32, &'static str)>,
}

struct Row {
    id: String,
    about: String,
    relation: &'static str,
    reason: &'static str,
    state: &'static str,
    waits: bool,
    account_id: String,
    came: Option<words::Moment>,
    decided: Option<words::Moment>,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let decided = parameter(query.as_deref(), "show").as_deref() == Some("decided");
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListReportsRequest { decided, page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.moderation();
    let (reply, zone) = tokio::join!(client.list_reports(request), member.time_zone());
    let reply = reply?.into_inner();
    let (token, list) = (reply.next_page_token, if decided { "decided" } else { "waiting" });
    let more = (!token.is_empty()).then(|| format!("{PLACE}?show={list}&from={}", query::encode(&token)));
    let rows = reply.reports.into_iter().map(|report| row(report, &zone)).collect();
    member.guest.show(&Page { frame: member.guest.frame("moderation"), decided, rows, more })
}

fn row(report: ReportSummary, zone: &TimeZone) -> Row {
    let about = match report.kind() {
        ReportKind::Invitation => "An invitation",
        ReportKind::Person | ReportKind::Unspecified => "A person",
        ReportKind::Item => "Something that was shared",
    };
    let relation = match report.relation() {
        ReportRelation::Unspecified => "",
        ReportRelation::Partner => "their partner, now or once",
        ReportRelation::Circle => "of a circle, now or once",
        ReportRelation::Counselor => "a counselor",
        ReportRelation::Client => "in their care, now or once",
    };
    let state = match report.state() {
        ReportState::Open | ReportState::Unspecified => "waits",
        ReportState::Dismissed => "nothing followed",
        ReportState::Suspended => "suspended",
    };
    Row {
        about: about.to_owned(),
        relation,
        reason: trust::reason(report.reason()),
        state,
        waits: report.state() == ReportState::Open,
        came: words::moment(report.report_time.as_ref(), zone),
        decided: words::moment(report.decide_time.as_ref(), zone),
        account_id: report.account_id,
        id: report.report_id,
    }
}

pub(super) async fn show_one(member: Member, Segment(report_id): Segment) -> Result<Response, Failure> {
    // Whoever decides has to have proven who they are; asked before anything is read.
    member.require_proof()?;
    let request = member.call(GetReportRequest { report_id })?;
    let mut client = member.guest.app.upstream.moderation();
    let (reply, zone) = tokio::join!(client.get_report(request), member.time_zone());
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument => Failure::closed(),
        _ => Failure::from(status),
    })?;
    let found = reply.into_inner();
    let report = found.report.ok_or_else(Failure::closed)?;
    let page = OnePage {
        frame: member.guest.frame("moderation"),
        row: row(report, &zone),
        note: found.note,
        evidence: found.evidence.into_iter().map(evidence).collect(),
        suspension_id: found.suspension_id,
        reasons: REASONS.map(|(reason, words)| (reason.into(), words)).to_vec(),
    };
    member.guest.show(&page)
}

fn evidence(one: Evidence) -> (&'static str, String) {
    let from = match one.kind() {
        EvidenceKind::Shown => "As they say, shown to them here",
        EvidenceKind::Typed | EvidenceKind::Unspecified => "As they say, typed or pasted",
    };
    (from, one.words)
}

fn place(report_id: &str) -> String {
    format!("{PLACE}/{}", query::encode(report_id))
}

pub(super) async fn dismiss(
    member: Member,
    Segment(report_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let place = place(&report_id);
    let request = member.call(DismissReportRequest { report_id })?;
    let done = member.guest.app.upstream.moderation().dismiss_report(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(PLACE))
}

pub(super) async fn suspend(
    member: Member,
    Segment(report_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let place = place(&report_id);
    let reason = form.text("reason").parse().unwrap_or(0);
    // The open end is a choice of its own; anything else that is no number is refused.
    let days = form.text("days").parse().unwrap_or(-1);
    let request = member.call(SuspendAccountRequest { report_id, reason, days })?;
    let done = member.guest.app.upstream.moderation().suspend_account(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(PLACE))
}
