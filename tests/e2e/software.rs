//! Software that an operator registers, from outside: a token by the book, what it opens by itself, which is nothing, what it
//! reads once somebody opened it, and its end, which every service hears of.

#[path = "../../services/accounts/src/domain/client/test_keys.rs"]
mod test_keys;

use crate::story::signed;
use crate::world::Candor;
use candor_proto::journal::v1::ListEntriesRequest;
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_tests::{One, eventually};
use serde_json::{Value, json};
use std::time::Duration;
use test_keys::Pair;
use tonic::Code;
use totp_rs::Secret;

const PASSWORD: &str = "a long sentence only the operator knows";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Software<'a, C> {
    one: &'a C,
    pair: Pair,
    pub(crate) client_id: String,
    endpoint: String,
}

impl<'a, C: Candor> Software<'a, C> {
    /// Registers one of the house; where tokens are got it finds out where SMART says.
    pub(crate) async fn register(one: &'a C, secret: &str) -> Self {
        let pair = test_keys::p384();
        let wish = json!({
            "name": "Praxis", "purpose": "Reads what is opened to it", "contact": "it@clinic.example",
            "scopes": ["system/*.rs"], "jwks": pair.jwks("2026"),
        });
        let answer = one.rest().ok("POST", "/v1/clients", Some(secret), Some(wish)).await;
        let known = one.rest().ok("GET", "/.well-known/smart-configuration", None, None).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (client_id, endpoint) = (text(&answer["client"]["clientId"]), text(&known["token_endpoint"]));
        Self { one, pair, client_id, endpoint }
    }

    /// Its end.
    pub(crate) async fn disable(&self, secret: &str) {
        let path = format!("/v1/clients/{}:disable", self.client_id);
        self.one.rest().ok("POST", &path, Some(secret), Some(json!({}))).await;
    }

