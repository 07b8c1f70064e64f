//! The questions: one part on a screen, kept with every step, so that stopping anywhere loses nothing.

use super::{INSTRUMENT, NOT_SAFE, code, instrument, names_danger, part_address};
use crate::error::Problem;
use crate::pages::form::{Form, NotYet, Words};
use crate::pages::{Failure, Frame, Guest, Member, Segment, Segments, go};
use askama::Template;
use axum::response::Response;
use candor_proto::content::v1::{Domain, Instrument, Item};
use candor_proto::journal::v1::{
    Assessment, GetAssessmentRequest, ItemAnswer, SaveAnswersRequest, ScoreAssessmentRequest,
};

#[derive(Template)]
#[template(path = "self_check_parts.html")]
struct PartsPage {
    frame: Frame,
    message: Option<String>,
    assessment_id: String,
    parts: Vec<Part>,
    danger: bool,
}

struct Part {
    link: String,
    title: String,
    answered: usize,
    items: usize,
}

/// All parts: where one can go to any of them, finish, or delete.
pub(in crate::pages) async fn show_parts(member: Member, Segment(id): Segment) -> Result<Response, Failure> {
    let assessment = assessment(&member, &id).await?;
    if assessment.score_time.is_some() {
        return Ok(go(&format!("/self-check/results/{}", assessment.assessment_id)));
    }
    let instrument = instrument(&member.guest, assessment.instrument_version).await?;
    member.guest.show(&parts(&member.guest, &assessment, &instrument, None))
}

fn parts(
    guest: &Guest,
    assessment: &Assessment,
    instrument: &Instrument,
    message: Option<String>,
) -> PartsPage {
    let answered = |domain: &Domain| {
        domain.items.iter().filter(|item| !code(&assessment.answers, &item.link_id).is_empty()).count()
    };
    let parts = instrument.domains.iter().map(|domain| Part {
        link: part_address(&assessment.assessment_id, &domain.domain_id),
        title: domain.title.clone(),
        answered: answered(domain),
        items: domain.items.len(),
    });
    PartsPage {
        frame: guest.frame("self-check"),
        message,
        assessment_id: assessment.assessment_id.clone(),
        parts: parts.collect(),
        danger: names_danger(&assessment.answers),
    }
}

#[derive(Template)]
#[template(path = "self_check_part.html")]
struct PartPage {
    frame: Frame,
    message: Option<String>,
    action: String,
    version: i32,
    title: String,
    number: usize,
    parts: usize,
    items: Vec<ShownItem>,
    /// Whether an answer here can be that something is not safe.
    can_name_danger: bool,
    back: bool,
}

struct ShownItem {
    name: String,
    text: String,
    options: Vec<Choice>,
}

/// One answer to choose.
struct Choice {
    code: String,
    words: String,
    chosen: bool,
}

/// One part.
pub(in crate::pages) async fn show_part(
    member: Member,
    Segments(id, domain_id): Segments,
) -> Result<Response, Failure> {
    let assessment = assessment(&member, &id).await?;
    if assessment.score_time.is_some() {
        return Ok(go(&format!("/self-check/results/{}", assessment.assessment_id)));
    }
    let instrument = instrument(&member.guest, assessment.instrument_version).await?;
    let place = place(&instrument, &domain_id)?;
    member.guest.show(&part(&member.guest, &id, &instrument, place, &assessment.answers, None))
}

/// Keeps the answers of a part and goes where the button says. What cannot be kept yet is shown again as chosen.
pub(in crate::pages) async fn keep(
    Segments(id, domain_id): Segments,
    words: Words,
) -> Result<Response, Failure> {
    let Words { guest, form, member } = words;
    let instrument = instrument(&guest, form.text("version").parse().unwrap_or(0)).await?;
    let place = place(&instrument, &domain_id)?;
    let answers = chosen(&form, &instrument.domains[place]);
    let kept = match member {
        Ok(member) => save(&member, &id, answers.clone()).await.map_err(|problem| NotYet::after(&problem)),
        Err(not) => Err(not),
    };
    if let Err(not) = kept {
        let page = part(&guest, &id, &instrument, place, &answers, Some(not.message));
        return guest.show_with(not.status, &page);
    }
    let there = match form.text("go").as_str() {
        "back" => place.checked_sub(1),
        "later" => return Ok(go("/self-check")),
        _ => Some(place + 1),
    };
    Ok(go(&match there.and_then(|there| instrument.domains.get(there)) {
        Some(domain) => part_address(&id, &domain.domain_id),
        None => format!("/self-check/{id}"),
    }))
}

