//! One's own practice: applying, what was decided, and what members read.

use super::{Choice, choices, needs_proof, sentences, specialties_of, standing};
use crate::error::Problem;
use crate::pages::{Failure, Form, Frame, Member, export, go, words};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    CounselorApplication, CounselorStanding, GetOwnCounselorApplicationRequest, LicenceEntry,
    SetCounselorAvailabilityRequest, SubmitCounselorApplicationRequest, WithdrawCounselorApplicationRequest,
};

/// Where the practice is.
const PLACE: &str = "/practice";
/// Rows of the form for licences that are not said yet.
const EMPTY_ROWS: usize = 2;

#[derive(Template)]
#[template(path = "practice.html")]
struct Page {
    frame: Frame,
    practice: Option<Practice>,
    /// Whoever asked for everything to be taken along is noticed here, as members are on their timeline.
    export: Option<export::Shown>,
}

struct Practice {
    standing: &'static str,
    verified: bool,
    /// Whether it can be taken back.
    is_open: bool,
    expired: bool,
    reason: String,
    waits_since: Option<words::Moment>,
    name: String,
    languages: String,
    specialties: Vec<&'static str>,
    approach: String,
    accepts_clients: bool,
    unlisted: bool,
    licences: Vec<Row>,
}

struct Row {
    title: String,
    jurisdiction: String,
    number: String,
    last_day: String,
    checked: bool,
}

#[derive(Template)]
#[template(path = "practice_form.html")]
struct FormPage {
    frame: Frame,
    name: String,
    languages: String,
    specialties: Vec<Choice>,
    approach: String,
    accepts_clients: bool,
    practice_only: bool,
    licences: Vec<LicenceEntry>,
    wrong: Vec<String>,
    needs_proof: bool,
}

async fn own(member: &Member) -> Result<Option<CounselorApplication>, Failure> {
    let request = member.call(GetOwnCounselorApplicationRequest {})?;
    let reply = member.guest.app.upstream.counselors().get_own_counselor_application(request).await?;
    Ok(reply.into_inner().application)
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    let (found, zone, export) = tokio::join!(own(&member), member.time_zone(), export::noticed(&member));
    let practice = found?.map(|found| practice(found, &zone));
    member.guest.show(&Page { frame: member.guest.frame("practice"), practice, export })
}

fn practice(found: CounselorApplication, zone: &jiff::tz::TimeZone) -> Practice {
    let stands = found.standing();
    let licences = found.licences.into_iter().map(|licence| Row {
        title: licence.title,
        jurisdiction: licence.jurisdiction,
        number: licence.number,
        last_day: licence.last_day,
        checked: licence.check_time.is_some(),
    });
    Practice {
        standing: standing(stands),
        verified: stands == CounselorStanding::Verified,
        is_open: matches!(stands, CounselorStanding::Applied | CounselorStanding::Refused),
        expired: found.expired,
        reason: found.reason,
        waits_since: words::moment(found.review_time.as_ref(), zone),
        name: found.name,
        languages: found.languages.join(", "),
        specialties: specialties_of(&found.specialties),
        approach: found.approach,
        accepts_clients: found.accepts_clients,
        unlisted: found.unlisted && stands == CounselorStanding::Verified,
        licences: licences.collect(),
    }
}

pub(super) async fn show_form(member: Member) -> Result<Response, Failure> {
    member.require_proof()?;
    let known = own(&member).await?;
    let practice_only = known.is_some();
    let found = known.unwrap_or_else(|| CounselorApplication { accepts_clients: true, ..Default::default() });
    let licences = found.licences.into_iter().map(|licence| LicenceEntry {
        title: licence.title,
        jurisdiction: licence.jurisdiction,
        number: licence.number,
        look_up: licence.look_up,
        last_day: licence.last_day,
    });
    let page = FormPage {
        frame: member.guest.frame("practice"),
        name: found.name,
        languages: found.languages.join(" "),
        specialties: choices(&found.specialties),
        approach: found.approach,
        accepts_clients: found.accepts_clients,
        practice_only,
        licences: rows(licences.collect()),
        wrong: Vec::new(),
        needs_proof: false,
    };
    member.guest.show(&page)
}

/// The licences with empty rows after them, as many as there can be.
fn rows(mut licences: Vec<LicenceEntry>) -> Vec<LicenceEntry> {
    let all = (licences.len() + EMPTY_ROWS).min(10).max(licences.len());
    licences.resize(all, LicenceEntry::default());
    licences
}

/// The licences that were typed; rows without a word are none.
fn typed(form: &Form) -> Vec<LicenceEntry> {
    let all = |name: &'static str| form.all(name).map(|text| text.trim().to_owned()).collect::<Vec<_>>();
    let (titles, places, numbers) = (all("title"), all("jurisdiction"), all("number"));
    let (look_ups, days) = (all("look_up"), all("last_day"));
    let at = |column: &[String], row: usize| column.get(row).cloned().unwrap_or_default();
    let entry = |row| LicenceEntry {
        title: at(&titles, row),
        jurisdiction: at(&places, row),
        number: at(&numbers, row),
        look_up: at(&look_ups, row),
        last_day: at(&days, row),
    };
    (0..titles.len().min(20)).map(entry).filter(|licence| *licence != LicenceEntry::default()).collect()
}

pub(super) async fn submit(member: Member, form: Form) -> Result<Response, Failure> {
    let chosen: Vec<i32> = form.all("specialty").filter_map(|number| number.parse().ok()).collect();
    let (languages, licences) = (form.text("languages"), typed(&form));
    let split = |c: char| c.is_whitespace() || c == ',';
    let message = SubmitCounselorApplicationRequest {
        name: form.text("name").trim().to_owned(),
        languages: languages.split(split).filter(|code| !code.is_empty()).map(str::to_owned).collect(),
        specialties: chosen.clone(),
        approach: form.text("approach").trim().to_owned(),
        accepts_clients: form.text("accepts_clients") == "yes",
        licences: licences.clone(),
        practice_only: form.text("practice_only") == "yes",
    };
    let request = member.call(message.clone())?;
    let status = member.guest.app.upstream.counselors().submit_counselor_application(request).await;
    let Err(status) = status else { return Ok(go(PLACE)) };
    let problem = Problem::from(status);
    if problem.status == StatusCode::UNAUTHORIZED {
        return Err(Failure(problem));
    }
    let page = FormPage {
        frame: member.guest.frame("practice"),
        name: message.name,
        languages,
        specialties: choices(&chosen),
        approach: message.approach,
        accepts_clients: message.accepts_clients,
        practice_only: message.practice_only,
        licences: rows(licences),
        wrong: sentences(&problem),
        needs_proof: needs_proof(&problem),
    };
    member.guest.show_with(problem.status, &page)
}

pub(super) async fn set_availability(member: Member, form: Form) -> Result<Response, Failure> {
    let accepts_clients = form.text("accepts_clients") == "yes";
    let request = member.call(SetCounselorAvailabilityRequest { accepts_clients })?;
    member.guest.app.upstream.counselors().set_counselor_availability(request).await?;
    Ok(go(PLACE))
}

pub(super) async fn withdraw(member: Member, _form: Form) -> Result<Response, Failure> {
    let request = member.call(WithdrawCounselorApplicationRequest {})?;
    member.guest.app.upstream.counselors().withdraw_counselor_application(request).await?;
    Ok(go(PLACE))
}
