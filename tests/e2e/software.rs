//! Software that an operator registers, from outside: a token by the book, what it opens by itself, which is nothing, and
//! its end, which every service hears of.

#[path = "../../services/accounts/src/domain/client/test_keys.rs"]
mod test_keys;

use crate::story::signed;
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

pub(crate) struct Software<'a> {
    one: &'a One,
    pair: Pair,
    client_id: String,
    endpoint: String,
}

impl<'a> Software<'a> {
    /// Registers one of the house; where tokens are got it finds out where SMART says.
    pub(crate) async fn register(one: &'a One, secret: &str) -> Self {
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
        self.post("/oauth/token", id, &[("grant_type", "client_credentials"), ("scope", "system/*.rs")]).await
    }
}

/// An operator at the machine, and their session's secret.
pub(crate) async fn operator(one: &One) -> String {
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
    let begun = rest.ok("POST", "/v1/me/security/totp:begin", Some(&secret), Some(json!({}))).await;
    let own = Secret::try_from_base32(begun["secret"].as_str().unwrap()).unwrap();
    let app = totp_rs::Builder::new().with_secret(own).build().unwrap();
    let code = app.generate(one.clock().now().as_second().unsigned_abs()).to_string();
    rest.ok("POST", "/v1/me/security/totp:confirm", Some(&secret), Some(json!({ "code": code }))).await;
    secret
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
