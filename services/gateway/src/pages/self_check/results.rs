//! What a finished self-check shows: for one's own eyes first.

use super::questions::assessment;
use super::trend::{self, Trend};
use super::{is_careful, names_danger};
use crate::pages::{Failure, Form, Frame, Guest, Member, Segment, go, words};
use crate::query;
use crate::upstream::call;
use askama::Template;
use axum::response::Response;
use candor_proto::content::v1::ListArticlesRequest;
use candor_proto::journal::v1::{DeleteAssessmentRequest, DomainScore};
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "self_check_results.html")]
struct Page {
    frame: Frame,
    on: words::Moment,
    domains: Vec<Shown>,
    trend: Option<Trend>,
    danger: bool,
    share: Option<String>,
    assessment_id: String,
}

struct Shown {
    title: String,
    band: String,
    score: Option<i32>,
    /// How it differs from the time before.
    before: Option<String>,
    next: Option<Next>,
}

struct Next {
    link: String,
    title: String,
}

pub(in crate::pages) async fn show(member: Member, Segment(id): Segment) -> Result<Response, Failure> {
    let guest = &member.guest;
    let (assessment, zone) = tokio::join!(assessment(&member, &id), member.time_zone());
    let assessment = assessment?;
    let Some(on) = words::moment(assessment.score_time.as_ref(), &zone) else {
        return Ok(go(&format!("/self-check/{}", assessment.assessment_id)));
    };
    let (trend, titles, linked, careful) = tokio::join!(
        trend::of(&member, &assessment, &zone),
        article_titles(guest),
        member.couple(),
        is_careful(&member)
    );
    let danger = names_danger(&assessment.answers);
    // Where something is not safe, nothing suggests to open up to anybody, and no article about it.
    let share = !danger && !careful && linked.is_ok_and(|couple| couple.is_some());
    let domains = assessment.scores.iter().map(|score| shown(score, &titles, danger));
    guest.show(&Page {
        frame: guest.frame("self-check"),
        on,
        domains: domains.collect(),
        trend: trend?,
        danger,
        share: share.then(|| format!("/share?assessment={}", query::encode(&assessment.assessment_id))),
        assessment_id: assessment.assessment_id,
    })
}

fn shown(score: &DomainScore, titles: &BTreeMap<String, String>, careful: bool) -> Shown {
    let article = Some(&score.next_article_id).filter(|id| !id.is_empty() && !careful);
    let next = article.map(|id| Next {
        link: format!("/library/{}", query::encode(id)),
        title: titles.get(id).cloned().unwrap_or_else(|| "Read on in the library".into()),
    });
    let before = score.score.zip(score.previous_score).map(|(now, before)| match now - before {
        0 => format!("The same as the time before, {before}."),
        more if more > 0 => format!("{more} more than the time before, {before}."),
        less => format!("{} less than the time before, {before}.", -less),
    });
    Shown { title: score.title.clone(), band: score.band.clone(), score: score.score, before, next }
}

/// The titles of the library's articles by id; what content cannot say is left out.
async fn article_titles(guest: &Guest) -> BTreeMap<String, String> {
    let request =
        ListArticlesRequest { locale: "en".into(), page_size: 100, ..ListArticlesRequest::default() };
    let Ok(request) = call(request, None) else { return BTreeMap::new() };
    let reply = guest.app.upstream.library().list_articles(request).await;
    let articles = reply.map(|reply| reply.into_inner().articles).unwrap_or_default();
    articles.into_iter().map(|article| (article.article_id, article.title)).collect()
}

/// Deletes a self-check for good, finished or not.
pub(in crate::pages) async fn delete(
    member: Member,
    Segment(assessment_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(DeleteAssessmentRequest { assessment_id })?;
    member.guest.app.upstream.assessments().delete_assessment(request).await?;
    Ok(go("/self-check?deleted=1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_said_without_praise_or_blame() {
        let said = |score, previous_score| {
            let score = DomainScore { score, previous_score, ..DomainScore::default() };
            shown(&score, &BTreeMap::new(), false).before
        };
        assert_eq!(said(Some(40), Some(50)).unwrap(), "10 less than the time before, 50.");
        assert_eq!(said(Some(60), Some(50)).unwrap(), "10 more than the time before, 50.");
        assert_eq!(said(Some(50), Some(50)).unwrap(), "The same as the time before, 50.");
        assert_eq!((said(None, Some(50)), said(Some(50), None)), (None, None));
    }
}
