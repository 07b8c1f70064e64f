//! The timeline: one's own entries, newest first.

use super::markdown::excerpt;
use super::{Failure, Frame, Member, export, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::journal::v1::{Entry, ListEntriesRequest};

/// Entries on one page.
const PAGE: i32 = 12;
/// Characters of an entry that are shown here.
const EXCERPT: usize = 220;

#[derive(Template)]
#[template(path = "timeline.html")]
struct Page {
    frame: Frame,
    days: Vec<Day>,
    first: bool,
    older: Option<String>,
    /// An export that waits or is open: whoever did not ask for it finds out here.
    export: Option<export::Shown>,
}

struct Day {
    name: String,
    entries: Vec<Shown>,
}

struct Shown {
    id: String,
    iso: String,
    time: String,
    title: String,
    excerpt: String,
    mood: Option<String>,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let first = page_token.is_empty();
    let request = member.call(ListEntriesRequest { page_size: PAGE, page_token })?;
    let mut entries = member.guest.app.upstream.entries();
    let noticed = async { if first { export::noticed(&member).await } else { None } };
    let (reply, export) = tokio::join!(entries.list_entries(request), noticed);
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/timeline?from={}", query::encode(&token)));
    let days = member.guest.app.desk.work(move || by_day(reply.entries)).await?;
    let page = Page { frame: member.guest.frame("timeline"), days, first, older, export };
    member.guest.show(&page)
}

fn by_day(entries: Vec<Entry>) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for entry in entries {
        let Some(moment) = words::moment(entry.entry_time.as_ref(), &words::zone(&entry.time_zone)) else {
            continue;
        };
        let shown = Shown {
            excerpt: excerpt(&entry.body, EXCERPT),
            id: entry.entry_id,
            iso: moment.iso,
            time: moment.time,
            title: entry.title,
            mood: entry.mood.as_ref().and_then(words::mood),
        };
        match days.last_mut().filter(|day| day.name == moment.day) {
            Some(day) => day.entries.push(shown),
            None => days.push(Day { name: moment.day, entries: vec![shown] }),
        }
    }
    days
}
