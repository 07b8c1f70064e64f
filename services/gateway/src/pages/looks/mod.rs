//! Looking at somebody's ledger, for operators: one asks, another one agrees, and then the one who asked reads it for an hour.

mod asking;
mod reading;

use super::words;
use crate::app::App;
use crate::query;
use axum::Router;
use axum::routing::{get, post};
use candor_proto::accounts::v1::{LedgerLook, LedgerLookReason, LedgerLookState};
use jiff::tz::TimeZone;
use std::sync::Arc;

/// Where they are.
const PLACE: &str = "/looks";
/// How many on one page.
const PAGE: i32 = 20;

/// The pages of it.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(PLACE, get(asking::show).post(asking::ask))
        .route("/looks/new", get(asking::show_new))
        .route("/looks/{request_id}", get(asking::show_one))
        .route("/looks/{request_id}/answer", post(asking::answer))
        .route("/looks/{request_id}/withdraw", post(asking::withdraw))
        .route("/looks/{request_id}/ledger", get(reading::show))
}

/// The reasons, as operators choose them; whoever it belongs to reads them in other words.
const REASONS: [(LedgerLookReason, &str); 4] = [
    (LedgerLookReason::AskedFor, "They asked for it"),
    (LedgerLookReason::Misuse, "Something that was opened may have been misused"),
    (LedgerLookReason::Safety, "Somebody may be in danger"),
    (LedgerLookReason::Law, "The law asks for it"),
];

fn reason(reason: LedgerLookReason) -> &'static str {
    REASONS.into_iter().find(|(known, _)| *known == reason).map_or("not said", |(_, words)| words)
}

/// A request, as it is shown.
struct Row {
    id: String,
    account_id: String,
    report_id: String,
    look_id: String,
    reason: &'static str,
    state: &'static str,
    waits: bool,
    open: bool,
    own: bool,
    answered: bool,
    asked: Option<words::Moment>,
    expires: Option<words::Moment>,
    until: Option<words::Moment>,
}

fn row(found: LedgerLook, zone: &TimeZone) -> Row {
    let state = found.state();
    Row {
        reason: reason(found.reason()),
        state: match state {
            LedgerLookState::Unspecified | LedgerLookState::Waiting => "waits",
            LedgerLookState::Open => "open",
            LedgerLookState::Declined => "not agreed to",
            LedgerLookState::Withdrawn => "taken back",
            LedgerLookState::Unanswered => "nobody answered",
            LedgerLookState::Over => "over",
        },
        waits: state == LedgerLookState::Waiting,
        open: state == LedgerLookState::Open,
        own: found.own,
        answered: found.answered_by_caller,
        asked: words::moment(found.ask_time.as_ref(), zone),
        expires: words::moment(found.expire_time.as_ref(), zone),
        until: words::moment(found.read_until_time.as_ref(), zone),
        id: found.request_id,
        account_id: found.account_id,
        report_id: found.report_id,
        look_id: found.look_id,
    }
}

fn place(request_id: &str) -> String {
    format!("{PLACE}/{}", query::encode(request_id))
}
