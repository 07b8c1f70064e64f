//! Keys that a client publishes at an address of its own.

use super::publisher::Publisher;
use super::{Software, test_keys, wish};
use crate::kit::{House, reason};
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{
    ClientKeysProblem, OAuthClient, RegisterClientRequest, RotateClientKeysRequest,
    o_auth_client_service_server::OAuthClientService as _,
};
use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::json;
use tonic::{Code, Status};
use uuid::Uuid;

fn at(url: &str) -> RegisterClientRequest {
    RegisterClientRequest { jwks_url: url.into(), ..wish(String::new(), &["system/*.rs"]) }
}

/// A client whose first key is `k1`, of seed 1, and may be kept for ten minutes.
async fn publishing(house: &House, by: &Person) -> (Publisher, Software) {
    let publisher = Publisher::start().await;
    publisher.publish(&test_keys::ed25519(1).jwks("k1"), "Cache-Control: max-age=600\r\n");
    let client = house.register_client(by, at(&publisher.url())).await.unwrap();
    let software = Software { client_id: client.client_id, pair: test_keys::ed25519(1), key_id: "k1".into() };
    (publisher, software)
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

async fn ask(house: &House, software: &Software) -> Result<(), Status> {
    software.token(house, "system/*.rs").await.map(drop)
}

fn refused(answer: Result<(), Status>) -> (Code, String) {
    let status = answer.err().unwrap();
    (status.code(), reason(&status))
}

fn is_unknown(answer: Result<(), Status>) -> bool {
    refused(answer) == (Code::Unauthenticated, "CLIENT_REFUSED".into())
}

fn is_away(answer: Result<(), Status>) -> bool {
    refused(answer) == (Code::Unavailable, "CLIENT_KEYS_AWAY".into())
}

async fn problem(house: &House, by: &Person, software: &Software) -> ClientKeysProblem {
    let client: OAuthClient = house.client(by, &software.client_id).await.unwrap();
    client.keys_problem()
}

#[tokio::test]
async fn keys_are_fetched_when_they_are_registered_and_kept_as_long_as_they_may() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (publisher, software) = publishing(&house, &operator).await;
    assert_eq!(publisher.calls(), 1);
    let request = publisher.last_request();
    assert!(request.starts_with("GET /keys?set=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: 127.0.0.1:{}\r\n", publisher.port)), "{request}");
    ask(&house, &software).await.unwrap();
    house.advance(seconds(479));
    ask(&house, &software).await.unwrap();
    assert_eq!(publisher.calls(), 1);
    // A little before their time is over they are fetched again, by whoever comes.
    house.advance(seconds(1));
    ask(&house, &software).await.unwrap();
    ask(&house, &software).await.unwrap();
    assert_eq!(publisher.calls(), 2);
    let client = house.client(&operator, &software.client_id).await.unwrap();
    assert_eq!(client.jwks_url, publisher.url());
    assert_eq!(client.keys_fetch_time.unwrap().seconds, house.now().as_second());
}

#[tokio::test]
async fn a_new_key_is_found_at_once_and_strangers_cannot_have_it_looked_for_often() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (publisher, software) = publishing(&house, &operator).await;
    let renewed =
        Software { pair: test_keys::ed25519(2), key_id: "k2".into(), client_id: software.client_id.clone() };
    // Nothing new since it was registered: the address is left alone for half a minute.
    for _ in 0..20 {
        assert!(is_unknown(ask(&house, &renewed).await));
    }
    assert_eq!(publisher.calls(), 1);
    house.advance(seconds(30));
    let both = json!({ "keys": [test_keys::ed25519(1).jwk("k1"), test_keys::ed25519(2).jwk("k2")] });
    publisher.publish(&both.to_string(), "");
    ask(&house, &renewed).await.unwrap();
    ask(&house, &software).await.unwrap();
    assert_eq!(publisher.calls(), 2);
    // A stranger who makes ids up gets one look in half a minute, whatever they do.
    house.advance(seconds(30));
    for at in 0..20 {
        let stranger = Software { key_id: format!("made-up-{at}"), ..software_of(&software) };
        assert!(is_unknown(ask(&house, &stranger).await));
    }
    assert_eq!(publisher.calls(), 3);
    // A key that is not published any more is not believed any more.
    house.advance(seconds(30));
    publisher.publish(&test_keys::ed25519(2).jwks("k2"), "");
    let stranger = Software { key_id: "made-up".into(), ..software_of(&software) };
    assert!(is_unknown(ask(&house, &stranger).await));
    assert!(is_unknown(ask(&house, &software).await));
    ask(&house, &renewed).await.unwrap();
    assert_eq!(publisher.calls(), 4);
}

