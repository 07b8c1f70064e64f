//! Proving an e-mail address. Opening the link only shows a form: programs that open every link of a mail would
//! otherwise use the token up, and an address is confirmed only by who registered it.

use super::{Failure, Form, Frame, Guest, parameter};
use crate::error::Problem;
use crate::upstream::call;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::VerifyEmailRequest;

#[derive(Template)]
#[template(path = "verify.html")]
struct Page {
    frame: Frame,
    token: String,
    done: bool,
    problem: Option<Problem>,
}

pub(super) async fn show(guest: Guest, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let token = parameter(query.as_deref(), "token").filter(|token| fits(token)).unwrap_or_default();
    guest.show(&Page { frame: guest.frame("verify"), token, done: false, problem: None })
}

pub(super) async fn submit(guest: Guest, form: Form) -> Result<Response, Failure> {
    let token = form.text("token");
    let request = VerifyEmailRequest { token: token.clone(), password: form.text("password") };
    let answer = guest.app.upstream.identity().verify_email(call(request, None)?).await;
    let problem = answer.err().map(Problem::from);
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let token = Some(token).filter(|token| fits(token)).unwrap_or_default();
    let page = Page { frame: guest.frame("verify"), token, done: problem.is_none(), problem };
    guest.show_with(status, &page)
}

/// Whether a token is short enough to be one.
fn fits(token: &str) -> bool {
    token.len() <= 128
}
