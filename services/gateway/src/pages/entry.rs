//! One entry, whole.

use super::markdown::Source;
use super::opened::Counseling;
use super::self_check::is_careful;
use super::{Failure, Frame, Member, Segment, words};
use crate::error::Problem;
use askama::Template;
use axum::response::Response;
use candor_proto::journal::v1::GetEntryRequest;

#[derive(Template)]
#[template(path = "entry.html")]
struct Page {
    frame: Frame,
    title: String,
    iso: String,
    day: String,
    time: String,
    mood: Option<String>,
    body_signs: Vec<&'static str>,
    html: String,
    id: String,
    /// The one person that something of it could be shared with, where nothing speaks against suggesting it.
    partner: Option<String>,
    /// The counselors it could be opened to.
    counselors: Vec<Counseling>,
}

pub(super) async fn show(member: Member, Segment(entry_id): Segment) -> Result<Response, Failure> {
    // What is no id cannot be an entry's.
    if uuid::Uuid::try_parse(&entry_id).is_err() {
        return Err(Problem::no_such_path().into());
    }
    let request = member.call(GetEntryRequest { entry_id })?;
    let mut client = member.guest.app.upstream.entries();
    let (reply, couple, careful, counselors) = tokio::join!(
        client.get_entry(request),
        member.couple(),
        is_careful(&member),
        Counseling::of(&member)
    );
    let entry = reply?.into_inner().entry.ok_or_else(Problem::internal)?;
    let moment = words::moment(entry.entry_time.as_ref(), &words::zone(&entry.time_zone));
    let moment = moment.ok_or_else(Problem::internal)?;
    let mood = entry.mood.as_ref();
    let page = Page {
        frame: member.guest.frame("timeline"),
        id: entry.entry_id,
        partner: couple.ok().flatten().filter(|_| !careful).map(|couple| couple.partner_name),
        counselors,
        title: entry.title,
        iso: moment.iso,
        day: moment.day,
        time: moment.time,
        mood: mood.and_then(words::mood),
        body_signs: mood.into_iter().flat_map(|mood| mood.body_signs()).map(words::body_sign).collect(),
        html: member.guest.app.desk.html(entry.body, Source::Member).await?,
    };
    member.guest.show(&page)
}
