//! Care of a couple: each agrees for themself, the counselor accepts, any of the three ends it; and neither of the two learns
//! of the other what is not theirs to know.

mod confidentiality;
mod ending;
mod joint;
mod racing;

use crate::kit::{House, reason};
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{
    AcceptCoupleCareRequest, AgreeToCoupleCareRequest, ConfidentialityPolicy, CoupleCare, CoupleCareState,
    CoupleInCare, DeclineCoupleCareRequest, EndCoupleCareRequest, ListCoupleCareRequest,
    ListCouplesInCareRequest, OpenAccessRequest, ProposeCoupleCareRequest, SecurityNoticeKind,
    couple_care_service_server::CoupleCareService as _,
};
use jiff::SignedDuration;
use tonic::{Code, Status};
use uuid::Uuid;

const LIMITED: i32 = ConfidentialityPolicy::Limited as i32;

fn proposal(counselor: &Person) -> ProposeCoupleCareRequest {
    ProposeCoupleCareRequest {
        counselor_account_id: counselor.account_id.to_string(),
        own_name: "Anna".into(),
        jurisdiction: "DE-BE".into(),
        attested: true,
        policy: LIMITED,
    }
}

/// Two who are linked, and a counselor.
async fn three(house: &House) -> (Person, Person, Person, Person) {
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let (anna, ben) = house.couple().await;
    (anna, ben, carla, operator)
}

impl House {
    async fn propose_care(&self, by: &Person, message: ProposeCoupleCareRequest) -> Result<String, Status> {
        Ok(self.rpc.propose_couple_care(self.by(by, message)).await?.into_inner().care_id)
    }

    async fn agree_from(&self, by: &Person, care_id: &str, jurisdiction: &str) -> Result<(), Status> {
        let message = AgreeToCoupleCareRequest {
            care_id: care_id.into(),
            own_name: "Ben".into(),
            jurisdiction: jurisdiction.into(),
            attested: true,
        };
        self.rpc.agree_to_couple_care(self.by(by, message)).await.map(drop)
    }

    async fn agree_to_care(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        self.agree_from(by, care_id, "DE").await
    }

    async fn take_couple_on(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        let message = AcceptCoupleCareRequest { care_id: care_id.into(), attested: true };
        self.rpc.accept_couple_care(self.by(by, message)).await.map(drop)
    }

    async fn decline_couple(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        let message = DeclineCoupleCareRequest { care_id: care_id.into() };
        self.rpc.decline_couple_care(self.by(by, message)).await.map(drop)
    }

    async fn end_couple_care(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        let message = EndCoupleCareRequest { care_id: care_id.into() };
        self.rpc.end_couple_care(self.by(by, message)).await.map(drop)
    }

    pub async fn couple_care_of(&self, person: &Person) -> Vec<CoupleCare> {
        let request = self.by(person, ListCoupleCareRequest {});
        self.rpc.list_couple_care(request).await.unwrap().into_inner().care
    }

    pub async fn couples_of(&self, counselor: &Person) -> Vec<CoupleInCare> {
        let request = self.by(counselor, ListCouplesInCareRequest::default());
        self.rpc.list_couples_in_care(request).await.unwrap().into_inner().couples
    }

    /// The two in the counselor's care.
    pub async fn couple_in_care(&self, anna: &Person, ben: &Person, carla: &Person) -> String {
        let care_id = self.propose_care(anna, proposal(carla)).await.unwrap();
        self.agree_to_care(ben, &care_id).await.unwrap();
        self.take_couple_on(carla, &care_id).await.unwrap();
        care_id
    }
}

