//! Two who act on the same care at once.

use super::wish;
use crate::kit::{House, reason};
use candor_proto::accounts::v1::CareState;

#[tokio::test]
async fn a_counselor_who_accepts_twice_at_once_accepts_once() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    let care_id = house.ask_for_care(&anna, wish(&carla)).await.unwrap();
    let (one, other) = tokio::join!(house.accept_care(&carla, &care_id), house.accept_care(&carla, &care_id));
    one.unwrap();
    other.unwrap();
    assert_eq!(house.told("accounts.v1.care_started").await, 1);
    assert_eq!(house.audited_things(&care_id).await.len(), 1);
}

#[tokio::test]
async fn what_is_taken_back_while_it_is_accepted_is_over_whoever_was_first() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    for round in 0..8 {
        let member = house.member(&format!("member{round}")).await;
        let care_id = house.ask_for_care(&member, wish(&carla)).await.unwrap();
        let (accepted, ended) =
            tokio::join!(house.accept_care(&carla, &care_id), house.end_care(&member, &care_id));
        ended.unwrap();
        if let Err(refused) = accepted {
            assert_eq!(reason(&refused), "CARE_NOT_FOUND");
        }
        assert_eq!(house.care_of(&member).await[0].state, CareState::Ended as i32);
    }
    assert!(house.people_of(&carla).await.is_empty());
    // Each that began was told to have ended.
    let (began, ended) =
        (house.told("accounts.v1.care_started").await, house.told("accounts.v1.care_ended").await);
    assert_eq!(began, ended);
}

#[tokio::test]
async fn asking_twice_at_once_is_one_request() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    let (one, other) =
        tokio::join!(house.ask_for_care(&anna, wish(&carla)), house.ask_for_care(&anna, wish(&carla)));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(house.people_of(&carla).await.len(), 1);
}

#[tokio::test]
async fn a_suspension_and_an_acceptance_at_once_leave_nothing_open() {
    let house = House::new().await;
    let operator = house.operator().await;
    for round in 0..4 {
        let counselor = house.verified(&operator, &format!("counselor{round}")).await;
        let member = house.member(&format!("member{round}")).await;
        let care_id = house.ask_for_care(&member, wish(&counselor)).await.unwrap();
        let (accepted, suspended) = tokio::join!(
            house.accept_care(&counselor, &care_id),
            house.suspend(&operator, &counselor, "A complaint."),
        );
        suspended.unwrap();
        let own = &house.care_of(&member).await[0];
        assert!(own.on_hold);
        let raised = house.epochs().await.contains(&(member.account_id, counselor.account_id, 1));
        assert_eq!(raised, accepted.is_ok(), "what began was closed");
        assert_eq!(own.state == CareState::Active as i32, accepted.is_ok());
    }
}