    /// A fresh proof of who it is; `id` is used once.
    fn assertion(&self, id: &str) -> String {
        let claims = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": self.endpoint, "jti": id,
            "exp": self.one.clock().now().as_second() + 300,
        });
        self.pair.sign(&self.pair.header("2026"), &claims)
    }

    /// A form, whose values need no encoding; the answer's status and JSON.
    async fn post(&self, path: &str, id: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let assertion = self.assertion(id);
        let mut fields = vec![("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())];
        fields.extend(more);
        let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let form = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let reply =
            self.one.rest().exchange("POST", path, &[form], body.join("&").into_bytes()).await.unwrap();
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        (reply.status, serde_json::from_str(&reply.body).unwrap())
    }

    pub(crate) async fn token(&self, id: &str) -> (u16, Value) {
        self.token_for(id, "system/*.rs").await
    }

    async fn token_for(&self, id: &str, scope: &str) -> (u16, Value) {
        self.post("/oauth/token", id, &[("grant_type", "client_credentials"), ("scope", scope)]).await
    }
}

/// An operator at the machine, and their session's secret.
pub(crate) async fn operator(one: &impl Candor) -> String {
    let made = one.command(&["operator", "create", "--email", "ops@example.org"], &format!("{PASSWORD}\n"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let credentials = json!({"email": "ops@example.org", "password": PASSWORD, "deviceLabel": "desk"});
    let rest = one.rest();
    let session = rest.ok("POST", "/v1/sessions", None, Some(credentials)).await;
    let secret = session["sessionSecret"].as_str().unwrap().to_owned();
    // Whoever did not register accepts the terms at their first visit.
    let (status, problem) = rest.call("GET", "/v1/clients", Some(&secret), None).await;
    assert_eq!((status, &problem["reason"]), (400, &"TERMS_NOT_ACCEPTED".into()));
    for kind in ["TERMS_KIND_USE", "TERMS_KIND_PRIVACY"] {
        let yes = json!({"kind": kind, "version": 1});
        rest.ok("POST", "/v1/me/terms:accept", Some(&secret), Some(yes)).await;
    }
    // On a password alone nobody runs a platform.
    let (status, problem) = rest.call("GET", "/v1/clients", Some(&secret), None).await;
    assert_eq!((status, &problem["reason"]), (400, &"SECOND_FACTOR_REQUIRED".into()));
    add_app(one, &secret).await;
    secret
}

/// Sets an authenticator app up; what it shows codes from.
pub(crate) async fn add_app(one: &impl Candor, secret: &str) -> String {
    let rest = one.rest();
    let begun = rest.ok("POST", "/v1/me/security/totp:begin", Some(secret), Some(json!({}))).await;
    let own = begun["secret"].as_str().unwrap().to_owned();
    let code = json!({"code": code_of(one, &own)});
    rest.ok("POST", "/v1/me/security/totp:confirm", Some(secret), Some(code)).await;
    own
}

/// What an app shows now.
pub(crate) fn code_of(one: &impl Candor, own: &str) -> String {
    let app = totp_rs::Builder::new().with_secret(Secret::try_from_base32(own).unwrap()).build().unwrap();
    app.generate(one.clock().now().as_second().unsigned_abs()).to_string()
}

/// What a service says to a token over gRPC.
async fn journal_says(one: &One, token: &str) -> Code {
    let request = signed(ListEntriesRequest::default(), token);
    let answer = EntryServiceClient::new(one.grpc("journal")).list_entries(request).await;
    answer.err().map_or(Code::Ok, |status| status.code())
}

#[tokio::test]
async fn software_gets_tokens_that_open_nothing_by_themselves_and_end_everywhere() {
    let one = One::start().await;
    let rest = one.rest();
    let secret = operator(&one).await;
    let software = Software::register(&one, &secret).await;
    assert_eq!(software.endpoint, format!("{}/oauth/token", one.origin()));

    let (status, answer) = software.token("one").await;
    assert_eq!((status, &answer["scope"]), (200, &"system/*.rs".into()), "{answer}");
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&"bearer".into(), &300.into()));
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let (status, again) = software.token("one").await;
    assert_eq!((status, &again["error"]), (400, &"invalid_client".into()));
    // One of more than 8 KiB is no other.
    let huge = software.token(&"x".repeat(8 * 1024)).await;
    assert_eq!(huge, (status, again));

    for path in
        ["/v1/me", "/v1/sessions", "/v1/entries", "/v1/couple", "/v1/receipts", "/v1/path", "/v1/clients"]
    {
        let (status, problem) = rest.call("GET", path, Some(&token), None).await;
        assert_eq!(status, 403, "{path}: {problem}");
    }
    assert_eq!(journal_says(&one, &token).await, Code::PermissionDenied);

    // Its own end, and the client's: both are heard everywhere.
    assert_eq!(software.post("/oauth/revoke", "two", &[("token", &token)]).await.0, 200);
    assert_eq!(rest.call("GET", "/v1/me", Some(&token), None).await.0, 401);
    eventually("the journal hears of it", PATIENCE, async || {
        journal_says(&one, &token).await == Code::Unauthenticated
    })
    .await;
    let token = software.token("three").await.1["access_token"].as_str().unwrap().to_owned();
    assert_eq!(journal_says(&one, &token).await, Code::PermissionDenied);
    software.disable(&secret).await;
    assert_eq!(rest.call("GET", "/v1/me", Some(&token), None).await.0, 401);
    eventually("the journal hears of it", PATIENCE, async || {
        journal_says(&one, &token).await == Code::Unauthenticated
    })
    .await;
    assert_eq!(software.token("four").await.1["error"], "invalid_client");
    one.stop().await;
}

/// A member with an entry: their account's id, their session's secret, and the entry's id.
async fn member(one: &One) -> (String, String, String) {
    let rest = one.rest();
    let person = json!({
        "email": "anna@example.org", "password": PASSWORD, "timeZone": "UTC", "adult": true,
        "termsVersion": 1, "privacyVersion": 1,
    });
    rest.ok("POST", "/v1/accounts", None, Some(person)).await;
    let proof = json!({"token": one.mailed_token("anna@example.org").await, "password": PASSWORD});
    rest.ok("POST", "/v1/accounts:verifyEmail", None, Some(proof)).await;
    let credentials = json!({"email": "anna@example.org", "password": PASSWORD, "deviceLabel": "phone"});
    let session = rest.ok("POST", "/v1/sessions", None, Some(credentials)).await;
    let secret = session["sessionSecret"].as_str().unwrap().to_owned();
    let me = rest.ok("GET", "/v1/me", Some(&secret), None).await;
    let entry = json!({"title": "Evening", "body": "Words of mine.", "timeZone": "UTC"});
    let entry = rest.ok("POST", "/v1/entries", Some(&secret), Some(entry)).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&me["account"]["accountId"]), secret, text(&entry["entry"]["entryId"]))
}

