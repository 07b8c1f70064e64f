//! A fake of content's instruments and journal's assessments: two parts of two statements, scored in the simplest way.

use super::fakes::Fake;
use candor_proto::content::v1::instrument_service_server::{InstrumentService, InstrumentServiceServer};
use candor_proto::content::v1::*;
use candor_proto::journal::v1::assessment_service_server::{AssessmentService, AssessmentServiceServer};
use candor_proto::journal::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What the fake remembers.
#[derive(Default)]
pub(super) struct SelfChecks {
    /// Newest first.
    pub(super) assessments: Mutex<Vec<Assessment>>,
    /// Journal keeps no answers.
    pub(super) refuse: AtomicBool,
    /// Journal answers nothing about assessments.
    pub(super) away: AtomicBool,
    /// Content answers nothing about instruments.
    pub(super) no_instruments: AtomicBool,
}

impl SelfChecks {
    /// Puts a finished one before the others.
    pub(super) fn add(&self, id: &str, version: i32, seconds: i64, scores: [Option<i32>; 2], code: &str) {
        let answers = vec![ItemAnswer { link_id: "affection-1".into(), code: code.into() }];
        let mut all = self.assessments.lock().unwrap();
        let previous = all.first().cloned();
        let domain = |place: usize, id: &str, title: &str| DomainScore {
            domain_id: id.into(),
            title: title.into(),
            score: scores[place],
            band: scores[place].map(|_| "Some of this lately".into()).unwrap_or_default(),
            previous_score: previous.as_ref().and_then(|before| before.scores[place].score),
            next_article_id: "what-a-wall-is".into(),
        };
        let scores = vec![domain(0, "silence", "Silence <b>"), domain(1, "affection", "Holding back warmth")];
        let time = Some(prost_types::Timestamp { seconds, nanos: 0 });
        let assessment = Assessment {
            assessment_id: id.into(),
            instrument_id: "self-check".into(),
            instrument_version: version,
            create_time: time,
            score_time: time,
            answers,
            scores,
        };
        all.insert(0, assessment);
    }

    fn find(&self, id: &str) -> Result<Assessment, Status> {
        self.is_there()?;
        let all = self.assessments.lock().unwrap();
        all.iter().find(|found| found.assessment_id == id).cloned().ok_or_else(|| {
            Fault::new(Code::NotFound, "ASSESSMENT_NOT_FOUND", "There is no such self-check.").into()
        })
    }

    fn is_there(&self) -> Result<(), Status> {
        if self.away.load(Ordering::SeqCst) { Err(Status::unavailable("away")) } else { Ok(()) }
    }

    fn replace(&self, changed: &Assessment) {
        let mut all = self.assessments.lock().unwrap();
        let known = all.iter_mut().find(|found| found.assessment_id == changed.assessment_id);
        *known.unwrap() = changed.clone();
    }
}

/// Serves these fakes as well.
pub(super) fn add(router: Router, fake: Fake) -> Router {
    router
        .add_service(InstrumentServiceServer::new(fake.clone()))
        .add_service(AssessmentServiceServer::new(fake))
}

fn instrument(version: i32) -> Instrument {
    let option = |code: &str| AnswerOption { code: code.into(), display: format!("{code} <i>") };
    let item = |id: &str, codes: &[&str]| Item {
        link_id: id.into(),
        text: format!("I say \"fine\" ({id})."),
        options: codes.iter().map(|code| option(code)).collect(),
    };
    let domain = |id: &str, title: &str, codes: &[&str]| Domain {
        domain_id: id.into(),
        title: title.into(),
        items: vec![item(&format!("{id}-1"), codes), item(&format!("{id}-2"), codes)],
    };
    let plain = ["never", "often"];
    let mark = if version < 3 { "one" } else { "other" };
    Instrument {
        instrument_id: "self-check".into(),
        version,
        title: "Am I building walls?".into(),
        description: "A *quiet* look.".into(),
        validated: false,
        domains: vec![
            domain("silence", "Silence <b>", &plain),
            domain("affection", "Holding back warmth", &["never", "often", "not-safe"]),
        ],
        questionnaire: format!(
            r#"{{"extension":[{{"url":"urn:candor:comparable","valueString":"{mark}"}}]}}"#
        ),
    }
}

