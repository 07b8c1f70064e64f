//! What the partner has open to oneself now, and answering it. Reading it tells nobody, unless one wants it to.

use super::form::{NotYet, Words};
use super::markdown::Source;
use super::rendering::{self, wished};
use super::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::error::Problem;
use crate::query;
use crate::upstream::Opened;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::Couple;
use candor_proto::journal::v1::{
    AnswerShareRequest, AnswerStarter, AnswerStep, GetReceivedShareRequest, ListReceivedSharesRequest,
    ListReceivedSharesResponse, ReceivedShare, TellReadRequest,
};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;

/// Shares on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "received.html")]
struct Page {
    frame: Frame,
    partner: Option<String>,
    shares: Vec<Card>,
    older: Option<String>,
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
    partner: String,
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
    body: String,
    message: String,
    again: bool,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let (couple, zone) = tokio::join!(member.couple(), member.time_zone());
    let frame = member.guest.frame("received");
    let Some(couple) = couple? else {
        return member.guest.show(&Page { frame, partner: None, shares: Vec::new(), older: None });
    };
    let reply = list(&member, &couple, page_token).await.map_err(Failure::between_two)?;
    let token = reply.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/received?from={}", query::encode(&token)));
    let shares = reply.shares.iter().map(|share| card(share, &zone)).collect();
    member.guest.show(&Page { frame, partner: Some(couple.partner_name), shares, older })
}

async fn list(
    member: &Member,
    couple: &Couple,
    page_token: String,
) -> Result<ListReceivedSharesResponse, Problem> {
    let owner_account_id = couple.partner_account_id.clone();
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

pub(super) async fn show_one(member: Member, Segment(share_id): Segment) -> Result<Response, Failure> {
    let (partner, zone) = tokio::join!(partner(&member, &share_id), member.time_zone());
    let couple = partner?;
    let opened = open(&member, &couple, &share_id).await?;
    let request = GetReceivedShareRequest { owner_account_id: couple.partner_account_id, share_id };
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
        partner: couple.partner_name,
        card: card(&share, &zone),
        rendering: rendering::shown(&member.guest.app.desk, rendering).await?,
        starters: by_step(reply.starters),
        answer,
        told: share.told_read,
    };
    member.guest.show(&page)
}

/// The partner whose share this would be. Without one, or without an id, nothing is open.
async fn partner(member: &Member, share_id: &str) -> Result<Couple, Failure> {
    if uuid::Uuid::try_parse(share_id).is_err() {
        return Err(Failure::closed());
    }
    member.couple().await?.ok_or_else(Failure::closed)
}

async fn open(member: &Member, couple: &Couple, share_id: &str) -> Result<Opened, Failure> {
    let opened = member.open(&couple.partner_account_id, Scope::SharedItems, Some(share_id)).await;
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
    _form: Form,
) -> Result<Response, Failure> {
    let couple = partner(&member, &share_id).await?;
    let opened = open(&member, &couple, &share_id).await?;
    let request = TellReadRequest { owner_account_id: couple.partner_account_id, share_id: share_id.clone() };
    let request = member.call_opened(request, opened)?;
    member.guest.app.upstream.shares().tell_read(request).await.map_err(Failure::between_two)?;
    Ok(go(&format!("/received/{share_id}")))
}

/// Gives an answer. Whatever goes wrong, its words come back.
pub(super) async fn answer(Segment(share_id): Segment, words: Words) -> Result<Response, Failure> {
    let body = words.form.text("body");
    let again = match words.member {
        Ok(member) => match give(&member, &share_id, body.clone()).await {
            Ok(()) => return Ok(go(&format!("/received/{share_id}"))),
            Err(Failure(problem)) => NotYet::after(&problem),
        },
        Err(not_yet) => not_yet,
    };
    // What is not open, or answered already, will not be answered by pressing again.
    let lasting = matches!(again.status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
    let frame = words.guest.frame("received");
    let page = Kept { frame, share_id, body, message: again.message, again: !lasting };
    words.guest.show_with(again.status, &page)
}

async fn give(member: &Member, share_id: &str, body: String) -> Result<(), Failure> {
    let couple = partner(member, share_id).await?;
    let opened = open(member, &couple, share_id).await?;
    let owner_account_id = couple.partner_account_id;
    let request = AnswerShareRequest { owner_account_id, share_id: share_id.to_owned(), body };
    let request = member.call_opened(request, opened)?;
    member.guest.app.upstream.shares().answer_share(request).await.map_err(Failure::between_two)?;
    Ok(())
}
