//! Fake care: what accounts says of it.

use super::fakes::{ALICE, Fake};
use super::fakes_counselors::CARLA;
use candor_proto::accounts::v1::care_service_server::{CareService, CareServiceServer};
use candor_proto::accounts::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What was asked about care.
#[derive(Default)]
pub(super) struct CareAsked {
    pub(super) requests: Mutex<Vec<RequestCareRequest>>,
    /// What was done with which.
    pub(super) done: Mutex<Vec<String>>,
    /// How the one there is stands.
    pub(super) state: Mutex<CareState>,
    pub(super) on_hold: Mutex<bool>,
    /// Why a request is refused, if it is.
    pub(super) refusal: Mutex<Option<(&'static str, &'static str)>>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(CareServiceServer::new(fake))
}

impl Fake {
    fn note_care<T>(&self, request: &Request<T>, what: String) -> Result<(), Status> {
        self.admit(request)?;
        self.0.care.done.lock().unwrap().push(what);
        Ok(())
    }
}

#[tonic::async_trait]
impl CareService for Fake {
    async fn request_care(&self, request: Request<RequestCareRequest>) -> Answer<RequestCareResponse> {
        self.admit_proven(&request)?;
        if let Some((reason, message)) = *self.0.care.refusal.lock().unwrap() {
            return Err(Fault::new(Code::FailedPrecondition, reason, message).into());
        }
        if request.get_ref().jurisdiction == "nowhere" {
            return Err(Fault::invalid_field("jurisdiction", "is not a country such as DE").into());
        }
        self.0.care.requests.lock().unwrap().push(request.into_inner());
        Ok(Response::new(RequestCareResponse { care_id: "c-1".into() }))
    }

    async fn list_care(&self, request: Request<ListCareRequest>) -> Answer<ListCareResponse> {
        self.admit(&request)?;
        // What is sought stands on the second page.
        if request.get_ref().page_token.is_empty() {
            let other = Care { care_id: "c-0".into(), state: CareState::Declined.into(), ..Care::default() };
            return Ok(Response::new(ListCareResponse { care: vec![other], next_page_token: "a+b".into() }));
        }
        let care = Care {
            care_id: "c-1".into(),
            state: (*self.0.care.state.lock().unwrap()).into(),
            counselor_account_id: CARLA.into(),
            counselor_name: "Carla <b>Roth</b>".into(),
            jurisdiction: "DE".into(),
            on_hold: *self.0.care.on_hold.lock().unwrap(),
            request_time: self.0.timestamp(-60),
            expire_time: self.0.timestamp(3600),
            start_time: None,
            end_time: None,
        };
        Ok(Response::new(ListCareResponse { care: vec![care], next_page_token: String::new() }))
    }

    async fn end_care(&self, request: Request<EndCareRequest>) -> Answer<EndCareResponse> {
        let message = request.get_ref();
        let block = if message.block { " and block" } else { "" };
        self.note_care(&request, format!("end{block} {}", message.care_id))?;
        Ok(Response::new(EndCareResponse {}))
    }

    async fn list_people_in_care(
        &self,
        request: Request<ListPeopleInCareRequest>,
    ) -> Answer<ListPeopleInCareResponse> {
        self.admit(&request)?;
        let person = |care_id: &str, state: CareState| PersonInCare {
            care_id: care_id.into(),
            state: state.into(),
            member_account_id: ALICE.into(),
            member_name: format!("Anna of {care_id}"),
            note: "We hardly <i>talk</i>.".into(),
            jurisdiction: "DE".into(),
            request_time: self.0.timestamp(-60),
            expire_time: self.0.timestamp(3600),
            start_time: None,
        };
        let people = vec![person("c-1", CareState::Asked), person("c-2", CareState::Active)];
        let next_page_token =
            if request.get_ref().page_token.is_empty() { "a+b".into() } else { String::new() };
        Ok(Response::new(ListPeopleInCareResponse { people, next_page_token }))
    }

    async fn accept_care(&self, request: Request<AcceptCareRequest>) -> Answer<AcceptCareResponse> {
        let message = request.get_ref();
        if !message.attested {
            return Err(Fault::invalid_field("attested", "must be true").into());
        }
        self.note_care(&request, format!("accept {}", message.care_id))?;
        Ok(Response::new(AcceptCareResponse {}))
    }

    async fn decline_care(&self, request: Request<DeclineCareRequest>) -> Answer<DeclineCareResponse> {
        self.note_care(&request, format!("decline {}", request.get_ref().care_id))?;
        Ok(Response::new(DeclineCareResponse {}))
    }
}
