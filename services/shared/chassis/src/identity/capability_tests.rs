//! Capabilities, verified by the same keyring as passports.

use super::tests::{World, private, public, signed, with, world};
use super::*;
use crate::identity::TokenSigner;
use crate::identity::capability::Opening;
use crate::identity::claims::MAX_LIFETIME;
use crate::identity::{Assurance, Kind, Scopes};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use uuid::Uuid;

impl World {
    pub(super) fn capability(&self) -> capability::Claims {
        let now = self.clock.now();
        let reader = Passport {
            account_id: self.account,
            kind: Kind::Member,
            session_id: Uuid::from_u128(8),
            authenticated_at: now,
            assurance: Assurance::One,
            expires_at: now + MAX_LIFETIME,
            scopes: Scopes::default(),
            suspended: false,
            terms_due: false,
        };
        let opening = Opening {
            owner_id: Uuid::from_u128(9),
            relation_id: Uuid::from_u128(10),
            scope: 1,
            item_id: Some(Uuid::from_u128(11)),
            epoch: 3,
            receipt_id: Uuid::from_u128(12),
        };
        capability::Claims::new(&reader, &opening, now)
    }

    pub(super) async fn refuses(&self, token: &str) {
        let fault = self.keyring.verify_capability(token).await.unwrap_err();
        assert_eq!((fault.code, fault.reason), (Code::PermissionDenied, "CAPABILITY_INVALID"));
    }
}

fn shown(claims: &capability::Claims) -> String {
    claims.sign(&TokenSigner::new("k1", &private(1)).unwrap()).unwrap()
}

#[tokio::test]
async fn a_capability_is_what_it_says_for_ten_seconds() {
    let world = world();
    let token = shown(&world.capability());
    let capability = world.keyring.verify_capability(&token).await.unwrap();
    assert_eq!((capability.reader_id, capability.session_id), (world.account, Uuid::from_u128(8)));
    assert_eq!(capability.expires_at, world.clock.now() + capability::MAX_LIFETIME);
    let opening = capability.opening;
    assert_eq!((opening.owner_id, opening.relation_id), (Uuid::from_u128(9), Uuid::from_u128(10)));
    assert_eq!((opening.scope, opening.item_id, opening.epoch), (1, Some(Uuid::from_u128(11)), 3));
    assert_eq!(opening.receipt_id, Uuid::from_u128(12));
    let all = capability::Claims { itm: None, ..world.capability() };
    assert_eq!(world.keyring.verify_capability(&shown(&all)).await.unwrap().opening.item_id, None);
    world.advance(9);
    world.keyring.verify_capability(&token).await.unwrap();
    world.advance(1);
    world.refuses(&token).await;
}

#[tokio::test]
async fn a_capability_from_a_clock_that_is_ahead_waits_for_ours() {
    let world = world();
    let ahead = |seconds: i64| {
        let now = world.capability();
        shown(&capability::Claims { iat: now.iat + seconds, exp: now.exp + seconds, ..now })
    };
    world.keyring.verify_capability(&ahead(2)).await.unwrap();
    world.refuses(&ahead(3)).await;
}

#[tokio::test]
async fn a_capability_ends_with_the_passport_it_was_made_for() {
    let world = world();
    let now = world.clock.now();
    let reader = Passport {
        account_id: world.account,
        kind: Kind::Member,
        session_id: Uuid::from_u128(8),
        authenticated_at: now,
        assurance: Assurance::One,
        expires_at: now + SignedDuration::from_secs(4),
        scopes: Scopes::default(),
        suspended: false,
        terms_due: false,
    };
    let opening = world.capability().capability().unwrap().opening;
    let claims = capability::Claims::new(&reader, &opening, now);
    assert_eq!(claims.exp, now.as_second() + 4);
    world.advance(4);
    world.refuses(&shown(&claims)).await;
}

