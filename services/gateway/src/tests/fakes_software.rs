//! Fake software and consents to it.

use super::fakes::Fake;
use super::fakes_clients::CLIENT;
use super::fakes_counselors::CARLA;
use super::fakes_opened::page;
use super::two_fakes::HOSTILE_NAME;
use candor_proto::accounts::v1::software_consent_service_server::{
    SoftwareConsentService, SoftwareConsentServiceServer,
};
use candor_proto::accounts::v1::*;
use candor_proto::options::v1::Scope;
use chassis::{Code, Fault};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// Of what Alice opened to software.
pub(super) const GIVEN: &str = "6f1c6c1a-3c6e-4a57-9a38-5d2fd0c5d001";

/// What was asked about software.
#[derive(Default)]
pub(super) struct SoftwareAsked {
    pub(super) granted: Mutex<Vec<GrantSoftwareConsentRequest>>,
    pub(super) revoked: Mutex<Vec<String>>,
    /// Whether all of Alice's entries are open to it.
    pub(super) open: AtomicBool,
    /// How many consents are over that were opened since, besides the one that always is.
    pub(super) ended_since: AtomicUsize,
    /// Whether it is Carla's instead of the house's.
    pub(super) carlas: AtomicBool,
    /// Why a consent is refused, if it is.
    pub(super) refusal: Mutex<Option<(&'static str, &'static str)>>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(SoftwareConsentServiceServer::new(fake))
}

impl Fake {
    fn software(&self) -> Software {
        let carlas = self.0.software.carlas.load(Ordering::SeqCst);
        let of_carla = |text: &str| if carlas { text.to_owned() } else { String::new() };
        Software {
            client_id: CLIENT.into(),
            name: HOSTILE_NAME.into(),
            purpose: "Progress <i>notes</i>".into(),
            contact: "it@clinic.example".into(),
            counselor_account_id: of_carla(CARLA),
            counselor_name: of_carla("Carla <b>Roth</b>"),
            care_id: of_carla("c-1"),
            whole_kinds: vec![Scope::Entries.into(), Scope::Moods.into()],
            single_items: vec![Scope::Entries.into()],
        }
    }

    fn given(&self) -> SoftwareConsent {
        let software = self.software();
        SoftwareConsent {
            consent_id: GIVEN.into(),
            client_id: software.client_id,
            software_name: software.name,
            software_purpose: software.purpose,
            software_contact: software.contact,
            care_id: software.care_id,
            counselor_account_id: software.counselor_account_id,
            counselor_name: software.counselor_name,
            state: ConsentState::Open.into(),
            scope: Scope::Entries.into(),
            item_id: String::new(),
            purpose: AccessPurpose::Stated.into(),
            text_id: "entries-to-software".into(),
            text_version: 1,
            text_locale: "de".into(),
            grant_time: self.0.timestamp(-3600),
            expire_time: self.0.timestamp(86_400),
            end_time: None,
        }
    }
}

#[tonic::async_trait]
impl SoftwareConsentService for Fake {
    async fn list_software(&self, request: Request<ListSoftwareRequest>) -> Answer<ListSoftwareResponse> {
        self.admit(&request)?;
        let next_page_token = if request.get_ref().page_token.is_empty() { "a+b" } else { "" };
        Ok(Response::new(ListSoftwareResponse {
            software: vec![self.software()],
            next_page_token: next_page_token.into(),
        }))
    }

    async fn get_software(&self, request: Request<GetSoftwareRequest>) -> Answer<GetSoftwareResponse> {
        self.admit(&request)?;
        if request.get_ref().client_id != CLIENT {
            return Err(Fault::new(Code::NotFound, "SOFTWARE_NOT_FOUND", "There is no such software.").into());
        }
        Ok(Response::new(GetSoftwareResponse { software: Some(self.software()) }))
    }

    async fn grant_software_consent(
        &self,
        request: Request<GrantSoftwareConsentRequest>,
    ) -> Answer<GrantSoftwareConsentResponse> {
        self.admit_proven(&request)?;
        if let Some((reason, message)) = *self.0.software.refusal.lock().unwrap() {
            return Err(Fault::new(Code::FailedPrecondition, reason, message).into());
        }
        self.0.software.granted.lock().unwrap().push(request.into_inner());
        Ok(Response::new(GrantSoftwareConsentResponse { consent: Some(self.given()) }))
    }

    async fn revoke_software_consent(
        &self,
        request: Request<RevokeSoftwareConsentRequest>,
    ) -> Answer<RevokeSoftwareConsentResponse> {
        self.admit(&request)?;
        self.0.software.revoked.lock().unwrap().push(request.into_inner().consent_id);
        Ok(Response::new(RevokeSoftwareConsentResponse {}))
    }

    async fn list_software_consents(
        &self,
        request: Request<ListSoftwareConsentsRequest>,
    ) -> Answer<ListSoftwareConsentsResponse> {
        self.admit(&request)?;
        let request = request.into_inner();
        let open = self.0.software.open.load(Ordering::SeqCst).then(|| self.given());
        let over = |consent_id: &str| SoftwareConsent {
            consent_id: consent_id.into(),
            software_name: String::new(),
            state: ConsentState::SoftwareOver.into(),
            scope: Scope::Moods.into(),
            end_time: self.0.timestamp(-60),
            ..self.given()
        };
        let since =
            (0..self.0.software.ended_since.load(Ordering::SeqCst)).map(|at| over(&format!("over-{at}")));
        let mut all: Vec<_> = since.chain(open).chain([over("over")]).collect();
        all.retain(|one| {
            let is_open = one.state() == ConsentState::Open;
            let named = |ids: &[String]| ids.is_empty() || ids.contains(&one.consent_id);
            (is_open && !request.over_only || !is_open && !request.open_only) && named(&request.consent_ids)
        });
        let (consents, next_page_token) = page(all, request.page_size, &request.page_token);
        Ok(Response::new(ListSoftwareConsentsResponse { consents, next_page_token }))
    }

    async fn list_granted_to_software(
        &self,
        _: Request<ListGrantedToSoftwareRequest>,
    ) -> Answer<ListGrantedToSoftwareResponse> {
        Err(Status::permission_denied("no page asks as software"))
    }
}
