//! Fake legal texts: two of them, one with an earlier version.

use super::fakes::Fake;
use candor_proto::accounts::v1::terms_service_server::{TermsService, TermsServiceServer};
use candor_proto::accounts::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What was asked about legal texts.
#[derive(Default)]
pub(super) struct TermsAsked {
    /// Whether everything that is gated is refused until these are accepted.
    pub(super) due: Mutex<Vec<TermsKind>>,
    /// What was done with which.
    pub(super) done: Mutex<Vec<String>>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(TermsServiceServer::new(fake))
}

fn summary(kind: TermsKind, version: i32) -> TermsSummary {
    let locales = vec!["de".into(), "en".into()];
    TermsSummary { kind: kind.into(), version, date: format!("2026-01-0{version}"), material: true, locales }
}

/// The version that counts.
fn current(kind: TermsKind) -> i32 {
    if kind == TermsKind::Use { 2 } else { 1 }
}

impl Fake {
    /// What is closed until the terms are accepted.
    pub(super) fn terms_first(&self) -> Result<(), Status> {
        if self.0.terms.due.lock().unwrap().is_empty() {
            return Ok(());
        }
        let sentence = "Please read and accept the terms of this place first.";
        Err(Fault::new(Code::FailedPrecondition, "TERMS_NOT_ACCEPTED", sentence).into())
    }
}

#[tonic::async_trait]
impl TermsService for Fake {
    async fn get_terms(&self, request: Request<GetTermsRequest>) -> Answer<GetTermsResponse> {
        let asked = request.into_inner();
        let kinds = [TermsKind::Use, TermsKind::Privacy];
        let kinds = kinds.into_iter().filter(|kind| [TermsKind::Unspecified, *kind].contains(&asked.kind()));
        let versions =
            vec![summary(TermsKind::Use, 1), summary(TermsKind::Use, 2), summary(TermsKind::Privacy, 1)];
        let texts = kinds.map(|kind| TermsText {
            summary: Some(summary(kind, if asked.version == 0 { current(kind) } else { asked.version })),
            locale: if asked.locale == "de" { "de".into() } else { "en".into() },
            text: "# The <b>title</b>\n\nSome *words* <script>alert(1)</script>".into(),
        });
        let reply = GetTermsResponse { texts: texts.collect(), versions };
        if asked.version > 2 {
            return Err(Fault::new(Code::NotFound, "TERMS_NOT_FOUND", "There is no such version.").into());
        }
        Ok(Response::new(reply))
    }

    async fn accept_terms(&self, request: Request<AcceptTermsRequest>) -> Answer<AcceptTermsResponse> {
        self.admit(&request)?;
        let asked = request.into_inner();
        if asked.version != current(asked.kind()) {
            let sentence = "The terms of use are newer than what you read. Nothing was stored.";
            return Err(Fault::new(Code::FailedPrecondition, "TERMS_CHANGED", sentence).into());
        }
        self.0.terms.due.lock().unwrap().retain(|kind| *kind != asked.kind());
        let done = format!("accept {} {} {}", asked.kind().as_str_name(), asked.version, asked.locale);
        self.0.terms.done.lock().unwrap().push(done);
        Ok(Response::new(AcceptTermsResponse {}))
    }

    async fn withdraw_terms(&self, request: Request<WithdrawTermsRequest>) -> Answer<WithdrawTermsResponse> {
        self.admit(&request)?;
        let kind = request.into_inner().kind();
        self.0.terms.due.lock().unwrap().push(kind);
        self.0.terms.done.lock().unwrap().push(format!("withdraw {}", kind.as_str_name()));
        Ok(Response::new(WithdrawTermsResponse {}))
    }

    async fn list_accepted_terms(
        &self,
        request: Request<ListAcceptedTermsRequest>,
    ) -> Answer<ListAcceptedTermsResponse> {
        self.admit(&request)?;
        let due = self.0.terms.due.lock().unwrap().clone();
        let kinds = [TermsKind::Use, TermsKind::Privacy];
        let accepted = kinds.into_iter().filter(|kind| !due.contains(kind)).map(|kind| AcceptedTerms {
            kind: kind.into(),
            version: 1,
            locale: "en".into(),
            accept_time: self.0.timestamp(-60),
            withdraw_time: None,
        });
        Ok(Response::new(ListAcceptedTermsResponse {
            accepted: accepted.collect(),
            due: due.into_iter().map(Into::into).collect(),
        }))
    }
}
