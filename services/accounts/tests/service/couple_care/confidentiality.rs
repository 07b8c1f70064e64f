//! How confidentiality is: changed by all three, from then on.

use super::{LIMITED, three};
use crate::{
    kit::{House, reason},
    people::Person,
};
use candor_proto::accounts::v1::{
    AgreeToConfidentialityRequest, ConfidentialityPolicy, DeclineConfidentialityRequest,
    ProposeConfidentialityRequest, SecurityNoticeKind, WithdrawConfidentialityRequest,
    couple_care_service_server::CoupleCareService as _,
};
use jiff::SignedDuration;
use tonic::Status;

const SEPARATE: i32 = ConfidentialityPolicy::Separate as i32;
const NO_SECRETS: i32 = ConfidentialityPolicy::NoSecrets as i32;

impl House {
    async fn propose_policy(&self, by: &Person, care_id: &str, policy: i32) -> Result<i32, Status> {
        let message = ProposeConfidentialityRequest { care_id: care_id.into(), policy };
        Ok(self.rpc.propose_confidentiality(self.by(by, message)).await?.into_inner().version)
    }

    async fn agree_to_policy(
        &self,
        by: &Person,
        care_id: &str,
        version: i32,
        policy: i32,
    ) -> Result<bool, Status> {
        let message = AgreeToConfidentialityRequest { care_id: care_id.into(), version, policy };
        Ok(self.rpc.agree_to_confidentiality(self.by(by, message)).await?.into_inner().counts)
    }

    async fn withdraw_policy(&self, by: &Person, care_id: &str, version: i32) -> Result<(), Status> {
        let message = WithdrawConfidentialityRequest { care_id: care_id.into(), version };
        self.rpc.withdraw_confidentiality(self.by(by, message)).await.map(drop)
    }

    async fn decline_policy(
        &self,
        by: &Person,
        care_id: &str,
        version: i32,
        policy: i32,
    ) -> Result<(), Status> {
        let message = DeclineConfidentialityRequest { care_id: care_id.into(), version, policy };
        self.rpc.decline_confidentiality(self.by(by, message)).await.map(drop)
    }

    /// The policies that count or counted, each with since when.
    async fn policies_of(&self, person: &Person) -> Vec<(i32, i64)> {
        let versions = &self.couple_care_of(person).await[0].confidentiality;
        versions.iter().map(|one| (one.policy, one.start_time.unwrap().seconds)).collect()
    }
}

#[tokio::test]
async fn a_change_counts_once_all_three_agreed_and_from_then_on_alone() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let began = house.now().as_second();
    let care_id = house.couple_in_care(&anna, &ben, &carla).await;
    assert_eq!(house.policies_of(&anna).await, [(LIMITED, began)]);
    house.advance(SignedDuration::from_hours(24));
    let (anna, ben) = (house.signed_in("anna@example.org").await, house.signed_in("ben@example.org").await);
    let carla = house.signed_in("carla@example.org").await;
    let version = house.propose_policy(&ben, &care_id, SEPARATE).await.unwrap();
    assert_eq!(version, 2);
    for other in [&anna, &carla] {
        assert!(house.heard(other, SecurityNoticeKind::ConfidentialityProposed).await);
    }
    // Whoever proposed it, and whoever agrees twice, is one voice.
    for _ in 0..2 {
        assert!(!house.agree_to_policy(&ben, &care_id, version, SEPARATE).await.unwrap());
        assert!(!house.agree_to_policy(&carla, &care_id, version, SEPARATE).await.unwrap());
    }
    let hers = house.couple_care_of(&anna).await.remove(0).proposal.unwrap();
    assert_eq!((hers.is_own, hers.agreed, hers.policy), (false, false, SEPARATE));
    assert_eq!(house.policies_of(&anna).await, [(LIMITED, began)], "two are not enough");
    house.advance(SignedDuration::from_hours(2));
    assert!(house.agree_to_policy(&anna, &care_id, version, SEPARATE).await.unwrap());
    let changed = house.now().as_second();
    for person in [&anna, &ben] {
        // What was said before stays under what counted then.
        assert_eq!(house.policies_of(person).await, [(LIMITED, began), (SEPARATE, changed)]);
        assert!(house.couple_care_of(person).await[0].proposal.is_none());
    }
    assert_eq!(house.couples_of(&carla).await[0].confidentiality.len(), 2);
    assert!(house.heard(&ben, SecurityNoticeKind::ConfidentialityChanged).await);
    let audited = house.audited_things(&care_id).await;
    assert_eq!(audited.last().unwrap(), &("confidentiality_changed".to_owned(), "member".to_owned()));
    // A version that counts is not changed, agreed to or taken back any more.
    for refused in [
        house.agree_to_policy(&ben, &care_id, version, SEPARATE).await.err().unwrap(),
        house.withdraw_policy(&ben, &care_id, version).await.err().unwrap(),
    ] {
        assert_eq!(reason(&refused), "PROPOSAL_GONE");
    }
    assert_eq!(
        reason(&house.propose_policy(&anna, &care_id, SEPARATE).await.err().unwrap()),
        "SAME_CONFIDENTIALITY"
    );
}

