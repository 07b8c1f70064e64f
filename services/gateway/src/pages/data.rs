//! What is one's own: taking everything along, having everything destroyed, calling either off, and the certificate.

use super::{Failure, Form, Frame, Guest, Member, export, go, parameter, words};
use crate::app::App;
use crate::error::Problem;
use crate::upstream::call;
use askama::Template;
use axum::Router;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::routing::{get, post};
use candor_proto::accounts::v1::{
    CancelErasureRequest, ErasureState, GetErasureCertificateRequest, GetErasureCertificateResponse,
    GetErasureRequest, RequestErasureRequest,
};
use jiff::tz::TimeZone;
use std::sync::Arc;

/// Where one's own data are.
pub(super) const PLACE: &str = "/data";
/// Where it is asked for that they are destroyed.
const ERASE: &str = "/data/erase";

pub(super) fn router() -> Router<Arc<App>> {
    export::router()
        .route(PLACE, get(show))
        .route(ERASE, get(show_erase).post(erase))
        .route("/data/erase/cancel", post(cancel))
        .route("/certificate", get(show_certificate).post(look_up))
}

#[derive(Template)]
#[template(path = "data.html")]
struct Page {
    frame: Frame,
    waiting: Option<Waiting>,
    export: Option<export::Shown>,
}

/// An erasure that waits.
struct Waiting {
    asked: Option<words::Moment>,
    begins: Option<words::Moment>,
    by_mail: bool,
}

#[derive(Template)]
#[template(path = "data_erase.html")]
struct ErasePage {
    frame: Frame,
    partner: Option<String>,
}

#[derive(Template)]
#[template(path = "data_erase_asked.html")]
struct Asked {
    frame: Frame,
    code: String,
    begins: Option<words::Moment>,
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct CertificatePage {
    frame: Frame,
    found: Option<Certificate>,
    problem: Option<Problem>,
}

struct Certificate {
    state: ErasureState,
    begins: Option<words::Moment>,
    finished: Option<words::Moment>,
    backups_end: Option<words::Moment>,
    destroyed: Vec<Destroyed>,
    pending: usize,
    text: String,
    signature: String,
    public_key: String,
}

struct Destroyed {
    what: String,
    count: i64,
}

async fn waiting(member: &Member) -> Result<Option<Waiting>, Failure> {
    let request = member.call(GetErasureRequest {})?;
    let mut client = member.guest.app.upstream.privacy();
    let (reply, zone) = tokio::join!(client.get_erasure(request), member.time_zone());
    Ok(reply?.into_inner().erasure.map(|erasure| Waiting {
        asked: words::moment(erasure.request_time.as_ref(), &zone),
        begins: words::moment(erasure.begin_time.as_ref(), &zone),
        by_mail: erasure.mail_certificate,
    }))
}

async fn show(member: Member) -> Result<Response, Failure> {
    let (waiting, export) = tokio::try_join!(waiting(&member), export::shown(&member))?;
    member.guest.show(&Page { frame: member.guest.frame("security"), waiting, export })
}

/// What it means, before it is asked for.
async fn show_erase(member: Member) -> Result<Response, Failure> {
    let partner = match member.held.station().is_member() {
        true => member.couple().await?.map(|couple| couple.partner_name),
        // An account for a practice has no partner.
        false => None,
    };
    member.guest.show(&ErasePage { frame: member.guest.frame("security"), partner })
}

async fn erase(member: Member, form: Form) -> Result<Response, Failure> {
    let mail_certificate = form.text("by_mail") == "yes";
    let request = member.call(RequestErasureRequest { mail_certificate })?;
    let asked = member.guest.app.upstream.privacy().request_erasure(request).await;
    let asked = asked.map_err(|status| Failure::back_to(ERASE, status))?.into_inner();
    let begins = asked.erasure.and_then(|erasure| erasure.begin_time);
    let page = Asked {
        frame: member.guest.frame("security"),
        code: asked.certificate_code,
        begins: words::moment(begins.as_ref(), &member.time_zone().await),
    };
    member.guest.show(&page)
}

async fn cancel(member: Member, _form: Form) -> Result<Response, Failure> {
    let request = member.call(CancelErasureRequest {})?;
    let done = member.guest.app.upstream.privacy().cancel_erasure(request).await;
    done.map_err(|status| Failure::back_to(PLACE, status))?;
    Ok(go(PLACE))
}

/// A certificate by the link of a mail, or the form that asks for its code.
async fn show_certificate(guest: Guest, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    match parameter(query.as_deref(), "code").filter(|code| code.len() <= 64) {
        Some(code) => certificate(guest, code).await,
        None => guest.show(&CertificatePage { frame: guest.frame(""), found: None, problem: None }),
    }
}

async fn look_up(guest: Guest, form: Form) -> Result<Response, Failure> {
    certificate(guest, form.text("code").trim().to_owned()).await
}

async fn certificate(guest: Guest, code: String) -> Result<Response, Failure> {
    let request = call(GetErasureCertificateRequest { code }, None)?;
    let frame = guest.frame("");
    match guest.app.upstream.privacy().get_erasure_certificate(request).await {
        Ok(found) => {
            let found = Some(shown(found.into_inner()));
            guest.show(&CertificatePage { frame, found, problem: None })
        }
        Err(status) => {
            let problem = Problem::from(status);
            let status = problem.status;
            guest.show_with(status, &CertificatePage { frame, found: None, problem: Some(problem) })
        }
    }
}

/// Nobody's zone is known any more.
fn shown(found: GetErasureCertificateResponse) -> Certificate {
    let moment = |time: &Option<prost_types::Timestamp>| words::moment(time.as_ref(), &TimeZone::UTC);
    Certificate {
        state: found.state(),
        begins: moment(&found.begin_time),
        finished: moment(&found.finish_time),
        backups_end: moment(&found.backups_end_time),
        destroyed: found
            .destroyed
            .iter()
            .map(|one| Destroyed { what: one.class.replace('_', " "), count: one.count })
            .collect(),
        pending: found.pending_services.len(),
        text: found.certificate,
        signature: found.signature,
        public_key: found.public_key,
    }
}
