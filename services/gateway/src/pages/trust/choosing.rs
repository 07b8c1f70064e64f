//! Whom a member can report or block: everybody they have or had to do with.

use crate::pages::{Failure, Frame, Member, words};
use askama::Template;
use axum::response::Response;
use candor_proto::accounts::v1::{ListCareRequest, ListTiesRequest, TieKind};
use jiff::tz::TimeZone;
use std::collections::HashSet;

/// Where it is.
pub(super) const PLACE: &str = "/report";
/// How many are looked through at a time.
const MOST: i32 = 100;
/// How many pages are looked through: nobody has more.
const MOST_PAGES: usize = 20;

#[derive(Template)]
#[template(path = "report_whom.html")]
struct Page {
    frame: Frame,
    people: Vec<Person>,
}

struct Person {
    account_id: String,
    name: String,
    what: &'static str,
    since: Option<words::Moment>,
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    let (others, zone) = tokio::join!(member.others(), member.time_zone());
    let others = others?;
    let mut people: Vec<Person> = Vec::new();
    for other in others.readers().into_iter().chain(others.owners()) {
        let what = if other.place.is_empty() && Some(&other.account_id) == partner(&others) {
            "your partner"
        } else {
            "of a circle"
        };
        people.push(Person { account_id: other.account_id, name: other.name, what, since: None });
    }
    people.extend(counselors(&member, &zone).await?);
    people.extend(former(&member, &zone).await?);
    let mut seen = HashSet::new();
    people.retain(|person| !person.account_id.is_empty() && seen.insert(person.account_id.clone()));
    member.guest.show(&Page { frame: member.guest.frame("report"), people })
}

fn partner(others: &crate::pages::others::Others) -> Option<&String> {
    others.couple.as_ref().map(|couple| &couple.partner_account_id)
}

/// The counselors whom the member asked or had.
async fn counselors(member: &Member, zone: &TimeZone) -> Result<Vec<Person>, Failure> {
    let (mut people, mut page_token) = (Vec::new(), String::new());
    for _ in 0..MOST_PAGES {
        let request = member.call(ListCareRequest { page_size: MOST, page_token })?;
        let page = member.guest.app.upstream.care().list_care(request).await?.into_inner();
        people.extend(page.care.into_iter().map(|care| Person {
            since: words::moment(care.request_time.as_ref(), zone),
            account_id: care.counselor_account_id,
            name: care.counselor_name,
            what: "a counselor",
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(people)
}

/// Whom the member was connected with. Their names went with the connection.
async fn former(member: &Member, zone: &TimeZone) -> Result<Vec<Person>, Failure> {
    let (mut people, mut page_token) = (Vec::new(), String::new());
    for _ in 0..MOST_PAGES {
        let request = member.call(ListTiesRequest { page_size: MOST, page_token })?;
        let page = member.guest.app.upstream.privacy().list_ties(request).await?.into_inner();
        people.extend(page.ties.into_iter().filter(|tie| tie.over).map(|tie| Person {
            since: words::moment(tie.begin_time.as_ref(), zone),
            what: match tie.kind() {
                TieKind::Couple => "your partner once",
                _ => "of a circle once",
            },
            account_id: tie.other_account_id,
            name: String::new(),
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(people)
}
