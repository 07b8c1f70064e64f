//! Where one is signed in, and ending it there.

use super::{Failure, Form, Frame, Member, Segment, go, words};
use askama::Template;
use axum::http::header;
use axum::response::Response;
use candor_proto::accounts::v1::{
    Device as KnownDevice, EndSessionRequest, EndSessionsRequest, ForgetDeviceRequest, ListDevicesRequest,
    ListSessionsRequest, Session,
};
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "sessions.html")]
struct Page {
    frame: Frame,
    sessions: Vec<Device>,
    known: Vec<Known>,
}

/// Where one is signed in.
pub(super) struct Device {
    id: String,
    pub(super) label: String,
    pub(super) began: Option<words::Moment>,
    ends: Option<words::Moment>,
    pub(super) current: bool,
}

/// A device that one signed in from.
struct Known {
    id: String,
    label: String,
    since: Option<words::Moment>,
    last: Option<words::Moment>,
    current: bool,
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    let zone = member.time_zone().await;
    let (sessions, known) = tokio::try_join!(devices(&member, &zone), known(&member, &zone))?;
    member.guest.show(&Page { frame: member.guest.frame("security"), sessions, known })
}

/// Everywhere one is signed in.
pub(super) async fn devices(member: &Member, zone: &TimeZone) -> Result<Vec<Device>, Failure> {
    let request = member.call(ListSessionsRequest {})?;
    let reply = member.guest.app.upstream.sessions().list_sessions(request).await?;
    Ok(reply.into_inner().sessions.into_iter().map(|session| device(session, zone)).collect())
}

/// Every device that the account knows.
async fn known(member: &Member, zone: &TimeZone) -> Result<Vec<Known>, Failure> {
    let request = member.call(ListDevicesRequest {})?;
    let reply = member.guest.app.upstream.sessions().list_devices(request).await?;
    let known = reply.into_inner().devices.into_iter().map(
        |KnownDevice { device_id, device_label, create_time, use_time, current }| Known {
            since: words::moment(create_time.as_ref(), zone),
            last: words::moment(use_time.as_ref(), zone),
            label: named(device_label),
            id: device_id,
            current,
        },
    );
    Ok(known.collect())
}

fn named(label: String) -> String {
    if label.is_empty() { "A device without a name".into() } else { label }
}

fn device(session: Session, zone: &TimeZone) -> Device {
    Device {
        began: words::moment(session.create_time.as_ref(), zone),
        ends: words::moment(session.expire_time.as_ref(), zone),
        label: named(session.device_label),
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

pub(super) async fn forget(
    member: Member,
    Segment(device_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(ForgetDeviceRequest { device_id })?;
    let forgotten = member.guest.app.upstream.sessions().forget_device(request).await;
    forgotten.map_err(|status| Failure::back_to("/sessions", status))?;
    Ok(go("/sessions"))
}
