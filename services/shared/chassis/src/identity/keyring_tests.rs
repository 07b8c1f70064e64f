use super::*;
use crate::identity::TokenSigner;
use crate::identity::{Assurance, Kind, Scopes};
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// An Ed25519 private key in PKCS #8.
pub(super) fn private(seed: u8) -> Vec<u8> {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([seed; 32]);
    der
}

pub(super) fn public(key_id: &str, seed: u8) -> PublicKey {
    let jwk = Jwk::from_encoding_key(&EncodingKey::from_ed_der(&private(seed)), Algorithm::EdDSA).unwrap();
    let AlgorithmParameters::OctetKeyPair(pair) = jwk.algorithm else { panic!("an Ed25519 key") };
    PublicKey { key_id: key_id.to_owned(), x: pair.x }
}

#[derive(Default)]
pub(super) struct Source {
    pub(super) keys: Mutex<Vec<PublicKey>>,
    pub(super) away: std::sync::atomic::AtomicBool,
    pub(super) fetches: AtomicUsize,
}

impl KeySource for Source {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<PublicKey>, Fault>> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = match self.away.load(Ordering::SeqCst) {
            true => Err(Fault::new(Code::Unavailable, "UNAVAILABLE", "away")),
            false => Ok(self.keys.lock().unwrap().clone()),
        };
        Box::pin(async move { answer })
    }
}

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) source: Arc<Source>,
    pub(super) keyring: Keyring,
    pub(super) account: Uuid,
}

pub(super) fn world() -> World {
    let clock = Clock::manual("2024-03-10T07:30:00Z".parse().unwrap());
    let source = Arc::new(Source::default());
    source.keys.lock().unwrap().push(public("k1", 1));
    let keyring = Keyring::new(source.clone(), clock.clone());
    World { clock, source, keyring, account: Uuid::from_u128(7) }
}

impl World {
    pub(super) fn claims(&self) -> Claims {
        let now = self.clock.now();
        Claims::new(self.account, Uuid::from_u128(8), Kind::Member, now, now)
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.clock.set(self.clock.now() + SignedDuration::from_secs(seconds));
    }

    pub(super) async fn reason(&self, token: &str) -> &'static str {
        let fault = self.keyring.verify(token).await.unwrap_err();
        assert_eq!(fault.code, Code::Unauthenticated);
        fault.reason
    }
}

pub(super) fn signed(claims: &Claims) -> String {
    claims.sign(&TokenSigner::new("k1", &private(1)).unwrap()).unwrap()
}

