//! `AssessmentService`.

use super::{Journal, SentKey, chosen_id, database, page_start, to_proto};
use crate::Error;
use crate::app::{Timeline, assessments as app, seal_token};
use crate::domain::{Assessment, Cursor, DomainResult, PageSize, to_microseconds};
use candor_proto::journal::v1 as proto;
use candor_proto::journal::v1::assessment_service_server::AssessmentService;
use chassis::Fault;
use chassis::rpc::{admit_member, admit_owner};
use tonic::{Request, Response, Status};
use uuid::Uuid;

#[tonic::async_trait]
impl AssessmentService for Journal {
    async fn start_assessment(
        &self,
        request: Request<proto::StartAssessmentRequest>,
    ) -> Result<Response<proto::StartAssessmentResponse>, Status> {
        let sent_key = SentKey::of(request.metadata());
        let (caller, request) = admit_member(request)?;
        let assessment = self.begin(caller.account_id, &sent_key, &request).await?;
        Ok(Response::new(proto::StartAssessmentResponse { assessment: Some(shown(assessment)) }))
    }

    async fn save_answers(
        &self,
        request: Request<proto::SaveAnswersRequest>,
    ) -> Result<Response<proto::SaveAnswersResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        let assessment = self.save(caller.account_id, request).await?;
        Ok(Response::new(proto::SaveAnswersResponse { assessment: Some(shown(assessment)) }))
    }

    async fn score_assessment(
        &self,
        request: Request<proto::ScoreAssessmentRequest>,
    ) -> Result<Response<proto::ScoreAssessmentResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        let assessment = self.score(caller.account_id, &request).await?;
        Ok(Response::new(proto::ScoreAssessmentResponse { assessment: Some(shown(assessment)) }))
    }

    async fn get_assessment(
        &self,
        request: Request<proto::GetAssessmentRequest>,
    ) -> Result<Response<proto::GetAssessmentResponse>, Status> {
        let (caller, request) = admit_owner(request)?;
        let assessment_id = given_id(&request.assessment_id)?;
        let data_key = self.key_to_read(caller.account_id).await?.ok_or(Error::AssessmentNotFound)?;
        let mut conn = self.0.pool.acquire().await.map_err(database)?;
        let found = app::get_assessment(&mut conn, &data_key, caller.account_id, assessment_id).await?;
        Ok(Response::new(proto::GetAssessmentResponse { assessment: Some(shown(found)) }))
    }

    async fn list_assessments(
        &self,
        request: Request<proto::ListAssessmentsRequest>,
    ) -> Result<Response<proto::ListAssessmentsResponse>, Status> {
        let (caller, request) = admit_owner(request)?;
        Ok(Response::new(self.assessments(caller.account_id, &request).await?))
    }

    async fn delete_assessment(
        &self,
        request: Request<proto::DeleteAssessmentRequest>,
    ) -> Result<Response<proto::DeleteAssessmentResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        self.delete(caller.account_id, &request).await?;
        Ok(Response::new(proto::DeleteAssessmentResponse {}))
    }
}

impl Journal {
    /// The id is the idempotency key: a key sent beside the message stands in for an id that is not chosen.
    async fn begin(
        &self,
        account_id: Uuid,
        sent_key: &SentKey,
        request: &proto::StartAssessmentRequest,
    ) -> Result<Assessment, Fault> {
        let chosen = chosen_id("assessment_id", &request.assessment_id)?;
        let assessment_id = chosen.or(sent_key.parse()?).unwrap_or_else(|| self.0.ids.next());
        let instrument_id = &request.instrument_id;
        let now = to_microseconds(self.0.clock.now());
        let data_key = self.key_to_write(account_id).await?;
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let started =
            app::start_assessment(&mut transaction, &data_key, account_id, instrument_id, assessment_id, now)
                .await?;
        transaction.commit().await.map_err(database)?;
        Ok(started)
    }

    async fn save(&self, account_id: Uuid, request: proto::SaveAnswersRequest) -> Result<Assessment, Fault> {
        let assessment_id = given_id(&request.assessment_id)?;
        let answers: Vec<_> =
            request.answers.into_iter().map(|answer| (answer.link_id, answer.code)).collect();
        let data_key = self.key_to_write(account_id).await?;
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let saved =
            app::save_answers(&mut transaction, &data_key, account_id, assessment_id, &answers).await?;
        transaction.commit().await.map_err(database)?;
        Ok(saved)
    }

    async fn score(
        &self,
        account_id: Uuid,
        request: &proto::ScoreAssessmentRequest,
    ) -> Result<Assessment, Fault> {
        let assessment_id = given_id(&request.assessment_id)?;
        let now = to_microseconds(self.0.clock.now());
        let data_key = self.key_to_write(account_id).await?;
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let scored =
            app::score_assessment(&mut transaction, &data_key, account_id, assessment_id, now, &self.0.ids)
                .await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(scored)
    }

    async fn delete(&self, account_id: Uuid, request: &proto::DeleteAssessmentRequest) -> Result<(), Fault> {
        let assessment_id = given_id(&request.assessment_id)?;
        let now = to_microseconds(self.0.clock.now());
        self.key_to_read(account_id).await?.ok_or(Error::AssessmentNotFound)?;
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        app::delete_assessment(&mut transaction, account_id, assessment_id, now, &self.0.ids).await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(())
    }

    async fn assessments(
        &self,
        account_id: Uuid,
        request: &proto::ListAssessmentsRequest,
    ) -> Result<proto::ListAssessmentsResponse, Fault> {
        let size = PageSize::parse(request.page_size).map_err(Error::Invalid)?;
        let instrument_id = &request.instrument_id;
        let Some(data_key) = self.key_to_read(account_id).await? else {
            return Ok(proto::ListAssessmentsResponse::default());
        };
        let after = page_start(&data_key, Timeline::Assessments, &request.page_token)?;
        let (found, more) = {
            let mut conn = self.0.pool.acquire().await.map_err(database)?;
            app::list_assessments(&mut conn, account_id, instrument_id, after, size.get()).await?
        };
        let last = found.last().filter(|_| more);
        let last = last.map(|last| Cursor { time: last.create_time, id: last.assessment_id });
        let token = |cursor| seal_token(&data_key, Timeline::Assessments, cursor);
        Ok(proto::ListAssessmentsResponse {
            assessments: found.into_iter().map(shown).collect(),
            next_page_token: last.map(token).unwrap_or_default(),
        })
    }
}

fn given_id(assessment_id: &str) -> Result<Uuid, Error> {
    chosen_id("assessment_id", assessment_id)?.ok_or(Error::AssessmentNotFound)
}

fn shown(assessment: Assessment) -> proto::Assessment {
    let answer = |(link_id, code)| proto::ItemAnswer { link_id, code };
    proto::Assessment {
        assessment_id: assessment.assessment_id.to_string(),
        instrument_id: assessment.instrument_id,
        instrument_version: assessment.instrument_version,
        create_time: to_proto(assessment.create_time),
        score_time: assessment.score_time.and_then(to_proto),
        answers: assessment.answers.into_iter().map(answer).collect(),
        scores: assessment.results.into_iter().map(score).collect(),
    }
}

fn score(result: DomainResult) -> proto::DomainScore {
    proto::DomainScore {
        domain_id: result.domain_id,
        title: result.title,
        score: result.score.map(i32::from),
        band: result.band,
        previous_score: result.previous_score.map(i32::from),
        next_article_id: result.next_article_id,
    }
}