#[tonic::async_trait]
impl InstrumentService for Fake {
    async fn list_instruments(&self, _: Request<ListInstrumentsRequest>) -> Answer<ListInstrumentsResponse> {
        Err(Status::unimplemented("not part of this"))
    }

    async fn get_instrument(&self, request: Request<GetInstrumentRequest>) -> Answer<GetInstrumentResponse> {
        if self.0.self_checks.no_instruments.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let version = request.get_ref().version;
        let instrument = instrument(if version == 0 { 1 } else { version });
        Ok(Response::new(GetInstrumentResponse { instrument: Some(instrument) }))
    }
}

#[tonic::async_trait]
impl AssessmentService for Fake {
    async fn start_assessment(
        &self,
        request: Request<StartAssessmentRequest>,
    ) -> Answer<StartAssessmentResponse> {
        self.admit(&request)?;
        let request = request.into_inner();
        let mut all = self.0.self_checks.assessments.lock().unwrap();
        let open = all.iter().find(|found| found.score_time.is_none()).cloned();
        let assessment = open.unwrap_or_else(|| Assessment {
            assessment_id: request.assessment_id,
            instrument_id: request.instrument_id,
            instrument_version: 1,
            create_time: self.0.timestamp(0),
            ..Assessment::default()
        });
        if all.iter().all(|found| found.assessment_id != assessment.assessment_id) {
            all.insert(0, assessment.clone());
        }
        Ok(Response::new(StartAssessmentResponse { assessment: Some(assessment) }))
    }

    async fn save_answers(&self, request: Request<SaveAnswersRequest>) -> Answer<SaveAnswersResponse> {
        self.admit(&request)?;
        if self.0.self_checks.refuse.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let SaveAnswersRequest { assessment_id, answers } = request.into_inner();
        let mut assessment = self.0.self_checks.find(&assessment_id)?;
        for answer in answers {
            assessment.answers.retain(|known| known.link_id != answer.link_id);
            if !answer.code.is_empty() {
                assessment.answers.push(answer);
            }
        }
        self.0.self_checks.replace(&assessment);
        Ok(Response::new(SaveAnswersResponse { assessment: Some(assessment) }))
    }

    async fn score_assessment(
        &self,
        request: Request<ScoreAssessmentRequest>,
    ) -> Answer<ScoreAssessmentResponse> {
        self.admit(&request)?;
        let mut assessment = self.0.self_checks.find(&request.get_ref().assessment_id)?;
        if assessment.answers.is_empty() {
            let sentence = "There are too few answers for a result yet. Your answers are kept.";
            return Err(Fault::new(Code::FailedPrecondition, "TOO_FEW_ANSWERS", sentence).into());
        }
        assessment.score_time = self.0.timestamp(0);
        self.0.self_checks.replace(&assessment);
        Ok(Response::new(ScoreAssessmentResponse { assessment: Some(assessment) }))
    }

    async fn get_assessment(&self, request: Request<GetAssessmentRequest>) -> Answer<GetAssessmentResponse> {
        self.admit(&request)?;
        let assessment = self.0.self_checks.find(&request.get_ref().assessment_id)?;
        Ok(Response::new(GetAssessmentResponse { assessment: Some(assessment) }))
    }

    async fn list_assessments(
        &self,
        request: Request<ListAssessmentsRequest>,
    ) -> Answer<ListAssessmentsResponse> {
        self.admit(&request)?;
        assert!(matches!(&*request.get_ref().instrument_id, "" | "self-check"));
        self.0.self_checks.is_there()?;
        let mut assessments = self.0.self_checks.assessments.lock().unwrap().clone();
        assessments.iter_mut().for_each(|found| found.answers.clear());
        let next_page_token = if request.get_ref().page_token.is_empty() { "" } else { "x+y" };
        Ok(Response::new(ListAssessmentsResponse { assessments, next_page_token: next_page_token.into() }))
    }

    async fn delete_assessment(
        &self,
        request: Request<DeleteAssessmentRequest>,
    ) -> Answer<DeleteAssessmentResponse> {
        self.admit(&request)?;
        let id = request.into_inner().assessment_id;
        self.0.self_checks.find(&id)?;
        self.0.self_checks.assessments.lock().unwrap().retain(|found| found.assessment_id != id);
        Ok(Response::new(DeleteAssessmentResponse {}))
    }
}
