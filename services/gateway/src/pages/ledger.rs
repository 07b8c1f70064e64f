//! The ledger: what is open to whom since when, and the reads that are one's own to know. A partner's reading is theirs,
//! and stands here only where they said so; a counselor's and software's stand here exactly.

use super::opened::{self, Kind, mine, software};
use super::others::Others;
use super::shared::{self, Card, card, open_shares};
use super::{Failure, Frame, Member, parameter, staff, words};
use crate::error::Problem;
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{
    Consent, ConsentState, ListReceiptsRequest, ListStaffLooksRequest, Receipt, Relation, SoftwareConsent,
};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// Receipts on one page.
const PAGE: i32 = 30;
/// Open shares that are shown at the most.
const SHARES: usize = 1000;
/// Things that are led to from one read at the most; the rest is counted.
const LINKS: usize = 5;

#[derive(Template)]
#[template(path = "ledger.html")]
struct Page {
    frame: Frame,
    partner: Option<String>,
    open: Vec<Card>,
    /// What is open to counselors.
    counselors: Vec<Opened>,
    /// What is open to software.
    software: Vec<ToSoftware>,
    more_shares: bool,
    receipts: Vec<Shown>,
    older: Option<String>,
    /// What those who run the place or support its members looked at.
    staff: Vec<staff::Look>,
    /// Whether there are more of them than stand here.
    more_staff: bool,
}

struct Shown {
    who: Option<String>,
    what: String,
    moment: Option<words::Moment>,
    links: Vec<String>,
    /// Under which consent a counselor or software read; none where it is a partner's or a trusted person's read.
    under: Option<Under>,
}

/// A consent, said in a sentence.
struct Under {
    purpose: &'static str,
    granted: Option<words::Moment>,
}

/// Something that is open to a counselor.
struct Opened {
    what: &'static str,
    counselor: String,
    care_id: String,
    since: Option<words::Moment>,
    expires: Option<words::Moment>,
}

/// Something that is open to software.
struct ToSoftware {
    what: &'static str,
    name: String,
    since: Option<words::Moment>,
    expires: Option<words::Moment>,
}

/// What the reads that show exactly rest on.
struct Consents {
    counselors: Vec<Consent>,
    software: Vec<SoftwareConsent>,
}

impl Consents {
    /// Those that receipts name, found by their ids: a read stays, however much was opened since.
    async fn of(member: &Member, receipts: &[Receipt]) -> Result<Self, Problem> {
        let (counselors, software) = tokio::join!(
            mine::consents_named(member, named(receipts, Relation::Counselor)),
            software::consents_named(member, named(receipts, Relation::Software))
        );
        Ok(Self { counselors: counselors?, software: software? })
    }
}

/// The consents that reads in a relation name, each once.
fn named(receipts: &[Receipt], relation: Relation) -> Vec<String> {
    let of_relation = receipts.iter().filter(|receipt| receipt.relation() == relation);
    let ids: BTreeSet<_> = of_relation.map(|receipt| receipt.consent_id.clone()).collect();
    ids.into_iter().collect()
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let receipts = member.call(ListReceiptsRequest { page_size: PAGE, page_token })?;
    let looks = ListStaffLooksRequest { page_size: staff::PAGE, page_token: String::new() };
    let looks = member.call(looks)?;
    let mut ledger = member.guest.app.upstream.ledger();
    let mut looking = ledger.clone();
    let (receipts, to_counselors, to_software, looks, shares, others, zone) = tokio::join!(
        ledger.list_receipts(receipts),
        mine::open_consents(&member, ""),
        software::open_consents(&member),
        looking.list_staff_looks(looks),
        open_shares(&member, SHARES),
        member.others(),
        member.time_zone()
    );
    let (receipts, (shares, more_shares), others) = (receipts?.into_inner(), shares?, others?);
    let consents = Consents::of(&member, &receipts.receipts).await?;
    let counselors = to_counselors?.iter().filter_map(|consent| open_to_counselor(consent, &zone)).collect();
    let software = to_software?.iter().filter_map(|consent| open_to_software(consent, &zone)).collect();
    let looks = looks?.into_inner();
    let (staff, more_staff) = (staff::looks(&looks.looks, &zone), !looks.next_page_token.is_empty());
    let token = receipts.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/ledger?from={}", query::encode(&token)));
    let shown = receipts.receipts.iter().map(|receipt| shown(receipt, &others, &consents, &zone)).collect();
    let partner = others.couple.as_ref().map(|couple| couple.partner_name.clone());
    let work = move || shares.iter().map(|share| card(share, &others, &zone)).collect();
    let open = member.guest.app.desk.work(work).await?;
    let frame = member.guest.frame("ledger");
    let page = Page {
        frame,
        partner,
        open,
        counselors,
        software,
        more_shares,
        receipts: shown,
        older,
        staff,
        more_staff,
    };
    member.guest.show(&page)
}

