//! The ledger: what is open to whom since when, and the reads that are one's own to know. A partner's reading is theirs,
//! and stands here only where they said so.

use super::others::Others;
use super::shared::{self, Card, card, open_shares};
use super::{Failure, Frame, Member, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{ListReceiptsRequest, Receipt};
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;

/// Receipts on one page.
const PAGE: i32 = 30;
/// Open shares that are shown at the most.
const SHARES: usize = 1000;

#[derive(Template)]
#[template(path = "ledger.html")]
struct Page {
    frame: Frame,
    partner: Option<String>,
    open: Vec<Card>,
    more_shares: bool,
    receipts: Vec<Shown>,
    older: Option<String>,
}

struct Shown {
    who: Option<String>,
    what: &'static str,
    moment: Option<words::Moment>,
    links: Vec<String>,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let receipts = member.call(ListReceiptsRequest { page_size: PAGE, page_token })?;
    let mut ledger = member.guest.app.upstream.ledger();
    let (receipts, shares, others, zone) = tokio::join!(
        ledger.list_receipts(receipts),
        open_shares(&member, SHARES),
        member.others(),
        member.time_zone()
    );
    let (receipts, (shares, more_shares), others) = (receipts?.into_inner(), shares?, others?);
    let token = receipts.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/ledger?from={}", query::encode(&token)));
    let shown = receipts.receipts.iter().map(|receipt| shown(receipt, &others, &zone)).collect();
    let partner = others.couple.as_ref().map(|couple| couple.partner_name.clone());
    let work = move || shares.iter().map(|share| card(share, &others, &zone)).collect();
    let open = member.guest.app.desk.work(work).await?;
    let frame = member.guest.frame("ledger");
    member.guest.show(&Page { frame, partner, open, more_shares, receipts: shown, older })
}

fn shown(receipt: &Receipt, others: &Others, zone: &TimeZone) -> Shown {
    let (what, link) = match receipt.scope() {
        Scope::SharedItems => ("something you shared", true),
        Scope::CheckIns => ("your part of a check-in", false),
        Scope::CheckInSchedule => ("when your check-ins are", false),
        Scope::ShareAnswers => ("an answer you gave", false),
        Scope::Unspecified => ("something of yours", false),
    };
    let links = receipt.item_ids.iter().map(|id| shared::address(id));
    Shown {
        who: others.name_of(&receipt.reader_account_id),
        what,
        moment: words::moment(receipt.read_time.as_ref(), zone),
        links: links.filter(|_| link).collect(),
    }
}
