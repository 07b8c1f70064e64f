//! Requests: what was asked for, asking, agreeing, and taking either back.

use super::{PAGE, PLACE, REASONS, Row, place, row};
use crate::error::Problem;
use crate::pages::{Failure, Form, Frame, Member, Segment, go, parameter};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{
    AnswerLedgerLookRequest, AskLedgerLookRequest, GetLedgerLookRequest, ListLedgerLooksRequest,
    WithdrawLedgerLookRequest,
};

#[derive(Template)]
#[template(path = "looks.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "look_new.html")]
struct NewPage {
    frame: Frame,
    report: String,
    look: String,
    request_id: String,
    reasons: Vec<(i32, &'static str)>,
}

#[derive(Template)]
#[template(path = "look_one.html")]
struct OnePage {
    frame: Frame,
    row: Row,
    note: String,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListLedgerLooksRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.ledger_looks();
    let (reply, zone) = tokio::join!(client.list_ledger_looks(request), member.time_zone());
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let more = (!token.is_empty()).then(|| format!("{PLACE}?from={}", query::encode(&token)));
    let rows = reply.looks.into_iter().map(|one| row(one, &zone)).collect();
    member.guest.show(&Page { frame: member.guest.frame("looks"), rows, more })
}

pub(super) async fn show_new(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    member.require_proof()?;
    let given = |name| parameter(query.as_deref(), name).unwrap_or_default().trim().to_owned();
    let page = NewPage {
        frame: member.guest.frame("looks"),
        report: given("report"),
        look: given("look"),
        request_id: member.guest.app.ids.next_opaque().to_string(),
        reasons: REASONS.map(|(reason, words)| (reason.into(), words)).to_vec(),
    };
    member.guest.show(&page)
}

pub(super) async fn ask(member: Member, form: Form) -> Result<Response, Failure> {
    let (report_id, look_id) = (form.text("report"), form.text("look"));
    let again = if report_id.is_empty() { ("look", &look_id) } else { ("report", &report_id) };
    let back = format!("{PLACE}/new?{}={}", again.0, query::encode(again.1));
    let request = member.call(AskLedgerLookRequest {
        request_id: form.text("request"),
        reason: form.text("reason").parse().unwrap_or(0),
        note: form.text("note"),
        report_id,
        look_id,
    })?;
    let asked = member.guest.app.upstream.ledger_looks().ask_ledger_look(request).await;
    let asked = asked.map_err(|status| Failure::back_to(&back, status))?;
    Ok(go(&place(&asked.into_inner().request_id)))
}

pub(super) async fn show_one(member: Member, Segment(request_id): Segment) -> Result<Response, Failure> {
    member.require_proof()?;
    let request = member.call(GetLedgerLookRequest { request_id })?;
    let mut client = member.guest.app.upstream.ledger_looks();
    let (reply, zone) = tokio::join!(client.get_ledger_look(request), member.time_zone());
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument => Failure::closed(),
        _ => Failure::from(status),
    })?;
    let found = reply.into_inner();
    let look = found.look.ok_or_else(Failure::closed)?;
    let (frame, row) = (member.guest.frame("looks"), row(look, &zone));
    member.guest.show(&OnePage { frame, row, note: found.note })
}

pub(super) async fn answer(
    member: Member,
    Segment(request_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let place = place(&request_id);
    let agreed = match form.text("answer").as_str() {
        "agree" => true,
        "decline" => false,
        _ => return Err(Problem::bad_request("NOT_SAID", "Please say how. Nothing was decided.").into()),
    };
    let request = member.call(AnswerLedgerLookRequest { request_id, agreed })?;
    let done = member.guest.app.upstream.ledger_looks().answer_ledger_look(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(&place))
}

pub(super) async fn withdraw(
    member: Member,
    Segment(request_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let place = place(&request_id);
    let request = member.call(WithdrawLedgerLookRequest { request_id })?;
    let done = member.guest.app.upstream.ledger_looks().withdraw_ledger_look(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(&place))
}
