//! Assertions of those who are not who they say: one answer for all, nothing fetched, nothing used twice.

use super::{ENDPOINT, Software, test_keys, wish};
use crate::kit::{House, reason};
use crate::people::visible;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use std::net::TcpListener;
use tonic::Code;

/// An assertion whose signature is a MAC with a key that everybody knows.
fn with_mac(header: &Value, claims: &Value, key: &[u8]) -> String {
    let signed =
        format!("{}.{}", test_keys::encode(&header.to_string()), test_keys::encode(&claims.to_string()));
    let mac = crypto::sign(signed.as_bytes(), &EncodingKey::from_secret(key), Algorithm::HS384).unwrap();
    format!("{signed}.{mac}")
}

/// Everything that a stranger may try with what they know of a client, and with keys of their own.
fn forgeries(
    house: &House,
    software: &Software,
    other: &Software,
    listener: &str,
) -> Vec<(&'static str, String)> {
    let (header, now) = (software.header(), house.now().as_second());
    let with_header = |pair: &test_keys::Pair, changes: Value| {
        let mut header = header.clone();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        pair.sign(&header, &software.claims(house))
    };
    let claims = |changes: Value| software.assertion_with(house, &changes);
    let unsigned = |alg: &str| {
        let header = json!({ "alg": alg, "kid": "k1", "typ": "JWT" }).to_string();
        let claims = software.claims(house).to_string();
        format!("{}.{}.", test_keys::encode(&header), test_keys::encode(&claims))
    };
    let own = test_keys::ed25519(99);
    let modulus = software.pair.jwk("k1")["n"].as_str().unwrap().to_owned();
    let mac_header = json!({ "alg": "HS384", "kid": "k1", "typ": "JWT" });
    let mac = |header: &Value, key: &[u8]| with_mac(header, &software.claims(house), key);
    vec![
        ("no token", "nonsense".into()),
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("a MAC with the modulus", mac(&mac_header, &URL_SAFE_NO_PAD.decode(&modulus).unwrap())),
        ("a MAC with its text", mac(&mac_header, modulus.as_bytes())),
        ("a MAC that calls itself RS384", mac(&header, modulus.as_bytes())),
        ("signed with a key of one's own", own.sign(&header, &software.claims(house))),
        ("the same, named", with_header(&own, json!({ "alg": "EdDSA" }))),
        ("another client's key", other.pair.sign(&other.header(), &software.claims(house))),
        (
            "another client's key by the id of its own",
            other.pair.sign(&other.pair.header("k1"), &software.claims(house)),
        ),
        ("another client's key id", with_header(&software.pair, json!({ "kid": other.key_id }))),
        ("an unknown key id", with_header(&software.pair, json!({ "kid": "k9" }))),
        ("no key id", with_header(&software.pair, json!({ "kid": null }))),
        (
            "a key of its own in the header",
            with_header(&own, json!({ "alg": "EdDSA", "jwk": own.jwk("k1") })),
        ),
        (
            "keys at an address",
            with_header(&own, json!({ "alg": "EdDSA", "jku": format!("{listener}/keys") })),
        ),
        (
            "the same, with the right key",
            with_header(&software.pair, json!({ "jku": format!("{listener}/keys") })),
        ),
        ("a chain at an address", with_header(&software.pair, json!({ "x5u": format!("{listener}/chain") }))),
        ("a chain", with_header(&software.pair, json!({ "x5c": ["MIIB"] }))),
        ("what must be understood", with_header(&software.pair, json!({ "crit": ["exp"] }))),
        ("for somebody else", claims(json!({ "aud": "https://elsewhere.example/oauth/token" }))),
        ("for the site", claims(json!({ "aud": "https://candor.example" }))),
        ("for two", claims(json!({ "aud": [ENDPOINT, "https://elsewhere.example"] }))),
        ("of another issuer", claims(json!({ "iss": listener }))),
        ("about somebody else", claims(json!({ "sub": other.client_id }))),
        ("of the other client", claims(json!({ "iss": other.client_id, "sub": other.client_id }))),
        ("of no client", claims(json!({ "iss": house.accounts.ids.next(), "sub": software.client_id }))),
        ("expired", claims(json!({ "exp": now }))),
        ("too long", claims(json!({ "exp": now + 331 }))),
        ("not yet", claims(json!({ "nbf": now + 31 }))),
        ("from the future", claims(json!({ "iat": now + 31 }))),
        ("without an id", claims(json!({ "jti": null }))),
        ("one's own passport", format!("{}.e30.x", test_keys::encode(&header.to_string()))),
    ]
}

