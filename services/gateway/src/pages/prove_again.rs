//! Proving again who one is, before what cannot be undone. Pages lead here by themselves when a service asks for it
//! ([`super::failure`]), and one comes back to where one was.

use super::{Failure, Form, Frame, Member, go, is_local, parameter};
use crate::error::Problem;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{GetSecurityRequest, StepUpRequest};

/// Where this page is.
const PLACE: &str = "/prove-again";

#[derive(Template)]
#[template(path = "prove_again.html")]
struct Page {
    frame: Frame,
    next: String,
    /// Whether a code of an app is part of the proof.
    code: bool,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "proven.html")]
struct Proven {
    frame: Frame,
}

/// Where it goes on: a page of our own, and not this one.
fn onward(next: String) -> Option<String> {
    Some(next).filter(|next| is_local(next) && !next.starts_with(PLACE))
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let next = parameter(query.as_deref(), "next").and_then(onward);
    if let (Some(next), true) = (&next, member.held.is_proven(member.guest.app.clock.now()) == Some(true)) {
        return Ok(go(next));
    }
    let (next, code) = (next.unwrap_or_default(), needs_code(&member).await?);
    member.guest.show(&Page { frame: member.guest.frame(""), next, code, problem: None })
}

/// Whether the person's account has a second factor, which is part of every proof then.
pub(super) async fn needs_code(member: &Member) -> Result<bool, Problem> {
    let request = member.call(GetSecurityRequest {})?;
    let security = member.guest.app.upstream.security().get_security(request).await?;
    Ok(security.get_ref().totp_time.is_some())
}

pub(super) async fn submit(member: Member, form: Form) -> Result<Response, Failure> {
    let app = &member.guest.app;
    let request = member.call(StepUpRequest { password: form.text("password"), code: form.text("code") })?;
    let next = onward(form.text("next"));
    if let Err(status) = app.upstream.sessions().step_up(request).await {
        let problem = Problem::from(status);
        if problem.status == axum::http::StatusCode::UNAUTHORIZED {
            return Err(Failure(problem));
        }
        let (status, next, code) = (problem.status, next.unwrap_or_default(), needs_code(&member).await?);
        let page = Page { frame: member.guest.frame(""), next, code, problem: Some(problem) };
        return member.guest.show_with(status, &page);
    }
    if let Some(secret) = &member.guest.visitor.session {
        app.passports.forget(secret);
    }
    match next {
        Some(next) => Ok(go(&next)),
        None => member.guest.show(&Proven { frame: member.guest.frame("") }),
    }
}
