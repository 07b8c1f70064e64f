//! People, and what they do.

use crate::world::World;
use candor_tests::Browser;
use serde_json::{Value, json};

const PASSWORD: &str = "a long sentence nobody guesses";

/// A member who registered, verified and signed in.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) secret: String,
    pub(crate) account_id: String,
}

impl Person {
    pub(crate) async fn join(world: &World, email: &str) -> Self {
        let rest = world.rest();
        let person = json!({
            "email": email, "password": PASSWORD, "timeZone": "Europe/Berlin", "locale": "en", "adult": true,
            "termsVersion": 1, "privacyVersion": 1,
        });
        rest.ok("POST", "/v1/accounts", None, Some(person)).await;
        let token = world.mailed_token(email).await;
        let proof = json!({"token": token, "password": PASSWORD});
        rest.ok("POST", "/v1/accounts:verifyEmail", None, Some(proof)).await;
        let credentials = json!({"email": email, "password": PASSWORD, "deviceLabel": "phone"});
        let session = rest.ok("POST", "/v1/sessions", None, Some(credentials)).await;
        let secret = text(&session["sessionSecret"]);
        let me = rest.ok("GET", "/v1/me", Some(&secret), None).await;
        Self { email: email.to_owned(), account_id: text(&me["account"]["accountId"]), secret }
    }

    /// A browser in which this person is signed in.
    pub(crate) async fn browser(&self, world: &World) -> Browser {
        let browser = Browser::new(world.rest());
        let fields = [("email", self.email.as_str()), ("password", PASSWORD)];
        let entered = browser.submit("/sign-in", "/sign-in", &fields).await;
        assert_eq!((entered.status, entered.header("location")), (303, Some("/timeline")), "{entered:?}");
        browser
    }

    pub(crate) async fn post(&self, world: &World, path: &str, body: Value) -> Value {
        world.rest().ok("POST", path, Some(&self.secret), Some(body)).await
    }
}

/// Links two people.
pub(crate) async fn link(world: &World, one: &Person, other: &Person) {
    let invited = one.post(world, "/v1/couple:invite", json!({"ownName": "Anna"})).await;
    let yes = json!({"code": invited["code"], "ownName": "Ben", "adult": true});
    other.post(world, "/v1/invitations:accept", yes).await;
}

/// The text of a JSON value that is one.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
