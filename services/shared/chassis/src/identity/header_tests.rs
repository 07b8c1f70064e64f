//! Tokens whose header brings a key, says where one is, or wants something understood.

use super::tests::{private, world};
use super::*;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// Headers that bring a key of their own, say where one is, or want something understood; signed with any key.
fn bringing_more() -> Vec<(&'static str, Value)> {
    let key = EncodingKey::from_ed_der(&private(2));
    let jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::EdDSA).unwrap()).unwrap();
    vec![
        ("jku", json!("http://127.0.0.1:9/keys")),
        ("jwk", jwk),
        ("x5u", json!("http://127.0.0.1:9/chain")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("url", json!("http://127.0.0.1:9")),
        ("cty", json!("JWT")),
        ("anything", json!(1)),
    ]
}

/// A token whose header says one thing more than the kind, the algorithm and the key.
fn saying(name: &str, value: &Value, claims: &Value, seed: u8) -> String {
    let mut header = json!({ "typ": "JWT", "alg": "EdDSA", "kid": "k1" });
    header[name] = value.clone();
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let key = EncodingKey::from_ed_der(&private(seed));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::EdDSA).unwrap();
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn a_passport_that_brings_a_key_or_says_where_one_is_is_refused_and_nothing_is_fetched() {
    let world = world();
    let claims = serde_json::to_value(world.claims()).unwrap();
    for (name, value) in bringing_more() {
        // Ours says no such thing, so not even our own key makes it one.
        for seed in [1, 2] {
            let token = saying(name, &value, &claims, seed);
            assert_eq!(world.reason(&token).await, "PASSPORT_INVALID", "{name}");
        }
    }
    assert_eq!(world.source.fetches.load(Ordering::SeqCst), 0);
    // The same without it is one.
    world.keyring.verify(&saying("kid", &json!("k1"), &claims, 1)).await.unwrap();
}

#[tokio::test]
async fn a_capability_that_brings_a_key_or_says_where_one_is_is_refused_and_nothing_is_fetched() {
    let world = world();
    let claims = serde_json::to_value(world.capability()).unwrap();
    for (name, value) in bringing_more() {
        for seed in [1, 2] {
            world.refuses(&saying(name, &value, &claims, seed)).await;
        }
    }
    assert_eq!(world.source.fetches.load(Ordering::SeqCst), 0);
    world.keyring.verify_capability(&saying("kid", &json!("k1"), &claims, 1)).await.unwrap();
}
