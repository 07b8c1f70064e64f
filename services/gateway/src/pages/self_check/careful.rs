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

/// Those that were finished last, more than one if it was at the same moment, and those that were begun and not finished.
fn newest(assessments: &[Assessment]) -> impl Iterator<Item = &Assessment> {
    let time = |found: &Assessment| found.score_time.as_ref().map(|time| (time.seconds, time.nanos));
    let last = assessments.iter().filter_map(time).max();
    assessments.iter().filter(move |found| time(found).is_none() || time(found) == last)
}
