//! Help with the use of the place: a member's code, and what whoever supports sees with it.

use super::{Failure, Form, Frame, Member, words};
use crate::app::App;
use crate::error::Problem;
use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use candor_proto::accounts::v1::{
    CreateSupportCodeRequest, LookUpSupportCodeRequest, LookUpSupportCodeResponse,
};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/security/support", get(show_code).post(create))
        .route("/support", get(show).post(look))
}

#[derive(Template)]
#[template(path = "support_code.html")]
struct CodePage {
    frame: Frame,
    code: Option<(String, Option<words::Moment>)>,
}

#[derive(Template)]
#[template(path = "support.html")]
struct Page {
    frame: Frame,
    found: Option<Found>,
    problem: Option<Problem>,
}

struct Found {
    stored: LookUpSupportCodeResponse,
    export_opens: Option<words::Moment>,
}

async fn show_code(member: Member) -> Result<Response, Failure> {
    member.guest.show(&CodePage { frame: member.guest.frame("security"), code: None })
}

/// Makes a code and shows it, this once.
async fn create(member: Member, _form: Form) -> Result<Response, Failure> {
    let request = member.call(CreateSupportCodeRequest {})?;
    let mut client = member.guest.app.upstream.support();
    let (reply, zone) = tokio::join!(client.create_support_code(request), member.time_zone());
    let made = reply?.into_inner();
    let code = Some((made.code, words::moment(made.expire_time.as_ref(), &zone)));
    member.guest.show(&CodePage { frame: member.guest.frame("security"), code })
}

async fn show(member: Member) -> Result<Response, Failure> {
    member.guest.show(&Page { frame: member.guest.frame("support"), found: None, problem: None })
}

async fn look(member: Member, form: Form) -> Result<Response, Failure> {
    let request = member.call(LookUpSupportCodeRequest { code: form.text("code").trim().to_owned() })?;
    let mut client = member.guest.app.upstream.support();
    let (reply, zone) = tokio::join!(client.look_up_support_code(request), member.time_zone());
    let frame = member.guest.frame("support");
    match reply {
        Ok(reply) => {
            let stored = reply.into_inner();
            let export_opens = words::moment(stored.export_open_time.as_ref(), &zone);
            member.guest.show(&Page { frame, found: Some(Found { stored, export_opens }), problem: None })
        }
        Err(status) => {
            let problem = Problem::from(status);
            let again = [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::TOO_MANY_REQUESTS];
            if !again.contains(&problem.status) {
                return Err(problem.into());
            }
            let status = problem.status;
            member.guest.show_with(status, &Page { frame, found: None, problem: Some(problem) })
        }
    }
}