#[tokio::test]
async fn nobody_agrees_to_something_other_than_they_read() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let care_id = house.couple_in_care(&anna, &ben, &carla).await;
    let version = house.propose_policy(&ben, &care_id, SEPARATE).await.unwrap();
    assert_eq!(
        reason(&house.propose_policy(&carla, &care_id, NO_SECRETS).await.err().unwrap()),
        "PROPOSAL_WAITS"
    );
    // Somebody else's is not taken back.
    assert_eq!(
        reason(&house.withdraw_policy(&anna, &care_id, version).await.err().unwrap()),
        "PROPOSAL_GONE"
    );
    house.withdraw_policy(&ben, &care_id, version).await.unwrap();
    let other = house.propose_policy(&ben, &care_id, NO_SECRETS).await.unwrap();
    let refused = house.agree_to_policy(&anna, &care_id, other, SEPARATE).await.err().unwrap();
    assert_eq!(reason(&refused), "PROPOSAL_GONE");
    assert!(!house.agree_to_policy(&anna, &care_id, other, NO_SECRETS).await.unwrap());
    // After a fortnight it is over by itself.
    house.advance(crate::care::FORTNIGHT);
    let carla = house.signed_in("carla@example.org").await;
    assert!(house.couples_of(&carla).await[0].proposal.is_none());
    let refused = house.agree_to_policy(&carla, &care_id, other, NO_SECRETS).await.err().unwrap();
    assert_eq!(reason(&refused), "PROPOSAL_GONE");
    house.propose_policy(&carla, &care_id, SEPARATE).await.unwrap();
    let anna = house.signed_in("anna@example.org").await;
    assert_eq!(house.policies_of(&anna).await.len(), 1);
}

#[tokio::test]
async fn whoever_did_not_propose_it_declines_it_at_once_and_nobody_is_told_who() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let care_id = house.couple_in_care(&anna, &ben, &carla).await;
    for decliner in [&anna, &carla] {
        let version = house.propose_policy(&ben, &care_id, SEPARATE).await.unwrap();
        let told = house.count("security_notice").await;
        let refused = house.propose_policy(decliner, &care_id, NO_SECRETS).await.err().unwrap();
        assert_eq!(reason(&refused), "PROPOSAL_WAITS");
        // His own is taken back and not declined, and nothing but what was read is.
        for (by, policy) in [(&ben, SEPARATE), (decliner, NO_SECRETS)] {
            let refused = house.decline_policy(by, &care_id, version, policy).await.err().unwrap();
            assert_eq!(reason(&refused), "PROPOSAL_GONE");
        }
        // Also for one who agreed before.
        house.agree_to_policy(decliner, &care_id, version, SEPARATE).await.unwrap();
        house.decline_policy(decliner, &care_id, version, SEPARATE).await.unwrap();
        for person in [&anna, &ben] {
            assert!(house.couple_care_of(person).await[0].proposal.is_none());
        }
        assert_eq!(house.count("security_notice").await, told, "nobody is told");
        let again = house.decline_policy(decliner, &care_id, version, SEPARATE).await.err().unwrap();
        assert_eq!(reason(&again), "PROPOSAL_GONE");
        // It stops nobody else's any more.
        let other = house.propose_policy(decliner, &care_id, NO_SECRETS).await.unwrap();
        assert_eq!(other, version, "what never counted has no number");
        house.withdraw_policy(decliner, &care_id, other).await.unwrap();
    }
    assert_eq!(house.policies_of(&anna).await.len(), 1);
    assert!(
        house.audited_things(&care_id).await.iter().all(|(action, _)| action != "confidentiality_changed")
    );
    // What counts is not declined any more.
    let version = house.propose_policy(&ben, &care_id, SEPARATE).await.unwrap();
    for person in [&anna, &carla] {
        house.agree_to_policy(person, &care_id, version, SEPARATE).await.unwrap();
    }
    let late = house.decline_policy(&anna, &care_id, version, SEPARATE).await.err().unwrap();
    assert_eq!((reason(&late).as_str(), house.policies_of(&anna).await.len()), ("PROPOSAL_GONE", 2));
}

#[tokio::test]
async fn strangers_and_a_suspended_counselor_have_no_say() {
    let house = House::new().await;
    let (anna, ben, carla, operator) = three(&house).await;
    let carl = house.verified(&operator, "carl").await;
    let eva = house.member("eva").await;
    let asked = house.propose_care(&anna, super::proposal(&carla)).await.unwrap();
    let early = house.propose_policy(&anna, &asked, SEPARATE).await.err().unwrap();
    assert_eq!(reason(&early), "CARE_NOT_FOUND", "before it begins it is what both agree to with it");
    house.agree_to_care(&ben, &asked).await.unwrap();
    house.take_couple_on(&carla, &asked).await.unwrap();
    for stranger in [&carl, &eva, &operator] {
        let refused = house.propose_policy(stranger, &asked, SEPARATE).await.err().unwrap();
        assert!(matches!(reason(&refused).as_str(), "CARE_NOT_FOUND" | "NOT_YOURS_TO_DO"));
    }
    let version = house.propose_policy(&anna, &asked, SEPARATE).await.unwrap();
    for stranger in [&carl, &eva, &operator] {
        let refused = house.decline_policy(stranger, &asked, version, SEPARATE).await.err().unwrap();
        assert!(matches!(reason(&refused).as_str(), "CARE_NOT_FOUND" | "NOT_YOURS_TO_DO"));
    }
    house.agree_to_policy(&ben, &asked, version, SEPARATE).await.unwrap();
    house.suspend(&operator, &carla, "A complaint.").await.unwrap();
    let now_a_member = house.signed_in("carla@example.org").await;
    let refused = house.agree_to_policy(&now_a_member, &asked, version, SEPARATE).await.err().unwrap();
    assert_eq!(reason(&refused), "CARE_NOT_FOUND");
    assert_eq!(house.policies_of(&anna).await.len(), 1);
}
