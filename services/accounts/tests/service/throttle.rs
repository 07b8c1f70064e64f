//! Guessing is slowed down, inboxes are not flooded, and no refusal makes a wait longer.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use jiff::SignedDuration;
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt as _;

const ANNA: &str = "anna@example.org";

#[tokio::test]
async fn guessing_is_slowed_down_and_the_wait_never_grows() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    for _ in 0..10 {
        assert_eq!(house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap().code(), Code::Unauthenticated);
    }
    let runs = house.accounts.hashing.runs();
    for _ in 0..50 {
        let status = house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "TOO_MANY_ATTEMPTS"));
        let wait = status.get_error_details().retry_info().unwrap().retry_delay.unwrap();
        assert_eq!(wait, Duration::from_secs(10));
    }
    // What is refused costs no hashing, and however often it is refused, the wait stays what it was.
    assert_eq!(house.accounts.hashing.runs(), runs);
    house.advance(SignedDuration::from_secs(10));
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    // Whoever has proven who they are starts afresh, and a session at work never noticed.
    house.mint(&session.session_secret).await.unwrap();
    for _ in 0..10 {
        assert_eq!(house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap().code(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn an_unknown_address_is_slowed_down_like_a_known_one() {
    let house = House::new().await;
    for _ in 0..10 {
        let status = house.sign_in("nobody@example.org", PASSWORD).await.err().unwrap();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
    let status = house.sign_in("NOBODY@example.org", PASSWORD).await.err().unwrap();
    assert_eq!(reason(&status), "TOO_MANY_ATTEMPTS");
    // Another address is another matter.
    let status = house.sign_in("somebody@example.org", PASSWORD).await.err().unwrap();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn while_no_turn_is_free_not_even_the_right_password_opens() {
    // Else the turns would count wrong guesses only and the right one would be found at any speed.
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    for _ in 0..10 {
        house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
    }
    let status = house.sign_in(ANNA, PASSWORD).await.err().unwrap();
    assert_eq!(reason(&status), "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn an_inbox_is_not_flooded_and_the_owners_mail_comes_in_its_turn() {
    let house = House::new().await;
    for _ in 0..20 {
        house.register(ANNA, OTHER_PASSWORD).await.unwrap();
        house.work().await;
    }
    assert_eq!(house.mails().len(), 3);
    house.register(ANNA, PASSWORD).await.unwrap();
    for _ in 0..5 {
        house.resend(ANNA).await.unwrap();
        house.work().await;
    }
    assert_eq!(house.mails().len(), 0);
    // However often others asked, the next mail comes after one interval, and it is the newest registrant's.
    house.advance(SignedDuration::from_mins(10));
    house.work().await;
    let mails = house.mails();
    assert_eq!(mails.len(), 1);
    house.verify(&mails[0].token()).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_member_is_told_a_few_times_that_somebody_tries_and_not_more() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.advance(SignedDuration::from_hours(1));
    for _ in 0..20 {
        house.register(ANNA, OTHER_PASSWORD).await.unwrap();
        house.work().await;
    }
    assert_eq!(house.mails().len(), 3);
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}
