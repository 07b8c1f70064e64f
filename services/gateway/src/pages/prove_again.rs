//! Proving again who one is, before what cannot be undone. Pages lead here by themselves when a service asks for it
//! ([`super::failure`]), and one comes back to where one was.

use super::{Failure, Form, Frame, Member, go, is_local, parameter};
use crate::error::Problem;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{GetSecurityRequest, StepUpRequest};

/// Where this page is.
pub(super) const PLACE: &str = "/prove-again";

#[derive(Template)]
#[template(path = "prove_again.html")]
struct Page {
    frame: Frame,
    next: String,
    /// Whether a code of an app is part of the proof.
    code: bool,
    /// Whether a passkey would do instead.
    passkey: bool,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "proven.html")]
struct Proven {
    frame: Frame,
}

/// Where it goes on: a page of our own, and not this one.
pub(super) fn onward(next: String) -> Option<String> {
    Some(next).filter(|next| is_local(next) && !next.starts_with(PLACE))
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let next = parameter(query.as_deref(), "next").and_then(onward);
    if let (Some(next), true) = (&next, member.held.is_proven(member.guest.app.clock.now()) == Some(true)) {
        return Ok(go(next));
    }
    page(&member, next.unwrap_or_default(), None).await
}

/// The page that asks for a proof.
pub(super) async fn page(
    member: &Member,
    next: String,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let (status, ways) =
        (problem.as_ref().map_or(StatusCode::OK, |problem| problem.status), ways(member).await?);
    let frame = member.guest.frame("");
    member.guest.show_with(status, &Page { frame, next, code: ways.code, passkey: ways.passkey, problem })
}

/// What is part of a proof.
struct Ways {
    /// A code of an app, or a recovery code: where there is a second factor, beside the password.
    code: bool,
    /// A passkey would do instead.
    passkey: bool,
}

async fn ways(member: &Member) -> Result<Ways, Problem> {
    let request = member.call(GetSecurityRequest {})?;
    let security = member.guest.app.upstream.security().get_security(request).await?.into_inner();
    let passkey = security.passkeys > 0;
    Ok(Ways { code: passkey || security.totp_time.is_some(), passkey })
}

/// Whether the person's account has a second factor, which is part of every proof then.
pub(super) async fn needs_code(member: &Member) -> Result<bool, Problem> {
    Ok(ways(member).await?.code)
}

pub(super) async fn submit(member: Member, form: Form) -> Result<Response, Failure> {
    let request = member.call(StepUpRequest { password: form.text("password"), code: form.text("code") })?;
    let next = onward(form.text("next"));
    if let Err(status) = member.guest.app.upstream.sessions().step_up(request).await {
        let problem = Problem::from(status);
        if problem.status == StatusCode::UNAUTHORIZED {
            return Err(Failure(problem));
        }
        return page(&member, next.unwrap_or_default(), Some(problem)).await;
    }
    proven(&member, next)
}

/// It was proven: on to where one was.
pub(super) fn proven(member: &Member, next: Option<String>) -> Result<Response, Failure> {
    if let Some(secret) = &member.guest.visitor.session {
        member.guest.app.passports.forget(secret);
    }
    match next {
        Some(next) => Ok(go(&next)),
        None => member.guest.show(&Proven { frame: member.guest.frame("") }),
    }
}
