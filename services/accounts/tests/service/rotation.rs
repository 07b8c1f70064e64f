//! Signing keys change, and no passport is refused for it.

use crate::kit::{House, PASSWORD};
use accounts::jobs;
use candor_proto::accounts::v1::{ListSigningKeysRequest, session_service_server::SessionService as _};
use jiff::SignedDuration;
use tonic::Request;

async fn published(house: &House) -> Vec<String> {
    let keys = house.rpc.list_signing_keys(Request::new(ListSigningKeysRequest {})).await.unwrap();
    keys.into_inner().keys.into_iter().map(|key| key.key_id).collect()
}

#[tokio::test]
async fn two_replicas_make_one_key() {
    let house = House::new().await;
    assert_eq!(published(&house).await.len(), 1);
    let other = house.replica();
    house.advance(SignedDuration::from_hours(30 * 24));
    let (one, two) = tokio::join!(jobs::rotate_keys(&house.accounts), jobs::rotate_keys(&other.accounts));
    assert!(one.unwrap() ^ two.unwrap());
    assert_eq!(published(&house).await.len(), 2);
    assert!(!jobs::rotate_keys(&house.accounts).await.unwrap());
}

#[tokio::test]
async fn every_passport_is_good_for_its_whole_life_while_keys_change() {
    let house = House::new().await;
    let other = house.replica();
    house.join("anna@example.org", PASSWORD).await;
    // Every verifier has the keys as they are published now; the new one is not among them.
    house.advance(SignedDuration::from_hours(30 * 24) - SignedDuration::from_mins(6));
    let session = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    let first = published(&house).await;
    let mut alive: Vec<(String, jiff::Timestamp)> = Vec::new();
    let mut most = 0;
    // A quarter of an hour around the change, in steps of twenty seconds. One replica rotates, both sign.
    for step in 0..45 {
        jobs::rotate_keys(&house.accounts).await.unwrap();
        let minter = if step % 2 == 0 { &house } else { &other };
        let minted = minter.mint(&session.session_secret).await.unwrap().passport;
        alive.push((minted, house.now() + SignedDuration::from_secs(60)));
        alive.retain(|(_, until)| *until > house.now());
        // A verifier that starts now and knows only what is published now believes them all.
        let fresh = house.replica();
        for (passport, _) in &alive {
            fresh.passport(passport).await.unwrap();
        }
        most = most.max(published(&house).await.len());
        house.advance(SignedDuration::from_secs(20));
    }
    let last = published(&house).await;
    assert_eq!((first.len(), most, last.len()), (1, 2, 1));
    assert_ne!(first, last);
    assert_eq!(house.count("signing_key").await, 1);
}

#[tokio::test]
async fn a_leap_of_the_clock_leaves_somebody_to_sign() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    for _ in 0..3 {
        house.advance(SignedDuration::from_hours(100 * 24));
        let session = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
        house.replica().passport(&session.passport).await.unwrap();
        jobs::keep_house(&house.accounts).await.unwrap();
        let minted = house.mint(&session.session_secret).await.unwrap();
        house.replica().passport(&minted.passport).await.unwrap();
    }
}
