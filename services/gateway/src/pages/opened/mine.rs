//! For a member: what is open to their counselor, opening something after having seen it, and taking it back.

use super::items::Items;
use super::text::{Text, agreed_to};
use super::wish::{DAYS, Wish};
use super::{Kind, To, purpose, state};
use crate::error::{Problem, STEP_UP_REQUIRED};
use crate::pages::care::{PolicyChoice, find_care};
use crate::pages::{Failure, Form, Frame, Member, Segment, Segments, go, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    Care, CareState, Consent, CoupleCareState, GrantConsentRequest, ListCareRequest, ListConsentsRequest,
    ListConsentsResponse, ListCoupleCareRequest, RevokeConsentRequest,
};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;

/// As many as can be open at once.
const MOST_OPEN: i32 = 100;
/// What is over, on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "opened.html")]
struct Page {
    frame: Frame,
    care_id: String,
    counselor: String,
    /// Whether something can be opened now.
    can_open: bool,
    /// The one thing that is to be opened, if it is one.
    item: Option<(Kind, String)>,
    days: [i64; 5],
    open: Vec<Row>,
    over: Vec<Row>,
    /// Where what was over before that stands.
    older: Option<String>,
}

struct Row {
    id: String,
    what: &'static str,
    place: Option<String>,
    purpose: &'static str,
    state: &'static str,
    text: String,
    granted: Option<words::Moment>,
    expires: Option<words::Moment>,
    ended: Option<words::Moment>,
}

#[derive(Template)]
#[template(path = "opened_preview.html")]
struct Preview {
    frame: Frame,
    care_id: String,
    counselor: String,
    wish: Wish,
    items: Items,
    /// The words to agree to.
    text: Text,
    /// Until when, as it would be from now.
    ends: Option<words::Moment>,
    /// What counts between the three, where the counselor sees the two of them as well.
    policy: Option<PolicyChoice>,
    needs_proof: bool,
    wrong: Vec<String>,
}

async fn listed(member: &Member, request: ListConsentsRequest) -> Result<ListConsentsResponse, Problem> {
    let request = member.call(request)?;
    Ok(member.guest.app.upstream.consents().list_consents(request).await?.into_inner())
}

/// Everything that a member opened to counselors and that is not over, under one care or under any. It is never looked for
/// among what is over: that only grows, and what is open must not disappear behind it.
pub(in crate::pages) async fn open_consents(member: &Member, care_id: &str) -> Result<Vec<Consent>, Problem> {
    let care_id = care_id.to_owned();
    let open = ListConsentsRequest {
        page_size: MOST_OPEN,
        open_only: true,
        care_id,
        ..ListConsentsRequest::default()
    };
    Ok(listed(member, open).await?.consents)
}

/// Consents by their ids, however old they are; as many as a page of receipts can name.
pub(in crate::pages) async fn consents_named(
    member: &Member,
    consent_ids: Vec<String>,
) -> Result<Vec<Consent>, Problem> {
    if consent_ids.is_empty() {
        return Ok(Vec::new());
    }
    let named = ListConsentsRequest { page_size: MOST_OPEN, consent_ids, ..ListConsentsRequest::default() };
    Ok(listed(member, named).await?.consents)
}

pub(in crate::pages) async fn show(
    member: Member,
    Segment(care_id): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let past = ListConsentsRequest {
        page_size: PAGE,
        page_token: parameter(query.as_deref(), "before").unwrap_or_default(),
        over_only: true,
        care_id: care_id.clone(),
        ..ListConsentsRequest::default()
    };
    let (care, open, over, zone) = tokio::join!(
        find_care(&member, &care_id),
        open_consents(&member, &care_id),
        listed(&member, past),
        member.time_zone()
    );
    let (care, open, over) = (care?, open?, over?);
    let token = Some(over.next_page_token).filter(|token| !token.is_empty());
    let rows = |consents: Vec<Consent>| consents.iter().map(|consent| row(consent, &zone)).collect();
    let item = |kind: Kind, name| parameter(query.as_deref(), name).map(|id| (kind, id));
    let page = Page {
        frame: member.guest.frame("care"),
        can_open: care.state() == CareState::Active && !care.on_hold,
        counselor: care.counselor_name,
        older: token.map(|token| format!("/care/{care_id}/open?before={}#over", query::encode(&token))),
        care_id,
        item: item(Kind::Entries, "entry").or_else(|| item(Kind::SelfChecks, "self-check")),
        days: DAYS,
        open: rows(open),
        over: rows(over.consents),
    };
    member.guest.show(&page)
}

fn row(consent: &Consent, zone: &TimeZone) -> Row {
    let kind = Kind::of(consent.scope());
    let of_item = !consent.item_id.is_empty();
    let moment = |time: Option<&prost_types::Timestamp>| words::moment(time, zone);
    Row {
        id: consent.consent_id.clone(),
        what: kind.map_or("Something of yours", |kind| kind.own_words(of_item)),
        place: kind.filter(|_| of_item).and_then(|kind| kind.own_place(&consent.item_id)),
        purpose: purpose(consent.purpose()),
        state: state(consent.state()),
        text: agreed_to(&consent.text_id, consent.text_version, &consent.text_locale),
        granted: moment(consent.grant_time.as_ref()),
        expires: moment(consent.expire_time.as_ref()),
        ended: moment(consent.end_time.as_ref()),
    }
}

