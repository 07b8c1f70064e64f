//! What a partner, or somebody in whose circle one is, has open to oneself now, and answering it. Reading it tells nobody, unless one wants it to.

use super::form::{NotYet, Words};
use super::markdown::Source;
use super::others::Other;
use super::rendering::{self, wished};
use super::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::error::Problem;
use crate::query;
use crate::upstream::Opened;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::journal::v1::{
    AnswerShareRequest, AnswerStarter, AnswerStep, GetReceivedShareRequest, ListReceivedSharesRequest,
    ListReceivedSharesResponse, ReceivedShare, TellReadRequest,
};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;

/// Shares on one page.
const PAGE: i32 = 20;
/// Names the member's place in the circle of whoever shares, in addresses and forms; a partner needs none.
const PLACE: &str = "in";

#[derive(Template)]
#[template(path = "received.html")]
struct Page {
    frame: Frame,
    /// Whoever shares, of all of `owners`.
    owner: Option<Other>,
    owners: Vec<Other>,
    shares: Vec<Card>,
    older: Option<String>,
}

impl Page {
    /// Whether it is this one's shares that are shown.
    fn is_shown(&self, one: &Other) -> bool {
        self.owner.as_ref() == Some(one)
    }
}

struct Card {
    id: String,
    what: &'static str,
    wished: &'static str,
    opened: Option<words::Moment>,
    ends: Option<words::Moment>,
    answered: bool,
}

