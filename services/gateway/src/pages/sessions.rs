//! Where one is signed in, and ending it there.

use super::{Failure, Form, Frame, Member, Segment, go, words};
use askama::Template;
use axum::http::header;
use axum::response::Response;
use candor_proto::accounts::v1::{EndSessionRequest, EndSessionsRequest, ListSessionsRequest, Session};
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "sessions.html")]
struct Page {
    frame: Frame,
    sessions: Vec<Device>,
}

/// Where one is signed in.
pub(super) struct Device {
    id: String,
    pub(super) label: String,
    pub(super) began: Option<words::Moment>,
    ends: Option<words::Moment>,
    pub(super) current: bool,
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    let zone = member.time_zone().await;
    let sessions = devices(&member, &zone).await?;
    member.guest.show(&Page { frame: member.guest.frame("security"), sessions })
}

/// Everywhere one is signed in.
pub(super) async fn devices(member: &Member, zone: &TimeZone) -> Result<Vec<Device>, Failure> {
    let request = member.call(ListSessionsRequest {})?;
    let reply = member.guest.app.upstream.sessions().list_sessions(request).await?;
    Ok(reply.into_inner().sessions.into_iter().map(|session| device(session, zone)).collect())
}

fn device(session: Session, zone: &TimeZone) -> Device {
    Device {
        began: words::moment(session.create_time.as_ref(), zone),
        ends: words::moment(session.expire_time.as_ref(), zone),
        label: if session.device_label.is_empty() {
            "A device without a name".into()
        } else {
            session.device_label
        },
        id: session.session_id,
        current: session.current,
    }
}

pub(super) async fn end(
    member: Member,
    Segment(session_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let app = &member.guest.app;
    let request = member.call(EndSessionRequest { session_id: session_id.clone() })?;
    let ended = app.upstream.sessions().end_session(request).await;
    ended.map_err(|status| Failure::back_to("/sessions", status))?;
    app.passports.forget_session(&session_id);
    if *member.held.session_id != *session_id {
        return Ok(go("/sessions"));
    }
    let mut response = go("/");
    response.headers_mut().append(header::SET_COOKIE, app.cookies.end_session());
    Ok(response)
}

pub(super) async fn end_others(member: Member, _form: Form) -> Result<Response, Failure> {
    let request = member.call(EndSessionsRequest { this_one_too: false })?;
    let ended = member.guest.app.upstream.sessions().end_sessions(request).await;
    ended.map_err(|status| Failure::back_to("/sessions", status))?;
    Ok(go("/sessions"))
}
