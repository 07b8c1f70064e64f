//! Software that an operator registered.

#[path = "../../services/accounts/src/domain/client/test_keys.rs"]
mod test_keys;

use crate::call::Api;
use crate::pairs::Person;
use candor_tests::One;
use serde_json::json;

/// A client with the key pair of a test.
pub(crate) struct Software {
    client_id: String,
    pair: test_keys::Pair,
}

impl Software {
    /// One of the house, with the widest scope there is.
    pub(crate) async fn register(api: &Api, operator: &Person) -> Self {
        let pair = test_keys::ed25519(1);
        let wish = json!({
            "name": "Praxis", "purpose": "Reads what is opened to it", "contact": "it@clinic.example",
            "scopes": ["system/*.rs"], "jwks": pair.jwks("k1"),
        });
        let answer = operator.ok(api, "candor.accounts.v1.OAuthClientService.RegisterClient", wish).await;
        Self { client_id: answer["client"]["clientId"].as_str().unwrap().to_owned(), pair }
    }

    /// A token of now.
    pub(crate) async fn token(&self, one: &One, api: &Api) -> String {
        let claims = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": format!("{}/oauth/token", one.origin()),
            "exp": one.clock().now().as_second() + 300, "jti": "one",
        });
        let assertion = self.pair.sign(&self.pair.header("k1"), &claims);
        let request = json!({ "clientAssertion": assertion, "scope": "system/*.rs" });
        let issued = api.ok("candor.accounts.v1.OAuthClientService.IssueClientToken", request, None).await;
        issued["accessToken"].as_str().unwrap().to_owned()
    }
}
