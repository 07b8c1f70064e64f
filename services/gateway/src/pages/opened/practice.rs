//! For a counselor: what people in their care opened to them, and reading it.

use super::items::{self, Items, Whose};
use super::{Kind, Three, purpose};
use crate::pages::{Failure, Frame, Member, Segments, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{GrantedToMe, ListGrantedToMeRequest};
use jiff::tz::TimeZone;

/// Where it is.
pub(super) const PLACE: &str = "/practice/opened";
/// How many on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "practice_opened.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    more: Option<String>,
}

struct Row {
    name: String,
    what: &'static str,
    purpose: &'static str,
    place: Option<String>,
    granted: Option<words::Moment>,
    expires: Option<words::Moment>,
}

#[derive(Template)]
#[template(path = "practice_reading.html")]
struct Reading {
    frame: Frame,
    what: &'static str,
    items: Items,
    more: Option<String>,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListGrantedToMeRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.consents();
    let (reply, zone) = tokio::join!(client.list_granted_to_me(request), member.time_zone());
    let reply = reply?.into_inner();
    let more = more(PLACE, Some(reply.next_page_token).filter(|token| !token.is_empty()));
    let rows = reply.granted.into_iter().map(|granted| row(granted, &zone)).collect();
    member.guest.show(&Page { frame: member.guest.frame("opened"), rows, more })
}

fn row(granted: GrantedToMe, zone: &TimeZone) -> Row {
    let kind = Kind::of(granted.scope());
    let of_item = !granted.item_id.is_empty();
    let place = kind.map(|kind| format!("{PLACE}/{}/{}", granted.member_account_id, kind.name()));
    Row {
        what: kind.map_or("Something", |kind| kind.others_words(of_item)),
        purpose: purpose(granted.purpose()),
        place: place.map(|place| if of_item { format!("{place}/{}", granted.item_id) } else { place }),
        granted: words::moment(granted.grant_time.as_ref(), zone),
        expires: words::moment(granted.expire_time.as_ref(), zone),
        name: granted.member_name,
    }
}

pub(super) async fn read_all(
    member: Member,
    Segments(member_id, kind): Segments,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let kind = Kind::named(&kind).ok_or_else(Failure::closed)?;
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let (opened, zone) = tokio::join!(open(&member, &member_id, kind, None), member.time_zone());
    let place = format!("{PLACE}/{member_id}/{}", kind.name());
    let whose = Whose::Of(member_id, opened?);
    let mut items = items::list(&member, whose, kind, (PAGE, page_token), &zone).await?;
    let more = more(&place, items.next.take());
    let frame = member.guest.frame("opened");
    member.guest.show(&Reading { frame, what: kind.others_words(false), items, more })
}

pub(super) async fn read_one(
    member: Member,
    Three(member_id, kind, item_id): Three,
) -> Result<Response, Failure> {
    let kind = Kind::named(&kind).ok_or_else(Failure::closed)?;
    if uuid::Uuid::try_parse(&item_id).is_err() {
        return Err(Failure::closed());
    }
    let (opened, zone) = tokio::join!(open(&member, &member_id, kind, Some(&item_id)), member.time_zone());
    let items = items::one(&member, Whose::Of(member_id, opened?), kind, item_id, &zone).await?;
    let frame = member.guest.frame("opened");
    member.guest.show(&Reading { frame, what: kind.others_words(true), items, more: None })
}

/// What accounts says to it. Whatever is not open looks like what is not there.
async fn open(
    member: &Member,
    member_id: &str,
    kind: Kind,
    item_id: Option<&str>,
) -> Result<crate::upstream::Opened, Failure> {
    if uuid::Uuid::try_parse(member_id).is_err() {
        return Err(Failure::closed());
    }
    Ok(member.open(member_id, kind.scope(), item_id).await?)
}

fn more(place: &str, token: Option<String>) -> Option<String> {
    token.map(|token| format!("{place}?from={}", query::encode(&token)))
}
