//! What operators decide on a report, and who decides on an appeal.

use super::complaint;
use crate::care::wish;
use crate::counselors::application;
use crate::kit::{House, reason};
use accounts::app::moderation;
use candor_proto::accounts::v1::{
    AppealState, CounselorStanding, ListCounselorsRequest, ReportState, SecurityNoticeKind, SuspensionReason,
};
use chassis::identity::Kind;
use jiff::SignedDuration;
use tonic::Code;
use uuid::Uuid;

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn a_report_is_decided_once() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let (first, second) = (
        house.complain(&anna, complaint(&ben)).await.unwrap(),
        house.complain(&anna, complaint(&ben)).await.unwrap(),
    );
    house.dismiss(&operator, &first).await.unwrap();
    for refused in [
        house.dismiss(&operator, &first).await.err().unwrap(),
        house.suspend_for(&operator, &first, 0).await.err().unwrap(),
    ] {
        assert_eq!(reason(&refused), "DECIDED_ALREADY");
    }
    assert!(house.suspension_of(&ben).await.is_none() && house.told_of(&ben).await.is_empty());
    assert_eq!(house.reports(&operator, false).await.len(), 1);
    assert!(house.reports(&operator, true).await[0].state() == ReportState::Dismissed);
    let suspension_id = house.suspend_for(&operator, &second, 0).await.unwrap();
    let seen = house.read_report(&operator, &second).await.unwrap();
    assert_eq!(seen.suspension_id, suspension_id);
    assert!(seen.report.unwrap().state() == ReportState::Suspended);
    let dismissed = house.record_of(first.parse().unwrap()).await;
    assert_eq!(dismissed, [("report_dismissed".to_owned(), Some(operator.account_id), "{}".to_owned())]);
    let (action, actor, details) = house.record_of(ben.account_id).await.pop().unwrap();
    assert_eq!((action.as_str(), actor), ("account_suspended", Some(operator.account_id)));
    for said in ["\"days\":0", "\"reason\":\"threat\"", second.as_str(), suspension_id.as_str()] {
        assert!(details.contains(said), "{said}: {details}");
    }
}

#[tokio::test]
async fn a_suspension_signs_out_closes_invitations_and_ends_by_itself() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let code = house.invite_trusted(&ben, "A friend", "").await.unwrap().code;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    assert!(!house.is_held("ben@example.org").await);
    house.suspend_for(&operator, &report_id, 7).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM session WHERE account_id = $1 AND ended_at IS NULL")
            .bind(ben.account_id)
            .fetch_one(house.pool())
            .await
            .unwrap();
    assert_eq!(left, 0);
    assert!(house.preview(&code).await.is_err());
    assert!(house.is_held("ben@example.org").await);
    let ben = house.signed_in("ben@example.org").await;
    let seen = house.suspension_of(&ben).await.unwrap();
    assert!(seen.reason() == SuspensionReason::Threat && seen.end_time.is_some());
    assert!(house.heard(&ben, SecurityNoticeKind::AccountSuspended).await);
    // She is told nothing, and they are still linked, until either ends it.
    assert!(house.told_of(&anna).await.is_empty() && house.couple_of(&anna).await.couple.is_some());
    assert!(house.suspension_of(&anna).await.is_none());
    house.advance(DAY * 7);
    assert!(!house.is_held("ben@example.org").await);
    assert!(
        house.suspension_of(&ben).await.is_none() && house.suspensions(&operator, false).await.is_empty()
    );
    // The next one begins where the last is over.
    let again = house.complain(&anna, complaint(&ben)).await.unwrap();
    house.suspend_for(&operator, &again, 0).await.unwrap();
    assert!(house.is_held("ben@example.org").await);
}

