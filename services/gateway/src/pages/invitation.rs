//! The invited person's page. They learn who invites and what it means before they say anything, and nobody is told that
//! they looked.
//!
//! The code comes in the fragment of the link, which browsers send to no server; a script, or the person, puts it into a
//! form. From then on it travels in the bodies of forms alone, and, while its person signs in, in a cookie
//! (see [`crate::session`]).

use super::{Failure, Form, Frame, Guest, Member, go, words};
use crate::app::App;
use crate::error::Problem;
use crate::upstream::call;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use candor_proto::accounts::v1::{
    AcceptInvitationRequest, BlockInviterRequest, DeclineInvitationRequest, PreviewInvitationRequest,
    PreviewInvitationResponse, ReportInvitationRequest, ReportReason,
};
use std::sync::Arc;

/// No code has more; what is longer is not kept.
const LONGEST_CODE: usize = 64;

/// Where a code is put in; also what every code that is not open comes to.
#[derive(Template)]
#[template(path = "invitation_code.html")]
struct CodePage {
    frame: Frame,
    not_open: bool,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct Page {
    frame: Frame,
    inviter: String,
    ends: Option<words::Moment>,
    code: String,
    own_name: String,
    problem: Option<Problem>,
}

/// What was done, in a few words.
#[derive(Template)]
#[template(path = "invitation_done.html")]
struct Done {
    frame: Frame,
    heading: &'static str,
    lead: &'static str,
    words: &'static str,
}

/// Whoever was invited, with an account or without.
pub(super) struct Invited {
    guest: Guest,
    member: Option<Member>,
}

impl FromRequestParts<Arc<App>> for Invited {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let guest = Guest::from_request_parts(parts, app).await?;
        let member = match Member::from_request_parts(parts, app).await {
            Ok(member) => Some(member),
            Err(Failure(problem)) if problem.status == StatusCode::UNAUTHORIZED => None,
            Err(failure) => return Err(failure),
        };
        Ok(Self { guest, member })
    }
}

impl Invited {
    fn frame(&self) -> Frame {
        let place = if self.member.is_some() { "couple" } else { "" };
        Frame { signed_in: self.member.is_some(), ..self.guest.frame(place) }
    }

    /// The page of a code, or what every code that is not open comes to.
    async fn page(
        &self,
        code: String,
        own_name: String,
        problem: Option<Problem>,
    ) -> Result<Response, Failure> {
        let request = call(PreviewInvitationRequest { code: code.clone() }, None)?;
        let reply = self.guest.app.upstream.couple().preview_invitation(request).await;
        let PreviewInvitationResponse { inviter_name, expire_time } = match reply.map_err(Problem::from) {
            Ok(reply) => reply.into_inner(),
            Err(problem) if is_not_open(&problem) => return self.code_page(true),
            Err(problem) => return Err(problem.into()),
        };
        let zone = match &self.member {
            Some(member) => member.time_zone().await,
            None => jiff::tz::TimeZone::UTC,
        };
        let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
        let ends = words::moment(expire_time.as_ref(), &zone);
        let page = Page { frame: self.frame(), inviter: inviter_name, ends, code, own_name, problem };
        self.guest.show_with(status, &page)
    }

    fn code_page(&self, not_open: bool) -> Result<Response, Failure> {
        let status = if not_open { StatusCode::NOT_FOUND } else { StatusCode::OK };
        self.guest.show_with(status, &CodePage { frame: self.frame(), not_open })
    }

    /// A last page, after which no code is kept.
    fn done(
        &self,
        heading: &'static str,
        lead: &'static str,
        words: &'static str,
    ) -> Result<Response, Failure> {
        let response = self.guest.show(&Done { frame: self.frame(), heading, lead, words })?;
        Ok(self.dropping_code(response))
    }

    fn dropping_code(&self, mut response: Response) -> Response {
        response.headers_mut().append(header::SET_COOKIE, self.guest.app.cookies.drop_code());
        response
    }
}

/// Whether a code is unknown, over, used, or none at all: one cannot be told from another.
fn is_not_open(problem: &Problem) -> bool {
    matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST)
}

/// Whether a no was heard; one to a code that is not open is heard alike.
fn said<T>(reply: Result<tonic::Response<T>, tonic::Status>) -> Result<(), Problem> {
    match reply.map_err(Problem::from) {
        Err(problem) if !is_not_open(&problem) => Err(problem),
        _ => Ok(()),
    }
}

