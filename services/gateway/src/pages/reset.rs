//! A new password for whoever cannot sign in with the one before: asked for with an address, set with a link from a mail.

use super::{Failure, Form, Frame, Guest, go, parameter, sign_in};
use crate::error::Problem;
use crate::upstream::call;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use candor_proto::accounts::v1::{RequestPasswordResetRequest, ResetPasswordRequest};

#[derive(Template)]
#[template(path = "reset.html")]
struct Page {
    frame: Frame,
    sent: bool,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "reset_set.html")]
struct SetPage {
    frame: Frame,
    token: String,
    /// Whether a code of an app is asked for as well.
    code: bool,
    done: bool,
    problem: Option<Problem>,
}

pub(super) async fn show(guest: Guest, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let query = query.as_deref();
    if let Some(token) = parameter(query, "token").filter(|token| fits(token)) {
        let frame = guest.frame("sign-in");
        return guest.show(&SetPage { frame, token, code: false, done: false, problem: None });
    }
    let sent = parameter(query, "sent").is_some();
    guest.show(&Page { frame: guest.frame("sign-in"), sent, problem: None })
}

pub(super) async fn ask(guest: Guest, form: Form) -> Result<Response, Failure> {
    let request = RequestPasswordResetRequest { email: form.text("email").trim().to_owned() };
    match guest.app.upstream.identity().request_password_reset(call(request, None)?).await {
        Ok(_) => Ok(go("/reset?sent=1")),
        Err(status) => {
            let problem = Problem::from(status);
            let page = Page { frame: guest.frame("sign-in"), sent: false, problem: Some(problem.clone()) };
            guest.show_with(problem.status, &page)
        }
    }
}

/// Sets the password. This browser is known from then on, so that nobody who tries this address holds up the sign-in that follows.
pub(super) async fn set(guest: Guest, headers: HeaderMap, form: Form) -> Result<Response, Failure> {
    let token = form.text("token");
    let code = form.text("code");
    let asked = !code.is_empty() || form.text("asked") == "yes";
    let request = ResetPasswordRequest {
        token: token.clone(),
        new_password: form.text("new_password"),
        code,
        device_label: sign_in::device_of(&headers),
        device_token: guest.visitor.device.clone(),
    };
    let answer = guest.app.upstream.identity().reset_password(call(request, None)?).await;
    let (known, problem) = match answer {
        Ok(reply) => (sign_in::known(&guest, &reply.get_ref().device_token)?, None),
        Err(status) => (None, Some(Problem::from(status))),
    };
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let token = Some(token).filter(|token| fits(token)).unwrap_or_default();
    let code = asked || problem.as_ref().is_some_and(|problem| &*problem.reason == "SECOND_FACTOR_REQUIRED");
    let page = SetPage { frame: guest.frame("sign-in"), token, code, done: problem.is_none(), problem };
    let mut response = guest.show_with(status, &page)?;
    response.headers_mut().extend(known.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// Whether a token is short enough to be one.
fn fits(token: &str) -> bool {
    token.len() <= 128
}
