//! Fake care of a couple: what accounts says of it.

use super::fakes::{ALICE, Fake};
use super::fakes_counselors::CARLA;
use candor_proto::accounts::v1::couple_care_service_server::{CoupleCareService, CoupleCareServiceServer};
use candor_proto::accounts::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

pub(super) const BOB: &str = "0195f1c2-7f00-4000-8000-0000000000b0";

/// What was asked about care of a couple.
#[derive(Default)]
pub(super) struct CoupleCareAsked {
    pub(super) proposals: Mutex<Vec<ProposeCoupleCareRequest>>,
    /// What was done with which.
    pub(super) done: Mutex<Vec<String>>,
    /// How the one there is stands for a member; not said: there is none.
    pub(super) state: Mutex<CoupleCareState>,
    /// Whether the one who looks proposed it.
    pub(super) is_own: Mutex<bool>,
    /// Whether joint sessions are open.
    pub(super) joint_open: Mutex<bool>,
    /// Whether another confidentiality is proposed.
    pub(super) proposed: Mutex<bool>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(CoupleCareServiceServer::new(fake))
}

impl Fake {
    fn note_couple<T>(&self, request: &Request<T>, what: String) -> Result<(), Status> {
        self.admit(request)?;
        self.0.couple_care.done.lock().unwrap().push(what);
        Ok(())
    }

    fn versions(&self) -> Vec<ConfidentialityVersion> {
        let version = |version, policy: ConfidentialityPolicy, ago| ConfidentialityVersion {
            version,
            policy: policy.into(),
            start_time: self.0.timestamp(ago),
        };
        vec![
            version(1, ConfidentialityPolicy::Limited, -7200),
            version(2, ConfidentialityPolicy::Separate, -60),
        ]
    }

    fn proposal(&self, version: i32) -> ConfidentialityProposal {
        ConfidentialityProposal {
            version,
            policy: ConfidentialityPolicy::NoSecrets.into(),
            is_own: false,
            agreed: false,
            expire_time: self.0.timestamp(3600),
        }
    }
}

