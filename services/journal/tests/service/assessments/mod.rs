//! Assessments, with the self-check that content publishes.

mod answering;
mod beginning;
mod instruments;
mod scoring;
mod seeing;

use crate::stage::{Stage, signed_in, stage};
use bus::{Envelope, Outbox};
use candor_proto::content::v1::InstrumentPublished;
use candor_proto::journal::v1::assessment_service_server::AssessmentService as _;
use candor_proto::journal::v1::{
    Assessment, DeleteAssessmentRequest, GetAssessmentRequest, ItemAnswer, ListAssessmentsRequest,
    ListAssessmentsResponse, SaveAnswersRequest, ScoreAssessmentRequest, StartAssessmentRequest,
};
use serde_json::Value;
use tonic::Status;
use uuid::Uuid;

/// The file that content publishes.
pub(crate) const SELF_CHECK: &str = include_str!("../../../../content/instruments/self-check.json");

/// The codes of the scale, from the least to the most.
const SCALE: [&str; 5] = ["never", "rarely", "sometimes", "often", "nearly-always"];

/// A journal that knows version 1 of the self-check.
async fn ready() -> Stage {
    let stage = stage().await;
    publish(&stage, "self-check", 1, SELF_CHECK).await;
    stage
}

/// The self-check, changed.
pub(crate) fn changed(change: impl Fn(&mut Value)) -> String {
    let mut questionnaire = serde_json::from_str(SELF_CHECK).unwrap();
    change(&mut questionnaire);
    questionnaire.to_string()
}

/// The event by which content tells of an instrument.
fn published(stage: &Stage, instrument_id: &str, version: i32, questionnaire: &str) -> Envelope {
    let event = InstrumentPublished {
        instrument_id: instrument_id.to_owned(),
        version,
        questionnaire: questionnaire.to_owned(),
    };
    let about = Uuid::new_v5(&Uuid::nil(), instrument_id.as_bytes());
    Envelope::new(stage.ids.next(), stage.clock.now(), about, version.into(), &event)
}

async fn deliver(stage: &Stage, events: &[Envelope]) {
    let (clock, ids) = (stage.clock.clone(), stage.ids.clone());
    journal::events::inbox(stage.pool.clone(), clock, ids, Outbox::new()).handle(events).await.unwrap();
}

pub(crate) async fn publish(stage: &Stage, instrument_id: &str, version: i32, questionnaire: &str) {
    deliver(stage, &[published(stage, instrument_id, version, questionnaire)]).await;
}

/// An answer to an item.
pub(crate) fn answer(link_id: &str, code: &str) -> ItemAnswer {
    ItemAnswer { link_id: link_id.to_owned(), code: code.to_owned() }
}

/// The same answer to the first items of a domain. Its last two are reverse items.
pub(crate) fn answers(domain: &str, count: usize, code: &str) -> Vec<ItemAnswer> {
    (1..=count).map(|item| answer(&format!("{domain}-{item}"), code)).collect()
}

/// Scores by domain, with those before.
fn scores(assessment: &Assessment) -> Vec<(&str, Option<i32>, Option<i32>)> {
    let scores = assessment.scores.iter();
    scores.map(|score| (score.domain_id.as_str(), score.score, score.previous_score)).collect()
}

impl Stage {
    async fn start_with(&self, who: Uuid, id: &str, instrument_id: &str) -> Result<Assessment, Status> {
        let request =
            StartAssessmentRequest { assessment_id: id.to_owned(), instrument_id: instrument_id.to_owned() };
        let answer = self.journal.start_assessment(signed_in(who, request)).await?;
        Ok(answer.into_inner().assessment.unwrap())
    }

    /// Begins a self-check, or goes on with one.
    pub(crate) async fn check(&self, who: Uuid) -> Assessment {
        self.start_with(who, "", "self-check").await.unwrap()
    }

    pub(crate) async fn save_answers(
        &self,
        who: Uuid,
        id: &str,
        answers: Vec<ItemAnswer>,
    ) -> Result<Assessment, Status> {
        let request = SaveAnswersRequest { assessment_id: id.to_owned(), answers };
        Ok(self.journal.save_answers(signed_in(who, request)).await?.into_inner().assessment.unwrap())
    }

    pub(crate) async fn score_check(&self, who: Uuid, id: &str) -> Result<Assessment, Status> {
        let request = ScoreAssessmentRequest { assessment_id: id.to_owned() };
        Ok(self.journal.score_assessment(signed_in(who, request)).await?.into_inner().assessment.unwrap())
    }

    async fn assessment(&self, who: Uuid, id: &str) -> Result<Assessment, Status> {
        let request = GetAssessmentRequest { assessment_id: id.to_owned() };
        Ok(self.journal.get_assessment(signed_in(who, request)).await?.into_inner().assessment.unwrap())
    }

    async fn trend(&self, who: Uuid, size: i32, token: &str) -> Result<ListAssessmentsResponse, Status> {
        self.trend_of(who, "", size, token).await
    }

    async fn trend_of(
        &self,
        who: Uuid,
        instrument_id: &str,
        page_size: i32,
        token: &str,
    ) -> Result<ListAssessmentsResponse, Status> {
        let request = ListAssessmentsRequest {
            instrument_id: instrument_id.to_owned(),
            page_size,
            page_token: token.to_owned(),
        };
        Ok(self.journal.list_assessments(signed_in(who, request)).await?.into_inner())
    }

    pub(crate) async fn delete_check(&self, who: Uuid, id: &str) -> Result<(), Status> {
        let request = DeleteAssessmentRequest { assessment_id: id.to_owned() };
        self.journal.delete_assessment(signed_in(who, request)).await?;
        Ok(())
    }

    /// A whole self-check, answered and scored.
    pub(crate) async fn checked(&self, who: Uuid, answers: Vec<ItemAnswer>) -> Assessment {
        let begun = self.check(who).await;
        self.save_answers(who, &begun.assessment_id, answers).await.unwrap();
        self.score_check(who, &begun.assessment_id).await.unwrap()
    }
}
