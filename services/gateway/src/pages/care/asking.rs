//! Asking a counselor for care.

use super::{mine::PLACE, needs_proof, sentences};
use crate::error::Problem;
use crate::pages::{Failure, Form, Frame, Member, Segment, go};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{Counselor, GetCounselorRequest, RequestCareRequest};

#[derive(Template)]
#[template(path = "care_ask.html")]
struct Page {
    frame: Frame,
    counselor_id: String,
    counselor: String,
    said: Said,
    needs_proof: bool,
    wrong: Vec<String>,
}

/// What the form holds.
#[derive(Default)]
pub(super) struct Said {
    pub(super) own_name: String,
    pub(super) note: String,
    pub(super) jurisdiction: String,
    pub(super) attested: bool,
}

impl Said {
    pub(super) fn of(form: &Form) -> Self {
        let text = |name| form.text(name).trim().to_owned();
        Self {
            own_name: text("own_name"),
            note: text("note"),
            jurisdiction: text("jurisdiction"),
            attested: form.text("attested") == "yes",
        }
    }
}

/// A counselor whom members find.
pub(super) async fn find(member: &Member, account_id: &str) -> Result<Counselor, Failure> {
    let request = member.call(GetCounselorRequest { counselor_account_id: account_id.to_owned() })?;
    let reply = member.guest.app.upstream.counselors().get_counselor(request).await;
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument | tonic::Code::NotFound => Failure::closed(),
        _ => Failure::from(status),
    })?;
    reply.into_inner().counselor.ok_or_else(Failure::closed)
}

/// The form. Asking takes a fresh proof, so that nobody fills it in for nothing.
pub(super) async fn show(member: Member, Segment(account_id): Segment) -> Result<Response, Failure> {
    member.require_proof()?;
    page(&member, &account_id, Said::default(), None).await
}

async fn page(
    member: &Member,
    account_id: &str,
    said: Said,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let found = find(member, account_id).await?;
    let page = Page {
        frame: member.guest.frame("care"),
        counselor_id: found.account_id,
        counselor: found.name,
        said,
        needs_proof: needs_proof(problem.as_ref()),
        wrong: sentences(problem.as_ref()),
    };
    member.guest.show_with(problem.map_or(StatusCode::OK, |problem| problem.status), &page)
}

pub(super) async fn ask(
    member: Member,
    Segment(account_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let said = Said::of(&form);
    let request = member.call(RequestCareRequest {
        counselor_account_id: account_id.clone(),
        own_name: said.own_name.clone(),
        note: said.note.clone(),
        jurisdiction: said.jurisdiction.clone(),
        attested: said.attested,
    })?;
    let Err(status) = member.guest.app.upstream.care().request_care(request).await else {
        return Ok(go(PLACE));
    };
    let problem = Problem::from(status);
    if matches!(problem.status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) {
        return Err(Failure::between_two(problem));
    }
    page(&member, &account_id, said, Some(problem)).await
}
