//! Another e-mail address: asked for here, confirmed with the link from its mail, called off, and undone with the link that went
//! to the one before. Opening a link only shows a form: programs open every link of a mail.

use super::super::{Failure, Form, Frame, Guest, Member, go, parameter};
use super::PLACE;
use crate::app::App;
use crate::error::{Problem, STEP_UP_REQUIRED, TERMS_NOT_ACCEPTED};
use crate::upstream::call;
use askama::Template;
use axum::Router;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use candor_proto::accounts::v1::{
    CancelEmailChangeRequest, ConfirmEmailChangeRequest, RequestEmailChangeRequest, UndoEmailChangeRequest,
};
use std::sync::Arc;

/// Where another address is asked for.
const HERE: &str = "/security/address";

pub(in super::super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(HERE, get(show).post(ask))
        .route("/security/address/cancel", post(cancel))
        .route("/security/address/confirm", get(show_confirm).post(confirm))
        .route("/address/undo", get(show_undo).post(undo))
}

#[derive(Template)]
#[template(path = "security_address.html")]
struct Page {
    frame: Frame,
    typed: String,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "security_address_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    token: String,
    done: bool,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "address_undo.html")]
struct UndoPage {
    frame: Frame,
    token: String,
    done: bool,
    problem: Option<Problem>,
}

async fn show(member: Member) -> Result<Response, Failure> {
    member.require_proof()?;
    let frame = member.guest.frame("security");
    member.guest.show(&Page { frame, typed: String::new(), problem: None })
}

async fn ask(member: Member, form: Form) -> Result<Response, Failure> {
    let typed = form.text("email").trim().to_owned();
    let request = member.call(RequestEmailChangeRequest { email: typed.clone() })?;
    let Err(status) = member.guest.app.upstream.identity().request_email_change(request).await else {
        return Ok(go(PLACE));
    };
    let problem = Problem::from(status);
    if leads_elsewhere(&problem) {
        return Err(Failure::back_to(HERE, problem));
    }
    let (code, frame) = (problem.status, member.guest.frame("security"));
    member.guest.show_with(code, &Page { frame, typed, problem: Some(problem) })
}

/// Whether a problem has a page of its own.
fn leads_elsewhere(problem: &Problem) -> bool {
    matches!(problem.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        || [STEP_UP_REQUIRED, TERMS_NOT_ACCEPTED].contains(&&*problem.reason)
}

async fn cancel(member: Member, _: Form) -> Result<Response, Failure> {
    let request = member.call(CancelEmailChangeRequest {})?;
    match member.guest.app.upstream.identity().cancel_email_change(request).await {
        // It was called off in another window, or its time is over: nothing waits, as was wished.
        Err(status) if status.code() != tonic::Code::NotFound => Err(Failure::back_to(PLACE, status)),
        _ => Ok(go(PLACE)),
    }
}

async fn show_confirm(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let token = token(query.as_deref());
    let frame = member.guest.frame("security");
    member.guest.show(&ConfirmPage { frame, token, done: false, problem: None })
}

async fn confirm(member: Member, form: Form) -> Result<Response, Failure> {
    let token = form.text("token");
    let request = member.call(ConfirmEmailChangeRequest { token: token.clone() })?;
    let answer = member.guest.app.upstream.identity().confirm_email_change(request).await;
    let problem = answer.err().map(Problem::from);
    if let Some(problem) = problem.clone().filter(leads_elsewhere) {
        return Err(Failure::back_to(PLACE, problem));
    }
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let (token, frame) = (short(token), member.guest.frame("security"));
    member.guest.show_with(status, &ConfirmPage { frame, token, done: problem.is_none(), problem })
}

async fn show_undo(guest: Guest, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let token = token(query.as_deref());
    guest.show(&UndoPage { frame: guest.frame("sign-in"), token, done: false, problem: None })
}

async fn undo(guest: Guest, form: Form) -> Result<Response, Failure> {
    let token = form.text("token");
    let request = UndoEmailChangeRequest { token: token.clone() };
    let answer = guest.app.upstream.identity().undo_email_change(call(request, None)?).await;
    let problem = answer.err().map(Problem::from);
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    if let (None, Some(secret)) = (&problem, &guest.visitor.session) {
        // It may have been a session of that account.
        guest.app.passports.forget(secret);
    }
    let (token, frame) = (short(token), guest.frame("sign-in"));
    guest.show_with(status, &UndoPage { frame, token, done: problem.is_none(), problem })
}

/// The token of a link.
fn token(query: Option<&str>) -> String {
    short(parameter(query, "token").unwrap_or_default())
}

/// What is short enough to be a token.
fn short(token: String) -> String {
    Some(token).filter(|token| token.len() <= 128).unwrap_or_default()
}