#[tokio::test]
async fn it_is_active_only_with_the_consent_of_each_and_of_the_counselor() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let care_id = house.propose_care(&anna, proposal(&carla)).await.unwrap();
    assert_eq!(house.propose_care(&anna, proposal(&carla)).await.unwrap(), care_id, "the same twice is one");
    // Until the other agrees the counselor knows nothing of it, and can do nothing.
    assert!(house.couples_of(&carla).await.is_empty());
    assert!(!house.heard(&carla, SecurityNoticeKind::CareAsked).await);
    assert_eq!(reason(&house.take_couple_on(&carla, &care_id).await.err().unwrap()), "CARE_NOT_FOUND");
    assert!(house.heard(&ben, SecurityNoticeKind::CoupleCareProposed).await);
    let his = &house.couple_care_of(&ben).await[0];
    assert_eq!((his.is_own, his.agreed, his.said_no), (false, false, false));
    assert_eq!(his.proposal.as_ref().unwrap().policy, LIMITED, "what he would agree to with it");
    // She cannot agree for him.
    house.agree_to_care(&anna, &care_id).await.unwrap();
    assert_eq!(house.couple_care_of(&anna).await[0].state, CoupleCareState::Proposed as i32);

    house.agree_to_care(&ben, &care_id).await.unwrap();
    assert_eq!(house.couple_care_of(&anna).await[0].state, CoupleCareState::Asked as i32);
    assert!(house.heard(&carla, SecurityNoticeKind::CareAsked).await);
    let asked = &house.couples_of(&carla).await[0];
    let mut partners: Vec<_> =
        asked.partners.iter().map(|one| (one.name.as_str(), one.jurisdiction.as_str())).collect();
    partners.sort_unstable();
    assert_eq!(partners, [("Anna", "DE-BE"), ("Ben", "DE")]);
    assert!(asked.confidentiality.is_empty(), "nothing counts before it begins");

    house.take_couple_on(&carla, &care_id).await.unwrap();
    house.take_couple_on(&carla, &care_id).await.unwrap();
    for person in [&anna, &ben] {
        let own = &house.couple_care_of(person).await[0];
        assert_eq!((own.state, own.counselor_name.as_str()), (CoupleCareState::Active as i32, "carla"));
        assert_eq!((own.confidentiality.len(), own.confidentiality[0].policy), (1, LIMITED));
        assert_eq!(own.confidentiality[0].start_time, own.start_time);
        assert!(own.proposal.is_none() && !own.joint_sessions_open);
        assert!(house.heard(person, SecurityNoticeKind::CareAnswered).await);
    }
    assert_eq!(house.told("accounts.v1.care_started").await, 1);
    assert_eq!(house.audited_things(&care_id).await, [("care_accepted".to_owned(), "counselor".to_owned())]);
    assert!(!house.dump().await.contains("\"Anna\""));
}

#[tokio::test]
async fn it_opens_nothing_and_shows_nothing_of_the_care_that_one_is_in_alone() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let alone = house.in_care(&anna, &carla).await;
    house.couple_in_care(&anna, &ben, &carla).await;
    assert!(house.care_of(&ben).await.is_empty());
    for person in [&anna, &ben] {
        let care = house.couple_care_of(person).await;
        assert_eq!(care.len(), 1);
        assert_ne!(care[0].care_id, alone);
    }
    // Ended, it is over alone; what is of two goes on.
    house.end_care(&anna, &alone).await.unwrap();
    assert_eq!(house.couple_care_of(&ben).await[0].state, CoupleCareState::Active as i32);
    for scope in 1..=7 {
        for owner in [&anna, &ben] {
            let owner_account_id = owner.account_id.to_string();
            let wish = OpenAccessRequest { owner_account_id, scope, ..OpenAccessRequest::default() };
            assert!(house.open(&carla, wish).await.is_err());
        }
    }
    assert_eq!(house.count("receipt").await, 0);
}

#[tokio::test]
async fn whatever_the_partner_says_or_not_the_proposal_looks_the_same() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let care_id = house.propose_care(&anna, proposal(&carla)).await.unwrap();
    let silent = house.couple_care_of(&anna).await;
    let told = house.told_of(&anna).await;
    house.end_couple_care(&ben, &care_id).await.unwrap();
    assert!(house.couple_care_of(&anna).await == silent && house.told_of(&anna).await == told);
    let his = &house.couple_care_of(&ben).await[0];
    assert!(his.said_no && !his.agreed);
    // He can change his mind while it is open.
    house.agree_to_care(&ben, &care_id).await.unwrap();
    assert!(!house.couple_care_of(&ben).await[0].said_no);
    assert_eq!(house.couples_of(&carla).await.len(), 1);
    // What is over by itself is gone for both, as if it had been taken back.
    house.advance(crate::care::FORTNIGHT);
    for name in ["anna", "ben"] {
        let person = house.signed_in(&format!("{name}@example.org")).await;
        assert!(house.couple_care_of(&person).await.is_empty());
    }
    let carla = house.signed_in("carla@example.org").await;
    assert!(house.couples_of(&carla).await.is_empty());
    assert_eq!(reason(&house.take_couple_on(&carla, &care_id).await.err().unwrap()), "CARE_NOT_FOUND");
    accounts::jobs::expire_care(&house.accounts).await.unwrap();
    let kept: Vec<Option<Vec<u8>>> =
        sqlx::query_scalar("SELECT name FROM couple_care_member").fetch_all(house.pool()).await.unwrap();
    assert_eq!(kept, [None, None]);
    // And it is in nobody's way.
    let anna = house.signed_in("anna@example.org").await;
    house.propose_care(&anna, proposal(&carla)).await.unwrap();
}

