use super::super::KeySet;
use super::super::test_keys::{self, Pair, encode};
use super::*;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

const CLIENT: &str = "0b5f1f6e-7a5c-4a5e-9d5b-2f1c3f7c9a10";
const ENDPOINT: &str = "https://candor.example/oauth/token";
const NOW: i64 = 1_700_000_000;

fn claims() -> Value {
    json!({
        "iss": CLIENT, "sub": CLIENT, "aud": ENDPOINT, "exp": NOW + 300, "iat": NOW, "nbf": NOW, "jti": "one",
    })
}

fn with(changes: Value) -> Value {
    let mut all = claims();
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    all
}

/// What an assertion proves to somebody who knows one key, and where keys are.
fn proof_of(token: &str, pair: &Pair, jwks_url: Option<&str>) -> Option<Proof> {
    let set = KeySet::registered(&pair.jwks("k1")).unwrap();
    let now = Timestamp::from_second(NOW).unwrap();
    let assertion = Assertion::read(token)?;
    let key = set.find(assertion.key_id())?;
    assertion.proves(key, &Expected { audience: ENDPOINT, jwks_url, now })
}

fn proof(header: &Value, claims: &Value) -> Option<Proof> {
    let pair = test_keys::ed25519(1);
    proof_of(&pair.sign(header, claims), &pair, None)
}

#[test]
fn a_client_proves_who_it_is_with_each_kind_of_key() {
    for pair in [test_keys::rsa(), test_keys::p384(), test_keys::ed25519(1)] {
        let proof = proof_of(&pair.sign(&pair.header("k1"), &claims()), &pair, None).unwrap();
        assert_eq!(proof.until.as_second(), NOW + 300);
    }
}

#[test]
fn what_differs_in_form_alone_is_taken() {
    let header = test_keys::ed25519(1).header("k1");
    for changes in [
        json!({ "aud": [ENDPOINT] }),
        json!({ "exp": NOW + 330 }), // a clock that is half a minute ahead
        json!({ "exp": f64::from(1_700_000_000) + 10.75 }),
        json!({ "nbf": null, "iat": null }),
        json!({ "iat": NOW + 30, "nbf": NOW + 30 }),
        json!({ "iat": 0, "anything": ["else"] }),
    ] {
        assert!(proof(&header, &with(changes.clone())).is_some(), "{changes}");
    }
    for typ in [json!(null), json!("jwt"), json!("client-authentication+jwt")] {
        let mut header = header.clone();
        header["typ"] = typ;
        assert!(proof(&header, &claims()).is_some(), "{header}");
    }
}

#[test]
fn claims_that_do_not_fit_prove_nothing() {
    let header = test_keys::ed25519(1).header("k1");
    for changes in [
        json!({ "iss": "somebody else" }),
        json!({ "sub": "3f7c9a10-7a5c-4a5e-9d5b-2f1c0b5f1f6e" }),
        json!({ "iss": CLIENT.to_uppercase(), "sub": CLIENT.to_uppercase() }),
        json!({ "iss": format!("{{{CLIENT}}}"), "sub": format!("{{{CLIENT}}}") }),
        json!({ "sub": null }),
        json!({ "aud": "https://candor.example/oauth/token/" }),
        json!({ "aud": "https://candor.example/oauth/revoke" }),
        json!({ "aud": "https://candor.example" }),
        json!({ "aud": "HTTPS://candor.example/oauth/token" }),
        json!({ "aud": [ENDPOINT, "https://elsewhere.example"] }),
        json!({ "aud": [] }),
        json!({ "aud": null }),
        json!({ "exp": NOW }),
        json!({ "exp": NOW - 1 }),
        json!({ "exp": NOW + 331 }),
        json!({ "exp": i64::MAX }),
        json!({ "exp": i64::MIN }),
        json!({ "exp": u64::MAX }),
        json!({ "exp": 1e300 }),
        json!({ "exp": "soon" }),
        json!({ "exp": null }),
        json!({ "nbf": NOW + 31 }),
        json!({ "iat": NOW + 31 }),
        json!({ "iat": 1e300 }),
        json!({ "jti": "" }),
        json!({ "jti": null }),
        json!({ "jti": 7 }),
        json!({ "jti": "x".repeat(257) }),
    ] {
        assert_eq!(proof(&header, &with(changes.clone())), None, "{changes}");
    }
    for missing in ["iss", "sub", "aud", "exp", "jti"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(proof(&header, &claims), None, "{missing}");
    }
}

