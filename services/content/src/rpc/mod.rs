//! Protocol buffers to domain and back.

mod instruments;
mod prompts;

pub use instruments::Instruments;
pub use prompts::Prompts;

use crate::domain::path::{Milestone, Standing};
use crate::domain::{Listed, Locale, PageToken, Step};
use crate::{Error, app};
use candor_proto::content::v1::{
    self as proto, library_service_server::LibraryService, path_service_server::PathService,
};
use chassis::Clock;
use chassis::rpc::{admit_owner, admit_public};
use jiff::Timestamp;
use sqlx::PgPool;
use tonic::{Request, Response, Status};

const DEFAULT_PAGE: usize = 20;

/// The public library.
pub struct Library {
    pool: PgPool,
}

impl Library {
    /// Reads from content's database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[tonic::async_trait]
impl LibraryService for Library {
    async fn list_articles(
        &self,
        request: Request<proto::ListArticlesRequest>,
    ) -> Result<Response<proto::ListArticlesResponse>, Status> {
        let request = admit_public(request)?;
        let locale = Locale::parse(&request.locale).ok_or(Error::InvalidLocale)?;
        let token = match request.page_token.as_str() {
            "" => None,
            text => Some(PageToken::decode(text).ok_or(Error::InvalidPageToken)?),
        };
        let size = match usize::try_from(request.page_size) {
            Ok(0) | Err(_) => DEFAULT_PAGE,
            Ok(size) => size,
        };
        let mut conn = self.pool.acquire().await.map_err(Error::from)?;
        let filter = Step::from_number(request.step);
        let (articles, next) = app::list_articles(&mut conn, &locale, filter, size, token.as_ref()).await?;
        Ok(Response::new(proto::ListArticlesResponse {
            articles: articles.into_iter().map(article).collect(),
            next_page_token: next.map(|token| token.encode()).unwrap_or_default(),
        }))
    }

    async fn get_article(
        &self,
        request: Request<proto::GetArticleRequest>,
    ) -> Result<Response<proto::GetArticleResponse>, Status> {
        let request = admit_public(request)?;
        let locale = Locale::parse(&request.locale).ok_or(Error::InvalidLocale)?;
        let mut conn = self.pool.acquire().await.map_err(Error::from)?;
        let found = app::get_article(&mut conn, &request.article_id, &locale).await?;
        Ok(Response::new(proto::GetArticleResponse { article: Some(article(found)) }))
    }
}

/// The caller's own path.
pub struct Path {
    pool: PgPool,
    clock: Clock,
}

impl Path {
    /// Reads from content's database.
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }
}

#[tonic::async_trait]
impl PathService for Path {
    async fn get_path(
        &self,
        request: Request<proto::GetPathRequest>,
    ) -> Result<Response<proto::GetPathResponse>, Status> {
        let (passport, proto::GetPathRequest {}) = admit_owner(request)?;
        let mut conn = self.pool.acquire().await.map_err(Error::from)?;
        let standing = app::standing(&mut conn, passport.account_id).await?;
        Ok(Response::new(path(&standing, self.clock.now())))
    }
}

fn path(standing: &Standing, now: Timestamp) -> proto::GetPathResponse {
    let milestone = |milestone: &Milestone| proto::Milestone {
        milestone_id: milestone.id.to_owned(),
        title: milestone.title.to_owned(),
        reach_time: standing.reach_time(milestone).map(timestamp),
        progress: count(standing.progress(milestone)),
        goal: count(milestone.goal),
    };
    let steps = standing.steps().into_iter().map(|(step, shown)| proto::PathStep {
        step: step.number().into(),
        milestones: shown.into_iter().map(milestone).collect(),
    });
    let (next, reason) = standing.next(now);
    proto::GetPathResponse {
        steps: steps.collect(),
        next_milestone_id: next.map(|milestone| milestone.id.to_owned()).unwrap_or_default(),
        next_reason: reason.to_owned(),
    }
}

fn article(found: Listed) -> proto::Article {
    proto::Article {
        article_id: found.article_id,
        locale: found.locale,
        title: found.title,
        summary: found.summary,
        step: found.step.into(),
        reading_minutes: found.reading_minutes,
        body: found.body,
        version: found.version,
        clinical_review: found.clinical_review,
        reviewed_date: found.reviewed_date.to_string(),
        sources: found.sources,
        next_action: found.next_action,
        kind: found.kind,
        need: found.need,
        contraindications: found.contraindications,
        evidence: found.evidence,
        next_review_date: found.next_review_date.to_string(),
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Whole seconds towards the past, nanoseconds forward from there, as protobuf wants it.
fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default(),
        nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default(),
    }
}
