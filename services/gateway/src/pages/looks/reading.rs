//! A ledger that another operator agreed to. Looking at the page is a look.

use super::{PAGE, place};
use crate::pages::{Failure, Frame, Member, Segment, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{LedgerEntry, ReadLedgerRequest, Relation};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "look_ledger.html")]
struct Page {
    frame: Frame,
    place: String,
    entries: Vec<Entry>,
    until: Option<words::Moment>,
    older: Option<String>,
}

struct Entry {
    who: &'static str,
    reader: String,
    what: &'static str,
    items: i32,
    moment: Option<words::Moment>,
}

pub(super) async fn show(
    member: Member,
    Segment(request_id): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    member.require_proof()?;
    let place = place(&request_id);
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ReadLedgerRequest { request_id, page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.ledger_looks();
    let (reply, zone) = tokio::join!(client.read_ledger(request), member.time_zone());
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument => Failure::closed(),
        _ => Failure::from(status),
    })?;
    let found = reply.into_inner();
    let token = found.next_page_token;
    let page = Page {
        frame: member.guest.frame("looks"),
        entries: found.entries.iter().map(|one| entry(one, &zone)).collect(),
        until: words::moment(found.read_until_time.as_ref(), &zone),
        older: (!token.is_empty()).then(|| format!("{place}/ledger?from={}", query::encode(&token))),
        place,
    };
    member.guest.show(&page)
}

fn entry(found: &LedgerEntry, zone: &TimeZone) -> Entry {
    Entry {
        who: match found.relation() {
            Relation::Partner => "Their partner said that they read",
            Relation::TrustedPerson => "A trusted person said that they read",
            Relation::Counselor => "A counselor read",
            Relation::Software => "Software read",
            Relation::Unspecified => "Somebody read",
        },
        reader: found.reader_account_id.clone(),
        what: match found.scope() {
            Scope::SharedItems => "what was shared",
            Scope::CheckIns => "check-ins",
            Scope::CheckInSchedule => "when check-ins are",
            Scope::ShareAnswers => "answers",
            Scope::Entries => "entries",
            Scope::Moods => "moods",
            Scope::SelfChecks => "self-checks",
            Scope::Unspecified => "something",
        },
        items: found.items,
        moment: words::moment(found.read_time.as_ref(), zone),
    }
}
