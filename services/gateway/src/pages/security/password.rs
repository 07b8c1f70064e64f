//! Changing the password.

use super::super::prove_again::needs_code;
use super::super::{Failure, Form, Frame, Member, go};
use super::{PLACE, factor::others_go_on};
use crate::error::{Problem, STEP_UP_REQUIRED};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::ChangePasswordRequest;

/// Where this page is.
const HERE: &str = "/security/password";

#[derive(Template)]
#[template(path = "security_password.html")]
struct Page {
    frame: Frame,
    /// Whether the password stands beside a second factor.
    beside: bool,
    problem: Option<Problem>,
}

pub(in super::super) async fn show(member: Member) -> Result<Response, Failure> {
    member.require_proof()?;
    let beside = needs_code(&member).await?;
    member.guest.show(&Page { frame: member.guest.frame("security"), beside, problem: None })
}

pub(in super::super) async fn submit(member: Member, form: Form) -> Result<Response, Failure> {
    let request = member.call(ChangePasswordRequest {
        new_password: form.text("new_password"),
        others_go_on: others_go_on(&form),
    })?;
    let Err(status) = member.guest.app.upstream.identity().change_password(request).await else {
        return Ok(go(PLACE));
    };
    let problem = Problem::from(status);
    if problem.status == StatusCode::UNAUTHORIZED || *problem.reason == *STEP_UP_REQUIRED {
        return Err(Failure::back_to(HERE, problem));
    }
    let (code, beside) = (problem.status, needs_code(&member).await?);
    let page = Page { frame: member.guest.frame("security"), beside, problem: Some(problem) };
    member.guest.show_with(code, &page)
}