#[derive(Template)]
#[template(path = "received_one.html")]
struct OnePage {
    frame: Frame,
    owner: Other,
    card: Card,
    rendering: rendering::Shown,
    starters: Vec<(&'static str, Vec<String>)>,
    answer: Option<(String, Option<words::Moment>)>,
    told: bool,
}

/// An answer that was not given: its words stay on the page.
#[derive(Template)]
#[template(path = "answer_kept.html")]
struct Kept {
    frame: Frame,
    share_id: String,
    place: String,
    body: String,
    message: String,
    again: bool,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let place = parameter(query.as_deref(), PLACE);
    let (others, zone) = tokio::join!(member.others(), member.time_zone());
    let (frame, owners) = (member.guest.frame("received"), others?.owners());
    let owner = match &place {
        Some(place) => {
            Some(owners.iter().find(|owner| is_at(owner, place)).cloned().ok_or_else(Failure::closed)?)
        }
        None => owners.first().cloned(),
    };
    let Some(owner) = owner else {
        return member.guest.show(&Page { frame, owner: None, owners, shares: Vec::new(), older: None });
    };
    let reply = list(&member, &owner, page_token).await.map_err(Failure::between_two)?;
    let token = reply.next_page_token;
    let next = |token| address(&owner, "", &format!("from={}", query::encode(token)));
    let older = (!token.is_empty()).then(|| next(&token));
    let shares = reply.shares.iter().map(|share| card(share, &zone)).collect();
    member.guest.show(&Page { frame, owner: Some(owner), owners, shares, older })
}

async fn list(
    member: &Member,
    owner: &Other,
    page_token: String,
) -> Result<ListReceivedSharesResponse, Problem> {
    let owner_account_id = owner.account_id.clone();
    let opened = member.open(&owner_account_id, Scope::SharedItems, None).await?;
    let request = ListReceivedSharesRequest { owner_account_id, page_size: PAGE, page_token };
    let request = member.call_opened(request, opened)?;
    Ok(member.guest.app.upstream.shares().list_received_shares(request).await?.into_inner())
}

fn card(share: &ReceivedShare, zone: &TimeZone) -> Card {
    Card {
        id: share.share_id.clone(),
        what: rendering::what(share.kind(), share.depth()),
        wished: wished(share.wished_response()),
        opened: words::moment(share.open_time.as_ref(), zone),
        ends: words::moment(share.expire_time.as_ref(), zone),
        answered: share.own_answer.is_some(),
    }
}

pub(super) async fn show_one(
    member: Member,
    Segment(share_id): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let place = parameter(query.as_deref(), PLACE).unwrap_or_default();
    let (owner, zone) = tokio::join!(owner(&member, &place, &share_id), member.time_zone());
    let owner = owner?;
    let opened = open(&member, &owner, &share_id).await?;
    let request = GetReceivedShareRequest { owner_account_id: owner.account_id.clone(), share_id };
    let request = member.call_opened(request, opened)?;
    let reply = member.guest.app.upstream.shares().get_received_share(request).await;
    let reply = reply.map_err(Failure::between_two)?.into_inner();
    let share = reply.share.ok_or_else(Problem::internal)?;
    let answer = match share.own_answer.clone() {
        Some(answer) => {
            let html = member.guest.app.desk.html(answer.body, Source::Member).await?;
            Some((html, words::moment(answer.create_time.as_ref(), &zone)))
        }
        None => None,
    };
    let rendering = reply.rendering.ok_or_else(Problem::internal)?;
    let page = OnePage {
        frame: member.guest.frame("received"),
        owner,
        card: card(&share, &zone),
        rendering: rendering::shown(&member.guest.app.desk, rendering).await?,
        starters: by_step(reply.starters),
        answer,
        told: share.told_read,
    };
    member.guest.show(&page)
}

/// Whose share this would be: somebody's in whose circle the member has this place, or else the partner's. Without one, or
/// without an id, nothing is open.
async fn owner(member: &Member, place: &str, share_id: &str) -> Result<Other, Failure> {
    if uuid::Uuid::try_parse(share_id).is_err() {
        return Err(Failure::closed());
    }
    let owners = member.others().await?.owners();
    owners.into_iter().find(|owner| is_at(owner, place)).ok_or_else(Failure::closed)
}

/// Whether an address that names this place, or none, means them. The inbox names a couple, too.
fn is_at(owner: &Other, place: &str) -> bool {
    owner.place == place || owner.link == place
}

/// The page of one share, or of all, with the owner said where it is not the partner.
fn address(owner: &Other, share_id: &str, more: &str) -> String {
    let place = if owner.place.is_empty() {
        String::new()
    } else {
        format!("{PLACE}={}", query::encode(&owner.place))
    };
    let parts: Vec<&str> = [place.as_str(), more].into_iter().filter(|part| !part.is_empty()).collect();
    let path = if share_id.is_empty() { "/received".to_owned() } else { format!("/received/{share_id}") };
    if parts.is_empty() { path } else { format!("{path}?{}", parts.join("&")) }
}

async fn open(member: &Member, owner: &Other, share_id: &str) -> Result<Opened, Failure> {
    let opened = member.open(&owner.account_id, Scope::SharedItems, Some(share_id)).await;
    opened.map_err(Failure::between_two)
}

/// Beginnings of an answer that do the same stand together.
fn by_step(starters: Vec<AnswerStarter>) -> Vec<(&'static str, Vec<String>)> {
    let mut found: Vec<(&'static str, Vec<String>)> = Vec::new();
    for starter in starters {
        let step = step(starter.step());
        match found.iter_mut().find(|(known, _)| *known == step) {
            Some((_, texts)) => texts.push(starter.text),
            None => found.push((step, vec![starter.text])),
        }
    }
    found
}

fn step(step: AnswerStep) -> &'static str {
    match step {
        AnswerStep::Reflect => "Say back what you heard",
        AnswerStep::Validate => "Say that it makes sense",
        AnswerStep::Ask | AnswerStep::Unspecified => "Ask, and leave room",
    }
}

pub(super) async fn tell_read(
    member: Member,
    Segment(share_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let owner = owner(&member, &form.text(PLACE), &share_id).await?;
    let opened = open(&member, &owner, &share_id).await?;
    let request = TellReadRequest { owner_account_id: owner.account_id.clone(), share_id: share_id.clone() };
    let request = member.call_opened(request, opened)?;
    member.guest.app.upstream.shares().tell_read(request).await.map_err(Failure::between_two)?;
    Ok(go(&address(&owner, &share_id, "")))
}

/// Gives an answer. Whatever goes wrong, its words come back.
pub(super) async fn answer(Segment(share_id): Segment, words: Words) -> Result<Response, Failure> {
    let (body, place) = (words.form.text("body"), words.form.text(PLACE));
    let again = match words.member {
        Ok(member) => match give(&member, &place, &share_id, body.clone()).await {
            Ok(owner) => return Ok(go(&address(&owner, &share_id, ""))),
            Err(Failure(problem)) => NotYet::after(&problem),
        },
        Err(not_yet) => not_yet,
    };
    // What is not open, or answered already, will not be answered by pressing again.
    let lasting = matches!(again.status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
    let frame = words.guest.frame("received");
    let page = Kept { frame, share_id, place, body, message: again.message, again: !lasting };
    words.guest.show_with(again.status, &page)
}

async fn give(member: &Member, place: &str, share_id: &str, body: String) -> Result<Other, Failure> {
    let owner = owner(member, place, share_id).await?;
    let opened = open(member, &owner, share_id).await?;
    let owner_account_id = owner.account_id.clone();
    let request = AnswerShareRequest { owner_account_id, share_id: share_id.to_owned(), body };
    let request = member.call_opened(request, opened)?;
    member.guest.app.upstream.shares().answer_share(request).await.map_err(Failure::between_two)?;
    Ok(owner)
}
