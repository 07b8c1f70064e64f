//! Joint sessions: locked until each was seen alone; and neither of the two learns of whom it hangs.

use super::three;
use crate::{
    kit::{House, reason},
    people::Person,
};
use candor_proto::accounts::v1::{
    ConfirmSeenAloneRequest, LockJointSessionsRequest, couple_care_service_server::CoupleCareService as _,
};
use tonic::{Code, Status};

impl House {
    async fn seen_alone(&self, by: &Person, care_id: &str, whom: &Person) -> Result<(), Status> {
        let member_account_id = whom.account_id.to_string();
        let message = ConfirmSeenAloneRequest { care_id: care_id.into(), member_account_id };
        self.rpc.confirm_seen_alone(self.by(by, message)).await.map(drop)
    }

    async fn lock_joint(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        let message = LockJointSessionsRequest { care_id: care_id.into() };
        self.rpc.lock_joint_sessions(self.by(by, message)).await.map(drop)
    }
}

#[tokio::test]
async fn they_open_once_each_was_seen_alone_and_until_then_the_two_see_the_same() {
    let house = House::new().await;
    let (anna, ben, carla, operator) = three(&house).await;
    let care_id = house.couple_in_care(&anna, &ben, &carla).await;
    let locked = (house.couple_care_of(&anna).await, house.couple_care_of(&ben).await);
    house.seen_alone(&carla, &care_id, &anna).await.unwrap();
    house.seen_alone(&carla, &care_id, &anna).await.unwrap();
    assert!(!house.couples_of(&carla).await[0].joint_sessions_open, "one twice is not both");
    // Nothing that either reads has changed by it.
    assert!((house.couple_care_of(&anna).await, house.couple_care_of(&ben).await) == locked);
    // Only the two of them are confirmed, and only by their counselor.
    let carl = house.verified(&operator, "carl").await;
    assert_eq!(reason(&house.seen_alone(&carla, &care_id, &carl).await.err().unwrap()), "CARE_NOT_FOUND");
    assert_eq!(reason(&house.seen_alone(&carl, &care_id, &ben).await.err().unwrap()), "CARE_NOT_FOUND");
    assert_eq!(house.seen_alone(&ben, &care_id, &ben).await.err().unwrap().code(), Code::PermissionDenied);
    house.seen_alone(&carla, &care_id, &ben).await.unwrap();
    for person in [&anna, &ben] {
        assert!(house.couple_care_of(person).await[0].joint_sessions_open);
    }
    assert!(house.couples_of(&carla).await[0].joint_sessions_open);

    house.lock_joint(&carla, &care_id).await.unwrap();
    assert!(
        (house.couple_care_of(&anna).await, house.couple_care_of(&ben).await) == locked,
        "as before, without a word"
    );
    assert_eq!(reason(&house.lock_joint(&carl, &care_id).await.err().unwrap()), "CARE_NOT_FOUND");
    assert_eq!(house.lock_joint(&anna, &care_id).await.err().unwrap().code(), Code::PermissionDenied);
    let audited: Vec<_> =
        house.audited_things(&care_id).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(audited.iter().filter(|action| *action == "seen_alone_confirmed").count(), 3);
    assert_eq!(audited.last().unwrap(), "joint_sessions_locked");
}

#[tokio::test]
async fn nothing_is_confirmed_before_care_begins_or_after_it_is_over() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let care_id = house.propose_care(&anna, super::proposal(&carla)).await.unwrap();
    house.agree_to_care(&ben, &care_id).await.unwrap();
    for member in [&anna, &ben] {
        assert_eq!(
            reason(&house.seen_alone(&carla, &care_id, member).await.err().unwrap()),
            "CARE_NOT_FOUND"
        );
    }
    house.take_couple_on(&carla, &care_id).await.unwrap();
    house.end_couple_care(&anna, &care_id).await.unwrap();
    assert_eq!(reason(&house.seen_alone(&carla, &care_id, &anna).await.err().unwrap()), "CARE_NOT_FOUND");
}
