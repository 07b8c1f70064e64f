//! Two who act on the care of the same couple at once.

use super::{proposal, three};
use crate::kit::{House, reason};

#[tokio::test]
async fn an_agreement_and_a_taking_back_at_once_leave_nothing_half() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    for _ in 0..4 {
        let care_id = house.propose_care(&anna, proposal(&carla)).await.unwrap();
        let (agreed, ended) =
            tokio::join!(house.agree_to_care(&ben, &care_id), house.end_couple_care(&anna, &care_id));
        ended.unwrap();
        if let Err(refused) = agreed {
            assert_eq!(reason(&refused), "CARE_NOT_FOUND");
        }
        assert!(house.couple_care_of(&ben).await.is_empty() && house.couples_of(&carla).await.is_empty());
    }
    assert_eq!(house.told("accounts.v1.care_started").await, 0);
}

#[tokio::test]
async fn an_acceptance_and_a_parting_at_once_leave_nobody_in_care() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    for _ in 0..4 {
        let care_id = house.propose_care(&anna, proposal(&carla)).await.unwrap();
        house.agree_to_care(&ben, &care_id).await.unwrap();
        let (accepted, parted) = tokio::join!(house.take_couple_on(&carla, &care_id), house.unlink(&ben));
        parted.unwrap();
        if let Err(refused) = accepted {
            assert_eq!(reason(&refused), "CARE_NOT_FOUND");
        }
        assert!(house.couples_of(&carla).await.is_empty() && house.couple_care_of(&anna).await.is_empty());
        house.forget_pauses().await;
        house.advance(jiff::SignedDuration::from_hours(5));
        house.link(&anna, &ben).await;
    }
    let (began, ended) =
        (house.told("accounts.v1.care_started").await, house.told("accounts.v1.care_ended").await);
    assert_eq!(began, ended);
}

#[tokio::test]
async fn of_two_counselors_who_accept_at_once_one_is_theirs() {
    let house = House::new().await;
    let (anna, ben, carla, operator) = three(&house).await;
    let carl = house.verified(&operator, "carl").await;
    let (one, other) = (
        house.propose_care(&anna, proposal(&carla)).await.unwrap(),
        house.propose_care(&ben, proposal(&carl)).await.unwrap(),
    );
    house.agree_to_care(&ben, &one).await.unwrap();
    house.agree_to_care(&anna, &other).await.unwrap();
    let (first, second) =
        tokio::join!(house.take_couple_on(&carla, &one), house.take_couple_on(&carl, &other));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(house.couple_care_of(&anna).await.len(), 1);
    assert_eq!(house.told("accounts.v1.care_started").await, 1);
}
