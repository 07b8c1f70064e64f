//! Who registers clients, sees them, changes their keys and ends them.

use super::{test_keys, wish};
use crate::kit::{House, reason};
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{
    ListClientsRequest, ListClientsResponse, RegisterClientRequest, RotateClientKeysRequest,
    o_auth_client_service_server::OAuthClientService as _,
};
use chassis::identity::Kind;
use jiff::SignedDuration;
use tonic::{Code, Request};
use uuid::Uuid;

async fn list(house: &House, by: &Person, size: i32, token: &str) -> ListClientsResponse {
    let message = ListClientsRequest { page_size: size, page_token: token.into() };
    house.rpc.list_clients(house.by(by, message)).await.unwrap().into_inner()
}

fn at_an_address(url: &str) -> RegisterClientRequest {
    RegisterClientRequest { jwks_url: url.into(), ..wish(String::new(), &["system/*.rs"]) }
}

#[tokio::test]
async fn an_operator_registers_a_client_and_sees_it() {
    let house = House::new().await;
    let operator = house.operator().await;
    let scopes = ["system/Observation.rs", "system/*.r"];
    let client = house.register_client(&operator, wish(test_keys::rsa().jwks("k1"), &scopes)).await.unwrap();
    let seen = house.client(&operator, &client.client_id).await.unwrap();
    assert!(seen == client);
    assert_eq!((client.name.as_str(), client.contact.as_str()), ("Praxis", "it@clinic.example"));
    assert_eq!(client.scopes, ["system/*.r", "system/Observation.rs"]);
    assert_eq!((client.keys[0].key_id.as_str(), client.keys[0].algorithm.as_str()), ("k1", "RS384"));
    assert!(
        client.holder_account_id.is_empty() && client.use_time.is_none() && client.disable_time.is_none()
    );
    // Its id says nothing of when.
    assert_eq!(client.client_id.parse::<Uuid>().unwrap().get_version_num(), 4);
    let dump = house.dump().await;
    assert!(dump.contains(&client.client_id) && !dump.contains("it@clinic"));
}

#[tokio::test]
async fn a_counselor_has_clients_of_their_own() {
    let house = House::new().await;
    let (operator, counselor, other) =
        (house.operator().await, house.counselor("carla").await, house.counselor("carl").await);
    let wish = wish(test_keys::p384().jwks("k1"), &["user/*.rs", "system/Consent.r"]);
    let client = house.register_client(&counselor, wish).await.unwrap();
    assert_eq!(client.holder_account_id, counselor.account_id.to_string());
    house.client(&operator, &client.client_id).await.unwrap();
    house.client(&counselor, &client.client_id).await.unwrap();
    // To another counselor it is not there.
    let missing = "01890000-0000-4000-8000-000000000000";
    let unknown = visible(&house.client(&other, missing).await.err().unwrap());
    assert_eq!(unknown.0, Code::NotFound);
    let jwks = || test_keys::ed25519(1).jwks("k1");
    assert_eq!(visible(&house.client(&other, &client.client_id).await.err().unwrap()), unknown);
    assert_eq!(visible(&house.rotate(&other, &client.client_id, jwks()).await.err().unwrap()), unknown);
    assert_eq!(visible(&house.disable(&other, &client.client_id).await.err().unwrap()), unknown);
    assert!(list(&house, &other, 0, "").await.clients.is_empty());
    assert_eq!(list(&house, &counselor, 0, "").await.clients.len(), 1);
    assert_eq!(list(&house, &operator, 0, "").await.clients.len(), 1);
}

#[tokio::test]
async fn nobody_else_has_clients() {
    let house = House::new().await;
    let member = house.member("anna").await;
    for kind in [Kind::Member, Kind::Editor, Kind::Support, Kind::Client] {
        let person = Person { kind, ..member.clone() };
        let refused =
            house.register_client(&person, wish(test_keys::rsa().jwks("k1"), &["system/*.rs"])).await;
        assert_eq!(refused.err().unwrap().code(), Code::PermissionDenied);
        let request = house.by(&person, ListClientsRequest::default());
        assert_eq!(house.rpc.list_clients(request).await.err().unwrap().code(), Code::PermissionDenied);
        let id = Uuid::nil().to_string();
        assert_eq!(house.client(&person, &id).await.err().unwrap().code(), Code::PermissionDenied);
        assert_eq!(house.disable(&person, &id).await.err().unwrap().code(), Code::PermissionDenied);
    }
    assert_eq!(house.count("client").await, 0);
}

