//! When somebody is a counselor no more: by an operator's decision, or because no licence holds.

use super::{application, licence};
use crate::clients::test_keys;
use crate::kit::{House, reason};
use candor_proto::accounts::v1::{CounselorStanding, ListCounselorsRequest, SecurityNoticeKind};
use chassis::identity::Kind;
use jiff::SignedDuration;
use tonic::Code;

#[tokio::test]
async fn a_suspension_ends_at_once_what_only_a_counselor_may_do() {
    let house = House::new().await;
    let (operator, member) = (house.operator().await, house.member("anna").await);
    let carla = house.verified(&operator, "carla").await;
    let software = house.software(&carla, test_keys::ed25519(1), &["user/*.rs"]).await;
    let token = software.token(&house, "user/*.rs").await.unwrap().access_token;
    house.passport(&token).await.unwrap();

    house.suspend(&operator, &carla, "A complaint is looked into.").await.unwrap();
    assert_eq!(house.find(&member, &carla).await.err().unwrap().code(), Code::NotFound);
    assert!(house.counselors(&member, ListCounselorsRequest::default()).await.unwrap().counselors.is_empty());
    assert!(house.passport(&token).await.is_err());
    let refused = house.submit(&carla, application("carla")).await.err().unwrap();
    assert_eq!(reason(&refused), "SESSION_ENDED");
    let carla = house.signed_in("carla@example.org").await;
    assert_eq!(carla.kind, Kind::Member);
    let own = house.own_application(&carla).await.unwrap();
    assert_eq!((own.standing, own.expired), (CounselorStanding::Suspended as i32, false));
    assert_eq!(own.reason, "A complaint is looked into.");
    assert_eq!(house.told_of(&carla).await[0], SecurityNoticeKind::CounselorSuspended as i32);
    let again = house.suspend(&operator, &carla, "Again.").await.err().unwrap();
    assert_eq!(again.code(), Code::NotFound);
    // It cannot be taken back by forgetting it, and nothing submitted lifts it.
    assert_eq!(reason(&house.withdraw(&carla).await.err().unwrap()), "NOT_TO_TAKE_BACK");
    let own = house.submit(&carla, application("carla")).await.unwrap();
    assert_eq!(own.standing, CounselorStanding::Suspended as i32);
    assert_eq!(house.find(&member, &carla).await.err().unwrap().code(), Code::NotFound);
    house.verify_counselor(&operator, &carla).await.unwrap();
    house.find(&member, &carla).await.unwrap();
    let actions: Vec<_> = house.audited(&carla).await.into_iter().map(|(action, _)| action).collect();
    assert!(actions.contains(&"counselor_suspended".to_owned()));
}

#[tokio::test]
async fn a_licence_that_is_over_hides_its_holder_at_that_moment_and_the_job_suspends_and_tells() {
    let house = House::new().await;
    let (operator, member) = (house.operator().await, house.member("anna").await);
    let carla = house.verified(&operator, "carla").await;
    house.practice_mails().await;
    house.clock.set("2024-12-31T23:59:59Z".parse().unwrap());
    house.look_at_licences().await;
    house.find(&member, &carla).await.unwrap();

    house.advance(SignedDuration::from_secs(1));
    assert_eq!(house.find(&member, &carla).await.err().unwrap().code(), Code::NotFound);
    for _ in 0..2 {
        house.look_at_licences().await;
    }
    let carla = house.signed_in("carla@example.org").await;
    assert_eq!(carla.kind, Kind::Member);
    let own = house.own_application(&carla).await.unwrap();
    assert_eq!(
        (own.standing, own.expired, own.reason.as_str()),
        (CounselorStanding::Suspended as i32, true, "")
    );
    assert_eq!(house.told_of(&carla).await, [SecurityNoticeKind::CounselorExpired as i32]);
    assert_eq!(house.practice_mails().await, ["carla@example.org"]);
    assert_eq!(*house.audited(&carla).await.last().unwrap(), ("counselor_suspended".into(), "house".into()));

    // The same licence does not bring it back; a new one does, once it was checked.
    let refused = house.submit(&carla, application("carla")).await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let mut renewed = application("carla");
    renewed.licences = vec![licence("PT-4711-0815", "DE", "2026-12-31")];
    house.submit(&carla, renewed).await.unwrap();
    let operator = house.signed_in("ops@example.org").await;
    house.verify_counselor(&operator, &carla).await.unwrap();
    house.find(&member, &carla).await.unwrap();
}

#[tokio::test]
async fn a_licence_that_is_renewed_in_time_suspends_nobody() {
    let house = House::new().await;
    let (operator, member) = (house.operator().await, house.member("anna").await);
    let carla = house.verified(&operator, "carla").await;
    let mut renewed = application("carla");
    renewed.licences.push(licence("PT-4711-0815", "DE", "2026-12-31"));
    house.submit(&carla, renewed).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    house.clock.set("2025-01-01T00:00:00Z".parse().unwrap());
    house.look_at_licences().await;
    let found = house.find(&member, &carla).await.unwrap();
    assert_eq!(found.licences.len(), 1);
    assert_eq!(found.licences[0].last_day, "2026-12-31");
}
