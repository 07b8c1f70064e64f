use super::super::test_keys::{self, Pair};
use super::*;
use serde_json::{Value, json};

fn flaw(jwks: &Value) -> &'static str {
    KeySet::registered(&jwks.to_string()).unwrap_err().description
}

/// A set of one key, changed.
fn changed(pair: &Pair, change: impl FnOnce(&mut Value)) -> Value {
    let mut jwk = pair.jwk("k");
    change(&mut jwk);
    json!({ "keys": [jwk] })
}

fn good() -> [(Pair, &'static str); 3] {
    [(test_keys::rsa(), "RS384"), (test_keys::p384(), "ES384"), (test_keys::ed25519(1), "EdDSA")]
}

#[test]
fn good_keys_are_taken_kept_and_verify_what_they_signed() {
    for (pair, algorithm) in good() {
        let set = KeySet::registered(&pair.jwks("k1")).unwrap();
        let key = set.find("k1").unwrap();
        assert_eq!((key.algorithm(), set.find("k2")), (algorithm, None));
        let stored = ClientKey::stored("k1".into(), &key.stored_as()).unwrap();
        assert_eq!(&stored, key);
        let token = pair.sign_text("head", "body");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let verifies = |signature: &str, text: &str| {
            let key = stored.verifying().unwrap();
            crypto::verify(signature, text.as_bytes(), &key, stored.signs_with()).unwrap_or_default()
        };
        assert!(verifies(signature, signed));
        assert!(!verifies(signature, "head.body") && !verifies("", signed));
        let (other, _) = &good()[if algorithm == "EdDSA" { 0 } else { 2 }];
        let foreign = other.sign_text("head", "body");
        assert!(!verifies(foreign.rsplit_once('.').unwrap().1, signed));
    }
}

#[test]
fn nothing_but_the_public_half_is_kept() {
    for (pair, _) in good() {
        let jwks = changed(&pair, |jwk| {
            jwk["x5c"] = json!(["certificate"]);
            jwk["x5u"] = "https://elsewhere.example".into();
            jwk["anything"] = "else".into();
        });
        let kept = KeySet::registered(&jwks.to_string()).unwrap().find("k").unwrap().stored_as();
        assert!(!kept.contains("else") && !kept.contains("certificate"), "{kept}");
    }
}

#[test]
fn a_private_key_is_said_to_be_one() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for (pair, _) in good() {
            let flaw = flaw(&changed(&pair, |jwk| jwk[member] = "AQAB".into()));
            assert!(flaw.contains("private key"), "{member}: {flaw}");
        }
    }
}

#[test]
fn keys_that_are_too_weak_or_of_another_kind_are_refused() {
    let rsa = test_keys::rsa;
    let [p384, ed25519] = [test_keys::p384(), test_keys::ed25519(1)];
    let even = |jwk: &mut Value, member: &str| {
        let mut bytes = URL_SAFE_NO_PAD.decode(jwk[member].as_str().unwrap()).unwrap();
        *bytes.last_mut().unwrap() &= 0xfe;
        jwk[member] = URL_SAFE_NO_PAD.encode(bytes).into();
    };
    let long = URL_SAFE_NO_PAD.encode([0xff; 513]);
    // 1024 bits behind enough zeros to look like more.
    let padded = changed(&test_keys::weak_rsa(), |jwk| {
        let bytes = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
        jwk["n"] = URL_SAFE_NO_PAD.encode([vec![0; 256], bytes].concat()).into();
    });
    for (jwks, says) in [
        (changed(&test_keys::weak_rsa(), |_| {}), "2048"),
        (padded, "2048"),
        (changed(&rsa(), |jwk| jwk["n"] = long.into()), "4096"),
        (changed(&rsa(), |jwk| jwk["n"] = "AA".into()), "2048"),
        (changed(&rsa(), |jwk| even(jwk, "n")), "unsound"),
        (changed(&rsa(), |jwk| jwk["e"] = "AQ".into()), "unsound"),
        (changed(&rsa(), |jwk| jwk["e"] = "Ag".into()), "unsound"),
        (changed(&rsa(), |jwk| jwk["e"] = "AAAA".into()), "unsound"),
        (changed(&rsa(), |jwk| jwk["e"] = "AQAAAAE".into()), "unsound"),
        (changed(&rsa(), |jwk| jwk["e"] = Value::Null), "missing"),
        (changed(&rsa(), |jwk| jwk["n"] = "not base64url!".into()), "base64url"),
        (changed(&test_keys::p256(), |_| {}), "another kind"),
        (changed(&p384, |jwk| jwk["crv"] = "P-521".into()), "another kind"),
        (changed(&p384, |jwk| even(jwk, "y")), "point"),
        (changed(&p384, |jwk| jwk["y"] = jwk["x"].clone()), "point"),
        (changed(&p384, |jwk| jwk["x"] = "AA".into()), "point"),
        (changed(&ed25519, |jwk| jwk["crv"] = "Ed448".into()), "another kind"),
        (changed(&ed25519, |jwk| jwk["crv"] = "X25519".into()), "another kind"),
        (changed(&ed25519, |jwk| jwk["x"] = "AAAA".into()), "point"),
        (changed(&ed25519, |jwk| jwk["x"] = URL_SAFE_NO_PAD.encode([0; 32]).into()), "point"),
        (json!({ "keys": [{ "kty": "oct", "kid": "k" }] }), "another kind"),
    ] {
        let flaw = flaw(&jwks);
        assert!(flaw.contains(says), "{says}: {flaw}");
    }
}