#[tokio::test]
async fn strangers_and_others_partners_have_no_part_in_it() {
    let house = House::new().await;
    let (anna, ben, carla, operator) = three(&house).await;
    let carl = house.verified(&operator, "carl").await;
    let (eva, tom) = (house.member("eva").await, house.member("tom").await);
    house.link(&eva, &tom).await;
    let care_id = house.propose_care(&anna, proposal(&carla)).await.unwrap();
    let nothing = house.agree_to_care(&eva, &Uuid::from_u128(5).to_string()).await.err().unwrap();
    assert_eq!(nothing.code(), Code::NotFound);
    assert_eq!(visible(&house.agree_to_care(&eva, &care_id).await.err().unwrap()), visible(&nothing));
    house.agree_to_care(&ben, &care_id).await.unwrap();
    for refused in [house.take_couple_on(&carl, &care_id).await, house.decline_couple(&carl, &care_id).await]
    {
        assert_eq!(visible(&refused.err().unwrap()), visible(&nothing));
    }
    for stranger in [&eva, &tom, &carl] {
        house.end_couple_care(stranger, &care_id).await.unwrap();
    }
    assert_eq!(house.couples_of(&carla).await.len(), 1);
    assert!(house.couples_of(&carl).await.is_empty() && house.couple_care_of(&tom).await.is_empty());
    for by in [&anna, &operator] {
        assert_eq!(house.take_couple_on(by, &care_id).await.err().unwrap().code(), Code::PermissionDenied);
    }
    assert_eq!(
        house.propose_care(&carla, proposal(&carla)).await.err().unwrap().code(),
        Code::PermissionDenied
    );
    let alone = house.member("sam").await;
    assert_eq!(reason(&house.propose_care(&alone, proposal(&carla)).await.err().unwrap()), "NOT_LINKED");
    // It takes a fresh proof to propose and to agree.
    let mut request = house.by(&anna, proposal(&carl));
    let mut stale = house.passport_of(&anna);
    stale.authenticated_at = house.now() - SignedDuration::from_mins(6);
    request.extensions_mut().insert(stale);
    let refused = house.rpc.propose_couple_care(request).await.err().unwrap();
    assert_eq!(reason(&refused), "STEP_UP_REQUIRED");
}

#[tokio::test]
async fn a_licence_has_to_hold_for_both_and_nobody_learns_where_the_other_is() {
    let house = House::new().await;
    let (anna, ben, carla, operator) = three(&house).await;
    let care_id = house.propose_care(&anna, proposal(&carla)).await.unwrap();
    let refused = house.agree_from(&ben, &care_id, "AT").await.err().unwrap();
    assert_eq!(reason(&refused), "NOT_LICENSED_THERE");
    assert!(house.couples_of(&carla).await.is_empty());
    house.agree_to_care(&ben, &care_id).await.unwrap();
    house.take_couple_on(&carla, &care_id).await.unwrap();
    house.suspend(&operator, &carla, "A complaint.").await.unwrap();
    for person in [&anna, &ben] {
        assert!(house.couple_care_of(person).await[0].on_hold);
        assert!(house.heard(person, SecurityNoticeKind::CareOnHold).await);
        assert!(house.epochs().await.contains(&(person.account_id, carla.account_id, 1)));
    }
    assert!(house.couples_of(&carla).await.is_empty());
}

#[tokio::test]
async fn a_couple_is_in_one_counselors_care_and_three_proposals_of_one_are_open() {
    let house = House::new().await;
    let (anna, ben, carla, operator) = three(&house).await;
    let care_id = house.propose_care(&anna, proposal(&carla)).await.unwrap();
    assert_eq!(reason(&house.propose_care(&ben, proposal(&carla)).await.err().unwrap()), "ALREADY_PROPOSED");
    let mut others = Vec::new();
    for name in ["carl", "cora", "cem"] {
        others.push(house.verified(&operator, name).await);
    }
    for other in &others[..2] {
        house.propose_care(&anna, proposal(other)).await.unwrap();
    }
    let refused = house.propose_care(&anna, proposal(&others[2])).await.err().unwrap();
    assert_eq!(reason(&refused), "TOO_MANY_PROPOSALS");
    let his = house.propose_care(&ben, proposal(&others[2])).await.unwrap();
    house.agree_to_care(&anna, &his).await.unwrap();
    house.agree_to_care(&ben, &care_id).await.unwrap();
    house.take_couple_on(&carla, &care_id).await.unwrap();
    // Whatever else was open is over, and the other counselors do not hear of the one.
    assert_eq!(house.couple_care_of(&anna).await.len(), 1);
    assert!(house.couples_of(&others[2]).await.is_empty());
    assert_eq!(reason(&house.take_couple_on(&others[2], &his).await.err().unwrap()), "CARE_NOT_FOUND");
    assert_eq!(
        reason(&house.propose_care(&ben, proposal(&others[0])).await.err().unwrap()),
        "COUPLE_IN_CARE"
    );
}
