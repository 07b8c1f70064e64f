//! Keeping somebody away: what ends, and that they cannot tell why.

use crate::care::wish;
use crate::kit::{House, reason};
use crate::people::{shared_items, visible};
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
async fn a_block_by_a_code_ends_what_any_block_ends() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let (dora, emil) = (house.member("dora").await, house.member("emil").await);
    // Something is open to each: to a guest in the circle, to a host, to the partner.
    house.befriend(&anna, &dora).await;
    house.befriend(&emil, &anna).await;
    for other in [&dora, &ben] {
        house.open(other, shared_items(anna.account_id)).await.unwrap();
    }
    house.open(&anna, shared_items(emil.account_id)).await.unwrap();
    let mut codes = Vec::new();
    for other in [&dora, &emil, &ben] {
        codes.push(house.invite_trusted(other, "Anna", "").await.unwrap().code);
    }
    let made_up = "01ABC-DEFGH-JKMNP-QRSTV";
    for code in codes.iter().map(String::as_str).chain([made_up, "no code"]) {
        house.block(&anna, code).await.unwrap();
    }
    let nothing = house.refusal(shared_items(anna.account_id)).await;
    for (reader, owner) in [(&dora, &anna), (&emil, &anna), (&ben, &anna), (&anna, &emil), (&anna, &ben)] {
        let closed = house.open(reader, shared_items(owner.account_id)).await.err().unwrap();
        assert_eq!((visible(&closed), reason(&closed).as_str()), (visible(&nothing), "NOT_FOUND"));
    }
    assert!(house.couple_of(&anna).await.couple.is_none() && house.couple_of(&ben).await.couple.is_none());
    for person in [&anna, &dora, &emil] {
        let circles = house.circles_of(person).await;
        assert!(circles.people.is_empty() && circles.places.is_empty());
    }
    let pauses = house.pauses(&anna).await;
    assert!(pauses.len() == 3 && pauses.iter().all(|one| one.cause() == InvitationPauseCause::Blocked));
    assert_eq!(house.half_links().await, 0);
    for other in [&dora, &emil, &ben] {
        assert!(house.told_of(other).await.is_empty() && house.pauses(other).await.is_empty());
    }
}

#[tokio::test]
async fn two_who_block_each_other_by_codes_at_once_are_apart_and_neither_waits_for_ever() {
    let house = House::new().await;
    let other = house.replica();
    let (anna, ben) = house.couple().await;
    let annas = house.invite_trusted(&anna, "Ben", "").await.unwrap().code;
    let bens = house.invite_trusted(&ben, "Anna", "").await.unwrap().code;
    let (one, two, three) =
        tokio::join!(house.block(&anna, &bens), other.block(&ben, &annas), other.keep_away(&ben, &anna));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    for person in [&anna, &ben] {
        assert!(house.couple_of(person).await.couple.is_none());
        assert_eq!(house.pauses(person).await.len(), 1);
    }
    assert_eq!((house.half_links().await, house.told("accounts.v1.couple_unlinked").await), (0, 1));
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
