//! How care ends, or is held: by time, a suspension, a block, an erasure.

use super::{FORTNIGHT, wish};
use crate::{
    counselors::{application, licence},
    kit::{House, reason},
    people::visible,
};
use accounts::jobs;
use candor_proto::accounts::v1::{
    CareState, ListPeopleInCareRequest, SecurityNoticeKind, care_service_server::CareService as _,
};
use chassis::identity::Kind;
use jiff::SignedDuration;
use tonic::Code;
use uuid::Uuid;

#[tokio::test]
async fn a_request_is_over_after_a_fortnight_whether_or_not_the_job_has_run() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    let care_id = house.ask_for_care(&anna, wish(&carla)).await.unwrap();
    house.advance(FORTNIGHT - SignedDuration::from_secs(1));
    let carla = house.signed_in("carla@example.org").await;
    assert_eq!(house.people_of(&carla).await.len(), 1);
    house.advance(SignedDuration::from_secs(1));
    assert!(house.people_of(&carla).await.is_empty());
    assert_eq!(reason(&house.accept_care(&carla, &care_id).await.err().unwrap()), "CARE_NOT_FOUND");
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Expired as i32);
    assert_eq!(jobs::expire_care(&house.accounts).await.unwrap(), 1);
    assert_eq!(jobs::expire_care(&house.accounts).await.unwrap(), 0);
    let anna = house.signed_in("anna@example.org").await;
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Expired as i32);
    assert!(house.heard(&anna, SecurityNoticeKind::CareOver).await);
    // She can ask again at once, and care that began does not expire.
    let again = house.in_care(&anna, &carla).await;
    assert_ne!(again, care_id);
    house.advance(FORTNIGHT + FORTNIGHT);
    jobs::expire_care(&house.accounts).await.unwrap();
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Active as i32);
    // What led to nothing is forgotten in the end; what began is not.
    house.advance(SignedDuration::from_hours(91 * 24));
    house.look_at_licences().await;
    assert_eq!(house.care_of(&anna).await.len(), 1);
}

#[tokio::test]
async fn a_suspension_holds_care_at_once_and_the_former_counselor_sees_nobody() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, anna) = (house.verified(&operator, "carla").await, house.member("anna").await);
    let ben = house.member("ben").await;
    let care_id = house.in_care(&anna, &carla).await;
    let asked = house.ask_for_care(&ben, wish(&carla)).await.unwrap();
    house.suspend(&operator, &carla, "A complaint.").await.unwrap();
    assert_eq!(house.epochs().await, [(anna.account_id, carla.account_id, 1)]);
    // A passport of before is good for a minute, and for nothing here.
    assert!(house.people_of(&carla).await.is_empty());
    assert_eq!(reason(&house.accept_care(&carla, &asked).await.err().unwrap()), "SESSION_ENDED");
    assert_eq!(reason(&house.decline_care(&carla, &asked).await.err().unwrap()), "SESSION_ENDED");
    let now_a_member = house.signed_in("carla@example.org").await;
    assert_eq!(now_a_member.kind, Kind::Member);
    let request = house.by(&now_a_member, ListPeopleInCareRequest::default());
    assert_eq!(house.rpc.list_people_in_care(request).await.err().unwrap().code(), Code::PermissionDenied);
    assert!(
        house.care_of(&now_a_member).await.is_empty(),
        "what they have as a counselor is not theirs as a member"
    );
    let own = &house.care_of(&anna).await[0];
    assert!(own.on_hold && own.state == CareState::Active as i32);
    assert!(house.heard(&anna, SecurityNoticeKind::CareOnHold).await);
    let sam = house.member("sam").await;
    assert_eq!(reason(&house.ask_for_care(&sam, wish(&carla)).await.err().unwrap()), "COUNSELOR_NOT_FOUND");
    // Ben's request waits, as long as requests do; Anna leaves, without waiting for anybody.
    house.end_care(&anna, &care_id).await.unwrap();
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Ended as i32);
    house.verify_counselor(&operator, &carla).await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    assert_eq!(house.people_of(&carla).await.len(), 1);
    house.accept_care(&carla, &asked).await.unwrap();
}

#[tokio::test]
async fn the_moment_a_licence_is_over_care_is_held_and_a_new_one_brings_it_back() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, anna) = (house.verified(&operator, "carla").await, house.member("anna").await);
    house.in_care(&anna, &carla).await;
    house.clock.set("2025-01-01T00:00:00Z".parse().unwrap());
    // Before any job has looked.
    assert!(house.people_of(&carla).await.is_empty() && house.care_of(&anna).await[0].on_hold);
    house.look_at_licences().await;
    assert_eq!(house.epochs().await, [(anna.account_id, carla.account_id, 1)]);
    let carla = house.signed_in("carla@example.org").await;
    let mut renewed = application("carla");
    renewed.licences = vec![licence("PT-4711-0815", "DE", "2026-12-31")];
    house.submit(&carla, renewed).await.unwrap();
    let operator = house.signed_in("ops@example.org").await;
    house.verify_counselor(&operator, &carla).await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    assert_eq!(house.people_of(&carla).await[0].member_name, "Anna");
    assert!(!house.care_of(&anna).await[0].on_hold);
}

