//! Registration, and the wait for the mail.

use super::{Failure, Form, Frame, Guest, go, parameter, words};
use crate::error::Problem;
use crate::upstream::call;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{RegisterRequest, ResendVerificationRequest};

#[derive(Template)]
#[template(path = "register.html")]
struct Page {
    frame: Frame,
    email: String,
    time_zone: String,
    zones: Vec<String>,
    problem: Option<Problem>,
}

impl Page {
    fn new(guest: &Guest, email: String, time_zone: String, problem: Option<Problem>) -> Self {
        Self { frame: guest.frame("register"), email, time_zone, zones: words::zone_names(), problem }
    }

    /// What is wrong with a field, as a sentence.
    fn wrong(&self, field: &str, label: &str) -> Option<String> {
        let mut violations = self.problem.iter().flat_map(|problem| &problem.violations);
        let found = violations.find(|violation| violation.field == field)?;
        Some(format!("{label} {}.", found.description))
    }
}

pub(super) async fn show(guest: Guest) -> Result<Response, Failure> {
    guest.show(&Page::new(&guest, String::new(), String::new(), None))
}

pub(super) async fn submit(guest: Guest, form: Form) -> Result<Response, Failure> {
    let (email, time_zone) = (form.text("email").trim().to_owned(), form.text("time_zone"));
    let request = RegisterRequest {
        email: email.clone(),
        password: form.text("password"),
        time_zone: time_zone.clone(),
        locale: "en".into(),
        adult: form.text("adult") == "yes",
    };
    match guest.app.upstream.identity().register(call(request, None)?).await {
        Ok(_) => Ok(go("/look-at-your-mail")),
        Err(status) => {
            let problem = Problem::from(status);
            let code = problem.status;
            guest.show_with(code, &Page::new(&guest, email, time_zone, Some(problem)))
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
