//! Counselors: where members find them, one's own practice, and what operators decide.

mod applications;
mod directory;
mod practice;

use crate::app::App;
use crate::error::{Problem, STEP_UP_REQUIRED};
use axum::Router;
use axum::routing::{get, post};
use candor_proto::accounts::v1::{CounselorSpecialty, CounselorStanding};
use std::sync::Arc;

/// The pages of counselors.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/counselors", get(directory::show))
        .route("/counselors/{account_id}", get(directory::show_one))
        .route("/practice", get(practice::show))
        .route("/practice/application", get(practice::show_form).post(practice::submit))
        .route("/practice/availability", post(practice::set_availability))
        .route("/practice/withdraw", post(practice::withdraw))
        .route("/applications", get(applications::show))
        .route("/applications/{account_id}", get(applications::show_one))
        .route("/applications/{account_id}/verify", post(applications::verify))
        .route("/applications/{account_id}/refuse", post(applications::refuse))
        .route("/applications/{account_id}/suspend", post(applications::suspend))
}

/// A specialty in a form.
struct Choice {
    number: i32,
    words: &'static str,
    chosen: bool,
}

/// Every specialty, in the order of the forms.
fn choices(chosen: &[i32]) -> Vec<Choice> {
    let all = (1..).map_while(|number| CounselorSpecialty::try_from(number).ok());
    let choice = |one: CounselorSpecialty| {
        let number = one as i32;
        Choice { number, words: specialty(one), chosen: chosen.contains(&number) }
    };
    all.map(choice).collect()
}

/// A specialty in words.
fn specialty(specialty: CounselorSpecialty) -> &'static str {
    match specialty {
        CounselorSpecialty::Unspecified => "not said",
        CounselorSpecialty::Couples => "couples",
        CounselorSpecialty::Families => "families",
        CounselorSpecialty::Attachment => "trust and closeness",
        CounselorSpecialty::Communication => "talking with each other",
        CounselorSpecialty::Intimacy => "sexuality and intimacy",
        CounselorSpecialty::Anxiety => "anxiety",
        CounselorSpecialty::LowMood => "low mood",
        CounselorSpecialty::Trauma => "what hurt in the past",
        CounselorSpecialty::Grief => "loss and grief",
        CounselorSpecialty::Parenting => "being a parent",
        CounselorSpecialty::Separation => "parting",
        CounselorSpecialty::Addiction => "addiction",
        CounselorSpecialty::GenderAndOrientation => "gender and orientation",
        CounselorSpecialty::Cultures => "cultures that meet at home",
    }
}

/// The words of several.
fn specialties_of(numbers: &[i32]) -> Vec<&'static str> {
    let known = numbers.iter().filter_map(|number| CounselorSpecialty::try_from(*number).ok());
    known.map(specialty).collect()
}

/// How somebody stands, in words.
fn standing(standing: CounselorStanding) -> &'static str {
    match standing {
        CounselorStanding::Unspecified => "not said",
        CounselorStanding::Applied => "applied",
        CounselorStanding::Verified => "verified",
        CounselorStanding::Refused => "refused",
        CounselorStanding::Suspended => "suspended",
    }
}

/// What is wrong with a form, as sentences: of its fields, or the one there is.
fn sentences(problem: &Problem) -> Vec<String> {
    if problem.violations.is_empty() {
        return vec![problem.detail.clone()];
    }
    let sentence = |field: &str, description: &str| {
        let last = field.rsplit('.').next().unwrap_or_default();
        let name = match last.split('[').next().unwrap_or_default() {
            "name" => "The name",
            "languages" => "The list of languages",
            "specialties" => "The list of what you work with",
            "approach" => "The text about how you work",
            "licences" => "The list of licences",
            "title" => "The title of a licence",
            "jurisdiction" => "The place",
            "number" => "The number of a licence",
            "look_up" => "Where a licence can be looked up",
            "last_day" => "The last day of a licence",
            "practice_only" => "That this account is for your practice alone",
            "reason" => "The reason",
            _ => "Something here",
        };
        format!("{name} {description}.")
    };
    problem.violations.iter().map(|wrong| sentence(&wrong.field, &wrong.description)).collect()
}

/// Whether a proof of who it is would help.
fn needs_proof(problem: &Problem) -> bool {
    *problem.reason == *STEP_UP_REQUIRED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_specialty_has_words_of_its_own() {
        let mut words: Vec<_> = choices(&[]).into_iter().map(|choice| choice.words).collect();
        assert_eq!(words.len(), 14);
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 14);
    }
}
