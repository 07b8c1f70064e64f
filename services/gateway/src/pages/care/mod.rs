//! Care: what a member asked for and has, and whom a counselor was asked by and has in care.

mod asking;
mod confidentiality;
mod couples;
mod mine;
mod people;
mod together;

pub(super) use confidentiality::PolicyChoice;
pub(super) use mine::find as find_care;

use crate::app::App;
use crate::error::{Problem, STEP_UP_REQUIRED};
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// How many on one page.
const PAGE: i32 = 20;

/// The pages of care.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(mine::PLACE, get(mine::show))
        .route("/care/ask/{account_id}", get(asking::show).post(asking::ask))
        .route("/care/{care_id}/end", get(mine::show_end).post(mine::end))
        .route(together::PLACE, get(together::show))
        .route("/care/together/ask/{account_id}", get(together::show_form).post(together::ask))
        .route("/care/together/{care_id}/agree", get(together::show_agree).post(together::agree))
        .route("/care/together/{care_id}/end", get(together::show_end).post(together::end))
        .route("/care/together/{care_id}/confidentiality", post(confidentiality::propose))
        .route("/care/together/{care_id}/confidentiality/agree", post(confidentiality::agree))
        .route("/care/together/{care_id}/confidentiality/withdraw", post(confidentiality::withdraw))
        .route("/care/together/{care_id}/confidentiality/decline", post(confidentiality::decline))
        .route(couples::PLACE, get(couples::show))
        .route("/practice/couples/{care_id}/accept", post(couples::accept))
        .route("/practice/couples/{care_id}/decline", post(couples::decline))
        .route("/practice/couples/{care_id}/end", post(couples::end))
        .route("/practice/couples/{care_id}/seen/{account_id}", post(couples::seen))
        .route("/practice/couples/{care_id}/lock", post(couples::lock))
        .route("/practice/couples/{care_id}/confidentiality", post(confidentiality::propose))
        .route("/practice/couples/{care_id}/confidentiality/agree", post(confidentiality::agree))
        .route("/practice/couples/{care_id}/confidentiality/withdraw", post(confidentiality::withdraw))
        .route("/practice/couples/{care_id}/confidentiality/decline", post(confidentiality::decline))
        .route(people::PLACE, get(people::show))
        .route("/practice/people/{care_id}/accept", post(people::accept))
        .route("/practice/people/{care_id}/decline", post(people::decline))
        .route("/practice/people/{care_id}/end", post(people::end))
}

fn needs_proof(problem: Option<&Problem>) -> bool {
    problem.is_some_and(|problem| *problem.reason == *STEP_UP_REQUIRED)
}

/// What is wrong with a form, as sentences: of its fields, or the one there is.
fn sentences(problem: Option<&Problem>) -> Vec<String> {
    let Some(problem) = problem else { return Vec::new() };
    if problem.violations.is_empty() {
        return vec![problem.detail.clone()];
    }
    let sentence = |wrong: &crate::error::Violation| {
        let name = match wrong.field.as_str() {
            "own_name" => "Your name",
            "note" => "What you say with it",
            "jurisdiction" => "Where you are",
            "attested" => "That you really are there",
            "policy" => "How confidentiality is to be",
            _ => "Something here",
        };
        format!("{name} {}.", wrong.description)
    };
    problem.violations.iter().map(sentence).collect()
}