#[tokio::test]
async fn every_forgery_gets_one_answer_and_nothing_is_fetched_for_it() {
    let house = House::new().await;
    let operator = house.operator().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let software = house.software(&operator, test_keys::rsa(), &["system/*.rs"]).await;
    let pair = test_keys::ed25519(2);
    let registered = house.register_client(&operator, wish(pair.jwks("k2"), &["system/*.rs"])).await.unwrap();
    let other = Software { client_id: registered.client_id, pair, key_id: "k2".into() };
    let disabled = house.software(&operator, test_keys::ed25519(3), &["system/*.rs"]).await;
    house.disable(&operator, &disabled.client_id).await.unwrap();
    let stranger = Software {
        client_id: "01890000-0000-4000-8000-000000000000".into(),
        pair: test_keys::ed25519(4),
        key_id: "k1".into(),
    };
    let used = software.assertion(&house);
    house.issue(&used, "system/*.rs").await.unwrap();

    let mut forgeries = forgeries(&house, &software, &other, &address);
    forgeries.push(("used before", used));
    forgeries.push(("of a disabled client", disabled.assertion(&house)));
    forgeries.push(("of an unknown client", stranger.assertion(&house)));
    let mut answers = Vec::new();
    for (what, assertion) in &forgeries {
        for answer in [
            house.issue(assertion, "system/*.rs").await.map(drop),
            // What is asked for is not looked at before.
            house.issue(assertion, "openid").await.map(drop),
            house.revoke(assertion, "anything").await,
        ] {
            let refused = answer.err().unwrap_or_else(|| panic!("{what} was believed"));
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::Unauthenticated, "CLIENT_REFUSED"),
                "{what}"
            );
            answers.push(visible(&refused));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(house.count("client_token").await, 1);
    assert!(listener.accept().is_err(), "somebody called");
    // What makes it right is not lost among all that.
    software.token(&house, "system/*.rs").await.unwrap();
}

#[tokio::test]
async fn an_assertion_that_is_too_large_is_not_even_read() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    let huge = software.assertion_with(&house, &json!({ "more": "x".repeat(8 * 1024) }));
    let larger = "x".repeat(1024 * 1024);
    let nonsense = visible(&house.issue("nonsense", "system/*.rs").await.err().unwrap());
    for assertion in [&huge, &larger] {
        for answer in [
            house.issue(assertion, "system/*.rs").await.map(drop),
            house.issue(assertion, "openid").await.map(drop),
            house.revoke(assertion, "x").await,
        ] {
            let refused = answer.err().unwrap();
            assert_eq!((refused.code(), &*reason(&refused)), (Code::Unauthenticated, "CLIENT_REFUSED"));
            assert_eq!(visible(&refused), nonsense, "its size is told to nobody");
        }
    }
    assert_eq!((house.count("client_assertion").await, house.count("client_token").await), (0, 0));
    software.token(&house, "system/*.rs").await.unwrap();
}

#[tokio::test]
async fn of_many_who_come_with_one_assertion_one_gets_a_token() {
    let house = House::new().await;
    let other = house.replica();
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    for _ in 0..3 {
        let assertion = software.assertion(&house);
        let attempts = (0..32).map(|at| {
            let replica = if at % 2 == 0 { &house } else { &other };
            replica.issue(&assertion, "system/*.rs")
        });
        let answers = join_all(attempts).await;
        let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(refused.len(), 31);
        assert!(refused.iter().all(|status| reason(status) == "CLIENT_REFUSED"));
    }
    assert_eq!(house.count("client_token").await, 3);
}

#[tokio::test]
async fn no_token_outlives_its_client_however_close_they_come() {
    let house = House::new().await;
    let operator = house.operator().await;
    for _ in 0..5 {
        let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
        let assertions: Vec<_> = (0..8).map(|_| software.assertion(&house)).collect();
        let issue = join_all(assertions.iter().map(|assertion| house.issue(assertion, "system/*.rs")));
        let (answers, disabled) = tokio::join!(issue, house.disable(&operator, &software.client_id));
        disabled.unwrap();
        for token in answers.into_iter().flatten() {
            assert!(house.passport(&token.access_token).await.is_err());
        }
        house.advance(jiff::SignedDuration::from_hours(1));
    }
    let living: i64 = sqlx::query_scalar("SELECT count(*) FROM client_token WHERE ended_at IS NULL")
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert_eq!(living, 0);
}
