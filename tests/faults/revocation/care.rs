//! An owner, the counselor in whose care they are, and software of the house: what is opened to both by consent, and taken back.

#[path = "../../../services/accounts/src/domain/client/test_keys.rs"]
mod test_keys;

use super::couple::{PASSWORD, Person};
use super::place::Place;
use super::readable::{Readable, Reader, Thing};
use crate::member::PATIENCE;
use candor_tests::eventually;
use chassis::Clock;
use serde_json::{Value, json};
use totp_rs::Secret;

/// All of them, in their place.
pub(crate) struct InCare {
    pub(crate) place: Place,
    owner: Person,
    counselor: Person,
    entry_id: String,
    software: Software,
    /// What is open now.
    care_id: String,
    consent_id: String,
    software_consent_id: String,
}

struct Software {
    client_id: String,
    endpoint: String,
    pair: test_keys::Pair,
    /// Proofs of who it is so far: each has a number of its own.
    proofs: u32,
}

/// What an authenticator app shows now, by the machine's clock.
fn shows(secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let app = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    app.generate(Clock::system().now().as_second().unsigned_abs()).to_string()
}

async fn post(place: &Place, secret: &str, path: &str, body: Value) -> Value {
    place.rest().ok("POST", path, Some(secret), Some(body)).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Signs in with a password alone; the session's secret.
async fn sign_in(place: &Place, email: &str) -> String {
    let credentials = json!({"email": email, "password": PASSWORD, "deviceLabel": "desk"});
    text(&place.rest().ok("POST", "/v1/sessions", None, Some(credentials)).await["sessionSecret"])
}

async fn add_app(place: &Place, secret: &str) {
    let begun = post(place, secret, "/v1/me/security/totp:begin", json!({})).await;
    let code = json!({"code": shows(begun["secret"].as_str().unwrap())});
    post(place, secret, "/v1/me/security/totp:confirm", code).await;
}

/// Somebody who runs it; their session's secret.
async fn operator(place: &Place) -> String {
    let made = place.command(&["operator", "create", "--email", "ops@example.org"], &format!("{PASSWORD}\n"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let secret = sign_in(place, "ops@example.org").await;
    for kind in ["TERMS_KIND_USE", "TERMS_KIND_PRIVACY"] {
        post(place, &secret, "/v1/me/terms:accept", json!({"kind": kind, "version": 1})).await;
    }
    add_app(place, &secret).await;
    secret
}

/// A counselor whom the operator verified.
async fn counselor(place: &Place, operator: &str) -> Person {
    let mut carla = Person::join(place, "carla@example.org").await;
    let licence = json!({"title": "A", "jurisdiction": "DE", "number": "4711", "lastDay": "2099-12-31"});
    let said = json!({
        "name": "Carla", "languages": ["en"], "specialties": ["COUNSELOR_SPECIALTY_GRIEF"], "approach": "Slowly.",
        "acceptsClients": true, "licences": [licence], "practiceOnly": true,
    });
    post(place, &carla.secret, "/v1/counselor:submit", said).await;
    let path = format!("/v1/counselorApplications/{}:verify", carla.account_id);
    post(place, operator, &path, json!({"revision": 1})).await;
    let secret = sign_in(place, "carla@example.org").await;
    add_app(place, &secret).await;
    carla.secret = secret;
    carla
}

impl Software {
    async fn register(place: &Place, operator: &str) -> Self {
        let pair = test_keys::ed25519(1);
        let wish = json!({
            "name": "Praxis", "purpose": "Reads", "contact": "Somebody", "scopes": ["system/*.rs"],
            "jwks": pair.jwks("k1"),
        });
        let registered = post(place, operator, "/v1/clients", wish).await;
        let known = place.rest().ok("GET", "/.well-known/smart-configuration", None, None).await;
        let client_id = text(&registered["client"]["clientId"]);
        Self { client_id, endpoint: text(&known["token_endpoint"]), pair, proofs: 0 }
    }

    /// A token of now: good for five minutes.
    async fn token(&mut self, place: &Place) -> String {
        self.proofs += 1;
        let claims = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": self.endpoint,
            "jti": format!("proof-{}", self.proofs), "exp": Clock::system().now().as_second() + 240,
        });
        let assertion = self.pair.sign(&self.pair.header("k1"), &claims);
        let request = json!({"clientAssertion": assertion, "scope": "system/*.rs"});
        text(&place.rest().ok("POST", "/v1/clients:issueToken", None, Some(request)).await["accessToken"])
    }
}

impl InCare {
    pub(crate) async fn join(place: Place) -> Self {
        let operator = operator(&place).await;
        let counselor = counselor(&place, &operator).await;
        let software = Software::register(&place, &operator).await;
        let owner = Person::join(&place, "vera@example.org").await;
        let entry = json!({"body": "Something to be read.", "timeZone": "Europe/Berlin"});
        let entry = post(&place, &owner.secret, "/v1/entries", entry).await;
        let entry_id = text(&entry["entry"]["entryId"]);
        let [care_id, consent_id, software_consent_id] = [(); 3].map(|()| String::new());
        Self { place, owner, counselor, entry_id, software, care_id, consent_id, software_consent_id }
    }

    /// In care, with a consent to the counselor and one to software, proven anew; every replica shows the entry to both.
    pub(crate) async fn prepare(&mut self) -> [Readable; 2] {
        post(&self.place, &self.owner.secret, "/v1/sessions:stepUp", json!({"password": PASSWORD})).await;
        let ask = json!({
            "counselorAccountId": self.counselor.account_id, "ownName": "Vera", "jurisdiction": "DE", "attested": true,
        });
        if self.care_id.is_empty() {
            self.care_id = text(&self.by_owner("/v1/care:request", ask).await["careId"]);
            let path = format!("/v1/care/{}:accept", self.care_id);
            post(&self.place, &self.counselor.secret, &path, json!({"attested": true})).await;
        }
        // Opened again, it takes the place of what was.
        let consent = json!({
            "counselorAccountId": self.counselor.account_id, "scope": "SCOPE_ENTRIES",
            "purpose": "ACCESS_PURPOSE_CARE", "textId": "entries-to-counselor", "textVersion": 1,
        });
        self.consent_id = text(&self.by_owner("/v1/consents", consent).await["consent"]["consentId"]);
        let consent = json!({
            "clientId": self.software.client_id, "scope": "SCOPE_ENTRIES", "purpose": "ACCESS_PURPOSE_STATED",
            "textId": "entries-to-software", "textVersion": 1,
        });
        let given = self.by_owner("/v1/software-consents", consent).await;
        self.software_consent_id = text(&given["consent"]["consentId"]);
        let token = self.software.token(&self.place).await;
        let readers = [Reader::Person(self.counselor.secret.clone()), Reader::Software(token)];
        let all = readers.map(|reader| Readable {
            owner_id: self.owner.account_id.clone(),
            thing: Thing::Entry(self.entry_id.clone()),
            reader,
        });
        for (replica, journal) in self.place.journals() {
            for readable in &all {
                eventually(&format!("{replica} shows it"), PATIENCE, async || {
                    readable.shows(&self.place, &journal).await
                })
                .await;
            }
        }
        all
    }

    async fn by_owner(&self, path: &str, body: Value) -> Value {
        post(&self.place, &self.owner.secret, path, body).await
    }

    pub(crate) async fn take_back(&self) {
        self.by_owner(&format!("/v1/consents/{}:revoke", self.consent_id), json!({})).await;
    }

    pub(crate) async fn end(&mut self) {
        self.by_owner(&format!("/v1/care/{}:end", self.care_id), json!({})).await;
        self.care_id.clear();
    }

    pub(crate) async fn take_back_from_software(&self) {
        self.by_owner(&format!("/v1/software-consents/{}:revoke", self.software_consent_id), json!({})).await;
    }
}
