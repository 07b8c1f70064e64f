//! The form that registers a client.

use crate::error::{Problem, STEP_UP_REQUIRED};
use crate::pages::{Failure, Form, Frame, Member, go};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{ListClientsRequest, RegisterClientRequest};

#[derive(Template)]
#[template(path = "client_new.html")]
struct Page {
    frame: Frame,
    /// Chosen when the form was made, so that sending it twice registers one client.
    client_id: String,
    name: String,
    purpose: String,
    contact: String,
    scopes: String,
    jwks: String,
    jwks_url: String,
    problem: Option<Problem>,
}

impl Page {
    fn needs_proof(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| *problem.reason == *STEP_UP_REQUIRED)
    }

    /// What is wrong with a field, to be read after its name.
    fn wrong(&self, field: &str) -> Option<&str> {
        let violations = self.problem.as_ref()?.violations.iter();
        // An item of a list is the list's.
        let mut of_field = violations.filter(|wrong| wrong.field.split('[').next() == Some(field));
        of_field.next().map(|wrong| wrong.description.as_str())
    }
}

pub(in crate::pages) async fn show_form(member: Member) -> Result<Response, Failure> {
    member.require_proof()?;
    // Whoever may not register any is told so before they fill a form in.
    let request = member.call(ListClientsRequest { page_size: 1, ..ListClientsRequest::default() })?;
    member.guest.app.upstream.clients().list_clients(request).await?;
    let page = Page {
        frame: member.guest.frame("clients"),
        client_id: member.guest.app.ids.next().to_string(),
        name: String::new(),
        purpose: String::new(),
        contact: String::new(),
        scopes: "system/*.rs".into(),
        jwks: String::new(),
        jwks_url: String::new(),
        problem: None,
    };
    member.guest.show(&page)
}

pub(in crate::pages) async fn submit(member: Member, form: Form) -> Result<Response, Failure> {
    let mut page = Page {
        frame: member.guest.frame("clients"),
        client_id: form.text("client_id"),
        name: form.text("name"),
        purpose: form.text("purpose"),
        contact: form.text("contact"),
        scopes: form.text("scopes"),
        jwks: form.text("jwks"),
        jwks_url: form.text("jwks_url"),
        problem: None,
    };
    let request = member.call(RegisterClientRequest {
        client_id: page.client_id.clone(),
        name: page.name.clone(),
        purpose: page.purpose.clone(),
        contact: page.contact.clone(),
        scopes: page.scopes.split_whitespace().map(str::to_owned).collect(),
        jwks: page.jwks.trim().to_owned(),
        jwks_url: page.jwks_url.trim().to_owned(),
    })?;
    let status = match member.guest.app.upstream.clients().register_client(request).await {
        Ok(reply) => {
            let client = reply.into_inner().client.ok_or_else(Problem::internal)?;
            return Ok(go(&format!("/clients/{}", client.client_id)));
        }
        Err(status) => Problem::from(status),
    };
    if status.status == StatusCode::UNAUTHORIZED {
        return Err(Failure(status));
    }
    let code = status.status;
    page.problem = Some(status);
    member.guest.show_with(code, &page)
}
