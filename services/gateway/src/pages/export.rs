//! Taking everything along: asking for it, calling it off, and the file.

use super::data::PLACE;
use super::{Failure, Form, Guest, Member, go, words};
use crate::app::App;
use crate::error::Problem;
use crate::export;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use candor_proto::accounts::v1::{CancelExportRequest, GetExportRequest, RequestExportRequest};
use std::sync::Arc;
use std::time::Duration;

/// How long a page that is about something else waits to hear of an export.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/data/export", post(ask))
        .route("/data/export/cancel", post(cancel))
        .route("/data/export/take", post(take))
}

/// An export that waits or is open.
pub(super) struct Shown {
    pub(super) opens: Option<words::Moment>,
    pub(super) ends: Option<words::Moment>,
    pub(super) is_open: bool,
    pub(super) taken: i32,
}

/// The member's export, if one waits or is open.
pub(super) async fn shown(member: &Member) -> Result<Option<Shown>, Failure> {
    let request = member.call(GetExportRequest {})?;
    let mut client = member.guest.app.upstream.privacy();
    let (reply, zone) = tokio::join!(client.get_export(request), member.time_zone());
    let now = member.guest.app.clock.now().as_second();
    Ok(reply?.into_inner().export.map(|export| Shown {
        is_open: export.open_time.as_ref().is_some_and(|at| at.seconds <= now),
        opens: words::moment(export.open_time.as_ref(), &zone),
        ends: words::moment(export.expire_time.as_ref(), &zone),
        taken: export.take_count,
    }))
}

/// The same for a page that is about something else: nothing where accounts cannot say at once.
pub(super) async fn noticed(member: &Member) -> Option<Shown> {
    tokio::time::timeout(PATIENCE, shown(member)).await.ok()?.ok()?
}

async fn ask(member: Member, _form: Form) -> Result<Response, Failure> {
    let request = member.call(RequestExportRequest {})?;
    let asked = member.guest.app.upstream.privacy().request_export(request).await;
    asked.map_err(|status| Failure::back_to(PLACE, status))?;
    Ok(go(PLACE))
}

async fn cancel(member: Member, _form: Form) -> Result<Response, Failure> {
    let request = member.call(CancelExportRequest {})?;
    let done = member.guest.app.upstream.privacy().cancel_export(request).await;
    done.map_err(|status| Failure::back_to(PLACE, status))?;
    Ok(go(PLACE))
}

/// The file. By a button and not by a link: nothing that opens addresses by itself takes it.
///
/// It is sent with a new secret of the session, because it may take an hour: one that was replaced meanwhile would end the session.
async fn take(member: Member, _form: Form) -> Result<Response, Failure> {
    member.require_proof().map_err(|problem| Failure::back_to(PLACE, problem))?;
    let is_open = shown(&member).await?.is_some_and(|export| export.is_open);
    let Guest { app, visitor } = &member.guest;
    let secret = visitor.session.clone().ok_or_else(Problem::unauthenticated)?;
    if !is_open {
        // Accounts says why, and nothing is sent.
        let refused = export::answer(app.clone(), secret).await;
        return refused.map_err(|problem| Failure::back_to(PLACE, problem));
    }
    let next = app.passports.replace(&secret).await.and_then(|next| next.ok_or_else(in_a_moment));
    let next = next.map_err(|problem| Failure::back_to(PLACE, problem))?;
    let cookie = app.cookies.renew_session(visitor, &next)?;
    let taken = export::answer(app.clone(), next).await;
    let mut response = taken.map_err(|problem| Failure::back_to(PLACE, problem))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

fn in_a_moment() -> Problem {
    let detail = "Please try again in five minutes. Nothing was taken.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "SESSION_IS_RENEWED", detail)
}
