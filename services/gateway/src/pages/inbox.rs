//! The inbox: where reminders arrive. They say no more than they have to.

use super::{Failure, Form, Frame, Member, Segment, go, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::reminders::v1::{InboxItem, ListInboxItemsRequest, MarkInboxItemReadRequest, ScheduleKind};

/// Items on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "inbox.html")]
struct Page {
    frame: Frame,
    items: Vec<Shown>,
    older: Option<String>,
}

struct Shown {
    id: String,
    words: &'static str,
    link: Option<Link>,
    arrived: Option<words::Moment>,
    read: bool,
}

struct Link {
    address: String,
    words: &'static str,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListInboxItemsRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.inbox();
    let (reply, zone) = tokio::join!(client.list_inbox_items(request), member.time_zone());
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/inbox?from={}", query::encode(&token)));
    let items = reply.items.into_iter().map(|item| shown(item, &zone)).collect();
    member.guest.show(&Page { frame: member.guest.frame("inbox"), items, older })
}

fn shown(item: InboxItem, zone: &jiff::tz::TimeZone) -> Shown {
    let (words, place) = words_and_place(item.kind());
    let subject = Some(query::encode(&item.subject_id)).filter(|subject| !subject.is_empty());
    let link = place
        .zip(subject)
        .map(|((place, words), subject)| Link { address: place.replace("{subject}", &subject), words });
    let link = link
        .map(|link| Link { address: link.address.replace("{link}", &query::encode(&item.link_id)), ..link });
    Shown {
        words,
        link,
        arrived: words::moment(item.create_time.as_ref(), zone),
        id: item.inbox_item_id,
        read: item.read,
    }
}

/// What an item says, and where it leads with which words. Names and contents stay out of it: somebody else may look
/// at this screen.
fn words_and_place(kind: ScheduleKind) -> (&'static str, Option<(&'static str, &'static str)>) {
    match kind {
        ScheduleKind::LookBack => (
            "A week ago you wrote something. You can look back at it, if you like.",
            Some(("/entries/{subject}", "Look back")),
        ),
        ScheduleKind::CheckInAhead => {
            ("Something you planned is a day away.", Some(("/check-in", "Look at it")))
        }
        ScheduleKind::CheckIn => {
            ("Something you planned is here.", Some(("/check-in/{subject}", "Look at it")))
        }
        ScheduleKind::Share => (
            "Something is here for you, when you like.",
            Some(("/received/{subject}?in={link}", "Look at it")),
        ),
        ScheduleKind::ShareAnswer => {
            ("There is an answer, when you like.", Some(("/shared/{subject}", "Look at it")))
        }
        ScheduleKind::Unspecified => ("Something you planned is here.", None),
    }
}

pub(super) async fn mark_read(
    member: Member,
    Segment(inbox_item_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(MarkInboxItemReadRequest { inbox_item_id })?;
    member.guest.app.upstream.inbox().mark_inbox_item_read(request).await?;
    Ok(go("/inbox"))
}
