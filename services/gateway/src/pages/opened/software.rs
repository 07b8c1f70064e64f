//! For a member: what is open to software, what software there is, opening something to it after having seen it, and taking it
//! back.

use super::items::Items;
use super::text::{Text, agreed_to};
use super::wish::{DAYS, Wish};
use super::{Kind, To, purpose, state};
use crate::app::App;
use crate::error::{Problem, STEP_UP_REQUIRED};
use crate::pages::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::query;
use askama::Template;
use axum::Router;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use candor_proto::accounts::v1::{
    GetSoftwareRequest, GrantSoftwareConsentRequest, ListSoftwareConsentsRequest,
    ListSoftwareConsentsResponse, ListSoftwareRequest, RevokeSoftwareConsentRequest, Software,
    SoftwareConsent,
};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// Where it is.
const PLACE: &str = "/software";
/// As many as can be open at once.
const MOST_OPEN: i32 = 100;
/// Software, or what is over, on one page.
const PAGE: i32 = 20;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(PLACE, get(show))
        .route("/software/{client_id}", get(choose).post(agree))
        .route("/software/{client_id}/preview", get(preview))
        .route("/software/consents/{consent_id}/withdraw", post(withdraw))
}

#[derive(Template)]
#[template(path = "software.html")]
struct Page {
    frame: Frame,
    open: Vec<Row>,
    over: Vec<Row>,
    /// Where what was over before that stands.
    older: Option<String>,
    software: Vec<One>,
    more: Option<String>,
}

struct Row {
    id: String,
    name: String,
    answers: Answers,
    what: &'static str,
    place: Option<String>,
    purpose: &'static str,
    state: &'static str,
    text: String,
    granted: Option<words::Moment>,
    expires: Option<words::Moment>,
    ended: Option<words::Moment>,
}

/// Who answers for software.
struct Answers {
    /// The counselor's name, where it is a counselor's; empty where it is not known any more.
    counselor: Option<String>,
    contact: String,
}

struct One {
    /// Where something is opened to it.
    place: String,
    name: String,
    purpose: String,
    answers: Answers,
}

#[derive(Template)]
#[template(path = "software_one.html")]
struct Choose {
    frame: Frame,
    one: One,
    /// The one thing that is to be opened, if it is one.
    item: Option<(Kind, String)>,
    /// The kinds of which all can be opened to it.
    kinds: Vec<Kind>,
    takes_entry: bool,
    days: [i64; 5],
}

#[derive(Template)]
#[template(path = "software_preview.html")]
struct Preview {
    frame: Frame,
    one: One,
    wish: Wish,
    items: Items,
    /// The words to agree to.
    text: Text,
    /// Until when, as it would be from now.
    ends: Option<words::Moment>,
    needs_proof: bool,
    wrong: Vec<String>,
}

async fn listed(
    member: &Member,
    request: ListSoftwareConsentsRequest,
) -> Result<ListSoftwareConsentsResponse, Problem> {
    let request = member.call(request)?;
    Ok(member.guest.app.upstream.software().list_software_consents(request).await?.into_inner())
}

/// Everything that a member opened to software and that is not over; never looked for among what is over.
pub(in crate::pages) async fn open_consents(member: &Member) -> Result<Vec<SoftwareConsent>, Problem> {
    let open = ListSoftwareConsentsRequest { page_size: MOST_OPEN, open_only: true, ..Default::default() };
    Ok(listed(member, open).await?.consents)
}

/// Consents by their ids, however old they are; as many as a page of receipts can name.
pub(in crate::pages) async fn consents_named(
    member: &Member,
    consent_ids: Vec<String>,
) -> Result<Vec<SoftwareConsent>, Problem> {
    if consent_ids.is_empty() {
        return Ok(Vec::new());
    }
    let named = ListSoftwareConsentsRequest { page_size: MOST_OPEN, consent_ids, ..Default::default() };
    Ok(listed(member, named).await?.consents)
}

/// The part of an address that goes on naming the one thing that is to be opened.
fn item_named(query: Option<&str>) -> Option<(Kind, String)> {
    let item = |kind: Kind, name| parameter(query, name).map(|id| (kind, id));
    item(Kind::Entries, "entry").or_else(|| item(Kind::SelfChecks, "self-check"))
}

fn with_item(place: &str, item: Option<&(Kind, String)>) -> String {
    match item {
        Some((Kind::SelfChecks, id)) => format!("{place}?self-check={}", query::encode(id)),
        Some((_, id)) => format!("{place}?entry={}", query::encode(id)),
        None => place.to_owned(),
    }
}

async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let item = item_named(query.as_deref());
    let request = member.call(ListSoftwareRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.software();
    let past = ListSoftwareConsentsRequest {
        page_size: PAGE,
        page_token: parameter(query.as_deref(), "before").unwrap_or_default(),
        over_only: true,
        ..Default::default()
    };
    let (open, over, found, zone) = tokio::join!(
        open_consents(&member),
        listed(&member, past),
        client.list_software(request),
        member.time_zone()
    );
    let (open, over, found) = (open?, over?, found?.into_inner());
    let rows = |consents: Vec<SoftwareConsent>| consents.into_iter().map(|one| row(one, &zone)).collect();
    let next = |place: &str, token: String| {
        (!token.is_empty()).then(|| format!("{PLACE}?{place}={}", query::encode(&token)))
    };
    let page = Page {
        frame: member.guest.frame("ledger"),
        open: rows(open),
        older: next("before", over.next_page_token).map(|place| format!("{place}#over")),
        over: rows(over.consents),
        software: found.software.into_iter().map(|software| one(software, item.as_ref())).collect(),
        more: next("from", found.next_page_token),
    };
    member.guest.show(&page)
}