fn open_to_counselor(consent: &Consent, zone: &TimeZone) -> Option<Opened> {
    let kind = Kind::of(consent.scope()).filter(|_| consent.state() == ConsentState::Open)?;
    Some(Opened {
        what: kind.own_words(!consent.item_id.is_empty()),
        counselor: consent.counselor_name.clone(),
        care_id: consent.care_id.clone(),
        since: words::moment(consent.grant_time.as_ref(), zone),
        expires: words::moment(consent.expire_time.as_ref(), zone),
    })
}

fn open_to_software(consent: &SoftwareConsent, zone: &TimeZone) -> Option<ToSoftware> {
    let kind = Kind::of(consent.scope()).filter(|_| consent.state() == ConsentState::Open)?;
    Some(ToSoftware {
        what: kind.own_words(!consent.item_id.is_empty()),
        name: consent.software_name.clone(),
        since: words::moment(consent.grant_time.as_ref(), zone),
        expires: words::moment(consent.expire_time.as_ref(), zone),
    })
}

fn shown(receipt: &Receipt, others: &Others, consents: &Consents, zone: &TimeZone) -> Shown {
    match receipt.relation() {
        Relation::Counselor => return read_by_counselor(receipt, &consents.counselors, zone),
        Relation::Software => return read_by_software(receipt, &consents.software, zone),
        Relation::Partner | Relation::TrustedPerson | Relation::Unspecified => {}
    }
    let (what, link) = match receipt.scope() {
        Scope::SharedItems => ("something you shared", true),
        Scope::CheckIns => ("your part of a check-in", false),
        Scope::CheckInSchedule => ("when your check-ins are", false),
        Scope::ShareAnswers => ("an answer you gave", false),
        Scope::Entries | Scope::Moods | Scope::SelfChecks | Scope::Unspecified => {
            ("something of yours", false)
        }
    };
    let links = receipt.item_ids.iter().map(|id| shared::address(id));
    Shown {
        who: others.name_of(&receipt.reader_account_id),
        what: what.to_owned(),
        moment: words::moment(receipt.read_time.as_ref(), zone),
        links: links.filter(|_| link).collect(),
        under: None,
    }
}

/// What a counselor read.
fn read_by_counselor(receipt: &Receipt, consents: &[Consent], zone: &TimeZone) -> Shown {
    let consent = consents.iter().find(|consent| consent.consent_id == receipt.consent_id);
    let name = consent.map(|consent| consent.counselor_name.clone()).filter(|name| !name.is_empty());
    let under = Under {
        purpose: consent.map_or("what was said then", |consent| opened::purpose(consent.purpose())),
        granted: consent.and_then(|consent| words::moment(consent.grant_time.as_ref(), zone)),
    };
    shown_exactly(receipt, name.unwrap_or_else(|| "A counselor of yours".to_owned()), under, zone)
}

/// What software read.
fn read_by_software(receipt: &Receipt, consents: &[SoftwareConsent], zone: &TimeZone) -> Shown {
    let consent = consents.iter().find(|consent| consent.consent_id == receipt.consent_id);
    let name = consent.map(|consent| consent.software_name.clone()).filter(|name| !name.is_empty());
    let under = Under {
        purpose: consent.map_or("what was said then", |consent| opened::purpose(consent.purpose())),
        granted: consent.and_then(|consent| words::moment(consent.grant_time.as_ref(), zone)),
    };
    let who = name.map_or_else(|| "Software".to_owned(), |name| format!("The software {name}"));
    shown_exactly(receipt, who, under, zone)
}

/// Who, what, when, and under which consent.
fn shown_exactly(receipt: &Receipt, who: String, under: Under, zone: &TimeZone) -> Shown {
    let kind = Kind::of(receipt.scope());
    let count = receipt.item_ids.len();
    let links = receipt.item_ids.iter().filter_map(|id| kind.and_then(|kind| kind.own_place(id)));
    Shown {
        who: Some(who),
        what: kind.map_or_else(|| "something of yours".to_owned(), |kind| kind.read_words(count)),
        moment: words::moment(receipt.read_time.as_ref(), zone),
        links: links.take(LINKS).collect(),
        under: Some(under),
    }
}
