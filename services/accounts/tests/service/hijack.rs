//! Whoever registers a stranger's address first holds nothing, and tokens work once.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use accounts::{app, jobs};
use candor_proto::accounts::v1::{GetMeRequest, identity_service_server::IdentityService as _};
use jiff::SignedDuration;
use tonic::Code;

const ANNA: &str = "anna@example.org";

#[tokio::test]
async fn an_address_registered_ahead_by_a_stranger_becomes_its_owners() {
    let house = House::new().await;
    house.register_from("ANNA@example.org", OTHER_PASSWORD, "Asia/Tokyo").await.unwrap();
    house.work().await;
    let strangers = house.mails().pop().unwrap().token();
    house.register(ANNA, PASSWORD).await.unwrap();
    house.work().await;
    let annas = house.mails().pop().unwrap().token();

    // The mail that the stranger caused lies in Anna's inbox as well: it must not give the account away.
    let refused = house.verify(&strangers).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "VERIFICATION_NOT_FOUND"));
    house.verify(&annas).await.unwrap();
    house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();

    let request = house.with_passport(&session.passport, GetMeRequest {}).await;
    let me = house.rpc.get_me(request).await.unwrap().into_inner().account.unwrap();
    assert_eq!((me.email.as_str(), me.time_zone.as_str(), me.locale.as_str()), (ANNA, "Europe/Berlin", "en"));
    assert_eq!(house.count("account").await, 1);
    let keys: Vec<_> = house.events().await.into_iter().map(|(key, _, version)| (key, version)).collect();
    assert_eq!(
        keys,
        [("accounts.v1.account_registered".to_owned(), 1), ("accounts.v1.account_verified".to_owned(), 2)]
    );
}

#[tokio::test]
async fn a_newer_registration_takes_the_place_of_one_that_is_being_settled() {
    let house = House::new().await;
    house.register(ANNA, OTHER_PASSWORD).await.unwrap();
    let claimed = app::claim_requests(&house.accounts).await.unwrap().pop().unwrap();
    let plan = app::plan(&house.accounts, &claimed).await.unwrap();
    house.register(ANNA, PASSWORD).await.unwrap();
    let mut tx = house.pool().begin().await.unwrap();
    let settled = app::settle(&house.accounts, &mut tx, &claimed, &plan).await.unwrap();
    assert_eq!(settled, app::Settled::Lost);
    tx.rollback().await.unwrap();
    house.work().await;
    house.verify(&house.mails().pop().unwrap().token()).await.unwrap();
    house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_token_works_once_and_for_a_day() {
    let house = House::new().await;
    house.register(ANNA, PASSWORD).await.unwrap();
    house.work().await;
    let token = house.mails().pop().unwrap().token();
    house.verify(&token).await.unwrap();
    assert_eq!(house.verify(&token).await.err().unwrap().code(), Code::NotFound);

    house.register("late@example.org", PASSWORD).await.unwrap();
    house.work().await;
    let token = house.mails().pop().unwrap().token();
    house.advance(SignedDuration::from_hours(24));
    assert_eq!(house.verify(&token).await.err().unwrap().code(), Code::NotFound);
    house.sign_in("late@example.org", PASSWORD).await.err().unwrap();
    // Another mail mends it.
    house.resend("late@example.org").await.unwrap();
    house.work().await;
    house.verify(&house.mails().pop().unwrap().token()).await.unwrap();
    house.sign_in("late@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn asking_for_another_mail_leaves_the_first_link_good() {
    let house = House::new().await;
    house.register(ANNA, PASSWORD).await.unwrap();
    house.work().await;
    let first = house.mails().pop().unwrap().token();
    house.resend(ANNA).await.unwrap();
    house.work().await;
    let second = house.mails().pop().unwrap().token();
    house.verify(&first).await.unwrap();
    assert_eq!(house.verify(&second).await.err().unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn two_replicas_that_use_one_token_at_once_verify_once() {
    let house = House::new().await;
    let other = house.replica();
    house.register(ANNA, PASSWORD).await.unwrap();
    house.work().await;
    let token = house.mails().pop().unwrap().token();
    let (one, two) = tokio::join!(house.verify(&token), other.verify(&token));
    assert!(one.is_ok() ^ two.is_ok());
    assert_eq!(house.events().await.len(), 2);
}

#[tokio::test]
async fn a_request_whose_replica_died_is_settled_by_another() {
    let house = House::new().await;
    let other = house.replica();
    house.register(ANNA, PASSWORD).await.unwrap();
    assert_eq!(app::claim_requests(&house.accounts).await.unwrap().len(), 1);
    assert!(!jobs::settle_requests(&other.accounts).await.unwrap());
    house.advance(SignedDuration::from_secs(30));
    other.work().await;
    house.verify(&house.mails().pop().unwrap().token()).await.unwrap();
}

#[tokio::test]
async fn two_replicas_settle_many_requests_once_each() {
    let house = House::new().await;
    let other = house.replica();
    for number in 0..30 {
        house.resend(&format!("nobody{number}@example.org")).await.unwrap();
    }
    for number in 0..6 {
        house.register(&format!("member{number}@example.org"), PASSWORD).await.unwrap();
    }
    tokio::join!(house.work(), other.work());
    house.work().await;
    assert_eq!(house.mails().len(), 6);
    assert_eq!((house.count("account").await, house.count("address_request").await), (6, 0));
    assert_eq!(house.events().await.len(), 6);
}