/// What the counselor would see, and the words to agree to. It reads nothing but the member's own.
pub(in crate::pages) async fn preview(
    member: Member,
    Segment(care_id): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let wish = Wish::of(To::Counselor, |name| parameter(query.as_deref(), name).unwrap_or_default())?;
    preview_page(&member, care_id, wish, None).await
}

async fn preview_page(
    member: &Member,
    care_id: String,
    wish: Wish,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let (care, zone) = tokio::join!(find_care(member, &care_id), member.time_zone());
    let care = care?;
    let preview = format!("/care/{}/open/preview", query::encode(&care_id));
    let (text, items, policy) = tokio::join!(
        Text::of(member, &wish, &preview),
        wish.look(member, &zone),
        policy_between(member, &care)
    );
    let needs_proof = problem.as_ref().is_some_and(|problem| *problem.reason == *STEP_UP_REQUIRED);
    let page = Preview {
        frame: member.guest.frame("care"),
        care_id,
        counselor: care.counselor_name,
        items: items?,
        text: text?,
        ends: words::moment(wish.ends(member).as_ref(), &zone),
        policy: policy?,
        needs_proof,
        wrong: problem.iter().map(|problem| problem.detail.clone()).collect(),
        wish,
    };
    member.guest.show_with(problem.map_or(StatusCode::OK, |problem| problem.status), &page)
}

/// How confidentiality is between the counselor and the two, where they are in the counselor's care as a couple.
async fn policy_between(member: &Member, care: &Care) -> Result<Option<PolicyChoice>, Failure> {
    let request = member.call(ListCoupleCareRequest {})?;
    let found = member.guest.app.upstream.couple_care().list_couple_care(request).await?.into_inner().care;
    let same = found.into_iter().find(|couple| {
        couple.counselor_account_id == care.counselor_account_id && couple.state() == CoupleCareState::Active
    });
    let current = same.and_then(|couple| couple.confidentiality.last().map(|version| version.policy));
    Ok(current.and_then(PolicyChoice::of))
}

pub(in crate::pages) async fn agree(
    member: Member,
    Segment(care_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let wish = Wish::of(To::Counselor, |name| form.text(name))?;
    let care = find_care(&member, &care_id).await?;
    let request = member.call(GrantConsentRequest {
        counselor_account_id: care.counselor_account_id,
        scope: wish.scope().into(),
        item_id: wish.item.clone(),
        purpose: wish.purpose.into(),
        expire_time: wish.ends(&member),
        text_id: wish.text_id()?,
        // What was shown, not what counts: other words have to be read first.
        text_version: form.text("version").parse().unwrap_or(0),
        text_locale: wish.locale.clone(),
    })?;
    let Err(status) = member.guest.app.upstream.consents().grant_consent(request).await else {
        return Ok(go(&format!("/care/{care_id}/open")));
    };
    let problem = Problem::from(status);
    if matches!(problem.status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) {
        return Err(Failure(problem));
    }
    preview_page(&member, care_id, wish, Some(problem)).await
}

/// Takes something back: at once, without a proof and without a question.
pub(in crate::pages) async fn withdraw(
    member: Member,
    Segments(care_id, consent_id): Segments,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(RevokeConsentRequest { consent_id })?;
    member.guest.app.upstream.consents().revoke_consent(request).await?;
    Ok(go(&format!("/care/{care_id}/open")))
}

/// A counselor in whose care the member is, so that one thing can be opened to them.
pub(in crate::pages) struct Counseling {
    pub(in crate::pages) care_id: String,
    pub(in crate::pages) counselor: String,
}

impl Counseling {
    /// Those of the member's that are active. Where that cannot be asked there are none: it is only a way to another page.
    pub(in crate::pages) async fn of(member: &Member) -> Vec<Self> {
        let Ok(request) = member.call(ListCareRequest::default()) else { return Vec::new() };
        let found = member.guest.app.upstream.care().list_care(request).await;
        let care = found.map(|reply| reply.into_inner().care).unwrap_or_default();
        let active = care.into_iter().filter(|care| care.state() == CareState::Active && !care.on_hold);
        active.map(|care| Self { care_id: care.care_id, counselor: care.counselor_name }).collect()
    }
}

/// Who will be able to read what is written now.
pub(in crate::pages) enum Readers {
    /// These counselors and this software, by name; nobody, if there are none.
    Known { counselors: Vec<String>, software: Vec<String> },
    /// It could not be asked.
    Unknown,
}

impl Readers {
    /// Those to whom all of the member's entries are open.
    pub(in crate::pages) async fn of(member: &Member) -> Self {
        let (to_counselors, to_software) =
            tokio::join!(open_consents(member, ""), super::software::open_consents(member));
        let (Ok(to_counselors), Ok(to_software)) = (to_counselors, to_software) else { return Self::Unknown };
        let all = |scope: Scope, item_id: &str| scope == Scope::Entries && item_id.is_empty();
        let counselors = to_counselors.into_iter().filter(|one| all(one.scope(), &one.item_id));
        let software = to_software.into_iter().filter(|one| all(one.scope(), &one.item_id));
        Self::Known {
            counselors: distinct(counselors.map(|one| one.counselor_name).collect()),
            software: distinct(software.map(|one| one.software_name).collect()),
        }
    }
}

fn distinct(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}
