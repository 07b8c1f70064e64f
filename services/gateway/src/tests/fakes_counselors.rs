//! Fake counselors: what accounts says of them.

use super::fakes::{ALICE, Fake};
use candor_proto::accounts::v1::counselor_service_server::{CounselorService, CounselorServiceServer};
use candor_proto::accounts::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

pub(super) const CARLA: &str = "0195f1c2-7f00-4000-8000-0000000ca41a";

/// What was asked about counselors.
#[derive(Default)]
pub(super) struct Counselors {
    pub(super) sought: Mutex<Vec<ListCounselorsRequest>>,
    pub(super) submitted: Mutex<Vec<SubmitCounselorApplicationRequest>>,
    pub(super) available: Mutex<Vec<bool>>,
    pub(super) withdrawn: AtomicBool,
    /// Whoever applied left the list.
    pub(super) unlisted: AtomicBool,
    pub(super) verified: Mutex<Vec<VerifyCounselorRequest>>,
    pub(super) refused: Mutex<Vec<RefuseCounselorRequest>>,
    pub(super) suspended: Mutex<Vec<SuspendCounselorRequest>>,
    /// How whoever applied stands; not said: nobody did.
    pub(super) standing: Mutex<CounselorStanding>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(CounselorServiceServer::new(fake))
}

impl Fake {
    fn application(&self, account_id: &str) -> Option<CounselorApplication> {
        let standing = *self.0.counselors.standing.lock().unwrap();
        let verified = standing == CounselorStanding::Verified;
        (standing != CounselorStanding::Unspecified).then(|| CounselorApplication {
            account_id: account_id.into(),
            standing: standing.into(),
            revision: 7,
            name: "Carla <b>Roth</b>".into(),
            languages: vec!["en".into(), "de".into()],
            specialties: vec![CounselorSpecialty::Couples.into()],
            approach: "Slowly <i>and</i> gently.".into(),
            accepts_clients: true,
            licences: vec![Licence {
                title: "Psychotherapist".into(),
                jurisdiction: "DE".into(),
                number: "PT-4711".into(),
                look_up: "https://chamber.example".into(),
                last_day: "2027-03-31".into(),
                check_time: if verified { self.0.timestamp(-60) } else { None },
            }],
            submit_time: self.0.timestamp(-3600),
            review_time: if verified { None } else { self.0.timestamp(-3600) },
            decide_time: None,
            reason: if standing == CounselorStanding::Refused {
                "Not in the register.".into()
            } else {
                String::new()
            },
            expired: false,
            unlisted: self.0.counselors.unlisted.load(Ordering::SeqCst),
        })
    }

    fn counselor(&self) -> Counselor {
        Counselor {
            account_id: CARLA.into(),
            name: "Carla <b>Roth</b>".into(),
            languages: vec!["en".into()],
            specialties: vec![CounselorSpecialty::Couples.into(), CounselorSpecialty::Grief.into()],
            approach: "Slowly <i>and</i> gently.".into(),
            accepts_clients: false,
            licences: vec![PublicLicence {
                title: "Psychotherapist".into(),
                jurisdiction: "DE".into(),
                last_day: "2027-03-31".into(),
            }],
        }
    }
}

fn nobody() -> Status {
    Fault::new(Code::NotFound, "COUNSELOR_NOT_FOUND", "There is no such counselor.").into()
}

#[tonic::async_trait]
impl CounselorService for Fake {
    async fn submit_counselor_application(
        &self,
        request: Request<SubmitCounselorApplicationRequest>,
    ) -> Answer<SubmitCounselorApplicationResponse> {
        self.admit_proven(&request)?;
        let message = request.into_inner();
        if message.licences.iter().any(|licence| licence.last_day == "yesterday") {
            return Err(Fault::invalid_field("last_day", "is not a day such as 2027-03-31").into());
        }
        self.0.counselors.submitted.lock().unwrap().push(message);
        *self.0.counselors.standing.lock().unwrap() = CounselorStanding::Applied;
        Ok(Response::new(SubmitCounselorApplicationResponse { application: self.application(ALICE) }))
    }

