//! Trust and safety for the people who need it: reporting somebody, keeping them away, and what a suspended account can do.

mod choosing;
mod reporting;
mod suspended;

use crate::app::App;
use axum::Router;
use axum::routing::{get, post};
use candor_proto::accounts::v1::ReportReason;
use std::sync::Arc;

pub(super) use suspended::PLACE as SUSPENDED;

/// The pages of it.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(choosing::PLACE, get(choosing::show))
        .route("/report/{account_id}", get(reporting::show).post(reporting::send))
        .route("/report/{account_id}/preview", post(reporting::preview))
        .route("/report/{account_id}/change", post(reporting::change))
        .route("/report/{account_id}/block", get(reporting::show_block).post(reporting::block))
        .route(SUSPENDED, get(suspended::show).post(suspended::appeal))
}

/// The reasons there are, the most frequent first, in words.
pub(super) const REASONS: [(ReportReason, &str); 9] = [
    (ReportReason::Threat, "It threatens me, or I am afraid"),
    (ReportReason::Pressure, "I am pressed to something"),
    (ReportReason::Harassment, "It insults me, or does not let me be"),
    (ReportReason::Privacy, "What was private was passed on"),
    (ReportReason::Pretence, "They pretend to be somebody, or a professional"),
    (ReportReason::Conduct, "A counselor does not act as one has to"),
    (ReportReason::UnderAge, "Somebody here is not 18"),
    (ReportReason::UnknownPerson, "I do not know this person"),
    (ReportReason::Other, "Something else"),
];

/// A reason in words.
pub(super) fn reason(reason: ReportReason) -> &'static str {
    REASONS.into_iter().find(|(known, _)| *known == reason).map_or("not said", |(_, words)| words)
}
