//! Whoever registers a stranger's address, before or after its owner, holds nothing; tokens work once.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use accounts::domain::{Password, VERIFICATION_PACE, VerificationToken};
use accounts::{app, jobs};
use candor_proto::accounts::v1::{GetMeRequest, identity_service_server::IdentityService as _};
use jiff::SignedDuration;
use jiff_sqlx::ToSqlx as _;
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
    for password in [PASSWORD, OTHER_PASSWORD] {
        let refused = house.verify_with(&strangers, password).await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "VERIFICATION_NOT_FOUND"));
    }
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

/// A mail's link, opened by Anna with the password she chose, proves nothing of somebody else's registration.
async fn refused(house: &House, token: &str) {
    let refused = house.verify(token).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "VERIFICATION_NOT_FOUND"));
}

#[tokio::test]
async fn an_address_registered_by_a_stranger_after_its_owner_stays_its_owners() {
    let house = House::new().await;
    house.register(ANNA, PASSWORD).await.unwrap();
    house.work().await;
    let annas = house.mails().pop().unwrap().token();
    house.register(ANNA, OTHER_PASSWORD).await.unwrap();
    house.work().await;
    let strangers = house.mails().pop().unwrap().token();

    // Both mails lie in Anna's inbox and say the same. Neither gives the account to the stranger.
    refused(&house, &annas).await;
    refused(&house, &strangers).await;
    house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
    assert_eq!(house.events().await.len(), 1);

    // She registers again and is in; the stranger never is.
    house.register(ANNA, PASSWORD).await.unwrap();
    house.work().await;
    house.verify(&house.mails().pop().unwrap().token()).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
    house.verify_with(&strangers, OTHER_PASSWORD).await.err().unwrap();
    house.register(ANNA, OTHER_PASSWORD).await.unwrap();
    house.work().await;
    house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_link_asked_for_again_after_a_stranger_registered_wants_the_strangers_password() {
    let house = House::new().await;
    house.register(ANNA, OTHER_PASSWORD).await.unwrap();
    house.work().await;
    house.mails();
    house.resend(ANNA).await.unwrap();
    house.work().await;
    refused(&house, &house.mails().pop().unwrap().token()).await;
    house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_token_are_refused_alike_and_leave_the_token_good() {
    let house = House::new().await;
    house.register(ANNA, PASSWORD).await.unwrap();
    house.work().await;
    let token = house.mails().pop().unwrap().token();
    let never = VerificationToken::of([7; 32]).text();
    let mut seen = Vec::new();
    for (token, password) in [(token.as_str(), OTHER_PASSWORD), (never.as_str(), PASSWORD)] {
        // As many as there are turns, and one more.
        for turn in 0..=VERIFICATION_PACE.burst {
            let runs = house.accounts.hashing.runs();
            let status = house.verify_with(token, password).await.err().unwrap();
            let is_free = turn < VERIFICATION_PACE.burst;
            assert_eq!(house.accounts.hashing.runs() - runs, u64::from(is_free));
            assert_eq!(status.code(), if is_free { Code::NotFound } else { Code::ResourceExhausted });
            seen.push((status.code(), status.message().to_owned(), status.details().to_vec()));
        }
    }
    let (known, unknown) = seen.split_at(seen.len() / 2);
    assert_eq!(known, unknown);
    house.advance(VERIFICATION_PACE.interval);
    house.verify(&token).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_password_checked_before_a_stranger_registered_proves_nothing_after() {
    let house = House::new().await;
    house.register(ANNA, PASSWORD).await.unwrap();
    house.work().await;
    let token = VerificationToken::parse(&house.mails().pop().unwrap().token()).unwrap();
    let mut conn = house.pool().acquire().await.unwrap();
    let pending = app::pending_proof(&house.accounts, &mut conn, &token).await.unwrap();
    let password = Password::offer(PASSWORD).unwrap();
    let proof = app::prove_registration(&house.accounts, pending, password).await.unwrap();
    house.register(ANNA, OTHER_PASSWORD).await.unwrap();
    house.work().await;
    // Even if the token were still there: the password it was checked with is not.
    sqlx::query("INSERT INTO verification SELECT $1, account_id, $2 FROM account")
        .bind(&token.hash()[..])
        .bind((house.now() + SignedDuration::from_hours(1)).to_sqlx())
        .execute(house.pool())
        .await
        .unwrap();
    let mut tx = house.pool().begin().await.unwrap();
    let refused = app::verify_email(&house.accounts, &mut tx, &proof).await.err().unwrap();
    assert!(matches!(refused, accounts::Error::VerificationNotFound));
    tx.rollback().await.unwrap();
    house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
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