    async fn get_own_counselor_application(
        &self,
        request: Request<GetOwnCounselorApplicationRequest>,
    ) -> Answer<GetOwnCounselorApplicationResponse> {
        self.admit(&request)?;
        Ok(Response::new(GetOwnCounselorApplicationResponse { application: self.application(ALICE) }))
    }

    async fn set_counselor_availability(
        &self,
        request: Request<SetCounselorAvailabilityRequest>,
    ) -> Answer<SetCounselorAvailabilityResponse> {
        self.admit(&request)?;
        self.0.counselors.available.lock().unwrap().push(request.into_inner().accepts_clients);
        Ok(Response::new(SetCounselorAvailabilityResponse {}))
    }

    async fn withdraw_counselor_application(
        &self,
        request: Request<WithdrawCounselorApplicationRequest>,
    ) -> Answer<WithdrawCounselorApplicationResponse> {
        self.admit(&request)?;
        self.0.counselors.withdrawn.store(true, Ordering::SeqCst);
        *self.0.counselors.standing.lock().unwrap() = CounselorStanding::Unspecified;
        Ok(Response::new(WithdrawCounselorApplicationResponse {}))
    }

    async fn list_counselors(
        &self,
        request: Request<ListCounselorsRequest>,
    ) -> Answer<ListCounselorsResponse> {
        self.admit(&request)?;
        let message = request.into_inner();
        if message.jurisdiction == "nowhere" {
            return Err(Fault::invalid_field("jurisdiction", "is not a country such as DE").into());
        }
        let next_page_token = if message.page_token.is_empty() { "a+b/c=" } else { "" };
        let counselors = if message.language == "xx" { vec![] } else { vec![self.counselor()] };
        self.0.counselors.sought.lock().unwrap().push(message);
        Ok(Response::new(ListCounselorsResponse { counselors, next_page_token: next_page_token.into() }))
    }

    async fn get_counselor(&self, request: Request<GetCounselorRequest>) -> Answer<GetCounselorResponse> {
        self.admit(&request)?;
        if request.get_ref().counselor_account_id != CARLA {
            return Err(nobody());
        }
        Ok(Response::new(GetCounselorResponse { counselor: Some(self.counselor()) }))
    }

    async fn list_counselor_applications(
        &self,
        request: Request<ListCounselorApplicationsRequest>,
    ) -> Answer<ListCounselorApplicationsResponse> {
        self.admit(&request)?;
        let found = self.application(CARLA).map(|one| CounselorSummary {
            account_id: one.account_id,
            name: one.name,
            standing: one.standing,
            review_time: one.review_time,
            decide_time: one.decide_time,
        });
        Ok(Response::new(ListCounselorApplicationsResponse {
            applications: found.into_iter().collect(),
            next_page_token: String::new(),
        }))
    }

    async fn get_counselor_application(
        &self,
        request: Request<GetCounselorApplicationRequest>,
    ) -> Answer<GetCounselorApplicationResponse> {
        self.admit(&request)?;
        let id = &request.get_ref().counselor_account_id;
        let application = self.application(CARLA).filter(|_| id == CARLA).ok_or_else(nobody)?;
        Ok(Response::new(GetCounselorApplicationResponse { application: Some(application) }))
    }

    async fn verify_counselor(
        &self,
        request: Request<VerifyCounselorRequest>,
    ) -> Answer<VerifyCounselorResponse> {
        self.admit_proven(&request)?;
        self.0.counselors.verified.lock().unwrap().push(request.into_inner());
        *self.0.counselors.standing.lock().unwrap() = CounselorStanding::Verified;
        Ok(Response::new(VerifyCounselorResponse {}))
    }

    async fn refuse_counselor(
        &self,
        request: Request<RefuseCounselorRequest>,
    ) -> Answer<RefuseCounselorResponse> {
        self.admit_proven(&request)?;
        self.0.counselors.refused.lock().unwrap().push(request.into_inner());
        Ok(Response::new(RefuseCounselorResponse {}))
    }

    async fn suspend_counselor(
        &self,
        request: Request<SuspendCounselorRequest>,
    ) -> Answer<SuspendCounselorResponse> {
        self.admit_proven(&request)?;
        self.0.counselors.suspended.lock().unwrap().push(request.into_inner());
        Ok(Response::new(SuspendCounselorResponse {}))
    }
}