fn software_of(known: &Software) -> Software {
    Software { client_id: known.client_id.clone(), pair: test_keys::ed25519(1), key_id: known.key_id.clone() }
}

#[tokio::test]
async fn while_the_address_is_away_its_keys_count_for_as_long_as_they_may_and_no_longer() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (publisher, software) = publishing(&house, &operator).await;
    publisher.answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    house.advance(seconds(500));
    ask(&house, &software).await.unwrap();
    assert_eq!(publisher.calls(), 2);
    assert!(problem(&house, &operator, &software).await == ClientKeysProblem::Status);
    house.advance(seconds(100));
    assert!(is_away(ask(&house, &software).await));
    assert!(is_away(ask(&house, &software).await));
    assert_eq!(publisher.calls(), 3);
    house.advance(seconds(30));
    publisher.publish(&test_keys::ed25519(1).jwks("k1"), "Cache-Control: no-store\r\n");
    ask(&house, &software).await.unwrap();
    assert!(problem(&house, &operator, &software).await == ClientKeysProblem::Unspecified);
    // Keys that may not be kept are kept for half a minute all the same.
    house.advance(seconds(23));
    ask(&house, &software).await.unwrap();
    assert_eq!(publisher.calls(), 4);
    house.advance(seconds(7));
    ask(&house, &software).await.unwrap();
    assert_eq!(publisher.calls(), 5);
}

#[tokio::test]
async fn of_many_who_come_when_keys_are_over_one_fetches_them() {
    let house = House::new().await;
    let other = house.replica();
    let operator = house.operator().await;
    let (publisher, software) = publishing(&house, &operator).await;
    house.advance(seconds(600));
    let attempts = (0..32).map(|at| ask(if at % 2 == 0 { &house } else { &other }, &software));
    let answers = join_all(attempts).await;
    assert_eq!(publisher.calls(), 2);
    assert!(answers.iter().any(Result::is_ok));
    for answer in answers.into_iter().filter(Result::is_err) {
        assert!(is_away(answer));
    }
}

#[tokio::test]
async fn what_is_found_at_an_address_is_a_set_of_keys_or_nothing() {
    let house = House::new().await;
    let operator = house.operator().await;
    let publisher = Publisher::start().await;
    let jwks = test_keys::ed25519(1).jwks("k1");
    let other = Publisher::start().await;
    other.publish(&jwks, "");
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", other.url());
    let huge = format!("{jwks}{}", " ".repeat(64 * 1024));
    let endless =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", "8\r\n        \r\n".repeat(9000));
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(64 * 1024));
    for (answer, says) in [
        (redirect.as_str(), "redirects are not followed"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 200"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "no key that can be used"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot JSON!", "no key that can be used"),
        (&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{huge}", huge.len()), "more than 64 KiB"),
        (&endless, "more than 64 KiB"),
        (&long_head, "nothing answers"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{", "nothing answers"),
        ("SSH-2.0-nothing\r\n", "nothing answers"),
    ] {
        publisher.answer(answer);
        let refused = house.register_client(&operator, at(&publisher.url())).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(says), "{says}: {}", refused.message());
    }
    assert_eq!((publisher.calls(), other.calls()), (9, 0));
    assert_eq!(house.count("client").await, 0);
}

/// A name that no resolver has, and the only place that a test may not call: what holders hear of both is the same.
#[tokio::test]
async fn whether_a_name_leads_inside_or_nowhere_is_told_to_nobody() {
    let house = House::new().await;
    let operator = house.operator().await;
    let nowhere = format!("https://{}.example/keys", "a".repeat(64));
    let inside = "https://10.0.0.1/keys".to_owned();
    let mut heard = Vec::new();
    for address in [&nowhere, &inside] {
        let refused = house.register_client(&operator, at(address)).await.err().unwrap();
        heard.push(visible(&refused));
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0].0, Code::InvalidArgument);
    assert!(heard[0].1.contains("nothing answers there on the public internet"), "{}", heard[0].1);
    // Nor do those who move later hear it, nor what is kept of the last fetch.
    for address in [&nowhere, &inside] {
        let (publisher, software) = publishing(&house, &operator).await;
        drop(publisher);
        sqlx::query("UPDATE client SET jwks_url = $1 WHERE client_id = $2")
            .bind(address)
            .bind(software.client_id.parse::<Uuid>().unwrap())
            .execute(house.pool())
            .await
            .unwrap();
        house.advance(seconds(500));
        ask(&house, &software).await.unwrap();
        assert!(problem(&house, &operator, &software).await == ClientKeysProblem::Unreachable, "{address}");
    }
}

