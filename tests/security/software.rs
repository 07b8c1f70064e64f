//! Software that an operator or a counselor registered.

#[path = "../../services/accounts/src/domain/client/test_keys.rs"]
mod test_keys;

use crate::call::Api;
use crate::person::Person;
use candor_tests::One;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

/// A client with the key pair of a test.
pub(crate) struct Software {
    pub(crate) client_id: String,
    pair: test_keys::Pair,
}

impl Software {
    /// One of whoever registers it, with a key of its own and the most that its tokens may be used for.
    pub(crate) async fn register(api: &Api, by: &Person, key: u8, scope: &str) -> Self {
        let pair = test_keys::ed25519(key);
        let wish = json!({
            "name": "Praxis", "purpose": "Reads what is opened to it", "contact": "it@clinic.example",
            "scopes": [scope], "jwks": pair.jwks("k1"),
        });
        let answer = by.ok(api, "candor.accounts.v1.OAuthClientService.RegisterClient", wish).await;
        Self { client_id: answer["client"]["clientId"].as_str().unwrap().to_owned(), pair }
    }

    /// Other keys for it, as they stand within a request.
    pub(crate) fn other_keys(&self) -> String {
        let quoted = json!(test_keys::ed25519(99).jwks("k2")).to_string();
        quoted.trim_matches('"').to_owned()
    }

    /// A token of now.
    pub(crate) async fn token(&self, one: &One, api: &Api, scope: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let claims = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": format!("{}/oauth/token", one.origin()),
            "exp": one.clock().now().as_second() + 300,
            "jti": format!("assertion-{}", NEXT.fetch_add(1, Ordering::SeqCst)),
        });
        let assertion = self.pair.sign(&self.pair.header("k1"), &claims);
        let request = json!({ "clientAssertion": assertion, "scope": scope });
        let issued = api.ok("candor.accounts.v1.OAuthClientService.IssueClientToken", request, None).await;
        issued["accessToken"].as_str().unwrap().to_owned()
    }
}
