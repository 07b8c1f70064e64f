//! What operators decide on: who wants to be a counselor, and who is one.

use super::{specialties_of, standing};
use crate::pages::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{
    CounselorApplication, CounselorStanding, GetCounselorApplicationRequest,
    ListCounselorApplicationsRequest, RefuseCounselorRequest, SuspendCounselorRequest,
    VerifyCounselorRequest,
};

/// Applications on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "applications.html")]
struct Page {
    frame: Frame,
    /// The lists there are, and which one this is.
    lists: Vec<(&'static str, bool)>,
    waiting: bool,
    rows: Vec<Row>,
    more: Option<String>,
}

struct Row {
    id: String,
    name: String,
    standing: &'static str,
    waits_since: Option<words::Moment>,
    decided: Option<words::Moment>,
}

#[derive(Template)]
#[template(path = "application.html")]
struct OnePage {
    frame: Frame,
    id: String,
    revision: i32,
    standing: &'static str,
    verified: bool,
    waits: bool,
    name: String,
    languages: String,
    specialties: Vec<&'static str>,
    approach: String,
    reason: String,
    expired: bool,
    submitted: Option<words::Moment>,
    licences: Vec<Licence>,
}

struct Licence {
    title: String,
    jurisdiction: String,
    number: String,
    look_up: String,
    last_day: String,
    checked: Option<words::Moment>,
}

/// The lists there are, by their word in the address.
const STANDINGS: [(&str, CounselorStanding); 4] = [
    ("waiting", CounselorStanding::Unspecified),
    ("verified", CounselorStanding::Verified),
    ("refused", CounselorStanding::Refused),
    ("suspended", CounselorStanding::Suspended),
];

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let wanted = parameter(query.as_deref(), "show").unwrap_or_default();
    let (shown, of) = STANDINGS.into_iter().find(|(word, _)| *word == wanted).unwrap_or(STANDINGS[0]);
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request =
        member.call(ListCounselorApplicationsRequest { standing: of.into(), page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.counselors();
    let (reply, zone) = tokio::join!(client.list_counselor_applications(request), member.time_zone());
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let more =
        (!token.is_empty()).then(|| format!("/applications?show={shown}&from={}", query::encode(&token)));
    let rows = reply.applications.into_iter().map(|one| Row {
        standing: standing(one.standing()),
        waits_since: words::moment(one.review_time.as_ref(), &zone),
        decided: words::moment(one.decide_time.as_ref(), &zone),
        id: one.account_id,
        name: one.name,
    });
    let rows = rows.collect();
    let lists = STANDINGS.map(|(word, _)| (word, word == shown)).to_vec();
    let waiting = of == CounselorStanding::Unspecified;
    member.guest.show(&Page { frame: member.guest.frame("applications"), lists, waiting, rows, more })
}

pub(super) async fn show_one(member: Member, Segment(account_id): Segment) -> Result<Response, Failure> {
    // Whoever decides has to have proven who they are; asked before a reason is typed.
    member.require_proof()?;
    let request = member.call(GetCounselorApplicationRequest { counselor_account_id: account_id })?;
    let mut client = member.guest.app.upstream.counselors();
    let (reply, zone) = tokio::join!(client.get_counselor_application(request), member.time_zone());
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument => Failure::closed(),
        _ => Failure::from(status),
    })?;
    let found = reply.into_inner().application.ok_or_else(Failure::closed)?;
    member.guest.show(&one_page(member.guest.frame("applications"), found, &zone))
}

fn one_page(frame: Frame, found: CounselorApplication, zone: &jiff::tz::TimeZone) -> OnePage {
    let stands = found.standing();
    let licences = found.licences.into_iter().map(|licence| Licence {
        checked: words::moment(licence.check_time.as_ref(), zone),
        title: licence.title,
        jurisdiction: licence.jurisdiction,
        number: licence.number,
        look_up: licence.look_up,
        last_day: licence.last_day,
    });
    OnePage {
        frame,
        revision: found.revision,
        standing: standing(stands),
        verified: stands == CounselorStanding::Verified,
        waits: found.review_time.is_some(),
        languages: found.languages.join(", "),
        specialties: specialties_of(&found.specialties),
        submitted: words::moment(found.submit_time.as_ref(), zone),
        licences: licences.collect(),
        id: found.account_id,
        name: found.name,
        approach: found.approach,
        reason: found.reason,
        expired: found.expired,
    }
}

/// The page of one application.
fn place(account_id: &str) -> String {
    format!("/applications/{}", query::encode(account_id))
}

fn revision(form: &Form) -> i32 {
    form.text("revision").parse().unwrap_or(0)
}

pub(super) async fn verify(
    member: Member,
    Segment(account_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let place = place(&account_id);
    let request = member
        .call(VerifyCounselorRequest { counselor_account_id: account_id, revision: revision(&form) })?;
    let done = member.guest.app.upstream.counselors().verify_counselor(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(&place))
}

pub(super) async fn refuse(
    member: Member,
    Segment(account_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let place = place(&account_id);
    let (revision, reason) = (revision(&form), form.text("reason").trim().to_owned());
    let request =
        member.call(RefuseCounselorRequest { counselor_account_id: account_id, revision, reason })?;
    let done = member.guest.app.upstream.counselors().refuse_counselor(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(&place))
}

pub(super) async fn suspend(
    member: Member,
    Segment(account_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let place = place(&account_id);
    let reason = form.text("reason").trim().to_owned();
    let request = member.call(SuspendCounselorRequest { counselor_account_id: account_id, reason })?;
    let done = member.guest.app.upstream.counselors().suspend_counselor(request).await;
    done.map_err(|status| Failure::back_to(&place, status))?;
    Ok(go(&place))
}