pub(super) fn with(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

#[tokio::test]
async fn a_passport_is_who_it_says_until_it_ends() {
    let world = world();
    let token = signed(&world.claims());
    let passport = world.keyring.verify(&token).await.unwrap();
    assert_eq!((passport.account_id, passport.kind), (world.account, Kind::Member));
    world.advance(59);
    world.keyring.verify(&token).await.unwrap();
    world.advance(1);
    assert_eq!(world.reason(&token).await, "PASSPORT_EXPIRED"); // remembered
    let fresh = Keyring::new(world.source.clone(), world.clock.clone());
    assert_eq!(fresh.verify(&token).await.unwrap_err().reason, "PASSPORT_EXPIRED"); // never seen
    assert_eq!(world.source.fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_passport_says_by_how_many_factors_and_one_where_it_does_not_say() {
    let world = world();
    let assurance = async |token: &str| world.keyring.verify(token).await.unwrap().assurance;
    assert_eq!(assurance(&signed(&world.claims())).await, Assurance::One);
    assert_eq!(assurance(&signed(&world.claims().with(Assurance::Two))).await, Assurance::Two);
    let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::EdDSA) };
    let own = EncodingKey::from_ed_der(&private(1));
    let mut claims = serde_json::to_value(world.claims()).unwrap();
    claims.as_object_mut().unwrap().remove("acr");
    assert_eq!(assurance(&with(&header, &claims, &own)).await, Assurance::One);
    for made_up in [json!("aal3"), json!("AAL2"), json!(2), json!(null), json!(["aal2"])] {
        claims["acr"] = made_up;
        assert_eq!(world.reason(&with(&header, &claims, &own)).await, "PASSPORT_INVALID");
    }
}

#[tokio::test]
async fn claims_that_a_passport_never_has_are_refused() {
    let world = world();
    let good = world.claims();
    let wrong = [
        Claims { aud: "elsewhere".into(), ..good.clone() },
        Claims { iss: "somebody".into(), ..good.clone() },
        Claims { exp: good.exp + 1, ..good.clone() },
        Claims { iat: good.iat + 31, exp: good.exp + 31, ..good.clone() },
        Claims { exp: good.iat, ..good.clone() },
        Claims { iat: i64::MIN, ..good.clone() },
        Claims { iat: i64::MAX - 1, exp: i64::MAX, ..good.clone() },
        Claims { auth_time: i64::MAX, ..good.clone() },
    ];
    for claims in wrong {
        assert_eq!(world.reason(&signed(&claims)).await, "PASSPORT_INVALID");
    }
    let ahead = Claims { iat: good.iat + 30, exp: good.exp + 30, ..good };
    world.keyring.verify(&signed(&ahead)).await.unwrap();
}

#[tokio::test]
async fn tokens_signed_otherwise_are_refused() {
    let world = world();
    let claims = serde_json::to_value(world.claims()).unwrap();
    let b64 = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", b64(&json!({"alg": "none", "typ": "JWT", "kid": "k1"})), b64(&claims));
    assert_eq!(world.reason(&unsigned).await, "PASSPORT_INVALID");
    // HMAC keyed with what everybody knows: the public key.
    let x = public("k1", 1).x;
    let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) };
    for secret in [x.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(&x).unwrap()] {
        let token = with(&header, &claims, &EncodingKey::from_secret(&secret));
        assert_eq!(world.reason(&token).await, "PASSPORT_INVALID");
    }
    let own = EncodingKey::from_ed_der(&private(1));
    let no_kid = with(&Header::new(Algorithm::EdDSA), &claims, &own);
    assert_eq!(world.reason(&no_kid).await, "PASSPORT_INVALID");
    let strangers = world.claims().sign(&TokenSigner::new("k1", &private(2)).unwrap()).unwrap();
    assert_eq!(world.reason(&strangers).await, "PASSPORT_INVALID");
    for missing in ["sub", "sid", "kind", "auth_time", "iat", "exp", "iss", "aud"] {
        let mut partial = claims.clone();
        partial.as_object_mut().unwrap().remove(missing);
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::EdDSA) };
        assert_eq!(world.reason(&with(&header, &partial, &own)).await, "PASSPORT_INVALID", "{missing}");
    }
}

