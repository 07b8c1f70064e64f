//! The invited person's page. They learn who invites and what it means before they say anything, and nobody is told that
//! they looked.
//!
//! The code comes in the fragment of the link, which browsers send to no server; a script, or the person, puts it into a
//! form. From then on it travels in the bodies of forms alone, and, while its person signs in, in a cookie
//! (see [`crate::session`]): handed on from whoever is at the browser to the address that registers and to the session
//! that begins, and to nobody who comes another way.

use super::{Failure, Form, Frame, Guest, Member, go, words};
use crate::app::App;
use crate::error::Problem;
use crate::session::{Keeper, Kept};
use crate::upstream::call;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use candor_proto::accounts::v1::{
    AcceptInvitationRequest, BlockInviterRequest, DeclineInvitationRequest, InvitationKind,
    PreviewInvitationRequest, PreviewInvitationResponse, ReportInvitationRequest, ReportReason,
};
use std::sync::Arc;

/// Where invitations are. Signing in or registering "next" to it is what takes a kept code along.
pub(super) const PLACE: &str = "/invitation";
/// No code has more; what is longer is not kept.
const LONGEST_CODE: usize = 64;

/// What a no of a member comes to.
const CLOSED: &str = "The code works no more for your account. You owe nobody a reason.";
/// What a no comes to where nobody is signed in.
const FORGOTTEN: &str = "This browser keeps the code no longer. You owe nobody a reason.";

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
    /// Whether it is to the inviter's circle, and not to link as a couple.
    to_circle: bool,
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
        let preview: PreviewInvitationResponse = match reply.map_err(Problem::from) {
            Ok(reply) => reply.into_inner(),
            Err(problem) if is_not_open(&problem) => return self.code_page(true),
            Err(problem) => return Err(problem.into()),
        };
        let zone = match &self.member {
            Some(member) => member.time_zone().await,
            None => jiff::tz::TimeZone::UTC,
        };
        let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
        let ends = words::moment(preview.expire_time.as_ref(), &zone);
        let to_circle = preview.kind() == InvitationKind::Circle;
        let inviter = preview.inviter_name;
        let page = Page { frame: self.frame(), inviter, to_circle, ends, code, own_name, problem };
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
        response.headers_mut().append(header::SET_COOKIE, self.guest.app.cookies.drop_kept());
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

/// The form for a code; after signing in, the page of the code that was kept for this session, which is kept no longer.
pub(super) async fn show(invited: Invited) -> Result<Response, Failure> {
    let Guest { app, visitor } = &invited.guest;
    let secret = visitor.session.as_deref().filter(|_| invited.member.is_some());
    let kept = secret.and_then(|_| app.cookies.kept(visitor, &Keeper::Browser(visitor), app.clock.now()));
    match kept {
        Some(Kept { code, .. }) => {
            let response = invited.page(code, String::new(), None).await?;
            Ok(invited.dropping_code(response))
        }
        // What is kept for somebody else has no place in this session.
        None if secret.is_some() && visitor.has_kept() => {
            Ok(invited.dropping_code(invited.code_page(false)?))
        }
        None => invited.code_page(false),
    }
}

pub(super) async fn look(invited: Invited, form: Form) -> Result<Response, Failure> {
    invited.page(code_in(&form), String::new(), None).await
}

/// Keeps the code while its person signs in or registers. Whoever is signed in needs no keeping.
pub(super) async fn keep(invited: Invited, form: Form) -> Result<Response, Failure> {
    if invited.member.is_some() {
        return look(invited, form).await;
    }
    let (code, Guest { app, visitor }) = (code_in(&form), &invited.guest);
    let to = if form.text("to") == "register" { "/register" } else { "/sign-in" };
    let now = app.clock.now();
    let cookie = match code.len() {
        0..=LONGEST_CODE => app.cookies.keep(&Kept::new(code, now), &Keeper::Browser(visitor), now)?,
        _ => app.cookies.drop_kept(),
    };
    let mut response = go(&format!("{to}?next={PLACE}"));
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Hands a kept code on to the next keeper, if one of `from` may have it: whether there is one, and the `Set-Cookie`
/// value. What is kept for anybody else is dropped.
pub(super) fn hand_on(
    guest: &Guest,
    from: &[Keeper<'_>],
    to: &Keeper<'_>,
) -> Result<(bool, Option<HeaderValue>), Problem> {
    let (cookies, now) = (&guest.app.cookies, guest.app.clock.now());
    match from.iter().find_map(|keeper| cookies.kept(&guest.visitor, keeper, now)) {
        Some(kept) => Ok((true, Some(cookies.keep(&kept, to, now)?))),
        None => Ok((false, guest.visitor.has_kept().then(|| cookies.drop_kept()))),
    }
}

pub(super) async fn accept(invited: Invited, form: Form) -> Result<Response, Failure> {
    let Some(member) = &invited.member else { return keep(invited, form).await };
    let (code, own_name) = (code_in(&form), form.text("own_name").trim().to_owned());
    let adult = form.text("adult") == "yes";
    let request = AcceptInvitationRequest { code: code.clone(), own_name: own_name.clone(), adult };
    let reply = member.guest.app.upstream.couple().accept_invitation(member.call(request)?).await;
    match reply.map_err(Problem::from) {
        Ok(reply) => {
            let place = if reply.get_ref().place.is_some() { "/circle" } else { "/couple" };
            Ok(invited.dropping_code(go(place)))
        }
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

/// Says no for the member who says it. Whoever is not signed in is nobody for whom a code could be closed: then nothing
/// is asked of any service, and the browser forgets the code.
pub(super) async fn decline(invited: Invited, form: Form) -> Result<Response, Failure> {
    let words = match &invited.member {
        Some(member) => {
            close_for(member, code_in(&form)).await?;
            CLOSED
        }
        None => FORGOTTEN,
    };
    invited.done("You said no", "Whoever invited you is told nothing.", words)
}

/// Closes a code for one member alone.
async fn close_for(member: &Member, code: String) -> Result<(), Problem> {
    let request = member.call(DeclineInvitationRequest { code })?;
    said(member.guest.app.upstream.couple().decline_invitation(request).await)
}

pub(super) async fn block(invited: Invited, form: Form) -> Result<Response, Failure> {
    let member = invited.member.as_ref().ok_or_else(Problem::unauthenticated)?;
    let request = member.call(BlockInviterRequest { code: code_in(&form) })?;
    let reply = invited.guest.app.upstream.couple().block_inviter(request).await;
    said(reply)?;
    invited.done(
        "Blocked",
        "No code of this person works for you any more. Whatever there was between you here is over.",
        "They are not told that you blocked them. Of the code they see what they see when nobody answers.",
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
    let closed = match &invited.member {
        Some(member) => close_for(member, code_in(&form)).await.is_ok(),
        None => false,
    };
    invited.done(
        "Thank you for saying so",
        "The people who run this place can look at it now. Whoever invited you is told nothing.",
        match (closed, invited.member.is_some()) {
            (true, _) => CLOSED,
            (false, true) => {
                "Your no could not be kept right now. You can say it again on the page of the code."
            }
            (false, false) => FORGOTTEN,
        },
    )
}
