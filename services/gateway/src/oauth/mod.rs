//! OAuth 2.0 for software, in the form that its clients speak: forms and JSON of RFC 6749, 7009 and 8414. What is decided
//! is decided in accounts; here it only gets its clothes.

mod answer;
mod discovery;
mod form;
mod token;

pub(crate) use discovery::Discovery;

use crate::app::App;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// `/oauth/…` and `/.well-known/…`.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/oauth/token", post(token::issue))
        .route("/oauth/revoke", post(token::revoke))
        .route("/.well-known/oauth-authorization-server", get(discovery::server))
        .route("/.well-known/smart-configuration", get(discovery::smart))
        .route("/.well-known/jwks.json", get(discovery::keys))
}