#[tokio::test]
async fn neither_a_capability_passes_for_a_passport_nor_a_passport_for_a_capability() {
    let world = world();
    let (capability, passport) = (shown(&world.capability()), signed(&world.claims()));
    assert_eq!(world.reason(&capability).await, "PASSPORT_INVALID");
    world.refuses(&passport).await;
    // Not even when it has been seen, and is remembered, as what it is.
    world.keyring.verify(&passport).await.unwrap();
    world.keyring.verify_capability(&capability).await.unwrap();
    assert_eq!(world.reason(&capability).await, "PASSPORT_INVALID");
    world.refuses(&passport).await;
    // A token that claims everything of both is what its audience says.
    let mut both = serde_json::to_value(world.claims()).unwrap();
    let own = serde_json::to_value(world.capability()).unwrap();
    both.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::EdDSA) };
    let both = with(&header, &both, &EncodingKey::from_ed_der(&private(1)));
    world.keyring.verify_capability(&both).await.unwrap();
    assert_eq!(world.reason(&both).await, "PASSPORT_INVALID");
}

#[tokio::test]
async fn claims_that_a_capability_never_has_are_refused() {
    let world = world();
    let good = world.capability();
    let wrong = [
        capability::Claims { aud: AUDIENCE.into(), ..good.clone() },
        capability::Claims { aud: "elsewhere".into(), ..good.clone() },
        capability::Claims { iss: "somebody".into(), ..good.clone() },
        capability::Claims { exp: good.exp + 1, ..good.clone() },
        capability::Claims { exp: good.iat, ..good.clone() },
        capability::Claims { iat: good.iat + 31, exp: good.exp + 31, ..good.clone() },
        capability::Claims { iat: good.iat - 10, exp: good.exp - 10, ..good.clone() },
        capability::Claims { iat: i64::MIN, ..good.clone() },
        capability::Claims { iat: i64::MAX - 1, exp: i64::MAX, ..good.clone() },
    ];
    for claims in wrong {
        world.refuses(&shown(&claims)).await;
    }
    let claims = serde_json::to_value(&good).unwrap();
    let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::EdDSA) };
    let own = EncodingKey::from_ed_der(&private(1));
    for missing in ["sub", "sid", "own", "rel", "scp", "epo", "rcp", "iat", "exp", "iss", "aud"] {
        let mut partial = claims.clone();
        partial.as_object_mut().unwrap().remove(missing);
        world.refuses(&with(&header, &partial, &own)).await;
    }
    world.keyring.verify_capability(&with(&header, &claims, &own)).await.unwrap();
}

#[tokio::test]
async fn capabilities_signed_otherwise_are_refused() {
    let world = world();
    let claims = serde_json::to_value(world.capability()).unwrap();
    let b64 = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    world
        .refuses(&format!("{}.{}.", b64(&json!({"alg": "none", "typ": "JWT", "kid": "k1"})), b64(&claims)))
        .await;
    let x = public("k1", 1).x;
    let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) };
    for secret in [x.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(&x).unwrap()] {
        world.refuses(&with(&header, &claims, &EncodingKey::from_secret(&secret))).await;
    }
    world
        .refuses(&with(&Header::new(Algorithm::EdDSA), &claims, &EncodingKey::from_ed_der(&private(1))))
        .await;
    world.refuses(&world.capability().sign(&TokenSigner::new("k1", &private(2)).unwrap()).unwrap()).await;
    let token = shown(&world.capability());
    let (head, signature) = token.rsplit_once('.').unwrap();
    let other = shown(&capability::Claims { own: world.account, ..world.capability() });
    let foreign = other.rsplit_once('.').unwrap().1;
    for damaged in [
        format!("{head}.{foreign}"),
        format!("{head}."),
        head.to_owned(),
        format!("{token}.{signature}"),
        String::new(),
        "a".repeat(MAX_TOKEN_BYTES + 1),
    ] {
        world.refuses(&damaged).await;
    }
    // While accounts is away and its key unknown, nobody knows.
    world.source.away.store(true, Ordering::SeqCst);
    let fresh = Keyring::new(world.source.clone(), world.clock.clone());
    assert_eq!(fresh.verify_capability(&token).await.unwrap_err().code, Code::Unavailable);
}
