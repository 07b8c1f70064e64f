//! Where somebody said that something is not safe, no page suggests to open up to anybody. Nothing is taken away: what
//! they look for is where it was.

use super::questions::assessment;
use super::{INSTRUMENT, PAGE, names_danger};
use crate::error::Problem;
use crate::pages::Member;
use candor_proto::journal::v1::{Assessment, ListAssessmentsRequest};

/// Whether pages propose nothing for two: the newest finished self-check, or one that is still open, holds "not safe".
/// Where that cannot be looked up they propose nothing either, and say nothing of it.
pub(in crate::pages) async fn is_careful(member: &Member) -> bool {
    newest_names_danger(member).await.unwrap_or(true)
}

async fn newest_names_danger(member: &Member) -> Result<bool, Problem> {
    let request = ListAssessmentsRequest {
        instrument_id: INSTRUMENT.into(),
        page_size: PAGE,
        page_token: String::new(),
    };
    let request = member.call(request)?;
    let reply = member.guest.app.upstream.assessments().list_assessments(request).await?.into_inner();
    for found in newest(&reply.assessments) {
        if names_danger(&assessment(member, &found.assessment_id).await?.answers) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The newest finished one, and those that were begun and not finished.
fn newest(assessments: &[Assessment]) -> impl Iterator<Item = &Assessment> {
    let seconds = |found: &&Assessment| found.score_time.as_ref().map(|time| (time.seconds, time.nanos));
    let finished = assessments.iter().filter(|found| found.score_time.is_some()).max_by_key(seconds);
    finished.into_iter().chain(assessments.iter().filter(|found| found.score_time.is_none()))
}
