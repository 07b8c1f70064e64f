//! Keeping somebody away: what ends, and that they cannot tell why.

use crate::care::wish;
use crate::kit::House;
use candor_proto::accounts::v1::{CareState, InvitationPauseCause, SecurityNoticeKind};

#[tokio::test]
async fn a_block_ends_the_link_and_nothing_of_theirs_arrives() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    for _ in 0..2 {
        house.keep_away(&anna, &ben).await.unwrap();
    }
    assert!(house.couple_of(&ben).await.couple.is_none() && house.couple_of(&anna).await.couple.is_none());
    assert!(house.told_of(&ben).await.is_empty(), "he reads that he is not linked, and no more");
    assert_eq!(house.half_links().await, 0);
    let pauses = house.pauses(&anna).await;
    assert!(pauses.len() == 1 && pauses[0].cause() == InvitationPauseCause::Blocked);
    assert_eq!(pauses[0].name, "Ben");
    assert!(house.pauses(&ben).await.is_empty());
    let code = house.invite(&ben, "Ben").await.unwrap().code;
    assert!(house.accept(&anna, &code, "Anna").await.is_err());
    // She lifts it, and it is as before.
    house.lift(&anna, &pauses[0].pause_id).await;
    house.accept(&anna, &code, "Anna").await.unwrap();
}

#[tokio::test]
async fn a_block_ends_places_in_circles_and_care() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let (anna, dora) = (house.member("anna").await, house.member("dora").await);
    house.befriend(&anna, &dora).await;
    house.befriend(&dora, &anna).await;
    house.keep_away(&dora, &anna).await.unwrap();
    for person in [&anna, &dora] {
        let circles = house.circles_of(person).await;
        assert!(circles.people.is_empty() && circles.places.is_empty());
    }
    assert_eq!(house.pauses(&dora).await.len(), 1);

    house.in_care(&anna, &carla).await;
    house.keep_away(&anna, &carla).await.unwrap();
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Ended as i32);
    assert!(house.heard(&carla, SecurityNoticeKind::CareOver).await);
    assert!(house.ask_for_care(&anna, wish(&carla)).await.is_err(), "until she lifts it");
    assert_eq!(house.pauses(&anna).await[0].name, "carla");
}

#[tokio::test]
async fn whom_one_knew_once_is_blocked_without_a_name() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    house.unlink(&ben).await.unwrap();
    house.forget_pauses().await;
    house.keep_away(&anna, &ben).await.unwrap();
    let pauses = house.pauses(&anna).await;
    assert!(pauses[0].name.is_empty() && pauses[0].cause() == InvitationPauseCause::Blocked);
}
