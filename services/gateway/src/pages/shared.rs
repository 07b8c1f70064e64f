//! What one has opened to another person: each thing with its state, to be looked at and taken back. Whether it was read
//! shows only where its reader said so.

use super::markdown::Source;
use super::others::Others;
use super::rendering::{self, line, wished};
use super::self_check::is_careful;
use super::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::error::Problem;
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::journal::v1::{
    GetShareAnswerRequest, GetShareRequest, ListSharesRequest, RateFeltUnderstoodRequest, Rendering, Share,
    ShareState, WithdrawShareRequest,
};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;

/// Shares on one page.
const PAGE: i32 = 20;
/// Shares that are fetched with one call to find those that are open.
const AT_ONCE: usize = 100;
/// How understood somebody feels, as value and words.
const UNDERSTOOD: [(i32, &str); 5] =
    [(1, "not at all"), (2, "a little"), (3, "somewhat"), (4, "mostly"), (5, "very much")];

#[derive(Template)]
#[template(path = "shared.html")]
struct Page {
    frame: Frame,
    partner: Option<String>,
    /// Whether it is known that nothing that was shared is open.
    nothing_open: bool,
    /// Whether to suggest to share something.
    suggest: bool,
    shares: Vec<Card>,
    first: bool,
    older: Option<String>,
}

/// A share, in a list or on its own.
pub(super) struct Card {
    pub(super) id: String,
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
    let (reply, open, others, zone, careful) = tokio::join!(
        client.list_shares(request),
        open_shares(&member, 1),
        member.others(),
        member.time_zone(),
        is_careful(&member)
    );
    let (reply, (open, _), others) = (reply?.into_inner(), open?, others.unwrap_or_default());
    let token = reply.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/shared?from={}", query::encode(&token)));
    let partner = others.couple.as_ref().map(|couple| couple.partner_name.clone());
    let suggest = !others.readers().is_empty() && !careful;
    let work = move || reply.shares.iter().map(|share| card(share, &others, &zone)).collect();
    let shares = member.guest.app.desk.work(work).await?;
    let frame = member.guest.frame("shared");
    let page = Page { frame, partner, nothing_open: open.is_empty(), suggest, shares, first, older };
    member.guest.show(&page)
}

/// The member's shares that are open or will open, newest first: at least `enough` of them if there are, and whether
/// there may be more.
pub(super) async fn open_shares(member: &Member, enough: usize) -> Result<(Vec<Share>, bool), Problem> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    let page_size = i32::try_from(enough.min(AT_ONCE)).unwrap_or(1);
    loop {
        let item_id = String::new();
        let request = member.call(ListSharesRequest { page_size, page_token, item_id, open_only: true })?;
        let reply = member.guest.app.upstream.shares().list_shares(request).await?.into_inner();
        found.extend(reply.shares);
        let more = !reply.next_page_token.is_empty();
        if !more || found.len() >= enough {
            return Ok((found, more));
        }
        page_token = reply.next_page_token;
    }
}

/// A share in a few words.
pub(super) fn card(share: &Share, others: &Others, zone: &TimeZone) -> Card {
    let nothing = Rendering::default();
    let rendering = share.rendering.as_ref().unwrap_or(&nothing);
    Card {
        id: share.share_id.clone(),
        what: rendering::what(rendering.kind(), rendering.depth()),
        line: line(rendering),
        with: others.name_of(&share.recipient_account_id),
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
pub(super) async fn show_one(member: Member, Segment(share_id): Segment) -> Result<Response, Failure> {
    let (share, others, zone) =
        tokio::join!(own_share(&member, &share_id), member.others(), member.time_zone());
    let (share, others) = (share?, others.unwrap_or_default());
    let is_linked = others.readers().iter().any(|reader| reader.account_id == share.recipient_account_id);
    let answer = match share.answered {
        false => Answer::None,
        true if is_linked => answer(&member, &share.recipient_account_id, &share.share_id, &zone).await,
        true => Answer::Closed,
    };
    let card = card(&share, &others, &zone);
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

/// One of the member's own shares. What is no id is none.
async fn own_share(member: &Member, share_id: &str) -> Result<Share, Failure> {
    if uuid::Uuid::try_parse(share_id).is_err() {
        return Err(Failure::closed());
    }
    let request = member.call(GetShareRequest { share_id: share_id.to_owned() })?;
    let reply = member.guest.app.upstream.shares().get_share(request).await;
    let share = reply.map_err(Failure::between_two)?.into_inner().share;
    Ok(share.ok_or_else(Problem::internal)?)
}

/// The other's answer. One's own share stays on the page whatever becomes of it.
async fn answer(member: &Member, answerer_id: &str, share_id: &str, zone: &TimeZone) -> Answer {
    match read_answer(member, answerer_id, share_id, zone).await {
        Ok(answer) => answer,
        Err(problem) if matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) => {
            Answer::Closed
        }
        Err(_) => Answer::Away,
    }
}

async fn read_answer(
    member: &Member,
    answerer_id: &str,
    share_id: &str,
    zone: &TimeZone,
) -> Result<Answer, Problem> {
    let opened = member.open(answerer_id, Scope::ShareAnswers, Some(share_id)).await?;
    let request =
        GetShareAnswerRequest { owner_account_id: answerer_id.to_owned(), share_id: share_id.to_owned() };
    let request = member.call_opened(request, opened)?;
    let reply = member.guest.app.upstream.shares().get_share_answer(request).await?.into_inner();
    let answer = reply.answer.ok_or_else(Problem::internal)?;
    let html = member.guest.app.desk.html(answer.body, Source::Member).await?;
    Ok(Answer::Given(html, words::moment(answer.create_time.as_ref(), zone)))
}

pub(super) async fn withdraw(
    member: Member,
    Segment(share_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(WithdrawShareRequest { share_id: share_id.clone() })?;
    let reply = member.guest.app.upstream.shares().withdraw_share(request).await;
    reply.map_err(Failure::between_two)?;
    Ok(go(&address(&share_id)))
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
    Ok(go(&address(&share_id)))
}

/// The page of a share.
pub(super) fn address(share_id: &str) -> String {
    format!("/shared/{}", query::encode(share_id))
}
