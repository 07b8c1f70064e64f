//! The self-check: what it is and is not, and where to begin or to go on.

mod careful;
mod questions;
mod results;
mod trend;

pub(super) use careful::is_careful;
pub(super) use questions::{assessment, finish, keep, show_part, show_parts};
pub(super) use results::{delete, show as show_results};

use super::markdown::Source;
use super::{Failure, Form, Frame, Guest, Member, go, parameter, words};
use crate::error::Problem;
use crate::query;
use crate::upstream::call;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::content::v1::{GetInstrumentRequest, Instrument};
use candor_proto::journal::v1::{Assessment, ItemAnswer, ListAssessmentsRequest, StartAssessmentRequest};

/// The instrument of the self-check.
const INSTRUMENT: &str = "self-check";
/// The answer that something is not safe. It is no score and no label; it brings words of help, for the member alone.
const NOT_SAFE: &str = "not-safe";
/// Results on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "self_check.html")]
struct Page {
    frame: Frame,
    deleted: bool,
    /// Absent while content is away.
    about: Option<About>,
    /// The id for a new one, so that beginning twice is safe.
    assessment_id: String,
    begun: Option<Begun>,
    results: Vec<Done>,
    first: bool,
    older: Option<String>,
}

struct About {
    title: String,
    /// What it is and is not, as HTML.
    description: String,
    validated: bool,
    parts: usize,
    items: usize,
}

/// One that is not finished.
struct Begun {
    id: String,
    since: Option<words::Moment>,
}

/// One that is finished.
struct Done {
    id: String,
    on: words::Moment,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let guest = &member.guest;
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let first = page_token.is_empty();
    let request = ListAssessmentsRequest { instrument_id: INSTRUMENT.into(), page_size: PAGE, page_token };
    let request = member.call(request)?;
    let mut client = guest.app.upstream.assessments();
    let (reply, about, zone) =
        tokio::join!(client.list_assessments(request), about(guest), member.time_zone());
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let begun = reply.assessments.iter().find(|assessment| assessment.score_time.is_none());
    let done = |assessment: &Assessment| {
        let on = words::moment(assessment.score_time.as_ref(), &zone)?;
        Some(Done { id: assessment.assessment_id.clone(), on })
    };
    guest.show(&Page {
        frame: guest.frame("self-check"),
        deleted: parameter(query.as_deref(), "deleted").is_some(),
        about: about?,
        assessment_id: guest.app.ids.next().to_string(),
        begun: begun.map(|assessment| Begun {
            id: assessment.assessment_id.clone(),
            since: words::moment(assessment.create_time.as_ref(), &zone),
        }),
        results: reply.assessments.iter().filter_map(done).collect(),
        first,
        older: (!token.is_empty()).then(|| format!("/self-check?from={}", query::encode(&token))),
    })
}

/// What content says about the self-check; nothing while it is away.
async fn about(guest: &Guest) -> Result<Option<About>, Problem> {
    let Ok(instrument) = instrument(guest, 0).await else { return Ok(None) };
    Ok(Some(About {
        title: instrument.title,
        validated: instrument.validated,
        parts: instrument.domains.len(),
        items: instrument.domains.iter().map(|domain| domain.items.len()).sum(),
        description: guest.app.desk.html(instrument.description, Source::Library).await?,
    }))
}

/// Begins, or goes on with the one that is not finished: at its first part without an answer.
pub(super) async fn start(member: Member, form: Form) -> Result<Response, Failure> {
    let request = StartAssessmentRequest {
        assessment_id: form.text("assessment_id"),
        instrument_id: INSTRUMENT.into(),
    };
    let request = member.call(request)?;
    let reply = member.guest.app.upstream.assessments().start_assessment(request).await?.into_inner();
    let assessment = reply.assessment.ok_or_else(Problem::internal)?;
    let instrument = instrument(&member.guest, assessment.instrument_version).await?;
    let open = instrument
        .domains
        .iter()
        .find(|domain| !domain.items.iter().any(|item| !code(&assessment.answers, &item.link_id).is_empty()));
    Ok(go(&match open {
        Some(domain) => part_address(&assessment.assessment_id, &domain.domain_id),
        None => format!("/self-check/{}", assessment.assessment_id),
    }))
}

/// The self-check's questions: a version of them, or with 0 the published one.
async fn instrument(guest: &Guest, version: i32) -> Result<Instrument, Problem> {
    let request = call(GetInstrumentRequest { instrument_id: INSTRUMENT.into(), version }, None)?;
    let reply = guest.app.upstream.instruments().get_instrument(request).await?.into_inner();
    reply.instrument.ok_or_else(Problem::internal)
}

fn part_address(assessment_id: &str, domain_id: &str) -> String {
    format!("/self-check/{}/parts/{}", query::encode(assessment_id), query::encode(domain_id))
}

/// The chosen answer to an item; empty when there is none.
fn code<'a>(answers: &'a [ItemAnswer], link_id: &str) -> &'a str {
    let answer = answers.iter().find(|answer| answer.link_id == link_id);
    answer.map_or("", |answer| answer.code.as_str())
}

/// Whether something was answered with "not safe".
pub(super) fn names_danger(answers: &[ItemAnswer]) -> bool {
    answers.iter().any(|answer| answer.code == NOT_SAFE)
}
