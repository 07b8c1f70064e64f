//! What operators decide on: reports, suspensions and appeals.

mod reports;
mod suspensions;

use crate::app::App;
use axum::Router;
use axum::routing::{get, post};
use candor_proto::accounts::v1::SuspensionReason;
use std::sync::Arc;

/// How many on one page.
const PAGE: i32 = 20;

/// The pages of it.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(reports::PLACE, get(reports::show))
        .route("/moderation/{report_id}", get(reports::show_one))
        .route("/moderation/{report_id}/dismiss", post(reports::dismiss))
        .route("/moderation/{report_id}/suspend", post(reports::suspend))
        .route(suspensions::PLACE, get(suspensions::show))
        .route("/suspensions/{suspension_id}", get(suspensions::show_one))
        .route("/suspensions/{suspension_id}/decide", post(suspensions::decide))
        .route("/suspensions/{suspension_id}/lift", post(suspensions::lift))
}

/// The reasons of a suspension, as operators choose them.
const REASONS: [(SuspensionReason, &str); 6] = [
    (SuspensionReason::Threat, "Somebody was threatened"),
    (SuspensionReason::Harassment, "Somebody was pressed or harassed"),
    (SuspensionReason::Privacy, "What was private was passed on"),
    (SuspensionReason::Pretence, "It pretends to be what it is not"),
    (SuspensionReason::UnderAge, "Not 18"),
    (SuspensionReason::Other, "Something else the rules do not allow"),
];

fn reason(reason: SuspensionReason) -> &'static str {
    REASONS.into_iter().find(|(known, _)| *known == reason).map_or("not said", |(_, words)| words)
}