/// Finishes: from here on it changes no more. With too few answers for any result it stays open.
pub(in crate::pages) async fn finish(
    member: Member,
    Segment(assessment_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(ScoreAssessmentRequest { assessment_id: assessment_id.clone() })?;
    let scored =
        member.guest.app.upstream.assessments().score_assessment(request).await.map_err(Problem::from);
    match scored {
        Err(problem) if &*problem.reason == "TOO_FEW_ANSWERS" => {
            let assessment = assessment(&member, &assessment_id).await?;
            let instrument = instrument(&member.guest, assessment.instrument_version).await?;
            let page = parts(&member.guest, &assessment, &instrument, Some(problem.detail));
            member.guest.show_with(problem.status, &page)
        }
        Err(problem) => Err(problem.into()),
        Ok(_) => Ok(go(&format!("/self-check/results/{assessment_id}"))),
    }
}

/// A self-check of the member's. What is no id, or another instrument's, is none.
pub(in crate::pages) async fn assessment(member: &Member, id: &str) -> Result<Assessment, Problem> {
    if uuid::Uuid::try_parse(id).is_err() {
        return Err(Problem::no_such_path());
    }
    let request = member.call(GetAssessmentRequest { assessment_id: id.to_owned() })?;
    let reply = member.guest.app.upstream.assessments().get_assessment(request).await?.into_inner();
    let assessment = reply.assessment.ok_or_else(Problem::internal)?;
    Some(assessment).filter(|found| found.instrument_id == INSTRUMENT).ok_or_else(Problem::no_such_path)
}

fn place(instrument: &Instrument, domain_id: &str) -> Result<usize, Problem> {
    let place = instrument.domains.iter().position(|domain| domain.domain_id == domain_id);
    place.ok_or_else(Problem::no_such_path)
}

/// The form's answer to each item; an empty one takes an answer back.
fn chosen(form: &Form, domain: &Domain) -> Vec<ItemAnswer> {
    let answer = |item: &Item| ItemAnswer { link_id: item.link_id.clone(), code: form.text(&field(item)) };
    domain.items.iter().map(answer).collect()
}

fn field(item: &Item) -> String {
    format!("answer-{}", item.link_id)
}

async fn save(member: &Member, id: &str, answers: Vec<ItemAnswer>) -> Result<(), Problem> {
    let request = member.call(SaveAnswersRequest { assessment_id: id.to_owned(), answers })?;
    member.guest.app.upstream.assessments().save_answers(request).await?;
    Ok(())
}

fn part(
    guest: &Guest,
    id: &str,
    instrument: &Instrument,
    place: usize,
    answers: &[ItemAnswer],
    message: Option<String>,
) -> PartPage {
    let domain = &instrument.domains[place];
    let mut options = domain.items.iter().flat_map(|item| &item.options);
    PartPage {
        frame: guest.frame("self-check"),
        message,
        action: part_address(id, &domain.domain_id),
        version: instrument.version,
        title: domain.title.clone(),
        number: place + 1,
        parts: instrument.domains.len(),
        can_name_danger: options.any(|option| option.code == NOT_SAFE),
        items: domain.items.iter().map(|item| shown(item, code(answers, &item.link_id))).collect(),
        back: place > 0,
    }
}

fn shown(item: &Item, chosen: &str) -> ShownItem {
    let said = item.options.iter().map(|option| Choice {
        code: option.code.clone(),
        words: option.display.clone(),
        chosen: option.code == chosen,
    });
    let mut options: Vec<_> = said.collect();
    let skip = !options.iter().any(|option| option.chosen);
    options.push(Choice { code: String::new(), words: "Skip this one".into(), chosen: skip });
    ShownItem { name: field(item), text: item.text.clone(), options }
}