#[tokio::test]
async fn whom_a_member_blocks_sees_nothing_of_them_and_cannot_be_asked_until_it_is_lifted() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, anna) = (house.verified(&operator, "carla").await, house.member("anna").await);
    let care_id = house.in_care(&anna, &carla).await;
    // Somebody else's care blocks nobody.
    house.end_and_block(&anna, &Uuid::from_u128(9).to_string()).await.unwrap();
    assert_eq!(house.count("invitation_block").await, 0);
    assert_eq!(house.end_and_block(&carla, &care_id).await.err().unwrap().code(), Code::InvalidArgument);
    house.end_and_block(&anna, &care_id).await.unwrap();
    assert!(house.people_of(&carla).await.is_empty());
    assert_eq!(house.told("accounts.v1.care_ended").await, 1);
    assert_eq!(reason(&house.ask_for_care(&anna, wish(&carla)).await.err().unwrap()), "BLOCKED_BY_YOU");
    // All that the counselor hears is that care is over, as after any end.
    assert_eq!(
        house
            .told_of(&carla)
            .await
            .iter()
            .filter(|kind| **kind == SecurityNoticeKind::CareOver as i32)
            .count(),
        1
    );
    let mine = house.pauses(&anna).await;
    assert_eq!((mine.len(), mine[0].name.as_str()), (1, "carla"));
    house.lift(&anna, &mine[0].pause_id).await;
    house.ask_for_care(&anna, wish(&carla)).await.unwrap();
}

#[tokio::test]
async fn a_counselor_who_keeps_somebody_away_never_hears_of_their_request() {
    let house = House::new().await;
    let operator = house.operator().await;
    // Before she had a practice, she left him.
    let (carla, anna) = (house.member("carla").await, house.member("anna").await);
    house.link(&anna, &carla).await;
    house.unlink(&carla).await.unwrap();
    house.submit(&carla, application("carla")).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    let care_id = house.ask_for_care(&anna, wish(&carla)).await.unwrap();
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Asked as i32, "it looks like any request");
    assert!(!house.care_of(&anna).await[0].on_hold);
    assert!(house.people_of(&carla).await.is_empty());
    assert!(!house.heard(&carla, SecurityNoticeKind::CareAsked).await);
    let unknown = house.accept_care(&carla, &Uuid::from_u128(7).to_string()).await.err().unwrap();
    assert_eq!(visible(&house.accept_care(&carla, &care_id).await.err().unwrap()), visible(&unknown));
}

#[tokio::test]
async fn blocking_by_a_code_of_before_ends_care_as_well() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, anna) = (house.member("carla").await, house.member("anna").await);
    let code = house.invite(&carla, "Carla").await.unwrap().code;
    house.submit(&carla, application("carla")).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    house.in_care(&anna, &carla).await;
    house.block(&anna, &code).await.unwrap();
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Ended as i32);
    assert!(house.people_of(&carla).await.is_empty());
}

#[tokio::test]
async fn an_erasure_of_either_ends_care_when_it_is_asked_for_and_leaves_no_row() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    house.in_care(&anna, &carla).await;
    house.in_care(&ben, &carla).await;
    house.ask(&anna, false).await.unwrap();
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Ended as i32);
    assert_eq!(house.people_of(&carla).await.len(), 1);
    assert_eq!(house.told("accounts.v1.care_ended").await, 1);
    assert!(house.heard(&carla, SecurityNoticeKind::CareOver).await);
    house.advance(crate::erasure::WEEK);
    let erasure_id = house.erasure_id().await;
    house.go_through(erasure_id).await;
    house.publish().await;
    assert!(!house.tables_naming(anna.account_id).await.contains("public.care"));
    // Operators suspend a counselor before their account is a member's again, and can be erased.
    let operator = house.signed_in("ops@example.org").await;
    house.suspend(&operator, &carla, "She leaves.").await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    house.ask(&carla, false).await.unwrap();
    assert_eq!(house.care_of(&ben).await[0].state, CareState::Ended as i32);
    assert!(house.heard(&ben, SecurityNoticeKind::CareOver).await);
    assert_eq!(house.told("accounts.v1.care_ended").await, 1, "what was told before is published");
    house.advance(crate::erasure::WEEK);
    let erasure_id = house.erasure_id_of(&carla).await;
    house.go_through(erasure_id).await;
    assert!(house.care_of(&ben).await.is_empty());
}