/// The code in a form: as it was read out, or within the whole link.
fn code_in(form: &Form) -> String {
    let text = form.text("code");
    let code = text.trim();
    code.rsplit_once('#').map_or(code, |(_, code)| code).to_owned()
}

/// The form for a code; after signing in, the page of the code that was kept for it, which is kept no longer.
pub(super) async fn show(invited: Invited) -> Result<Response, Failure> {
    let kept = invited.guest.visitor.kept_code(invited.guest.app.clock.now()).map(str::to_owned);
    match kept {
        Some(code) if invited.member.is_some() => {
            let response = invited.page(code, String::new(), None).await?;
            Ok(invited.dropping_code(response))
        }
        _ => invited.code_page(false),
    }
}

pub(super) async fn look(invited: Invited, form: Form) -> Result<Response, Failure> {
    invited.page(code_in(&form), String::new(), None).await
}

/// Keeps the code while its person signs in or registers.
pub(super) async fn keep(invited: Invited, form: Form) -> Result<Response, Failure> {
    let code = code_in(&form);
    let to = if form.text("to") == "register" { "/register" } else { "/sign-in?next=/invitation" };
    let mut response = go(to);
    if code.len() <= LONGEST_CODE {
        let cookie = invited.guest.app.cookies.keep_code(&code, invited.guest.app.clock.now())?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(super) async fn accept(invited: Invited, form: Form) -> Result<Response, Failure> {
    let Some(member) = &invited.member else { return keep(invited, form).await };
    let (code, own_name) = (code_in(&form), form.text("own_name").trim().to_owned());
    let adult = form.text("adult") == "yes";
    let request = AcceptInvitationRequest { code: code.clone(), own_name: own_name.clone(), adult };
    let reply = member.guest.app.upstream.couple().accept_invitation(member.call(request)?).await;
    match reply.map_err(Problem::from) {
        Ok(_) => Ok(invited.dropping_code(go("/couple"))),
        Err(problem) if problem.status == StatusCode::NOT_FOUND => invited.code_page(true),
        Err(problem) => invited.page(code, own_name, Some(problem)).await,
    }
}

/// Nothing is asked of any service: nobody learns of it.
pub(super) async fn later(invited: Invited, _form: Form) -> Result<Response, Failure> {
    invited.done(
        "Not now is fine",
        "Nothing was told to anybody.",
        "The invitation stays as it is until its time is over. The link works again whenever you like.",
    )
}

pub(super) async fn decline(invited: Invited, form: Form) -> Result<Response, Failure> {
    let request = call(DeclineInvitationRequest { code: code_in(&form) }, None)?;
    let reply = invited.guest.app.upstream.couple().decline_invitation(request).await;
    said(reply)?;
    invited.done(
        "You said no",
        "Whoever invited you sees what they see when nobody answers.",
        "The code works no more. You owe nobody a reason.",
    )
}

pub(super) async fn block(invited: Invited, form: Form) -> Result<Response, Failure> {
    let member = invited.member.as_ref().ok_or_else(Problem::unauthenticated)?;
    let request = member.call(BlockInviterRequest { code: code_in(&form) })?;
    let reply = invited.guest.app.upstream.couple().block_inviter(request).await;
    said(reply)?;
    invited.done(
        "Blocked",
        "No code of this person works for you any more.",
        "They are told nothing. They see what they see when nobody answers.",
    )
}

pub(super) async fn report(invited: Invited, form: Form) -> Result<Response, Failure> {
    let reason =
        form.text("reason").parse::<i32>().ok().and_then(|number| ReportReason::try_from(number).ok());
    let request = ReportInvitationRequest {
        code: code_in(&form),
        reason: reason.unwrap_or(ReportReason::Unspecified).into(),
        note: form.text("note").trim().to_owned(),
    };
    let reply = invited.guest.app.upstream.couple().report_invitation(call(request, None)?).await;
    if let Err(problem) = reply.map_err(Problem::from) {
        return invited.page(code_in(&form), String::new(), Some(problem)).await;
    }
    invited.done(
        "Thank you for saying so",
        "The people who run this place can look at it now.",
        "The code works no more. Whoever invited you is told nothing.",
    )
}
