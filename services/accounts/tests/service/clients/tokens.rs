//! What a client gets for its assertion, and how it ends.

use super::{fresh_id, test_keys};
use crate::kit::{House, reason};
use accounts::jobs;
use candor_proto::accounts::v1::{
    IssueClientTokenRequest, o_auth_client_service_server::OAuthClientService as _,
};
use chassis::identity::{Context, Interactions, Kind};
use jiff::SignedDuration;
use serde_json::json;
use tonic::{Code, Request};

#[tokio::test]
async fn each_kind_of_key_gets_a_token_of_five_minutes() {
    let house = House::new().await;
    let operator = house.operator().await;
    for pair in [test_keys::rsa(), test_keys::p384(), test_keys::ed25519(1)] {
        let software = house.software(&operator, pair, &["system/*.rs"]).await;
        let issued = software.token(&house, "system/Observation.rs").await.unwrap();
        assert_eq!((issued.expires_in, issued.scope.as_str()), (300, "system/Observation.rs"));
        assert_eq!(issued.expire_time.unwrap().seconds, house.now().as_second() + 300);
        let passport = house.passport(&issued.access_token).await.unwrap();
        assert_eq!((passport.kind, passport.account_id.to_string()), (Kind::Client, software.client_id));
        assert!(passport.scopes.allow(Context::System, "Observation", Interactions::READING));
        assert!(!passport.scopes.allow(Context::System, "Patient", Interactions::READ));
        // Another replica believes it as well; a database without the token believes nothing.
        house.replica().passport(&issued.access_token).await.unwrap();
    }
    house.advance(SignedDuration::from_secs(300));
}

#[tokio::test]
async fn a_token_ends_by_itself() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    let token = software.token(&house, "system/*.rs").await.unwrap().access_token;
    house.advance(SignedDuration::from_secs(299));
    house.passport(&token).await.unwrap();
    house.advance(SignedDuration::from_secs(1));
    assert_eq!(house.passport(&token).await.unwrap_err().reason, "PASSPORT_EXPIRED");
    assert!(house.ended_tokens().await.is_empty());
    assert!(house.client(&operator, &software.client_id).await.unwrap().use_time.is_some());
}

#[tokio::test]
async fn a_token_is_for_what_was_asked_and_registered() {
    let house = House::new().await;
    let counselor = house.counselor("carla").await;
    let registered = ["system/Observation.rs", "system/Consent.r", "user/*.rs"];
    let software = house.software(&counselor, test_keys::ed25519(1), &registered).await;
    for (asked, granted) in [
        ("system/*.rs", "system/Consent.r system/Observation.rs"),
        ("system/*.cruds user/Patient.r", "system/Consent.r system/Observation.rs user/Patient.r"),
        ("system/Observation.s openid fhirUser", "system/Observation.s"),
        ("user/*.rs", "user/*.rs"),
    ] {
        assert_eq!(software.token(&house, asked).await.unwrap().scope, granted, "{asked}");
    }
    let many = format!("user/*.rs {}", "x ".repeat(50));
    for asked in ["", "openid", "system/Patient.rs", "system/*.cud", "patient/*.rs", "user/*.rs\n", &many] {
        let refused = software.token(&house, asked).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, "SCOPE_REFUSED"),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn what_was_refused_for_its_scope_can_be_sent_again() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    let assertion = software.assertion(&house);
    house.issue(&assertion, "openid").await.err().unwrap();
    house.issue(&assertion, "system/*.rs").await.unwrap();
}

#[tokio::test]
async fn the_id_that_is_said_besides_must_be_the_assertions() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    let other = house.software(&operator, test_keys::ed25519(2), &["system/*.rs"]).await;
    let issue = |client_id: &str| {
        let message = IssueClientTokenRequest {
            client_assertion: software.assertion(&house),
            scope: "system/*.rs".into(),
            client_id: client_id.into(),
        };
        house.rpc.issue_client_token(Request::new(message))
    };
    issue(&software.client_id).await.unwrap();
    let refused = issue(&other.client_id).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "CLIENT_REFUSED"));
}