#[tokio::test]
async fn what_opens_something_wants_a_fresh_proof_and_what_ends_it_does_not() {
    let house = House::new().await;
    let operator = house.operator().await;
    let jwks = test_keys::rsa().jwks("k1");
    let client = house.register_client(&operator, wish(jwks.clone(), &["system/*.rs"])).await.unwrap();
    let mut passport = house.passport_of(&operator);
    passport.authenticated_at = house.now() - SignedDuration::from_mins(6);
    let mut register = Request::new(wish(jwks.clone(), &["system/*.rs"]));
    register.extensions_mut().insert(passport.clone());
    let refused = house.rpc.register_client(register).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STEP_UP_REQUIRED"));
    let message = RotateClientKeysRequest { client_id: client.client_id.clone(), jwks, ..Default::default() };
    let mut rotate = Request::new(message);
    rotate.extensions_mut().insert(passport);
    let refused = house.rpc.rotate_client_keys(rotate).await.err().unwrap();
    assert_eq!(reason(&refused), "STEP_UP_REQUIRED");
    assert_eq!(house.count("client").await, 1);
}

#[tokio::test]
async fn what_cannot_be_a_client_is_refused_by_the_field() {
    let house = House::new().await;
    let (operator, counselor) = (house.operator().await, house.counselor("carla").await);
    let jwks = || test_keys::ed25519(1).jwks("k1");
    let with = |change: fn(&mut RegisterClientRequest)| {
        let mut wish = wish(jwks(), &["system/*.rs"]);
        change(&mut wish);
        wish
    };
    for (by, wish, field) in [
        (&operator, wish(jwks(), &["user/*.rs"]), "scopes"),
        (&counselor, wish(jwks(), &["user/*.cruds"]), "scopes"),
        (&operator, wish(jwks(), &["system/*.write"]), "scopes"),
        (&operator, wish(jwks(), &["system/Nothing.rs"]), "scopes"),
        (&operator, wish(jwks(), &["system/*.rs openid"]), "scopes"),
        (&operator, wish(jwks(), &["openid"]), "scopes"),
        (&operator, wish(jwks(), &["system/*.rs?code=1"]), "scopes"),
        (&operator, wish(jwks(), &[""]), "scopes"),
        (&operator, wish(String::new(), &["system/*.rs"]), "jwks"),
        (&operator, wish("{}".into(), &["system/*.rs"]), "jwks"),
        (&operator, wish(test_keys::weak_rsa().jwks("k"), &["system/*.rs"]), "jwks"),
        (&operator, wish(test_keys::p256().jwks("k"), &["system/*.rs"]), "jwks"),
        (&operator, with(|wish| wish.name = " ".into()), "name"),
        (&operator, with(|wish| wish.purpose = "\u{202e}".into()), "purpose"),
        (&operator, with(|wish| wish.contact = "\u{200b}".into()), "contact"),
        (&operator, with(|wish| wish.jwks_url = "https://clinic.example/keys".into()), "jwks"),
        (&operator, at_an_address("clinic.example/keys"), "jwks_url"),
        (&operator, at_an_address("https://user@clinic.example/keys"), "jwks_url"),
    ] {
        let refused = house.register_client(by, wish).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument, "{field}: {refused:?}");
        assert!(refused.message().contains(field), "{field}: {}", refused.message());
    }
    assert_eq!(house.count("client").await, 0);
    assert_eq!(house.count("client_key").await, 0);
}

