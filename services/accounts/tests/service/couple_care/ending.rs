//! How care of a couple ends.

use super::{proposal, three};
use crate::kit::{House, reason};
use candor_proto::accounts::v1::SecurityNoticeKind;
use uuid::Uuid;

async fn pairs_of(house: &House, people: [Uuid; 2], counselor: Uuid) -> usize {
    let raised = house.epochs().await;
    let is_between = |(owner, reader, _): &&(Uuid, Uuid, i64)| {
        people.contains(owner) && *reader == counselor || people.contains(reader) && *owner == counselor
    };
    raised.iter().filter(is_between).count()
}

#[tokio::test]
async fn either_partner_leaves_at_once_and_the_other_is_told_neither_when_nor_why() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let care_id = house.couple_in_care(&anna, &ben, &carla).await;
    let told = house.told_of(&anna).await;
    for _ in 0..2 {
        house.end_couple_care(&ben, &care_id).await.unwrap();
    }
    for person in [&anna, &ben] {
        assert!(house.couple_care_of(person).await.is_empty());
    }
    assert_eq!(house.told_of(&anna).await, told, "no notice, so no time");
    assert!(house.heard(&carla, SecurityNoticeKind::CareOver).await);
    assert!(house.couples_of(&carla).await.is_empty());
    assert_eq!(house.told("accounts.v1.care_ended").await, 1);
    assert_eq!(pairs_of(&house, [anna.account_id, ben.account_id], carla.account_id).await, 4);
    let kept: Vec<Option<Vec<u8>>> =
        sqlx::query_scalar("SELECT name FROM couple_care_member").fetch_all(house.pool()).await.unwrap();
    assert_eq!(kept, [None, None]);
    assert!(house.couple_of(&anna).await.couple.is_some(), "they are linked as before");
}

#[tokio::test]
async fn when_the_counselor_ends_it_the_two_see_the_same_as_when_one_of_them_does() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let care_id = house.couple_in_care(&anna, &ben, &carla).await;
    let told = (house.told_of(&anna).await, house.told_of(&ben).await);
    house.end_couple_care(&carla, &care_id).await.unwrap();
    assert!(house.couple_care_of(&anna).await.is_empty() && house.couple_care_of(&ben).await.is_empty());
    assert_eq!((house.told_of(&anna).await, house.told_of(&ben).await), told);
    // A no of the counselor's is an answer to both.
    let asked = house.propose_care(&anna, proposal(&carla)).await.unwrap();
    house.agree_to_care(&ben, &asked).await.unwrap();
    house.decline_couple(&carla, &asked).await.unwrap();
    let answers = house.told_of(&ben).await;
    assert_eq!(answers.iter().filter(|kind| **kind == SecurityNoticeKind::CareAnswered as i32).count(), 2);
    assert!(house.couple_care_of(&anna).await.is_empty());
    assert_eq!(reason(&house.decline_couple(&carla, &asked).await.err().unwrap()), "CARE_NOT_FOUND");
}

#[tokio::test]
async fn it_ends_with_the_link_and_a_later_link_revives_nothing() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let care_id = house.couple_in_care(&anna, &ben, &carla).await;
    house.unlink(&ben).await.unwrap();
    assert!(house.couple_care_of(&anna).await.is_empty() && house.couples_of(&carla).await.is_empty());
    assert_eq!(house.told("accounts.v1.care_ended").await, 1);
    assert!(house.heard(&carla, SecurityNoticeKind::CareOver).await);
    assert!(house.told_of(&anna).await.iter().all(|kind| *kind != SecurityNoticeKind::CareOver as i32));
    house.forget_pauses().await;
    house.link(&anna, &ben).await;
    assert!(house.couple_care_of(&ben).await.is_empty());
    assert_eq!(reason(&house.agree_to_care(&ben, &care_id).await.err().unwrap()), "CARE_NOT_FOUND");
    // A proposal ends with it as well.
    let proposed = house.propose_care(&anna, proposal(&carla)).await.unwrap();
    house.unlink(&anna).await.unwrap();
    assert_eq!(reason(&house.agree_to_care(&ben, &proposed).await.err().unwrap()), "CARE_NOT_FOUND");
}

#[tokio::test]
async fn whom_one_of_the_two_blocks_is_in_care_of_neither_and_learns_of_no_block() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    let alone = house.in_care(&ben, &carla).await;
    let care_id = house.couple_in_care(&anna, &ben, &carla).await;
    house.end_and_block(&ben, &alone).await.unwrap();
    assert!(house.couples_of(&carla).await.is_empty() && house.couple_care_of(&anna).await.is_empty());
    house.end_couple_care(&anna, &care_id).await.unwrap();
    // She proposes them again: his block shows to nobody but him.
    let again = house.propose_care(&anna, proposal(&carla)).await.unwrap();
    assert_eq!(reason(&house.agree_to_care(&ben, &again).await.err().unwrap()), "BLOCKED_BY_YOU");
    assert_eq!(house.couple_care_of(&anna).await.len(), 1);
}

#[tokio::test]
async fn an_erasure_of_any_of_the_three_ends_it_when_it_is_asked_for_and_leaves_no_row() {
    let house = House::new().await;
    let (anna, ben, carla, _) = three(&house).await;
    house.couple_in_care(&anna, &ben, &carla).await;
    house.ask(&anna, false).await.unwrap();
    assert!(house.couple_care_of(&ben).await.is_empty() && house.couples_of(&carla).await.is_empty());
    assert_eq!(house.told("accounts.v1.care_ended").await, 1);
    house.advance(crate::erasure::WEEK);
    let erasure_id = house.erasure_id().await;
    house.go_through(erasure_id).await;
    assert_eq!(house.count("couple_care").await + house.count("couple_care_member").await, 0);
    assert_eq!(house.count("couple_care_policy").await, 0);

    let eva = house.member("eva").await;
    let (ben, carla) = (house.signed_in("ben@example.org").await, house.signed_in("carla@example.org").await);
    house.link(&eva, &ben).await;
    house.couple_in_care(&eva, &ben, &carla).await;
    let operator = house.signed_in("ops@example.org").await;
    house.suspend(&operator, &carla, "She leaves.").await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    house.ask(&carla, false).await.unwrap();
    assert!(house.couple_care_of(&ben).await.is_empty());
    assert_eq!(house.told("accounts.v1.care_ended").await, 1);
}
