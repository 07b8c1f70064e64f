//! The page that says what went wrong.

use super::{Frame, frame, go, station};
use crate::app::App;
use crate::error::{
    ACCOUNT_SUSPENDED, Problem, SECOND_FACTOR_REQUIRED, STEP_UP_REQUIRED, TERMS_NOT_ACCEPTED,
};
use crate::query;
use crate::session::Visitor;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// A page that could not be made. The edge gives it its form.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Problem);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl Failure {
    /// What is not open to the one who asks, whatever the reason: always the same words.
    pub(crate) fn closed() -> Self {
        let detail = "This is not open to you, or it does not exist.";
        Self(Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail))
    }

    /// A problem of a form whose page is `place`: whoever has to prove who they are comes back to it.
    pub(crate) fn back_to(place: &str, problem: impl Into<Problem>) -> Self {
        Self(Problem { back: Some(place.into()), ..problem.into() })
    }

    /// A problem with what belongs to two people: that something is not open is said alike by every page.
    pub(crate) fn between_two(problem: impl Into<Problem>) -> Self {
        let problem = problem.into();
        match problem.status {
            // It is about whoever asks, not about the other.
            _ if matches!(&*problem.reason, ACCOUNT_SUSPENDED | TERMS_NOT_ACCEPTED) => Self(problem),
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Self::closed(),
            _ => Self(problem),
        }
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        Self(status.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page {
    frame: Frame,
    heading: &'static str,
    detail: String,
    next: &'static str,
    link: &'static str,
    link_text: &'static str,
}

/// The page of a problem; whoever is not signed in is led to where they can, and back to `address` afterwards.
pub(crate) fn failure(app: &App, visitor: &Visitor, problem: Problem, address: Option<&str>) -> Response {
    if problem.status == StatusCode::UNAUTHORIZED {
        if let Some(secret) = &visitor.session {
            app.passports.forget(secret);
        }
        return match address.filter(|address| *address != "/") {
            Some(address) => go(&format!("/sign-in?next={}", query::encode(address))),
            None => go("/sign-in"),
        };
    }
    if *problem.reason == *STEP_UP_REQUIRED {
        return prove_again(app, visitor, problem.back.as_deref().or(address));
    }
    if &*problem.reason == SECOND_FACTOR_REQUIRED {
        return go("/security");
    }
    if &*problem.reason == ACCOUNT_SUSPENDED {
        return go(super::trust::SUSPENDED);
    }
    if &*problem.reason == TERMS_NOT_ACCEPTED {
        return accept_first(app, visitor, problem.back.as_deref().or(address));
    }
    let (heading, next) = words(&problem);
    let home =
        if visitor.session.is_some() { station(app, visitor).home() } else { ("/", "To the start page") };
    let page = Page {
        frame: frame(app, visitor, ""),
        heading,
        detail: problem.detail.clone(),
        next,
        link: home.0,
        link_text: home.1,
    };
    let mut response = match page.render() {
        Ok(html) => (problem.status, Html(html)).into_response(),
        Err(_) => (problem.status, problem.detail.clone()).into_response(),
    };
    problem.put_headers(&mut response);
    response
}

/// Leads to the page where one accepts the terms, and back afterwards. The passport at hand may be of before somebody accepted
/// them elsewhere.
fn accept_first(app: &App, visitor: &Visitor, back: Option<&str>) -> Response {
    if let Some(secret) = &visitor.session {
        app.passports.forget(secret);
    }
    match back {
        Some(place) => go(&format!("{}?next={}", super::terms::ACCEPT, query::encode(place))),
        None => go(super::terms::ACCEPT),
    }
}

/// Leads to the page where one proves who one is, and back afterwards. The passport at hand may be of before a proof that
/// another replica saw.
fn prove_again(app: &App, visitor: &Visitor, back: Option<&str>) -> Response {
    if let Some(secret) = &visitor.session {
        app.passports.forget(secret);
    }
    match back {
        Some(place) => go(&format!("/prove-again?next={}", query::encode(place))),
        None => go("/prove-again"),
    }
}

/// A heading, and what to do next. What happened and what is safe stand in the problem's own sentence.
fn words(problem: &Problem) -> (&'static str, &'static str) {
    if matches!(&*problem.reason, "MEMBERS_ONLY" | "NOT_YOURS_TO_DO") {
        return ("This is for others here", "Nothing was changed. What is yours is one step away.");
    }
    match problem.status.as_u16() {
        404 => (
            "There is nothing here",
            "The address may be mistyped, or what was here is not yours to see. Nothing of yours was changed.",
        ),
        405 => (
            "This address works differently",
            "Please use the links and buttons of the pages. Nothing was changed.",
        ),
        403 => ("This was not done", "Going back and opening the page again often helps."),
        409 => ("This is here already", "Going back and opening the page again often helps."),
        413 => (
            "This is too long",
            "Going back keeps your words in most browsers. Two shorter entries would fit.",
        ),
        429 => ("A little too often", "What you stored before is safe. Waiting a minute is enough."),
        400..=499 => ("This could not be understood", "Going back keeps your words in most browsers."),
        503 | 504 => {
            ("A part of Candor is away", "What you stored before is safe. Please try again in a moment.")
        }
        _ => ("Something went wrong here", "It was not you. What you stored before is safe."),
    }
}
