//! What one has opened to another person: each thing with its state, to be looked at and taken back. Whether it was read
//! shows only where its reader said so.

use super::markdown::Source;
use super::rendering::{self, line, wished};
use super::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::error::Problem;
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::Couple;
use candor_proto::journal::v1::{
    GetShareAnswerRequest, ListSharesRequest, RateFeltUnderstoodRequest, Rendering, Share, ShareState,
    WithdrawShareRequest,
};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;

/// Shares on one page.
const PAGE: i32 = 20;
/// Shares that are looked through for one of them.
const MOST: usize = 1000;
/// How understood somebody feels, as value and words.
const UNDERSTOOD: [(i32, &str); 5] =
    [(1, "not at all"), (2, "a little"), (3, "somewhat"), (4, "mostly"), (5, "very much")];

#[derive(Template)]
#[template(path = "shared.html")]
struct Page {
    frame: Frame,
    linked: bool,
    shares: Vec<Card>,
    first: bool,
    older: Option<String>,
}

/// A share, in a list or on its own.
pub(super) struct Card {
    pub(super) id: String,
    pub(super) item_id: String,
    pub(super) what: &'static str,
    pub(super) line: String,
    pub(super) with: Option<String>,
    pub(super) state: String,
    /// Whether it can still be taken back.
    pub(super) live: bool,
    /// Whether it opens only later.
    pub(super) waiting: bool,
    pub(super) opens: Option<words::Moment>,
    pub(super) ends: Option<words::Moment>,
    pub(super) told_read: Option<words::Moment>,
    pub(super) answered: bool,
}

#[derive(Template)]
#[template(path = "shared_one.html")]
struct OnePage {
    frame: Frame,
    card: Card,
    wished: &'static str,
    rendering: rendering::Shown,
    answer: Answer,
    understood: i32,
}

/// The answer of the other person.
enum Answer {
    /// There is none.
    None,
    /// Its HTML, and when it was given.
    Given(String, Option<words::Moment>),
    /// There is one, but it is not open: it is theirs.
    Closed,
    /// It cannot be read just now.
    Away,
}

impl OnePage {
    fn ratings(&self) -> Vec<(i32, &'static str, bool)> {
        let all = UNDERSTOOD.into_iter().chain([(0, "rather not say")]);
        all.map(|(value, words)| (value, words, self.understood == value)).collect()
    }
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let first = page_token.is_empty();
    let request =
        member.call(ListSharesRequest { page_size: PAGE, page_token, ..ListSharesRequest::default() })?;
    let mut client = member.guest.app.upstream.shares();
    let (reply, couple, zone) =
        tokio::join!(client.list_shares(request), member.couple(), member.time_zone());
    let (reply, couple) = (reply?.into_inner(), couple.ok().flatten());
    let token = reply.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/shared?from={}", query::encode(&token)));
    let linked = couple.is_some();
    let work = move || reply.shares.iter().map(|share| card(share, couple.as_ref(), &zone)).collect();
    let shares = member.guest.app.desk.work(work).await?;
    member.guest.show(&Page { frame: member.guest.frame("shared"), linked, shares, first, older })
}

/// A share in a few words.
pub(super) fn card(share: &Share, couple: Option<&Couple>, zone: &TimeZone) -> Card {
    let nothing = Rendering::default();
    let rendering = share.rendering.as_ref().unwrap_or(&nothing);
    let partner = couple.filter(|couple| couple.partner_account_id == share.recipient_account_id);
    Card {
        id: share.share_id.clone(),
        item_id: share.item_id.clone(),
        what: rendering::what(rendering.kind(), rendering.depth()),
        line: line(rendering),
        with: partner.map(|couple| couple.partner_name.clone()),
        state: state(share.state()).to_owned(),
        waiting: share.state() == ShareState::Waiting,
        live: matches!(share.state(), ShareState::Waiting | ShareState::Open),
        opens: words::moment(share.open_time.as_ref(), zone),
        ends: words::moment(share.expire_time.as_ref(), zone),
        told_read: words::moment(share.told_read_time.as_ref(), zone),
        answered: share.answered,
    }
}