#[tokio::test]
async fn damaged_tokens_are_refused() {
    let world = world();
    let token = signed(&world.claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let other = Claims { sub: Uuid::from_u128(9), ..world.claims() };
    let stolen = signed(&other);
    let foreign = stolen.split('.').nth(1).unwrap();
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    for damaged in [
        format!("{header}.{foreign}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{token}.x"),
        format!("{token}é"),
        String::new(),
        "..".to_owned(),
        "not a token at all \u{0}".to_owned(),
        long,
    ] {
        assert_eq!(world.reason(&damaged).await, "PASSPORT_INVALID");
    }
    world.keyring.verify(&token).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_are_asked_for_seldom_and_found_after_a_rotation() {
    let world = world();
    let fetches = || world.source.fetches.load(Ordering::SeqCst);
    world.keyring.verify(&signed(&world.claims())).await.unwrap();
    let rotated = world.claims().sign(&TokenSigner::new("k2", &private(2)).unwrap()).unwrap();
    for _ in 0..100 {
        assert_eq!(world.reason(&rotated).await, "PASSPORT_INVALID");
    }
    assert_eq!(fetches(), 1);
    world.source.keys.lock().unwrap().push(public("k2", 2));
    tokio::time::advance(REFRESH_INTERVAL).await;
    world.keyring.verify(&rotated).await.unwrap();
    assert_eq!(fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn when_accounts_is_away_known_keys_still_work_and_others_are_unavailable() {
    let world = world();
    world.source.away.store(true, Ordering::SeqCst);
    let token = signed(&world.claims());
    for _ in 0..3 {
        assert_eq!(world.keyring.verify(&token).await.unwrap_err().code, Code::Unavailable);
    }
    assert_eq!(world.source.fetches.load(Ordering::SeqCst), 1);
    world.source.away.store(false, Ordering::SeqCst);
    tokio::time::advance(RETRY_INTERVAL).await;
    world.keyring.verify(&token).await.unwrap();
    world.source.away.store(true, Ordering::SeqCst);
    world.advance(1);
    world.keyring.verify(&signed(&world.claims())).await.unwrap();
}

/// Lets time pass until the background has fetched so often in all.
async fn fetched(world: &World, times: usize) {
    while world.source.fetches.load(Ordering::SeqCst) < times {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(world.source.fetches.load(Ordering::SeqCst), times);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_is_believed_for_five_minutes_at_most_even_if_nobody_calls() {
    let world = world();
    world.source.keys.lock().unwrap().push(public("k2", 2));
    let (withdrawn, kept) = (
        signed(&world.claims()),
        world.claims().sign(&TokenSigner::new("k2", &private(2)).unwrap()).unwrap(),
    );
    world.keyring.verify(&withdrawn).await.unwrap();
    world.keyring.verify(&kept).await.unwrap();
    world.source.keys.lock().unwrap().remove(0);
    world.keyring.verify(&withdrawn).await.unwrap();
    let since = Instant::now();
    fetched(&world, 2).await;
    assert!(since.elapsed() <= FRESH + Duration::from_secs(2));
    assert_eq!(world.reason(&withdrawn).await, "PASSPORT_INVALID"); // although it was remembered
    let fresh = Claims { sub: Uuid::from_u128(9), ..world.claims() };
    assert_eq!(world.reason(&signed(&fresh)).await, "PASSPORT_INVALID");
    world.keyring.verify(&kept).await.unwrap();
    assert_eq!(world.keyring.0.verified.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_key_under_a_known_id_takes_its_passports_with_it() {
    let world = world();
    let token = signed(&world.claims());
    world.keyring.verify(&token).await.unwrap();
    let old = world.keyring.known("k1").unwrap();
    *world.source.keys.lock().unwrap() = vec![public("k1", 2)];
    fetched(&world, 2).await;
    assert_eq!(world.reason(&token).await, "PASSPORT_INVALID");
    // Verified a moment before the key went, remembered a moment after: not at all.
    let passport = world.claims().passport().unwrap();
    world.keyring.remember([1; 32], &passport, old);
    assert!(world.keyring.remembered(&[1; 32]).is_none());
}

#[tokio::test(start_paused = true)]
async fn while_accounts_is_away_keys_are_believed_for_an_hour() {
    let world = world();
    let token = signed(&world.claims());
    world.keyring.verify(&token).await.unwrap();
    world.source.away.store(true, Ordering::SeqCst);
    let other = signed(&Claims { sub: Uuid::from_u128(9), ..world.claims() });
    tokio::time::advance(TRUSTED - Duration::from_secs(1)).await;
    world.keyring.verify(&token).await.unwrap();
    world.keyring.verify(&other).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    for token in [&token, &other] {
        assert_eq!(world.keyring.verify(token).await.unwrap_err().code, Code::Unavailable);
    }
    world.source.away.store(false, Ordering::SeqCst);
    tokio::time::advance(RETRY_INTERVAL).await;
    world.keyring.verify(&token).await.unwrap();
    world.keyring.verify(&other).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_again_soon_after_accounts_is_back_and_never_for_a_keyring_that_is_gone() {
    let world = world();
    world.keyring.verify(&signed(&world.claims())).await.unwrap();
    world.source.away.store(true, Ordering::SeqCst);
    fetched(&world, 3).await;
    world.source.away.store(false, Ordering::SeqCst);
    fetched(&world, 4).await;
    let World { source, keyring, .. } = world;
    drop(keyring);
    tokio::time::sleep(FRESH * 3).await;
    assert_eq!((source.fetches.load(Ordering::SeqCst), Arc::strong_count(&source)), (4, 1));
}

#[tokio::test]
async fn a_key_of_the_wrong_length_is_left_out() {
    let world = world();
    *world.source.keys.lock().unwrap() = vec![PublicKey { key_id: "k1".into(), x: "AAAA".into() }];
    assert_eq!(world.reason(&signed(&world.claims())).await, "PASSPORT_INVALID");
}

#[tokio::test]
async fn the_memory_of_passports_is_bounded() {
    let world = world();
    let passport = world.keyring.verify(&signed(&world.claims())).await.unwrap();
    let key = world.keyring.known("k1").unwrap();
    for n in 0..CACHE_SIZE as u64 + 10 {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&n.to_be_bytes());
        world.keyring.remember(digest, &passport, key.clone());
    }
    assert!(world.keyring.0.verified.lock().unwrap().len() <= CACHE_SIZE);
    let late = Passport { expires_at: Timestamp::MAX, ..passport };
    world.keyring.remember([255; 32], &late, key);
    assert!(world.keyring.remembered(&[255; 32]).is_some());
}

/// Tokens of software that were taken back.
#[derive(Default)]
struct TakenBack {
    tokens: Mutex<Vec<Uuid>>,
    asked: AtomicUsize,
}

impl ClientTokens for TakenBack {
    fn is_live(&self, token_id: Uuid) -> BoxFuture<'_, Result<bool, Fault>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let live = !self.tokens.lock().unwrap().contains(&token_id);
        Box::pin(async move { Ok(live) })
    }
}

const TOKEN: Uuid = Uuid::from_u128(21);

impl World {
    fn client_claims(&self) -> Claims {
        let scopes = Scopes::exactly("system/*.rs user/Patient.r").unwrap();
        Claims::of_client(Uuid::from_u128(20), TOKEN, &scopes, self.clock.now())
    }
}

#[tokio::test]
async fn a_token_of_software_is_good_for_five_minutes_and_says_what_it_may_be_used_for() {
    let world = world();
    let keyring = world.keyring.clone().taking_clients(Arc::new(TakenBack::default()));
    let token = signed(&world.client_claims());
    let passport = keyring.verify(&token).await.unwrap();
    assert_eq!((passport.account_id, passport.session_id), (Uuid::from_u128(20), TOKEN));
    assert_eq!(
        (passport.kind, passport.scopes.to_string().as_str()),
        (Kind::Client, "system/*.rs user/Patient.r")
    );
    rpc::require_step_up(&passport, world.clock.now()).unwrap_err();
    world.advance(299);
    keyring.verify(&token).await.unwrap();
    world.advance(1);
    assert_eq!(keyring.verify(&token).await.unwrap_err().reason, "PASSPORT_EXPIRED");
}

#[tokio::test]
async fn a_token_of_software_that_was_taken_back_is_refused_however_well_it_is_remembered() {
    let world = world();
    let taken_back = Arc::new(TakenBack::default());
    let keyring = world.keyring.clone().taking_clients(taken_back.clone());
    let token = signed(&world.client_claims());
    keyring.verify(&token).await.unwrap();
    keyring.verify(&token).await.unwrap();
    taken_back.tokens.lock().unwrap().push(TOKEN);
    let fault = keyring.verify(&token).await.unwrap_err();
    assert_eq!((fault.code, fault.reason), (Code::Unauthenticated, "PASSPORT_EXPIRED"));
    assert_eq!(taken_back.asked.load(Ordering::SeqCst), 3);
    // Passports of people are believed without a question.
    keyring.verify(&signed(&world.claims())).await.unwrap();
    assert_eq!(taken_back.asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn where_nobody_knows_what_was_taken_back_software_is_refused() {
    let world = world();
    let fault = world.keyring.verify(&signed(&world.client_claims())).await.unwrap_err();
    assert_eq!((fault.code, fault.reason), (Code::PermissionDenied, "NOT_FOR_SOFTWARE"));
}

#[tokio::test]
async fn neither_a_person_gets_the_life_and_scopes_of_software_nor_the_other_way_round() {
    let world = world();
    let keyring = world.keyring.clone().taking_clients(Arc::new(TakenBack::default()));
    let (person, software) = (world.claims(), world.client_claims());
    let wrong = [
        Claims { exp: person.iat + 61, ..person.clone() },
        Claims { scope: Some("system/*.rs".into()), ..person.clone() },
        Claims { kind: Kind::Operator, ..software.clone() },
        Claims { exp: software.iat + 301, ..software.clone() },
        Claims { scope: None, ..software.clone() },
        Claims { scope: Some(String::new()), ..software.clone() },
        Claims { scope: Some("system/*.rs everything".into()), ..software.clone() },
        Claims { kind: Kind::Client, ..person },
    ];
    for claims in wrong {
        assert_eq!(keyring.verify(&signed(&claims)).await.unwrap_err().reason, "PASSPORT_INVALID");
    }
    keyring.verify(&signed(&software)).await.unwrap();
}