#[tokio::test]
async fn registering_the_same_twice_is_one_client() {
    let house = House::new().await;
    let (operator, counselor) = (house.operator().await, house.counselor("carla").await);
    let client_id = "0195f1c2-7f00-7000-8000-000000000001";
    let wish = |name: &str| RegisterClientRequest {
        client_id: client_id.into(),
        name: name.into(),
        ..wish(test_keys::rsa().jwks("k1"), &["system/*.rs"])
    };
    let first = house.register_client(&operator, wish("Praxis")).await.unwrap();
    let again = house.register_client(&operator, wish("Praxis")).await.unwrap();
    assert!(first == again && first.client_id == client_id);
    let other_keys = RegisterClientRequest { jwks: test_keys::p384().jwks("k1"), ..wish("Praxis") };
    let other_contact = RegisterClientRequest { contact: "somebody else".into(), ..wish("Praxis") };
    for (by, wish) in [
        (&operator, wish("Another")),
        (&counselor, wish("Praxis")),
        (&operator, other_keys),
        (&operator, other_contact),
    ] {
        let refused = house.register_client(by, wish).await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "CLIENT_EXISTS"));
    }
    assert_eq!((house.count("client").await, house.count("client_key").await), (1, 1));
}

#[tokio::test]
async fn no_client_has_an_id_that_is_or_was_an_accounts() {
    let house = House::new().await;
    let (operator, counselor) = (house.operator().await, house.counselor("carla").await);
    let (living, gone) =
        (house.member("anna").await, Uuid::from_u128(0x0195_f1c2_7f00_7000_8000_0000_0000_0002));
    let mut conn = house.pool().acquire().await.unwrap();
    bus::erasure::begin(&mut conn, gone, house.accounts.ids.next(), house.now()).await.unwrap();
    for taken in [living.account_id, counselor.account_id, gone] {
        for by in [&operator, &counselor] {
            let wish = RegisterClientRequest {
                client_id: taken.to_string(),
                ..wish(test_keys::rsa().jwks("k1"), &["system/*.rs"])
            };
            let refused = house.register_client(by, wish).await.err().unwrap();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "CLIENT_EXISTS"));
        }
    }
    assert_eq!(house.count("client").await, 0);
}

#[tokio::test]
async fn one_account_registers_ten_at_once_and_then_one_an_hour() {
    let house = House::new().await;
    let operator = house.operator().await;
    let register = || house.register_client(&operator, wish(test_keys::rsa().jwks("k1"), &["system/*.rs"]));
    for _ in 0..10 {
        register().await.unwrap();
    }
    let refused = register().await.err().unwrap();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "TOO_MANY_REGISTRATIONS")
    );
    assert_eq!(house.count("client").await, 10);
    house.advance(SignedDuration::from_hours(1));
    register().await.unwrap();
}

#[tokio::test]
async fn a_counselor_has_twenty_clients_at_most_and_more_once_one_is_disabled() {
    let house = House::new().await;
    let counselor = house.counselor("carla").await;
    let register = || house.register_client(&counselor, wish(test_keys::rsa().jwks("k1"), &["user/*.rs"]));
    let first = register().await.unwrap();
    for _ in 1..20 {
        register().await.unwrap();
        house.advance(SignedDuration::from_hours(1));
    }
    let refused = register().await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "TOO_MANY_CLIENTS"));
    house.disable(&counselor, &first.client_id).await.unwrap();
    register().await.unwrap();
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let house = House::new().await;
    let (operator, counselor) = (house.operator().await, house.counselor("carla").await);
    let mut all = Vec::new();
    for at in 0..5 {
        let (by, scope) = if at % 2 == 0 { (&operator, "system/*.rs") } else { (&counselor, "user/*.rs") };
        let client = house.register_client(by, wish(test_keys::rsa().jwks("k1"), &[scope])).await.unwrap();
        all.insert(0, client.client_id);
        house.advance(SignedDuration::from_secs(i64::from(at == 2))); // some at the same moment
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = list(&house, &operator, 2, &token).await;
        seen.extend(page.clients.into_iter().map(|client| client.client_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen.len(), seen[0].clone().max(seen[1].clone())), (5, all[0].clone().max(all[1].clone())));
    all.sort();
    seen.sort();
    assert_eq!(seen, all);
    assert_eq!(list(&house, &counselor, 0, "").await.clients.len(), 2);
    let wrong = ListClientsRequest { page_size: 0, page_token: "nonsense".into() };
    let refused = house.rpc.list_clients(house.by(&operator, wrong)).await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn changing_keys_ends_what_was_got_with_those_before() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::rsa(), &["system/*.rs"]).await;
    let token = software.token(&house, "system/*.rs").await.unwrap().access_token;
    let token_id = house.passport(&token).await.unwrap().session_id;
    let held_back = software.assertion(&house);

    let changed =
        house.rotate(&operator, &software.client_id, test_keys::ed25519(7).jwks("k2")).await.unwrap();
    assert_eq!((changed.keys.len(), changed.keys[0].algorithm.as_str()), (1, "EdDSA"));
    assert_eq!(house.passport(&token).await.unwrap_err().reason, "PASSPORT_EXPIRED");
    assert_eq!(house.ended_tokens().await, [token_id]);
    assert_eq!(house.issue(&held_back, "system/*.rs").await.err().unwrap().code(), Code::Unauthenticated);
    let renewed = super::Software { pair: test_keys::ed25519(7), key_id: "k2".into(), ..software };
    let token = renewed.token(&house, "system/*.rs").await.unwrap().access_token;
    house.passport(&token).await.unwrap();
}

