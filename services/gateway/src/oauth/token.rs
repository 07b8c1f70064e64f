//! `/oauth/token` and `/oauth/revoke`.

use super::answer::{Refusal, unkept};
use super::form::Parameters;
use crate::app::App;
use crate::upstream::call;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{IssueClientTokenRequest, RevokeClientTokenRequest};
use serde_json::json;
use std::sync::Arc;

/// Exchanges an assertion for an access token (RFC 6749, section 4.4; RFC 7523).
pub(super) async fn issue(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let parameters = Parameters::of(request).await?;
    match parameters.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::grant_type()),
        None => return Err(Refusal::invalid("grant_type is missing.")),
    }
    let proof = parameters.proof()?;
    let message = IssueClientTokenRequest {
        client_assertion: proof.assertion.to_string(),
        scope: parameters.get("scope").unwrap_or_default().to_owned(),
        client_id: proof.client_id,
    };
    let issued = app.upstream.clients().issue_client_token(call(message, None)?).await?.into_inner();
    let body = json!({
        "access_token": issued.access_token,
        "token_type": "bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    });
    Ok(unkept(StatusCode::OK, &body))
}

/// Ends a token of the client's own before its time (RFC 7009). Says the same where there was nothing to end.
pub(super) async fn revoke(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let parameters = Parameters::of(request).await?;
    let token = parameters.get("token").ok_or(Refusal::invalid("token is missing."))?.to_owned();
    let proof = parameters.proof()?;
    let message = RevokeClientTokenRequest {
        client_assertion: proof.assertion.to_string(),
        token,
        client_id: proof.client_id,
    };
    app.upstream.clients().revoke_client_token(call(message, None)?).await?;
    Ok(unkept(StatusCode::OK, &json!({})))
}