#[tokio::test]
async fn a_counselor_who_is_suspended_is_none_and_does_not_become_one() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carla).await;
    let report_id = house.complain(&anna, complaint(&carla)).await.unwrap();
    let suspension_id = house.suspend_for(&operator, &report_id, 0).await.unwrap();
    assert!(
        house.care_of(&anna).await[0].on_hold && house.heard(&anna, SecurityNoticeKind::CareOnHold).await
    );
    assert!(house.find(&anna, &carla).await.is_err());
    assert!(house.ask_for_care(&anna, wish(&carla)).await.is_ok(), "what is open stays, on hold");
    assert!(house.is_held("carla@example.org").await);
    let refused = house.verify_counselor(&operator, &carla).await.err().unwrap();
    assert_eq!(reason(&refused), "APPLICANT_SUSPENDED");
    house.lift_suspension(&operator, &suspension_id).await.unwrap();
    assert!(house.find(&anna, &carla).await.is_err(), "that is decided anew");
    let carla = house.signed_in("carla@example.org").await;
    house.submit(&carla, application("carla")).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    assert!(!house.queue(&operator, CounselorStanding::Verified).await.is_empty());
}

#[tokio::test]
async fn an_appeal_is_made_once_and_decided_by_another() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    let suspension_id = house.suspend_for(&operator, &report_id, 0).await.unwrap();
    let ben = house.signed_in("ben@example.org").await;
    assert_eq!(
        reason(&house.decide(&operator, &suspension_id, true).await.err().unwrap()),
        "NO_APPEAL_WAITS"
    );
    house.object(&ben, " That was my brother's telephone. ").await.unwrap();
    assert_eq!(reason(&house.object(&ben, "And again.").await.err().unwrap()), "APPEALED_ALREADY");
    assert_eq!(reason(&house.object(&anna, "I am not.").await.err().unwrap()), "NOT_SUSPENDED");
    assert!(!house.dump().await.contains("brother"));
    let waiting = house.suspensions(&operator, true).await;
    assert!(waiting.len() == 1 && waiting[0].own && waiting[0].appeal_state() == AppealState::Waiting);
    assert_eq!(
        house.case(&operator, &suspension_id).await.unwrap().appeal,
        "That was my brother's telephone."
    );

    let second = house.second_operator().await;
    let refused = house.decide(&operator, &suspension_id, false).await.err().unwrap();
    assert_eq!(reason(&refused), "ANOTHER_OPERATOR_DECIDES");
    let refused = house.decide(&operator, &suspension_id, true).await.err().unwrap();
    assert_eq!(reason(&refused), "ANOTHER_OPERATOR_DECIDES");
    assert!(!house.suspensions(&second, true).await[0].own);
    house.decide(&second, &suspension_id, true).await.unwrap();
    assert!(!house.is_held("ben@example.org").await);
    assert!(house.heard(&ben, SecurityNoticeKind::SuspensionLifted).await);
    let (action, actor, details) = house.record_of(ben.account_id).await.pop().unwrap();
    assert_eq!((action.as_str(), actor), ("appeal_decided", Some(second.account_id)));
    assert!(details.contains("granted") && !details.contains("operators"), "{details}");
    let looks = house.record_of(suspension_id.parse().unwrap()).await;
    assert_eq!((looks.len(), looks[0].0.as_str()), (1, "suspension_looked_at"));
    assert_eq!(reason(&house.decide(&second, &suspension_id, true).await.err().unwrap()), "NO_APPEAL_WAITS");
    house.lift_suspension(&second, &suspension_id).await.unwrap();
    assert_eq!(house.record_of(ben.account_id).await.len(), 2, "what is over is lifted no more");
}

#[tokio::test]
async fn where_there_is_one_operator_the_audit_says_so() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    let suspension_id = house.suspend_for(&operator, &report_id, 0).await.unwrap();
    let ben = house.signed_in("ben@example.org").await;
    house.object(&ben, "It was not me.").await.unwrap();
    house.decide(&operator, &suspension_id, false).await.unwrap();
    let seen = house.suspension_of(&ben).await.unwrap();
    assert!(seen.appeal_state() == AppealState::Refused && seen.appeal == "It was not me.");
    assert!(house.heard(&ben, SecurityNoticeKind::AppealRefused).await);
    assert!(house.record_of(ben.account_id).await.pop().unwrap().2.contains("\"operators\":\"one\""));
    assert!(house.is_held("ben@example.org").await);
    house.lift_suspension(&operator, &suspension_id).await.unwrap();
    assert!(!house.is_held("ben@example.org").await);
}

