//! Registration, and the wait for the mail.

use super::{Failure, Form, Frame, Guest, go, invitation, parameter, terms, words};
use crate::error::Problem;
use crate::session::Keeper;
use crate::upstream::call;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::header;
use axum::response::Response;
use candor_proto::accounts::v1::{RegisterRequest, ResendVerificationRequest};

#[derive(Template)]
#[template(path = "register.html")]
struct Page {
    frame: Frame,
    email: String,
    time_zone: String,
    zones: Vec<String>,
    notices_by_mail: bool,
    /// The legal texts.
    offers: Vec<terms::Offer>,
    /// Whether the person comes from an invitation, and its code goes along.
    invited: bool,
    problem: Option<Problem>,
}

impl Page {
    async fn new(guest: &Guest, invited: bool) -> Result<Self, Problem> {
        Ok(Self {
            frame: guest.frame("register"),
            email: String::new(),
            time_zone: String::new(),
            zones: words::zone_names(),
            notices_by_mail: false,
            offers: terms::offers(guest).await?,
            invited,
            problem: None,
        })
    }

    /// What is wrong with a field, as a sentence.
    fn wrong(&self, field: &str, label: &str) -> Option<String> {
        let mut violations = self.problem.iter().flat_map(|problem| &problem.violations);
        let found = violations.find(|violation| violation.field == field)?;
        Some(format!("{label} {}.", found.description))
    }
}

pub(super) async fn show(guest: Guest, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let invited = parameter(query.as_deref(), "next").as_deref() == Some(invitation::PLACE);
    guest.show(&Page::new(&guest, invited).await?)
}

pub(super) async fn submit(guest: Guest, form: Form) -> Result<Response, Failure> {
    let (email, time_zone) = (form.text("email").trim().to_owned(), form.text("time_zone"));
    let notices_by_mail = form.text("notices_by_mail") == "yes";
    let request = RegisterRequest {
        email: email.clone(),
        password: form.text("password"),
        time_zone: time_zone.clone(),
        locale: "en".into(),
        adult: form.text("adult") == "yes",
        notices_by_mail,
        terms_version: terms::checked(&form, "terms"),
        privacy_version: terms::checked(&form, "privacy"),
    };
    let invited = form.text("next") == invitation::PLACE;
    match guest.app.upstream.identity().register(call(request, None)?).await {
        Ok(_) => {
            let mut response = go("/look-at-your-mail");
            let from = [Keeper::Browser(&guest.visitor)];
            let from = if invited { &from[..] } else { &[] };
            let (_, kept) = invitation::hand_on(&guest, from, &Keeper::Address(&email))?;
            response.headers_mut().extend(kept.map(|cookie| (header::SET_COOKIE, cookie)));
            Ok(response)
        }
        Err(status) => {
            let problem = Problem::from(status);
            let code = problem.status;
            let (problem, new) = (Some(problem), Page::new(&guest, invited).await?);
            let page = Page { email, time_zone, notices_by_mail, problem, ..new };
            guest.show_with(code, &page)
        }
    }
}

#[derive(Template)]
#[template(path = "look_at_your_mail.html")]
struct MailPage {
    frame: Frame,
    again: bool,
}

pub(super) async fn show_mail(guest: Guest, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let again = parameter(query.as_deref(), "again").is_some();
    guest.show(&MailPage { frame: guest.frame("register"), again })
}

pub(super) async fn send_again(guest: Guest, form: Form) -> Result<Response, Failure> {
    let request = ResendVerificationRequest { email: form.text("email").trim().to_owned() };
    guest.app.upstream.identity().resend_verification(call(request, None)?).await?;
    Ok(go("/look-at-your-mail?again=1"))
}