#[test]
fn a_key_says_what_it_is_for() {
    let rsa = test_keys::rsa();
    for (change, says) in [
        (json!({ "kid": "" }), "without an id"),
        (json!({ "kid": null }), "without an id"),
        (json!({ "kid": "k".repeat(129) }), "without an id"),
        (json!({ "kid": 1 }), "not a JSON Web Key"),
        (json!({ "use": "enc" }), "not for signatures"),
        (json!({ "key_ops": ["encrypt"] }), "not for signatures"),
        (json!({ "alg": "RS256" }), "another algorithm"),
        (json!({ "alg": "none" }), "another algorithm"),
        (json!({ "alg": "HS384" }), "another algorithm"),
    ] {
        let jwks =
            changed(&rsa, |jwk| jwk.as_object_mut().unwrap().extend(change.as_object().unwrap().clone()));
        let flaw = flaw(&jwks);
        assert!(flaw.contains(says), "{change}: {flaw}");
    }
    let signs = json!({ "use": "sig", "key_ops": ["verify"], "alg": "RS384" });
    let jwks = changed(&rsa, |jwk| jwk.as_object_mut().unwrap().extend(signs.as_object().unwrap().clone()));
    KeySet::registered(&jwks.to_string()).unwrap();
}

#[test]
fn a_set_that_is_registered_is_good_as_a_whole_and_one_that_is_fetched_as_far_as_it_goes() {
    let (rsa, weak, ed25519) = (test_keys::rsa(), test_keys::weak_rsa(), test_keys::ed25519(1));
    let mixed = json!({ "keys": [weak.jwk("weak"), rsa.jwk("one"), { "kty": "oct" }, ed25519.jwk("two")] });
    assert!(KeySet::registered(&mixed.to_string()).is_err());
    let fetched = KeySet::fetched(mixed.to_string().as_bytes()).unwrap();
    assert_eq!(fetched.iter().map(|key| key.key_id.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    for none in [json!({ "keys": [] }), json!({ "keys": [weak.jwk("k")] }), json!({}), json!([]), json!("x")]
    {
        assert!(KeySet::registered(&none.to_string()).is_err(), "{none}");
        assert!(KeySet::fetched(none.to_string().as_bytes()).is_none(), "{none}");
    }
    let twice = json!({ "keys": [rsa.jwk("k"), ed25519.jwk("k")] });
    assert!(flaw(&twice).contains("same id"));
    assert!(KeySet::fetched(twice.to_string().as_bytes()).is_none());
    let many: Vec<_> = (0..21).map(|seed| test_keys::ed25519(seed).jwk(&seed.to_string())).collect();
    assert!(flaw(&json!({ "keys": many })).contains("1 to 20"));
    assert!(KeySet::registered("not JSON").is_err() && KeySet::fetched(b"\xff").is_none());
    let huge = format!("{}{}", ed25519.jwks("k"), " ".repeat(MOST_JWKS_BYTES));
    assert!(KeySet::registered(&huge).is_err() && KeySet::fetched(huge.as_bytes()).is_none());
}