#[tokio::test]
async fn a_client_takes_its_own_tokens_back_and_nobody_elses() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    let other = house.software(&operator, test_keys::ed25519(2), &["system/*.rs"]).await;
    let token = software.token(&house, "system/*.rs").await.unwrap().access_token;
    let token_id = house.passport(&token).await.unwrap().session_id;
    // Whatever is no token of theirs is nothing to do, and the answer is the same.
    let made_up = format!("e30.{}.x", test_keys::encode(&json!({ "sid": token_id }).to_string()));
    for (by, sent) in
        [(&other, token.as_str()), (&other, &made_up), (&software, "nonsense"), (&software, "a.b.c")]
    {
        house.revoke(&by.assertion(&house), sent).await.unwrap();
        house.passport(&token).await.unwrap();
    }
    house.revoke(&software.assertion(&house), &token).await.unwrap();
    assert_eq!(house.passport(&token).await.unwrap_err().reason, "PASSPORT_EXPIRED");
    house.revoke(&software.assertion(&house), &token).await.unwrap();
    assert_eq!(house.ended_tokens().await, [token_id]);
    // Without a proof of who asks nothing ends, and each proof is for one thing.
    let next = software.token(&house, "system/*.rs").await.unwrap().access_token;
    let used = software.assertion(&house);
    house.issue(&used, "system/*.rs").await.unwrap();
    for assertion in
        [used.as_str(), "nonsense", &other.pair.sign(&software.header(), &software.claims(&house))]
    {
        assert_eq!(house.revoke(assertion, &next).await.err().unwrap().code(), Code::Unauthenticated);
    }
    house.passport(&next).await.unwrap();
}

#[tokio::test]
async fn one_client_gets_sixty_tokens_at_once_and_then_one_a_second() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    let other = house.software(&operator, test_keys::ed25519(2), &["system/*.rs"]).await;
    for _ in 0..60 {
        software.token(&house, "system/*.rs").await.unwrap();
    }
    let waiting = software.assertion(&house);
    let refused = house.issue(&waiting, "system/*.rs").await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_TOKENS"));
    // Neither another client nor the assertion that has to wait pays for it.
    other.token(&house, "system/*.rs").await.unwrap();
    house.advance(SignedDuration::from_secs(1));
    house.issue(&waiting, "system/*.rs").await.unwrap();
}

#[tokio::test]
async fn the_client_of_somebody_who_is_no_counselor_any_more_is_over() {
    let house = House::new().await;
    let counselor = house.counselor("carla").await;
    let software = house.software(&counselor, test_keys::ed25519(1), &["user/*.rs"]).await;
    let token = software.token(&house, "user/*.rs").await.unwrap().access_token;
    house.make(&counselor, "member").await;
    assert_eq!(house.passport(&token).await.unwrap_err().code, chassis::Code::Unauthenticated);
    assert_eq!(software.token(&house, "user/*.rs").await.err().unwrap().code(), Code::Unauthenticated);
    house.make(&counselor, "counselor").await;
    house.passport(&token).await.unwrap();
}

#[tokio::test]
async fn what_is_over_is_swept() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    for _ in 0..3 {
        software.token(&house, "system/*.rs").await.unwrap();
    }
    house.advance(SignedDuration::from_secs(299));
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!((house.count("client_assertion").await, house.count("client_token").await), (3, 3));
    // Assertions a little longer: another replica's clock may be behind.
    house.advance(SignedDuration::from_secs(1));
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!((house.count("client_assertion").await, house.count("client_token").await), (3, 0));
    house.advance(SignedDuration::from_mins(1));
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!((house.count("client_assertion").await, house.count("client_token").await), (0, 0));
    // An id whose time is over can be used again, swept or not.
    let id = fresh_id();
    for _ in 0..2 {
        let again = software.assertion_with(&house, &json!({ "jti": id }));
        house.issue(&again, "system/*.rs").await.unwrap();
        house.advance(SignedDuration::from_secs(300));
    }
}
