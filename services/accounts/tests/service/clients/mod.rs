//! Software that reads with tokens of its own.

mod addresses;
mod attacks;
mod publisher;
mod registration;
mod secure;
mod standing;
#[path = "../../../src/domain/client/test_keys.rs"]
pub mod test_keys;
mod tokens;

use crate::kit::{House, PASSWORD};
use crate::people::Person;
use accounts::app::{self, NewOperator};
use accounts::domain::{Address, Locale, Password, Zone};
use candor_proto::accounts::v1::{
    DisableClientRequest, GetClientRequest, IssueClientTokenRequest, IssueClientTokenResponse, OAuthClient,
    RegisterClientRequest, RevokeClientTokenRequest, RotateClientKeysRequest,
    o_auth_client_service_server::OAuthClientService as _,
};
use chassis::identity::Kind;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use test_keys::Pair;
use tonic::{Request, Status};
use uuid::Uuid;

/// Where assertions are for.
const ENDPOINT: &str = "https://candor.example/oauth/token";

/// A client with its key pair.
pub struct Software {
    client_id: String,
    pair: Pair,
    key_id: String,
}

/// What somebody registers.
fn wish(jwks: String, scopes: &[&str]) -> RegisterClientRequest {
    RegisterClientRequest {
        name: "Praxis".into(),
        purpose: "Progress notes of the people we see.".into(),
        contact: "it@clinic.example".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        jwks,
        ..RegisterClientRequest::default()
    }
}

/// Ids of assertions, each one once.
fn fresh_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("assertion-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

impl Software {
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Claims that prove who it is, once.
    fn claims(&self, house: &House) -> Value {
        json!({
            "iss": self.client_id, "sub": self.client_id, "aud": ENDPOINT,
            "exp": house.now().as_second() + 300, "jti": fresh_id(),
        })
    }

    fn header(&self) -> Value {
        self.pair.header(&self.key_id)
    }

    pub fn assertion(&self, house: &House) -> String {
        self.pair.sign(&self.header(), &self.claims(house))
    }

    /// An assertion with other claims.
    fn assertion_with(&self, house: &House, changes: &Value) -> String {
        let mut claims = self.claims(house);
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.pair.sign(&self.header(), &claims)
    }

    pub async fn token(&self, house: &House, scope: &str) -> Result<IssueClientTokenResponse, Status> {
        house.issue(&self.assertion(house), scope).await
    }
}

impl House {
    /// Somebody who runs the platform.
    pub async fn operator(&self) -> Person {
        let operator = NewOperator {
            address: Address::parse("ops@example.org").unwrap(),
            password: Password::choose("password", PASSWORD).unwrap(),
            zone: Zone::parse("UTC").unwrap(),
            locale: Locale::parse("").unwrap(),
        };
        app::create_operator(&self.accounts, operator).await.unwrap();
        self.signed_in("ops@example.org").await
    }

    /// A professional.
    async fn counselor(&self, name: &str) -> Person {
        let person = self.member(name).await;
        self.make(&person, "counselor").await;
        Person { kind: Kind::Counselor, ..person }
    }

    /// Makes somebody's account one of another kind.
    async fn make(&self, person: &Person, kind: &str) {
        let change = sqlx::query("UPDATE account SET kind = $2 WHERE account_id = $1");
        change.bind(person.account_id).bind(kind).execute(self.pool()).await.unwrap();
    }

    async fn register_client(&self, by: &Person, wish: RegisterClientRequest) -> Result<OAuthClient, Status> {
        let answer = self.rpc.register_client(self.by(by, wish)).await?;
        Ok(answer.into_inner().client.unwrap())
    }

    /// Registers a client with a key of its own.
    pub async fn software(&self, by: &Person, pair: Pair, scopes: &[&str]) -> Software {
        let client = self.register_client(by, wish(pair.jwks("k1"), scopes)).await.unwrap();
        Software { client_id: client.client_id, pair, key_id: "k1".into() }
    }

    pub async fn client(&self, by: &Person, client_id: &str) -> Result<OAuthClient, Status> {
        let request = self.by(by, GetClientRequest { client_id: client_id.into() });
        Ok(self.rpc.get_client(request).await?.into_inner().client.unwrap())
    }

    async fn rotate(&self, by: &Person, client_id: &str, jwks: String) -> Result<OAuthClient, Status> {
        let message = RotateClientKeysRequest { client_id: client_id.into(), jwks, ..Default::default() };
        Ok(self.rpc.rotate_client_keys(self.by(by, message)).await?.into_inner().client.unwrap())
    }

    pub async fn disable(&self, by: &Person, client_id: &str) -> Result<(), Status> {
        let message = DisableClientRequest { client_id: client_id.into() };
        self.rpc.disable_client(self.by(by, message)).await.map(drop)
    }

    async fn issue(&self, assertion: &str, scope: &str) -> Result<IssueClientTokenResponse, Status> {
        let message = IssueClientTokenRequest {
            client_assertion: assertion.into(),
            scope: scope.into(),
            ..IssueClientTokenRequest::default()
        };
        Ok(self.rpc.issue_client_token(Request::new(message)).await?.into_inner())
    }

    pub async fn revoke(&self, assertion: &str, token: &str) -> Result<(), Status> {
        let message = RevokeClientTokenRequest {
            client_assertion: assertion.into(),
            token: token.into(),
            ..RevokeClientTokenRequest::default()
        };
        self.rpc.revoke_client_token(Request::new(message)).await.map(drop)
    }

    /// The tokens that were told to be over.
    async fn ended_tokens(&self) -> Vec<Uuid> {
        let events = self.events().await.into_iter();
        let ended = events.filter(|(key, ..)| key == "accounts.v1.session_ended");
        ended.map(|(_, token_id, _)| token_id).collect()
    }
}