fn row(consent: SoftwareConsent, zone: &TimeZone) -> Row {
    let kind = Kind::of(consent.scope());
    let of_item = !consent.item_id.is_empty();
    let moment = |time: Option<&prost_types::Timestamp>| words::moment(time, zone);
    Row {
        what: kind.map_or("Something of yours", |kind| kind.own_words(of_item)),
        place: kind.filter(|_| of_item).and_then(|kind| kind.own_place(&consent.item_id)),
        purpose: purpose(consent.purpose()),
        state: state(consent.state()),
        text: agreed_to(&consent.text_id, consent.text_version, &consent.text_locale),
        granted: moment(consent.grant_time.as_ref()),
        expires: moment(consent.expire_time.as_ref()),
        ended: moment(consent.end_time.as_ref()),
        answers: Answers {
            counselor: (!consent.counselor_account_id.is_empty()).then_some(consent.counselor_name),
            contact: consent.software_contact,
        },
        id: consent.consent_id,
        name: consent.software_name,
    }
}

fn one(software: Software, item: Option<&(Kind, String)>) -> One {
    One {
        place: with_item(&format!("{PLACE}/{}", software.client_id), item),
        answers: Answers {
            counselor: (!software.counselor_account_id.is_empty()).then_some(software.counselor_name),
            contact: software.contact,
        },
        name: software.name,
        purpose: software.purpose,
    }
}

async fn find(member: &Member, client_id: &str) -> Result<Software, Failure> {
    let request = member.call(GetSoftwareRequest { client_id: client_id.to_owned() })?;
    let reply = member.guest.app.upstream.software().get_software(request).await;
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument => Problem::no_such_path(),
        _ => Problem::from(status),
    })?;
    Ok(reply.into_inner().software.ok_or_else(Problem::internal)?)
}

async fn choose(
    member: Member,
    Segment(client_id): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let software = find(&member, &client_id).await?;
    let whole: Vec<Scope> = software.whole_kinds().collect();
    let single: Vec<Scope> = software.single_items().collect();
    let item = item_named(query.as_deref()).filter(|(kind, _)| single.contains(&kind.scope()));
    let page = Choose {
        frame: member.guest.frame("ledger"),
        item,
        kinds: Kind::ALL.into_iter().filter(|kind| whole.contains(&kind.scope())).collect(),
        takes_entry: single.contains(&Scope::Entries),
        days: DAYS,
        one: one(software, None),
    };
    member.guest.show(&page)
}

/// What the software would read, and the words to agree to. It reads nothing but the member's own.
async fn preview(
    member: Member,
    Segment(client_id): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let wish = Wish::of(To::Software, |name| parameter(query.as_deref(), name).unwrap_or_default())?;
    preview_page(&member, &client_id, wish, None).await
}

async fn preview_page(
    member: &Member,
    client_id: &str,
    wish: Wish,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let (software, zone) = tokio::join!(find(member, client_id), member.time_zone());
    let one = one(software?, None);
    let preview = format!("{}/preview", one.place);
    let (text, items) = tokio::join!(Text::of(member, &wish, &preview), wish.look(member, &zone));
    let needs_proof = problem.as_ref().is_some_and(|problem| *problem.reason == *STEP_UP_REQUIRED);
    let page = Preview {
        frame: member.guest.frame("ledger"),
        one,
        items: items?,
        text: text?,
        ends: words::moment(wish.ends(member).as_ref(), &zone),
        needs_proof,
        wrong: problem.iter().map(|problem| problem.detail.clone()).collect(),
        wish,
    };
    member.guest.show_with(problem.map_or(StatusCode::OK, |problem| problem.status), &page)
}

async fn agree(member: Member, Segment(client_id): Segment, form: Form) -> Result<Response, Failure> {
    let wish = Wish::of(To::Software, |name| form.text(name))?;
    let request = member.call(GrantSoftwareConsentRequest {
        client_id: client_id.clone(),
        scope: wish.scope().into(),
        item_id: wish.item.clone(),
        purpose: wish.purpose.into(),
        expire_time: wish.ends(&member),
        text_id: wish.text_id()?,
        // What was shown, not what counts: other words have to be read first.
        text_version: form.text("version").parse().unwrap_or(0),
        text_locale: wish.locale.clone(),
    })?;
    let Err(status) = member.guest.app.upstream.software().grant_software_consent(request).await else {
        return Ok(go(PLACE));
    };
    let problem = Problem::from(status);
    if matches!(problem.status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) {
        return Err(Failure(problem));
    }
    preview_page(&member, &client_id, wish, Some(problem)).await
}

/// Takes something back: at once, without a proof and without a question.
async fn withdraw(member: Member, Segment(consent_id): Segment, _form: Form) -> Result<Response, Failure> {
    let request = member.call(RevokeSoftwareConsentRequest { consent_id })?;
    member.guest.app.upstream.software().revoke_software_consent(request).await?;
    Ok(go(PLACE))
}