#[tokio::test]
async fn nobody_has_addresses_called_without_end() {
    let house = House::new().await;
    let (operator, counselor) = (house.operator().await, house.counselor("carla").await);
    let publisher = Publisher::start().await;
    publisher.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let software = house.software(&operator, test_keys::rsa(), &["system/*.rs"]).await;
    let register = async || {
        let answer = house.register_client(&operator, at(&publisher.url())).await;
        answer.err().unwrap().code()
    };
    let rotate = async || {
        let message = RotateClientKeysRequest {
            client_id: software.client_id.clone(),
            jwks_url: publisher.url(),
            ..RotateClientKeysRequest::default()
        };
        let answer = house.rpc.rotate_client_keys(house.by(&operator, message)).await;
        answer.err().unwrap().code()
    };
    for _ in 0..5 {
        assert_eq!((register().await, rotate().await), (Code::InvalidArgument, Code::InvalidArgument));
    }
    assert_eq!((register().await, rotate().await), (Code::ResourceExhausted, Code::ResourceExhausted));
    assert_eq!(publisher.calls(), 10);
    // Others do not pay for it, and neither do keys by value.
    house.register_client(&counselor, at(&publisher.url())).await.err().unwrap();
    assert_eq!(publisher.calls(), 11);
    house.rotate(&operator, &software.client_id, test_keys::p384().jwks("k1")).await.unwrap();
    house.advance(seconds(60));
    assert_eq!((register().await, register().await), (Code::InvalidArgument, Code::ResourceExhausted));
}

#[tokio::test]
async fn an_address_that_takes_its_time_is_given_up() {
    let house = House::new().await;
    let operator = house.operator().await;
    let publisher = Publisher::start().await;
    publisher.say_nothing();
    let refused = house.register_client(&operator, at(&publisher.url())).await.err().unwrap();
    assert!(refused.message().contains("too long"), "{}", refused.message());
}

#[tokio::test]
async fn keys_move_to_an_address_and_back() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::rsa(), &["system/*.rs"]).await;
    let publisher = Publisher::start().await;
    publisher.publish(&test_keys::ed25519(1).jwks("k1"), "");
    let message = RotateClientKeysRequest {
        client_id: software.client_id.clone(),
        jwks_url: publisher.url(),
        ..RotateClientKeysRequest::default()
    };
    house.rpc.rotate_client_keys(house.by(&operator, message)).await.unwrap();
    assert!(is_unknown(ask(&house, &software).await));
    ask(&house, &software_of(&software)).await.unwrap();
    house.rotate(&operator, &software.client_id, test_keys::p384().jwks("k1")).await.unwrap();
    house.advance(seconds(3600));
    assert!(is_unknown(ask(&house, &software_of(&software)).await));
    let client = house.client(&operator, &software.client_id).await.unwrap();
    assert!(client.jwks_url.is_empty() && client.keys_fetch_time.is_none());
    assert_eq!(publisher.calls(), 1);
}

#[tokio::test]
async fn a_disabled_client_is_never_fetched_for() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (publisher, software) = publishing(&house, &operator).await;
    house.disable(&operator, &software.client_id).await.unwrap();
    house.advance(seconds(3600));
    assert!(is_unknown(ask(&house, &software).await));
    assert_eq!(publisher.calls(), 1);
}
