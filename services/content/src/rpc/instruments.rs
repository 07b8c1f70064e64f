//! `InstrumentService`.

use crate::Error;
use crate::app::instruments::{self as app, Found};
use crate::domain::questionnaire::{AnswerOption, Domain, Item};
use candor_proto::content::v1::{self as proto, instrument_service_server::InstrumentService};
use chassis::rpc::admit_public;
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// The published instruments.
pub struct Instruments {
    pool: PgPool,
}

impl Instruments {
    /// Reads from content's database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[tonic::async_trait]
impl InstrumentService for Instruments {
    async fn list_instruments(
        &self,
        request: Request<proto::ListInstrumentsRequest>,
    ) -> Result<Response<proto::ListInstrumentsResponse>, Status> {
        let proto::ListInstrumentsRequest {} = admit_public(request)?;
        let mut conn = self.pool.acquire().await.map_err(Error::from)?;
        let found = app::list_instruments(&mut conn).await?;
        Ok(Response::new(proto::ListInstrumentsResponse {
            instruments: found.into_iter().map(without_items).collect(),
        }))
    }

    async fn get_instrument(
        &self,
        request: Request<proto::GetInstrumentRequest>,
    ) -> Result<Response<proto::GetInstrumentResponse>, Status> {
        let request = admit_public(request)?;
        let mut conn = self.pool.acquire().await.map_err(Error::from)?;
        let found = app::get_instrument(&mut conn, &request.instrument_id, request.version).await?;
        Ok(Response::new(proto::GetInstrumentResponse { instrument: Some(instrument(found)) }))
    }
}

fn instrument(found: Found) -> proto::Instrument {
    let Found { kept, shown } = found;
    proto::Instrument {
        instrument_id: kept.instrument_id,
        version: kept.version,
        title: shown.title,
        description: shown.description,
        validated: shown.validated,
        domains: shown.domains.into_iter().map(domain).collect(),
        questionnaire: kept.questionnaire,
    }
}

fn without_items(found: Found) -> proto::Instrument {
    proto::Instrument { domains: Vec::new(), questionnaire: String::new(), ..instrument(found) }
}

fn domain(domain: Domain) -> proto::Domain {
    proto::Domain {
        domain_id: domain.domain_id,
        title: domain.title,
        items: domain.items.into_iter().map(item).collect(),
    }
}

fn item(item: Item) -> proto::Item {
    let option = |option: AnswerOption| proto::AnswerOption { code: option.code, display: option.display };
    proto::Item {
        link_id: item.link_id,
        text: item.text,
        options: item.options.into_iter().map(option).collect(),
    }
}