#[tonic::async_trait]
impl CoupleCareService for Fake {
    async fn propose_couple_care(
        &self,
        request: Request<ProposeCoupleCareRequest>,
    ) -> Answer<ProposeCoupleCareResponse> {
        self.admit_proven(&request)?;
        if request.get_ref().policy == 0 {
            return Err(Fault::invalid_field("policy", "is not one of the three there are").into());
        }
        self.0.couple_care.proposals.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ProposeCoupleCareResponse { care_id: "t-1".into() }))
    }

    async fn agree_to_couple_care(
        &self,
        request: Request<AgreeToCoupleCareRequest>,
    ) -> Answer<AgreeToCoupleCareResponse> {
        self.admit_proven(&request)?;
        let message = request.get_ref();
        if message.jurisdiction == "AT" {
            let message = "No licence that was checked holds in that place. Nothing was changed.";
            return Err(Fault::new(Code::FailedPrecondition, "NOT_LICENSED_THERE", message).into());
        }
        self.note_couple(&request, format!("agree {} as {}", message.care_id, message.own_name))?;
        Ok(Response::new(AgreeToCoupleCareResponse {}))
    }

    async fn list_couple_care(
        &self,
        request: Request<ListCoupleCareRequest>,
    ) -> Answer<ListCoupleCareResponse> {
        self.admit(&request)?;
        let (state, is_own) =
            (*self.0.couple_care.state.lock().unwrap(), *self.0.couple_care.is_own.lock().unwrap());
        let (active, proposed) =
            (state == CoupleCareState::Active, *self.0.couple_care.proposed.lock().unwrap());
        let care = CoupleCare {
            care_id: "t-1".into(),
            state: state.into(),
            counselor_account_id: CARLA.into(),
            counselor_name: "Carla <b>Roth</b>".into(),
            is_own,
            agreed: is_own || active,
            said_no: false,
            on_hold: false,
            joint_sessions_open: *self.0.couple_care.joint_open.lock().unwrap(),
            confidentiality: if active { self.versions() } else { Vec::new() },
            proposal: (!active || proposed).then(|| self.proposal(if active { 3 } else { 1 })),
            propose_time: self.0.timestamp(-60),
            expire_time: if active { None } else { self.0.timestamp(3600) },
            start_time: if active { self.0.timestamp(-7200) } else { None },
        };
        let care = if state == CoupleCareState::Unspecified { Vec::new() } else { vec![care] };
        Ok(Response::new(ListCoupleCareResponse { care }))
    }

    async fn end_couple_care(&self, request: Request<EndCoupleCareRequest>) -> Answer<EndCoupleCareResponse> {
        self.note_couple(&request, format!("end {}", request.get_ref().care_id))?;
        Ok(Response::new(EndCoupleCareResponse {}))
    }

    async fn list_couples_in_care(
        &self,
        request: Request<ListCouplesInCareRequest>,
    ) -> Answer<ListCouplesInCareResponse> {
        self.admit(&request)?;
        let partner = |id: &str, name: &str, seen| PartnerInCare {
            member_account_id: id.into(),
            name: name.into(),
            jurisdiction: "DE".into(),
            seen_alone_time: seen,
        };
        let couple = |care_id: &str, state: CoupleCareState, active: bool| CoupleInCare {
            care_id: care_id.into(),
            state: state.into(),
            partners: vec![
                partner(ALICE, "Anna <i>A</i>", if active { self.0.timestamp(-60) } else { None }),
                partner(BOB, "Ben", None),
            ],
            joint_sessions_open: *self.0.couple_care.joint_open.lock().unwrap(),
            confidentiality: if active { self.versions() } else { Vec::new() },
            proposal: Some(self.proposal(if active { 3 } else { 1 })),
            propose_time: self.0.timestamp(-60),
            expire_time: self.0.timestamp(3600),
            start_time: None,
        };
        let couples =
            vec![couple("t-1", CoupleCareState::Asked, false), couple("t-2", CoupleCareState::Active, true)];
        Ok(Response::new(ListCouplesInCareResponse { couples, next_page_token: String::new() }))
    }

    async fn accept_couple_care(
        &self,
        request: Request<AcceptCoupleCareRequest>,
    ) -> Answer<AcceptCoupleCareResponse> {
        if !request.get_ref().attested {
            return Err(Fault::invalid_field("attested", "must be true").into());
        }
        self.note_couple(&request, format!("accept {}", request.get_ref().care_id))?;
        Ok(Response::new(AcceptCoupleCareResponse {}))
    }

    async fn decline_couple_care(
        &self,
        request: Request<DeclineCoupleCareRequest>,
    ) -> Answer<DeclineCoupleCareResponse> {
        self.note_couple(&request, format!("decline {}", request.get_ref().care_id))?;
        Ok(Response::new(DeclineCoupleCareResponse {}))
    }

    async fn propose_confidentiality(
        &self,
        request: Request<ProposeConfidentialityRequest>,
    ) -> Answer<ProposeConfidentialityResponse> {
        self.admit_proven(&request)?;
        let message = request.get_ref();
        self.note_couple(&request, format!("propose {} for {}", message.policy, message.care_id))?;
        Ok(Response::new(ProposeConfidentialityResponse { version: 3 }))
    }

    async fn agree_to_confidentiality(
        &self,
        request: Request<AgreeToConfidentialityRequest>,
    ) -> Answer<AgreeToConfidentialityResponse> {
        self.admit_proven(&request)?;
        let message = request.get_ref();
        let what = format!("agree to {} as {} for {}", message.version, message.policy, message.care_id);
        self.note_couple(&request, what)?;
        Ok(Response::new(AgreeToConfidentialityResponse { counts: false }))
    }

    async fn withdraw_confidentiality(
        &self,
        request: Request<WithdrawConfidentialityRequest>,
    ) -> Answer<WithdrawConfidentialityResponse> {
        let message = request.get_ref();
        self.note_couple(&request, format!("withdraw {} of {}", message.version, message.care_id))?;
        Ok(Response::new(WithdrawConfidentialityResponse {}))
    }

    async fn decline_confidentiality(
        &self,
        request: Request<DeclineConfidentialityRequest>,
    ) -> Answer<DeclineConfidentialityResponse> {
        let message = request.get_ref();
        let what = format!("decline {} as {} of {}", message.version, message.policy, message.care_id);
        self.note_couple(&request, what)?;
        Ok(Response::new(DeclineConfidentialityResponse {}))
    }

    async fn confirm_seen_alone(
        &self,
        request: Request<ConfirmSeenAloneRequest>,
    ) -> Answer<ConfirmSeenAloneResponse> {
        let message = request.get_ref();
        self.note_couple(&request, format!("seen {} of {}", message.member_account_id, message.care_id))?;
        Ok(Response::new(ConfirmSeenAloneResponse {}))
    }

    async fn lock_joint_sessions(
        &self,
        request: Request<LockJointSessionsRequest>,
    ) -> Answer<LockJointSessionsResponse> {
        self.note_couple(&request, format!("lock {}", request.get_ref().care_id))?;
        Ok(Response::new(LockJointSessionsResponse {}))
    }
}
