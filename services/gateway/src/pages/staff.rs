//! What those who run the place, or help with its use, looked at of somebody's: by whom, when, and why.

use super::{Failure, Frame, Member, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{LedgerLookReason, ListStaffLooksRequest, StaffLook, StaffRole};
use jiff::tz::TimeZone;

/// Where they are.
pub(super) const PLACE: &str = "/ledger/staff";
/// How many on one page.
pub(super) const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "staff_looks.html")]
struct Page {
    frame: Frame,
    staff: Vec<Look>,
    older: Option<String>,
}

/// A look, said in a sentence.
pub(super) struct Look {
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) moment: Option<words::Moment>,
}

/// Looks, each said in a sentence.
pub(super) fn looks(found: &[StaffLook], zone: &TimeZone) -> Vec<Look> {
    let said = found.iter().map(|look| Look {
        what: match look.role() {
            StaffRole::Support => "Support looked how your account stands, with a code of yours.",
            StaffRole::Operator if look.agreed => "An operator read your ledger. Another one had agreed.",
            StaffRole::Operator | StaffRole::Unspecified => {
                "Somebody who works for this place looked at something of yours."
            }
        },
        why: why(look.reason()),
        moment: words::moment(look.look_time.as_ref(), zone),
    });
    said.collect()
}

fn why(reason: LedgerLookReason) -> &'static str {
    match reason {
        LedgerLookReason::Unspecified => "",
        LedgerLookReason::AskedFor => "The reason: you asked for it.",
        LedgerLookReason::Misuse => "The reason: something that was opened may have been misused.",
        LedgerLookReason::Safety => "The reason: somebody may be in danger.",
        LedgerLookReason::Law => "The reason: the law asks for it.",
    }
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListStaffLooksRequest { page_size: PAGE, page_token })?;
    let mut ledger = member.guest.app.upstream.ledger();
    let (reply, zone) = tokio::join!(ledger.list_staff_looks(request), member.time_zone());
    let found = reply?.into_inner();
    let token = found.next_page_token;
    let older = (!token.is_empty()).then(|| format!("{PLACE}?from={}", query::encode(&token)));
    let staff = looks(&found.looks, &zone);
    member.guest.show(&Page { frame: member.guest.frame("security"), staff, older })
}
