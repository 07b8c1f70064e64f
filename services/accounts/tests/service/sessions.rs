//! Sessions: one's own only, ended for good, over when their time is.

use crate::kit::{House, PASSWORD, reason};
use accounts::jobs;
use candor_proto::accounts::v1::{
    EndSessionsRequest, SessionEnded, session_service_server::SessionService as _,
};
use jiff::SignedDuration;
use prost::Message as _;
use tonic::Code;

#[tokio::test]
async fn nobody_sees_or_ends_anothers_session() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    house.join("ben@example.org", PASSWORD).await;
    let annas = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    let bens = house.sign_in("ben@example.org", PASSWORD).await.unwrap();

    let refused = house.end(&bens.passport, &annas.session_id).await.err().unwrap();
    let missing = house.end(&bens.passport, "01890000-0000-7000-8000-000000000000").await.err().unwrap();
    assert_eq!((refused.code(), refused.message()), (missing.code(), missing.message()));
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "SESSION_NOT_FOUND"));
    house.mint(&annas.session_secret).await.unwrap();
    let seen = house.sessions(&bens.passport).await;
    assert_eq!(
        seen.iter().map(|one| one.session_id.as_str()).collect::<Vec<_>>(),
        [bens.session_id.as_str()]
    );
}

#[tokio::test]
async fn an_ended_session_mints_nothing_and_is_told_once() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    let first = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    house.advance(SignedDuration::from_secs(1));
    let second = house.sign_in("anna@example.org", PASSWORD).await.unwrap();

    let list = house.sessions(&second.passport).await;
    let seen: Vec<_> = list.iter().map(|one| (one.session_id.as_str(), one.current)).collect();
    assert_eq!(seen, [(second.session_id.as_str(), true), (first.session_id.as_str(), false)]);
    assert!(list.iter().all(|one| one.device_label == "kitchen tablet"));

    house.end(&second.passport, &first.session_id).await.unwrap();
    house.end(&second.passport, &first.session_id).await.unwrap();
    let refused = house.mint(&first.session_secret).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "SESSION_ENDED"));
    house.mint(&second.session_secret).await.unwrap();
    assert_eq!(house.sessions(&second.passport).await.len(), 1);

    let bodies: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT body FROM bus.outbox WHERE key = 'accounts.v1.session_ended'")
            .fetch_all(house.pool())
            .await
            .unwrap();
    assert_eq!(bodies.len(), 1);
    assert_eq!(SessionEnded::decode(&bodies[0][..]).unwrap().session_id, first.session_id);
}

#[tokio::test]
async fn an_ended_session_ends_no_other_and_may_end_itself_once_more() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    let stolen = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    let own = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    house.end(&own.passport, &stolen.session_id).await.unwrap();
    // Its passport lives on for a minute.
    let one = house.end(&stolen.passport, &own.session_id).await.err().unwrap();
    let mut refused = vec![one];
    for this_one_too in [false, true] {
        let request = house.with_passport(&stolen.passport, EndSessionsRequest { this_one_too }).await;
        refused.push(house.rpc.end_sessions(request).await.err().unwrap());
    }
    for refused in refused {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "SESSION_ENDED"));
    }
    house.mint(&own.session_secret).await.unwrap();
    // Whoever signs out where they are signed out already is told nothing is wrong.
    house.end(&stolen.passport, &stolen.session_id).await.unwrap();
}

#[tokio::test]
async fn a_password_alone_ends_only_itself_where_there_is_a_second_factor() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    let weak = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    let own = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    house.add_app(&own.passport).await;
    let refused = house.end(&weak.passport, &own.session_id).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STEP_UP_REQUIRED"));
    house.mint(&own.session_secret).await.unwrap();
    house.end(&weak.passport, &weak.session_id).await.unwrap();
}

#[tokio::test]
async fn a_session_lives_while_it_is_used_but_not_for_ever() {
    // In the kit: 10 days without use, 30 days in all.
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    let used = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    let unused = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    assert_eq!(
        used.session_expire_time.unwrap().seconds,
        (house.now() + SignedDuration::from_hours(240)).as_second()
    );
    for _ in 0..3 {
        house.advance(SignedDuration::from_hours(9 * 24 + 23));
        house.mint(&used.session_secret).await.unwrap();
    }
    house.mint(&unused.session_secret).await.err().unwrap();
    house.advance(SignedDuration::from_hours(3));
    house.mint(&used.session_secret).await.err().unwrap();

    let other = house.replica();
    let (one, two) = tokio::join!(jobs::keep_house(&house.accounts), jobs::keep_house(&other.accounts));
    one.unwrap();
    two.unwrap();
    let ended: Vec<_> =
        house.events().await.into_iter().filter(|(key, ..)| key == "accounts.v1.session_ended").collect();
    assert_eq!(ended.len(), 2);
    assert!(ended.iter().all(|(_, _, version)| *version == 1));
    house.advance(SignedDuration::from_hours(31 * 24));
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("session").await, 0);
}

#[tokio::test]
async fn a_passport_speaks_for_its_session_for_a_minute() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    let session = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    let signed_in_at = house.now();
    house.advance(SignedDuration::from_hours(5));
    let minted = house.mint(&session.session_secret).await.unwrap();
    let passport = house.passport(&minted.passport).await.unwrap();
    assert_eq!(passport.session_id.to_string(), session.session_id);
    assert_eq!(passport.account_id.to_string(), minted.account_id);
    assert_eq!(passport.authenticated_at.as_second(), signed_in_at.as_second());
    assert_eq!(minted.passport_expire_time.unwrap().seconds, house.now().as_second() + 60);
    house.advance(SignedDuration::from_secs(60));
    house.passport(&minted.passport).await.err().unwrap();
}
