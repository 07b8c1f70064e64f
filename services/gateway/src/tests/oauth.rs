//! The token endpoint as software meets it.

use super::fakes_clients::CLIENT;
use super::*;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters that get a token.
fn good<'a>() -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("scope", "system/*.rs"),
        ("client_assertion_type", TYPE),
        ("client_assertion", "good"),
    ]
}

/// The same with one of them changed, added, or, where it is empty, left out.
fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = good().into_iter().filter(|(known, _)| *known != name).collect();
    if !value.is_empty() {
        fields.push((name, value));
    }
    fields
}

impl World {
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_as(path, &[("content-type", FORM)], encode(fields)).await
    }

    async fn post_as(&self, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body).unwrap()).await
    }
}

fn assert_refused(answer: &Answer, status: u16, error: &str) {
    let at = &answer.body;
    assert_eq!(answer.status, status, "{at}");
    assert_eq!(answer.json()["error"], error, "{at}");
    assert!(!answer.json()["error_description"].as_str().unwrap().is_empty(), "{at}");
    assert_eq!(answer.header("content-type"), "application/json", "{at}");
    assert_eq!(answer.header("cache-control"), "no-store", "{at}");
    assert_eq!(answer.header("pragma"), "no-cache", "{at}");
}

#[tokio::test]
async fn software_gets_a_token_for_its_assertion() {
    let world = World::new().await;
    let answer = world.post("/oauth/token", &with("client_id", CLIENT)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    let expected = serde_json::json!({
        "access_token": "a.token.of.software", "token_type": "bearer", "expires_in": 300, "scope": "system/*.rs",
    });
    assert_eq!(answer.json(), expected);
    let asked = world.fakes.clients.issued.lock().unwrap().remove(0);
    assert_eq!((asked.client_assertion.as_str(), asked.client_id.as_str()), ("good", CLIENT));
    // What nobody knows here is left alone, and what is empty is not there.
    let mut more = good();
    more.extend([("resource", "https://candor.example/fhir/R4"), ("client_id", ""), ("client_secret", "")]);
    assert_eq!(world.post("/oauth/token", &more).await.status, 200);
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=UTF-8")];
    assert_eq!(world.post_as("/oauth/token", &headers, encode(&good())).await.status, 200);
}

#[tokio::test]
async fn what_is_no_request_for_a_token_is_refused_as_the_rfc_says() {
    let world = World::new().await;
    let twice = |name: &'static str| {
        let mut fields = good();
        fields.push((name, "x"));
        fields
    };
    let long = "x".repeat(40_000);
    let mut large = good();
    large.push(("more", &long));
    for (fields, status, error) in [
        (with("grant_type", ""), 400, "invalid_request"),
        (with("grant_type", "authorization_code"), 400, "unsupported_grant_type"),
        (with("grant_type", "password"), 400, "unsupported_grant_type"),
        (with("client_assertion_type", ""), 400, "invalid_request"),
        (with("client_assertion_type", "not_an_assertion_type"), 400, "invalid_request"),
        (with("client_assertion", ""), 400, "invalid_request"),
        (with("client_secret", "word"), 400, "invalid_request"),
        (twice("scope"), 400, "invalid_request"),
        (twice("client_assertion"), 400, "invalid_request"),
        (twice("grant_type"), 400, "invalid_request"),
        (vec![], 400, "invalid_request"),
        (large, 413, "invalid_request"),
        (with("client_assertion", "forged"), 400, "invalid_client"),
        (with("client_assertion", "scopeless"), 400, "invalid_scope"),
        (with("client_assertion", "scopes"), 400, "invalid_request"),
        // Whatever is wrong with an assertion itself, its size included, accounts answers alike.
        (with("client_assertion", &"x".repeat(9 * 1024)), 400, "invalid_client"),
        (with("client_assertion", "early"), 429, "temporarily_unavailable"),
        (with("client_assertion", "keyless"), 503, "temporarily_unavailable"),
        (with("client_assertion", "broken"), 500, "server_error"),
    ] {
        let answer = world.post("/oauth/token", &fields).await;
        assert_refused(&answer, status, error);
    }
    let early = world.post("/oauth/token", &with("client_assertion", "early")).await;
    assert_eq!(early.header("retry-after"), "2");
    assert!(world.fakes.clients.issued.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_assertion_comes_in_the_body_of_a_form_and_in_no_other_way() {
    let world = World::new().await;
    let form = [("content-type", FORM)];
    let query = "/oauth/token?client_assertion=good&grant_type=client_credentials";
    assert_refused(&world.post(query, &good()).await, 400, "invalid_request");
    assert_refused(&world.post("/oauth/token?", &good()).await, 400, "invalid_request");
    for headers in [
        &[][..],
        &[("content-type", "application/json")],
        &[("content-type", "multipart/form-data")],
        &[("content-type", FORM), ("content-type", "text/plain")],
        &[("content-type", FORM), ("authorization", "Basic YTpi")],
        &[("content-type", FORM), ("authorization", "Bearer x")],
    ] {
        assert_refused(
            &world.post_as("/oauth/token", headers, encode(&good())).await,
            400,
            "invalid_request",
        );
    }
    for body in ["grant_type=%ff", "%ff=x"] {
        assert_refused(&world.post_as("/oauth/token", &form, Body::from(body)).await, 400, "invalid_request");
    }
    let raw = Body::from(b"grant_type=\xff".to_vec());
    assert_refused(&world.post_as("/oauth/token", &form, raw).await, 400, "invalid_request");
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        for path in [query, "/oauth/revoke?token=x"] {
            let request = Request::builder().method(method).uri(path).header("accept", "text/html");
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"), "{method} {path}");
            assert!(answer.header("content-type").contains("json") && !answer.body.contains("good"));
        }
    }
    assert!(world.fakes.clients.issued.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_never_repeats_what_was_sent() {
    let world = World::new().await;
    let secret = "canary-canary-canary";
    let fields = [("grant_type", secret), ("client_assertion", secret), (secret, secret)];
    for path in ["/oauth/token", "/oauth/revoke"] {
        for fields in [&fields[..], &[("grant_type", "client_credentials"), ("client_assertion", secret)]] {
            assert!(!world.post(path, fields).await.body.contains("canary"));
        }
        let mut all = with("client_assertion", secret);
        all.push(("token", secret));
        assert!(!world.post(path, &all).await.body.contains("canary"));
        assert!(!world.post(&format!("{path}?{secret}={secret}"), &all).await.body.contains("canary"));
    }
    let json = format!(r#"{{"clientAssertion": "{secret}", "scope": 1}}"#);
    for path in ["/v1/clients:issueToken", "/v1/clients:revokeToken"] {
        assert!(!world.call("POST", path, None, &json).await.body.contains("canary"));
    }
}

#[tokio::test]
async fn software_ends_its_own_token() {
    let world = World::new().await;
    let fields = [
        ("token", "a.token.of.software"),
        ("token_type_hint", "access_token"),
        ("client_assertion_type", TYPE),
        ("client_assertion", "good"),
    ];
    let answer = world.post("/oauth/revoke", &fields).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
    assert_eq!(world.fakes.clients.revoked.lock().unwrap().remove(0).token, "a.token.of.software");
    assert_refused(&world.post("/oauth/revoke", &fields[1..]).await, 400, "invalid_request");
    assert_refused(&world.post("/oauth/revoke", &fields[..3]).await, 400, "invalid_request");
    let forged = [fields[0], fields[2], ("client_assertion", "forged")];
    assert_refused(&world.post("/oauth/revoke", &forged).await, 400, "invalid_client");
}

#[tokio::test]
async fn software_finds_out_by_itself_where_tokens_are_got() {
    let world = World::new().await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/smart-configuration"] {
        let answer = world.call("GET", path, None, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        let document = answer.json();
        assert_eq!(document["issuer"], ORIGIN);
        assert_eq!(document["token_endpoint"], "https://candor.example/oauth/token");
        assert_eq!(document["revocation_endpoint"], "https://candor.example/oauth/revoke");
        assert_eq!(document["jwks_uri"], "https://candor.example/.well-known/jwks.json");
        assert_eq!(document["token_endpoint_auth_methods_supported"], serde_json::json!(["private_key_jwt"]));
        assert_eq!(document["grant_types_supported"], serde_json::json!(["client_credentials"]));
        for absent in ["registration_endpoint", "authorization_endpoint", "introspection_endpoint"] {
            assert!(document.get(absent).is_none(), "{path}: {absent}");
        }
    }
    let keys = world.call("GET", "/.well-known/jwks.json", None, "").await;
    assert_eq!(keys.header("cache-control"), "public, max-age=60");
    let keys = keys.json();
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]), (&"OKP".into(), &"Ed25519".into()));
    assert_eq!((&keys["keys"][0]["kid"], &keys["keys"][0]["x"]), (&"key-1".into(), &"public-half".into()));
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
}