#[tokio::test]
async fn those_who_run_the_place_are_not_suspended_and_nothing_unknown_is_decided() {
    let house = House::new().await;
    let (operator, second) = (house.operator().await, house.second_operator().await);
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    sqlx::query("UPDATE report SET about_id = $1")
        .bind(second.account_id)
        .execute(house.pool())
        .await
        .unwrap();
    assert_eq!(reason(&house.suspend_for(&operator, &report_id, 0).await.err().unwrap()), "NOT_TO_SUSPEND");
    let unknown = Uuid::nil().to_string();
    for refused in [
        house.case(&operator, &unknown).await.err().unwrap(),
        house.decide(&operator, &unknown, true).await.err().unwrap(),
        house.lift_suspension(&operator, &unknown).await.err().unwrap(),
    ] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "SUSPENSION_NOT_FOUND"));
    }
}

#[tokio::test]
async fn whoever_is_verified_while_a_suspension_is_prepared_is_not_listed_after_it() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, carla) = (house.member("anna").await, house.member("carla").await);
    house.befriend(&anna, &carla).await;
    let report_id = house.complain(&anna, complaint(&carla)).await.unwrap();
    let place = house.circles_of(&carla).await.places.remove(0).circle_id;
    house.leave(&carla, &place).await.unwrap();
    // Nobody has applied yet.
    let (by, id) = (house.passport_of(&operator), report_id.parse().unwrap());
    let reason = accounts::domain::SuspensionReason::Threat;
    let sentence = moderation::prepare_sentence(&house.accounts, by.account_id, id, reason, 0).await.unwrap();
    house.submit(&carla, application("carla")).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    assert!(house.find(&anna, &carla).await.is_ok());
    let mut tx = house.pool().begin().await.unwrap();
    moderation::suspend(&house.accounts, &mut tx, &by, sentence).await.unwrap();
    tx.commit().await.unwrap();
    assert!(house.find(&anna, &carla).await.is_err());
    let listed = house.counselors(&anna, ListCounselorsRequest::default()).await.unwrap();
    assert!(listed.counselors.is_empty());
    assert!(house.queue(&operator, CounselorStanding::Verified).await.is_empty());
    assert_eq!(house.signed_in("carla@example.org").await.kind, Kind::Member);
    assert!(house.heard(&carla, SecurityNoticeKind::CounselorSuspended).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whichever_comes_first_nobody_is_suspended_and_listed() {
    let house = std::sync::Arc::new(House::new().await);
    let (operator, second) = (house.operator().await, house.second_operator().await);
    let anna = house.member("anna").await;
    for round in 0..4 {
        let name = format!("carla{round}");
        let carla = house.member(&name).await;
        house.befriend(&anna, &carla).await;
        let report_id = house.complain(&anna, complaint(&carla)).await.unwrap();
        let place = house.circles_of(&carla).await.places.remove(0).circle_id;
        house.leave(&carla, &place).await.unwrap();
        house.submit(&carla, application(&name)).await.unwrap();
        let verifying = {
            let (house, operator, carla) = (house.clone(), operator.clone(), carla.clone());
            tokio::spawn(async move { house.verify_counselor(&operator, &carla).await })
        };
        house.suspend_for(&second, &report_id, 0).await.unwrap();
        let _whichever = verifying.await.unwrap();
        assert!(house.find(&anna, &carla).await.is_err(), "round {round}");
        assert_eq!(house.signed_in(&format!("{name}@example.org")).await.kind, Kind::Member);
    }
}
