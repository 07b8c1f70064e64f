//! How long reports and suspensions are kept, and that their keys go with them.

use super::complaint;
use crate::kit::{House, PASSWORD};
use crate::people::Person;
use accounts::app::OwnPart;
use accounts::jobs;
use bus::erasure::Participant as _;
use jiff::SignedDuration;
use std::sync::Arc;
use uuid::Uuid;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Whether the key of a report or a suspension can still be had.
async fn has_key(house: &House, id: &str) -> bool {
    // Another replica: this one may remember it.
    house.replica().accounts.vault.data_key(id.parse::<Uuid>().unwrap()).await.is_ok()
}

async fn suspended(house: &House) -> (Person, Person, Person, String, String) {
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    let suspension_id = house.suspend_for(&operator, &report_id, 0).await.unwrap();
    let ben = house.signed_in("ben@example.org").await;
    house.object(&ben, "It was not me.").await.unwrap();
    (operator, anna, ben, report_id, suspension_id)
}

#[tokio::test]
async fn what_was_decided_goes_with_its_key_once_it_is_no_more_needed() {
    let house = House::new().await;
    let (operator, _, _, report_id, suspension_id) = suspended(&house).await;
    house.advance(DAY * 200);
    while jobs::destroy_reports(&house.accounts).await.unwrap() {}
    assert_eq!(house.count("report").await, 1, "as long as the suspension holds, it can be looked at");
    let operator = Person { session_id: house.signed_in("ops@example.org").await.session_id, ..operator };
    house.lift_suspension(&operator, &suspension_id).await.unwrap();
    while jobs::destroy_reports(&house.accounts).await.unwrap() {}
    assert_eq!((house.count("report").await, house.count("report_evidence").await), (0, 0));
    assert!(!has_key(&house, &report_id).await && has_key(&house, &suspension_id).await);
    house.advance(DAY * 181);
    while jobs::destroy_reports(&house.accounts).await.unwrap() {}
    assert_eq!(house.count("suspension").await, 0);
    assert!(!has_key(&house, &suspension_id).await);
}

#[tokio::test]
async fn what_nobody_decided_goes_after_a_year() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    house.advance(DAY * 366);
    while jobs::destroy_reports(&house.accounts).await.unwrap() {}
    assert_eq!(house.count("report").await, 1);
    house.advance(DAY);
    while jobs::destroy_reports(&house.accounts).await.unwrap() {}
    assert_eq!(house.count("report").await, 0);
    assert!(!has_key(&house, &report_id).await);
}

#[tokio::test]
async fn with_whoever_reported_goes_the_report_and_with_whoever_is_suspended_all_of_it() {
    for of_the_reporter in [true, false] {
        let house = House::new().await;
        let (operator, anna, ben, report_id, suspension_id) = suspended(&house).await;
        let gone = if of_the_reporter { &anna } else { &ben };
        let part = OwnPart(Arc::clone(&house.accounts));
        part.shred(gone.account_id).await.unwrap();
        let mut tx = house.pool().begin().await.unwrap();
        part.erase(&mut tx, gone.account_id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((house.count("report").await, house.count("report_evidence").await), (0, 0));
        assert!(!has_key(&house, &report_id).await);
        assert_eq!(has_key(&house, &suspension_id).await, of_the_reporter);
        assert_eq!(house.count("suspension").await, i64::from(of_the_reporter));
        if of_the_reporter {
            // What was decided stays, with its reason, and the appeal against it.
            assert!(house.is_held("ben@example.org").await);
            assert_eq!(house.case(&operator, &suspension_id).await.unwrap().appeal, "It was not me.");
        } else {
            assert!(house.sign_in("ben@example.org", PASSWORD).await.is_err());
        }
    }
}