fn state(state: ShareState) -> &'static str {
    match state {
        ShareState::Waiting => "not open yet",
        ShareState::Open => "open",
        ShareState::Expired => "over",
        ShareState::Withdrawn => "taken back",
        ShareState::Ended | ShareState::Unspecified => "closed",
    }
}

/// One share, with its answer where there is one.
pub(super) async fn show_one(
    member: Member,
    Segment(share_id): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let item_id = parameter(query.as_deref(), "item").unwrap_or_default();
    let (share, couple, zone) =
        tokio::join!(find(&member, &share_id, item_id), member.couple(), member.time_zone());
    let (share, couple) = (share?, couple.ok().flatten());
    let answer = match (&couple, share.answered) {
        (_, false) => Answer::None,
        (Some(couple), true) if couple.partner_account_id == share.recipient_account_id => {
            answer(&member, couple, &share.share_id, &zone).await
        }
        _ => Answer::Closed,
    };
    let card = card(&share, couple.as_ref(), &zone);
    let page = OnePage {
        frame: member.guest.frame("shared"),
        card,
        wished: wished(share.wished_response()),
        understood: share.felt_understood,
        rendering: rendering::shown(&member.guest.app.desk, share.rendering.unwrap_or_default()).await?,
        answer,
    };
    member.guest.show(&page)
}

/// The share of an id among those of its item, or among all when the item is not known.
async fn find(member: &Member, share_id: &str, item_id: String) -> Result<Share, Failure> {
    let item_id = uuid::Uuid::try_parse(&item_id).map(|id| id.to_string()).unwrap_or_default();
    let mut page_token = String::new();
    let mut seen = 0;
    while seen < MOST {
        let request = ListSharesRequest {
            page_size: 100,
            page_token,
            item_id: item_id.clone(),
            ..ListSharesRequest::default()
        };
        let request = member.call(request)?;
        let reply = member.guest.app.upstream.shares().list_shares(request).await?.into_inner();
        seen += reply.shares.len();
        if let Some(share) = reply.shares.into_iter().find(|share| share.share_id == share_id) {
            return Ok(share);
        }
        if reply.next_page_token.is_empty() {
            break;
        }
        page_token = reply.next_page_token;
    }
    Err(Failure::closed())
}

/// The partner's answer. One's own share stays on the page whatever becomes of it.
async fn answer(member: &Member, couple: &Couple, share_id: &str, zone: &TimeZone) -> Answer {
    match read_answer(member, &couple.partner_account_id, share_id, zone).await {
        Ok(answer) => answer,
        Err(problem) if matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) => {
            Answer::Closed
        }
        Err(_) => Answer::Away,
    }
}

async fn read_answer(
    member: &Member,
    partner_id: &str,
    share_id: &str,
    zone: &TimeZone,
) -> Result<Answer, Problem> {
    let opened = member.open(partner_id, Scope::SharedItems, Some(share_id)).await?;
    let request =
        GetShareAnswerRequest { owner_account_id: partner_id.to_owned(), share_id: share_id.to_owned() };
    let request = member.call_opened(request, opened)?;
    let reply = member.guest.app.upstream.shares().get_share_answer(request).await?.into_inner();
    let answer = reply.answer.ok_or_else(Problem::internal)?;
    let html = member.guest.app.desk.html(answer.body, Source::Member).await?;
    Ok(Answer::Given(html, words::moment(answer.create_time.as_ref(), zone)))
}

pub(super) async fn withdraw(
    member: Member,
    Segment(share_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let request = member.call(WithdrawShareRequest { share_id: share_id.clone() })?;
    let reply = member.guest.app.upstream.shares().withdraw_share(request).await;
    reply.map_err(Failure::between_two)?;
    Ok(go(&address(&share_id, &form)))
}

pub(super) async fn rate(
    member: Member,
    Segment(share_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let felt_understood = form.text("understood").parse().unwrap_or_default();
    let request = member.call(RateFeltUnderstoodRequest { share_id: share_id.clone(), felt_understood })?;
    let reply = member.guest.app.upstream.shares().rate_felt_understood(request).await;
    reply.map_err(Failure::between_two)?;
    Ok(go(&address(&share_id, &form)))
}

/// The page of a share, by the item that its form names.
fn address(share_id: &str, form: &Form) -> String {
    format!("/shared/{}?item={}", query::encode(share_id), query::encode(&form.text("item")))
}
