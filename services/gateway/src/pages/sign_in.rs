//! Signing in and out.

use super::{Failure, Form, Frame, Guest, go, invitation, is_local, parameter};
use crate::error::Problem;
use crate::session::Keeper;
use crate::station::Station;
use crate::upstream::call;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use candor_proto::accounts::v1::{
    CompleteSignInRequest, CompleteSignInResponse, EndSessionRequest, SignInRequest, SignInResponse,
};

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct Page {
    pub(super) frame: Frame,
    pub(super) email: String,
    pub(super) next: String,
    pub(super) problem: Option<Problem>,
}

pub(super) async fn show(guest: Guest, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let next = parameter(query.as_deref(), "next").filter(|next| is_local(next)).unwrap_or_default();
    guest.show(&Page { frame: guest.frame("sign-in"), email: String::new(), next, problem: None })
}

pub(super) async fn submit(guest: Guest, headers: HeaderMap, form: Form) -> Result<Response, Failure> {
    let email = form.text("email").trim().to_owned();
    let request = SignInRequest {
        email: email.clone(),
        password: form.text("password"),
        device_label: device_of(&headers),
        device_token: guest.visitor.device.clone(),
    };
    let next = Some(form.text("next")).filter(|next| is_local(next));
    match guest.app.upstream.sessions().sign_in(call(request, None)?).await {
        Ok(reply) if reply.get_ref().session_secret.is_empty() => {
            let half = reply.into_inner();
            let (frame, next) = (guest.frame("sign-in"), next.unwrap_or_default());
            let (token, passkey) = (half.pending_token, half.passkey);
            guest.show(&SecondPage { frame, token, email, next, passkey, problem: None })
        }
        Ok(reply) => {
            let SignInResponse { session_secret, passport, device_token, .. } = reply.into_inner();
            enter(&guest, &Begun { session_secret, passport, device_token }, &email, next.as_deref())
        }
        Err(status) => {
            let problem = Problem::from(status);
            let code = problem.status;
            let (frame, next) = (guest.frame("sign-in"), next.unwrap_or_default());
            guest.show_with(code, &Page { frame, email, next, problem: Some(problem) })
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in_second.html")]
struct SecondPage {
    frame: Frame,
    token: String,
    email: String,
    next: String,
    /// Whether a passkey would do as well.
    passkey: bool,
    problem: Option<Problem>,
}

/// The second factor of somebody whose password was right.
pub(super) async fn finish(guest: Guest, form: Form) -> Result<Response, Failure> {
    let (token, email) = (form.text("token"), form.text("email"));
    let request = CompleteSignInRequest {
        pending_token: token.clone(),
        code: form.text("code"),
        device_token: guest.visitor.device.clone(),
    };
    let next = Some(form.text("next")).filter(|next| is_local(next));
    let status = match guest.app.upstream.sessions().complete_sign_in(call(request, None)?).await {
        Ok(reply) => {
            let CompleteSignInResponse { session_secret, passport, device_token, .. } = reply.into_inner();
            let begun = Begun { session_secret, passport, device_token };
            return enter(&guest, &begun, &email, next.as_deref());
        }
        Err(status) => status,
    };
    let problem = Problem::from(status);
    let (code, frame, next) = (problem.status, guest.frame("sign-in"), next.unwrap_or_default());
    if &*problem.reason == "SIGN_IN_OVER" {
        return guest.show_with(code, &Page { frame, email, next, problem: Some(problem) });
    }
    let token = Some(token).filter(|token| token.len() <= 128).unwrap_or_default();
    let passkey = form.text("passkey") == "yes";
    guest.show_with(code, &SecondPage { frame, token, email, next, passkey, problem: Some(problem) })
}

/// What accounts answers to whoever signed in.
pub(super) struct Begun {
    pub(super) session_secret: String,
    pub(super) passport: String,
    /// What this browser is known by from now on.
    pub(super) device_token: String,
}

/// Begins the session. The code of an invitation comes along with whoever came here from its page, or registered from it
/// with this address; they find it again. For anybody else the browser forgets it.
pub(super) fn enter(
    guest: &Guest,
    begun: &Begun,
    email: &str,
    next: Option<&str>,
) -> Result<Response, Failure> {
    let Begun { session_secret: secret, passport, device_token } = begun;
    let mut keepers = vec![Keeper::Address(email)];
    if next == Some(invitation::PLACE) {
        keepers.push(Keeper::Browser(&guest.visitor));
    }
    let (invited, kept) = invitation::hand_on(guest, &keepers, &Keeper::Session(secret))?;
    let home = if invited { invitation::PLACE } else { Station::claimed(passport).home().0 };
    let mut response = go(next.unwrap_or(home));
    let known = known(guest, device_token)?;
    for cookie in guest.app.cookies.begin_session(secret)?.into_iter().chain(kept).chain(known) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The cookie by which accounts know this browser again, if it has told what they know it by.
pub(super) fn known(guest: &Guest, device_token: &str) -> Result<Option<HeaderValue>, Problem> {
    let token = Some(device_token).filter(|token| !token.is_empty());
    token.map(|token| guest.app.cookies.know_device(token)).transpose()
}

#[derive(Template)]
#[template(path = "session_goes_on.html")]
struct GoesOn {
    frame: Frame,
}

/// Ends the session. The browser forgets it whatever happens; when accounts cannot end it, the page says so.
pub(super) async fn leave(guest: Guest, _form: Form) -> Result<Response, Failure> {
    let ended = match &guest.visitor.session {
        Some(secret) => end(&guest, secret).await,
        None => Ok(()),
    };
    let mut response = match ended {
        Ok(()) => go("/"),
        Err(problem) => {
            tracing::warn!(reason = &*problem.reason, "a session could not be ended");
            let mut frame = guest.frame("");
            frame.signed_in = false;
            guest.show_with(problem.status, &GoesOn { frame })?
        }
    };
    response.headers_mut().append(header::SET_COOKIE, guest.app.cookies.end_session());
    if guest.visitor.has_kept() {
        response.headers_mut().append(header::SET_COOKIE, guest.app.cookies.drop_kept());
    }
    Ok(response)
}

/// Ends the session of a secret; one that is over already is fine.
async fn end(guest: &Guest, secret: &str) -> Result<(), Problem> {
    let held = guest.app.passports.of_secret(secret).await;
    guest.app.passports.forget(secret);
    let ended = match held {
        Ok(held) => {
            let request = EndSessionRequest { session_id: held.session_id.to_string() };
            let request = call(request, Some(&held.passport))?;
            guest.app.upstream.sessions().end_session(request).await.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    ended.or_else(|problem| match problem.status {
        StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => Ok(()),
        _ => Err(problem),
    })
}

/// How a person will recognise the browser that sent these headers.
pub(super) fn device_of(headers: &HeaderMap) -> String {
    device(headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default())
}

/// How a person will recognise this browser in their list: what it is and what it runs on, nothing finer.
fn device(agent: &str) -> String {
    let first = |choices: &[(&str, &'static str)], otherwise: &'static str| {
        choices.iter().find(|(mark, _)| agent.contains(mark)).map_or(otherwise, |(_, name)| *name)
    };
    let browser = first(
        &[
            ("Firefox/", "Firefox"),
            ("Edg/", "Edge"),
            ("OPR/", "Opera"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ],
        "A browser",
    );
    let system = first(
        &[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS X", "Mac"),
            ("Linux", "Linux"),
        ],
        "a device",
    );
    format!("{browser} on {system}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_coarsely() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
        assert_eq!(device(agent), "Chrome on Linux");
        assert_eq!(device(""), "A browser on a device");
    }
}
