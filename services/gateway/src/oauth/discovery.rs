//! What a client finds out by itself: where tokens are got and how. Only what is true is listed: there is no authorization
//! endpoint, and no client registers itself.

use crate::app::App;
use crate::error::Problem;
use crate::upstream::call;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use candor_proto::accounts::v1::ListSigningKeysRequest;
use serde_json::{Value, json};
use std::sync::Arc;

/// How clients may sign.
const ALGORITHMS: [&str; 3] = ["RS384", "ES384", "EdDSA"];
const METHODS: [&str; 1] = ["private_key_jwt"];
/// The widest scopes there are; narrower ones are within them.
const SCOPES: [&str; 2] = ["system/*.rs", "user/*.rs"];
/// It changes with a release, and keys are published minutes before they sign.
const PUBLIC: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=60");
const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// The two documents, made once at start.
pub(crate) struct Discovery {
    server: Bytes,
    smart: Bytes,
}

impl Discovery {
    /// For the address at which people reach the site.
    pub(crate) fn new(origin: &str) -> Self {
        let mut server = shared(origin);
        server["response_types_supported"] = json!([]);
        server["revocation_endpoint_auth_methods_supported"] = json!(METHODS);
        server["revocation_endpoint_auth_signing_alg_values_supported"] = json!(ALGORITHMS);
        server["service_documentation"] = format!("{origin}/docs").into();
        let mut smart = shared(origin);
        smart["capabilities"] = json!(["client-confidential-asymmetric", "permission-v2"]);
        Self { server: server.to_string().into(), smart: smart.to_string().into() }
    }
}

fn shared(origin: &str) -> Value {
    json!({
        "issuer": origin,
        "jwks_uri": format!("{origin}/.well-known/jwks.json"),
        "token_endpoint": format!("{origin}/oauth/token"),
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint": format!("{origin}/oauth/revoke"),
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": SCOPES,
    })
}

/// The authorization server's metadata (RFC 8414).
pub(super) async fn server(State(app): State<Arc<App>>) -> Response {
    ([JSON, PUBLIC], app.discovery.server.clone()).into_response()
}

/// The configuration of SMART App Launch.
pub(super) async fn smart(State(app): State<Arc<App>>) -> Response {
    ([JSON, PUBLIC], app.discovery.smart.clone()).into_response()
}

/// The public keys that tokens are signed with (RFC 7517).
pub(super) async fn keys(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let request = call(ListSigningKeysRequest {}, None)?;
    let keys = app.upstream.sessions().list_signing_keys(request).await?.into_inner().keys;
    let keys = keys.into_iter().map(|key| {
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.key_id, "x": key.public_key,
        })
    });
    let set = json!({ "keys": keys.collect::<Vec<_>>() });
    Ok(([JSON, PUBLIC], set.to_string()).into_response())
}
