//! `TermsService`.

use super::{Rpc, wire};
use crate::{
    Error, app,
    domain::{Locale, TermsKind, TermsVersion},
};
use candor_proto::accounts::v1::{
    AcceptTermsRequest, AcceptTermsResponse, AcceptedTerms, GetTermsRequest, GetTermsResponse,
    ListAcceptedTermsRequest, ListAcceptedTermsResponse, TermsKind as Wire, TermsSummary, TermsText,
    WithdrawTermsRequest, WithdrawTermsResponse, terms_service_server::TermsService,
};
use chassis::{
    Fault,
    identity::Passport,
    rpc::{admit_public, admit_signed_in},
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl TermsService for Rpc {
    async fn get_terms(
        &self,
        request: Request<GetTermsRequest>,
    ) -> Result<Response<GetTermsResponse>, Status> {
        let message = admit_public(request)?;
        Ok(Response::new(get(self, &message)?))
    }

    async fn accept_terms(
        &self,
        request: Request<AcceptTermsRequest>,
    ) -> Result<Response<AcceptTermsResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        Ok(Response::new(accept(self, &passport, &message).await?))
    }

    async fn withdraw_terms(
        &self,
        request: Request<WithdrawTermsRequest>,
    ) -> Result<Response<WithdrawTermsResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let kind = kind(message.kind).ok_or_else(|| Fault::invalid_field("kind", "is not known"))?;
        Ok(Response::new(withdraw(self, &passport, kind).await?))
    }

    async fn list_accepted_terms(
        &self,
        request: Request<ListAcceptedTermsRequest>,
    ) -> Result<Response<ListAcceptedTermsResponse>, Status> {
        let (passport, _) = admit_signed_in(request)?;
        let own = app::terms_of(&self.accounts, passport.account_id).await?;
        let accepted = own.accepted.into_iter().map(|own| AcceptedTerms {
            kind: number(own.kind),
            version: own.version,
            locale: own.locale,
            accept_time: Some(wire(own.accepted_at)),
            withdraw_time: own.withdrawn_at.map(wire),
        });
        Ok(Response::new(ListAcceptedTermsResponse {
            accepted: accepted.collect(),
            due: own.due.into_iter().map(number).collect(),
        }))
    }
}

fn get(rpc: &Rpc, message: &GetTermsRequest) -> Result<GetTermsResponse, Error> {
    let accounts = &rpc.accounts;
    let locale = Locale::parse(&message.locale)?;
    let texts = app::texts_of(accounts, kind(message.kind), message.version)?;
    let texts = texts.into_iter().map(|text| {
        let (locale, words) = text.words(locale.as_str());
        TermsText { summary: Some(summary(text)), locale: locale.to_owned(), text: words.to_owned() }
    });
    let versions = accounts.terms.all().iter().map(summary).collect();
    Ok(GetTermsResponse { texts: texts.collect(), versions })
}

fn summary(text: &TermsVersion) -> TermsSummary {
    TermsSummary {
        kind: number(text.kind),
        version: text.version,
        date: text.date.to_string(),
        material: text.material,
        locales: text.locales().map(str::to_owned).collect(),
    }
}

async fn accept(
    rpc: &Rpc,
    passport: &Passport,
    message: &AcceptTermsRequest,
) -> Result<AcceptTermsResponse, Error> {
    let accounts = &rpc.accounts;
    let locale = Locale::parse(&message.locale)?;
    let kind =
        kind(message.kind).ok_or(crate::domain::Invalid { field: "kind", description: "is not known" })?;
    let mut tx = accounts.pool.begin().await?;
    app::accept_terms(accounts, &mut tx, passport, (kind, message.version), locale.as_str()).await?;
    tx.commit().await?;
    Ok(AcceptTermsResponse {})
}

async fn withdraw(rpc: &Rpc, passport: &Passport, kind: TermsKind) -> Result<WithdrawTermsResponse, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::withdraw_terms(accounts, &mut tx, passport, kind).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(WithdrawTermsResponse {})
}

/// A kind of the proto; none where it is not said.
fn kind(number: i32) -> Option<TermsKind> {
    match Wire::try_from(number).ok()? {
        Wire::Use => Some(TermsKind::Use),
        Wire::Privacy => Some(TermsKind::Privacy),
        Wire::Unspecified => None,
    }
}

fn number(kind: TermsKind) -> i32 {
    match kind {
        TermsKind::Use => Wire::Use.into(),
        TermsKind::Privacy => Wire::Privacy.into(),
    }
}