#[tokio::test]
async fn software_reads_what_a_member_opened_to_it_and_the_ledger_says_so() {
    let one = One::start().await;
    let rest = one.rest();
    let operator = operator(&one).await;
    let software = Software::register(&one, &operator).await;
    let (account_id, anna, entry_id) = member(&one).await;
    let found = rest.ok("GET", "/v1/software", Some(&anna), None).await;
    assert_eq!(found["software"][0]["clientId"], software.client_id.as_str(), "{found}");
    let entries = format!("/v1/accounts/{account_id}/opened/entries");
    let preview = rest.ok("GET", &entries, Some(&anna), None).await;
    let issued = async |id: &str, scope: &str| {
        software.token_for(id, scope).await.1["access_token"].as_str().unwrap().to_owned()
    };
    let token = issued("one", "system/*.rs").await;
    assert_eq!(rest.call("GET", &entries, Some(&token), None).await.0, 404, "nothing is open by itself");

    let wish = json!({
        "clientId": software.client_id, "scope": "SCOPE_ENTRIES", "purpose": "ACCESS_PURPOSE_STATED",
        "textId": "entries-to-software", "textVersion": 1,
    });
    let given = rest.ok("POST", "/v1/software-consents", Some(&anna), Some(wish)).await["consent"].clone();
    let granted = rest.ok("GET", "/v1/software-consents/granted-to-me", Some(&token), None).await;
    assert_eq!(granted["granted"][0]["memberAccountId"], account_id.as_str(), "{granted}");
    let read = rest.ok("GET", &entries, Some(&token), None).await;
    assert_eq!((&read, &read["entries"][0]["rendering"]["body"]), (&preview, &"Words of mine.".into()));
    rest.ok("GET", &format!("{entries}/{entry_id}"), Some(&token), None).await;
    let moods = format!("/v1/accounts/{account_id}/opened/moods");
    assert_eq!(rest.call("GET", &moods, Some(&token), None).await.0, 404);
    let narrow = issued("two", "system/Observation.s").await;
    let (status, problem) = rest.call("GET", &entries, Some(&narrow), None).await;
    assert_eq!((status, &problem["reason"]), (403, &"INSUFFICIENT_SCOPE".into()));

    // Each read stands in her ledger, under her consent.
    let mut receipts = Value::Null;
    eventually("both reads are in the ledger", PATIENCE, async || {
        receipts = rest.ok("GET", "/v1/receipts", Some(&anna), None).await["receipts"].clone();
        receipts.as_array().is_some_and(|all| all.len() == 2)
    })
    .await;
    for receipt in receipts.as_array().unwrap() {
        assert_eq!(receipt["relation"], "RELATION_SOFTWARE");
        assert_eq!(receipt["readerAccountId"], software.client_id.as_str());
        assert_eq!((&receipt["consentId"], &receipt["itemIds"]), (&given["consentId"], &json!([entry_id])));
    }

    // What it opened itself is good for nothing once she took it back.
    let path = format!("/v1/accounts/{account_id}:openAccess");
    let opened = rest.ok("POST", &path, Some(&token), Some(json!({"scope": "SCOPE_ENTRIES"}))).await;
    let headers = [
        ("authorization".to_owned(), format!("Bearer {token}")),
        ("candor-capability".to_owned(), opened["capability"].as_str().unwrap().to_owned()),
    ];
    let brought = async || rest.exchange("GET", &entries, &headers, Vec::new()).await.unwrap().status;
    assert_eq!(brought().await, 200);
    let path = format!("/v1/software-consents/{}:revoke", given["consentId"].as_str().unwrap());
    rest.ok("POST", &path, Some(&anna), Some(json!({}))).await;
    assert_eq!(rest.call("GET", &entries, Some(&token), None).await.0, 404);
    eventually("the journal hears of it", PATIENCE, async || brought().await == 404).await;
    one.stop().await;
}