#[tokio::test]
async fn an_operator_ends_a_counselors_client_and_never_takes_its_place() {
    let house = House::new().await;
    let (operator, counselor) = (house.operator().await, house.counselor("carla").await);
    let software = house.software(&counselor, test_keys::p384(), &["user/*.rs"]).await;
    let own = test_keys::ed25519(1).jwks("k1");
    let refused = house.rotate(&operator, &software.client_id, own.clone()).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "CLIENT_NOT_YOURS"));
    house.disable(&operator, &software.client_id).await.unwrap();
    let refused = house.rotate(&counselor, &software.client_id, own).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CLIENT_DISABLED"));
}

#[tokio::test]
async fn a_disabled_client_is_over_at_once_and_for_good() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    let other = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        tokens.push(software.token(&house, "system/*.rs").await.unwrap().access_token);
    }
    let untouched = other.token(&house, "system/*.rs").await.unwrap().access_token;
    let mut ids = Vec::new();
    for token in &tokens {
        ids.push(house.passport(token).await.unwrap().session_id);
    }
    house.disable(&operator, &software.client_id).await.unwrap();
    house.disable(&operator, &software.client_id).await.unwrap();
    for token in &tokens {
        assert_eq!(house.passport(token).await.unwrap_err().code, chassis::Code::Unauthenticated);
    }
    let mut told = house.ended_tokens().await;
    told.sort();
    ids.sort();
    assert_eq!(told, ids);
    assert_eq!(software.token(&house, "system/*.rs").await.err().unwrap().code(), Code::Unauthenticated);
    house.passport(&untouched).await.unwrap();
    assert!(house.client(&operator, &software.client_id).await.unwrap().disable_time.is_some());
}

#[tokio::test]
async fn what_is_done_with_clients_is_in_the_audit() {
    let house = House::new().await;
    let operator = house.operator().await;
    let software = house.software(&operator, test_keys::ed25519(1), &["system/*.rs"]).await;
    house.rotate(&operator, &software.client_id, test_keys::rsa().jwks("k2")).await.unwrap();
    house.disable(&operator, &software.client_id).await.unwrap();
    house.disable(&operator, &software.client_id).await.unwrap();
    let records: Vec<(String, String, Option<Uuid>, String)> = sqlx::query_as(
        "SELECT action, actor_kind, actor_id, details FROM audit_record WHERE subject_id = $1 ORDER BY record_id",
    )
    .bind(software.client_id.parse::<Uuid>().unwrap())
    .fetch_all(house.pool())
    .await
    .unwrap();
    let by = Some(operator.account_id);
    let expected = [
        ("client_registered", r#"{"keys":"by_value"}"#),
        ("client_keys_rotated", r#"{"keys":"by_value"}"#),
        ("client_disabled", "{}"),
    ];
    let expected = expected.map(|(action, details)| (action.into(), "operator".into(), by, details.into()));
    assert_eq!(records, expected);
}