#[test]
fn headers_that_say_too_much_or_something_else_prove_nothing() {
    let pair = test_keys::ed25519(1);
    let own = test_keys::ed25519(2);
    let good = pair.header("k1");
    for changes in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "HS384" }),
        json!({ "alg": "RS384" }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "eddsa" }),
        json!({ "alg": null }),
        json!({ "kid": "k2" }),
        json!({ "kid": null }),
        json!({ "typ": "candor-capability" }),
        json!({ "typ": "at+jwt" }),
        json!({ "jku": "https://elsewhere.example/keys" }),
        json!({ "jwk": own.jwk("k1") }),
        json!({ "x5u": "https://elsewhere.example/chain" }),
        json!({ "x5c": ["MIIB"] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "b64": true }),
        json!({ "zip": "DEF" }),
        json!({ "enc": "A128GCM" }),
    ] {
        let mut header = good.clone();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(proof(&header, &claims()), None, "{changes}");
    }
}

#[test]
fn an_address_of_keys_is_never_more_than_the_registered_one_repeated() {
    let (pair, url) = (test_keys::ed25519(1), "https://clinic.example/keys");
    let mut header = pair.header("k1");
    header["jku"] = url.into();
    let token = pair.sign(&header, &claims());
    assert!(proof_of(&token, &pair, Some(url)).is_some());
    for other in [None, Some("https://clinic.example/keys/"), Some("https://clinic.example/")] {
        assert_eq!(proof_of(&token, &pair, other), None);
    }
}

#[test]
fn an_rsa_key_verifies_no_other_way_of_signing() {
    let rsa = test_keys::rsa();
    let public = rsa.jwk("k1")["n"].as_str().unwrap().to_owned();
    let (header, claims) = (json!({ "alg": "HS384", "kid": "k1" }), claims());
    let signed = format!("{}.{}", encode(&header.to_string()), encode(&claims.to_string()));
    for secret in [public.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(&public).unwrap()] {
        let key = jsonwebtoken::EncodingKey::from_secret(&secret);
        let mac =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS384).unwrap();
        assert_eq!(proof_of(&format!("{signed}.{mac}"), &rsa, None), None);
        // Not even where the header says what the key is for.
        let (_, body) = signed.split_once('.').unwrap();
        let claimed = format!("{}.{body}", encode(&rsa.header("k1").to_string()));
        let mac =
            jsonwebtoken::crypto::sign(claimed.as_bytes(), &key, jsonwebtoken::Algorithm::HS384).unwrap();
        assert_eq!(proof_of(&format!("{claimed}.{mac}"), &rsa, None), None);
    }
}

#[test]
fn damaged_tokens_prove_nothing() {
    let pair = test_keys::ed25519(1);
    let token = pair.sign(&pair.header("k1"), &claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    let other = pair.sign(&pair.header("k1"), &with(json!({ "jti": "two" })));
    let foreign = other.split('.').nth(1).unwrap();
    let twice = r#"{"alg":"EdDSA","kid":"k1","kid":"k1"}"#;
    let claims_twice = claims().to_string().replacen('{', r#"{"jti":"one","#, 1);
    for damaged in [
        signed.to_owned(),
        format!("{signed}."),
        format!("{head}.{foreign}.{signature}"),
        format!("{token}.x"),
        format!("{token}="),
        format!("{head}..{signature}"),
        format!(".{body}.{signature}"),
        format!(" {token}"),
        format!("{token}\n"),
        pair.sign_text("{", &claims().to_string()),
        pair.sign_text(twice, &claims().to_string()),
        pair.sign_text(&pair.header("k1").to_string(), &claims_twice),
        pair.sign_text(&pair.header("k1").to_string(), r#"["iss"]"#),
        pair.sign(&pair.header("k1"), &with(json!({ "more": "x".repeat(MOST_ASSERTION_BYTES) }))),
        String::new(),
        "..".to_owned(),
        "é.é.é".to_owned(),
    ] {
        assert_eq!(proof_of(&damaged, &pair, None), None, "{damaged:.80}");
    }
    assert!(proof_of(&token, &pair, None).is_some());
}

#[test]
fn an_id_is_used_up_whole() {
    let header = test_keys::ed25519(1).header("k1");
    let hash = |jti: &str| proof(&header, &with(json!({ "jti": jti }))).unwrap().id_hash;
    assert_eq!(hash("one"), hash("one"));
    assert_ne!(hash("one"), hash("One"));
    assert_ne!(hash(&"x".repeat(256)), hash(&"x".repeat(255)));
}

proptest! {
    #[test]
    fn any_text_is_no_proof(text in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(proof_of(&text, &test_keys::ed25519(1), None).is_none());
    }
}
