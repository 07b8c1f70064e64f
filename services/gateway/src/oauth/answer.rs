//! What the token endpoint says when it says no (RFC 6749, section 5.2). Nothing of the request is ever in it.

use crate::error::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// A no.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: &'static str,
    /// A plain sentence, without the characters that the RFC leaves out.
    description: &'static str,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, description: &'static str) -> Self {
        Self { status, error, description, retry_after: None }
    }

    /// The request cannot be understood.
    pub(super) fn invalid(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// The request is larger than what is taken.
    pub(super) fn too_large() -> Self {
        let description = "The form is larger than 32 KiB, the most that is taken.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", description)
    }

    /// A way to a token that is not offered.
    pub(super) fn grant_type() -> Self {
        let description = "The only grant_type here is client_credentials.";
        Self::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", description)
    }

    fn unavailable(status: StatusCode, retry_after: Option<Duration>) -> Self {
        let description = "This cannot be answered just now. Please try again in a moment.";
        let refusal = Self::new(status, "temporarily_unavailable", description);
        Self { retry_after: retry_after.or(Some(Duration::from_secs(1))), ..refusal }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match (&*problem.reason, problem.status) {
            ("CLIENT_REFUSED", _) => {
                let description = "The assertion does not prove who the client is, or was used before.";
                Self::new(StatusCode::BAD_REQUEST, "invalid_client", description)
            }
            ("SCOPE_REFUSED", _) => {
                let description =
                    "None of these scopes can be granted. Ask for some that the client is registered for.";
                Self::new(StatusCode::BAD_REQUEST, "invalid_scope", description)
            }
            (_, status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)) => {
                Self::unavailable(status, problem.retry_after)
            }
            (_, StatusCode::GATEWAY_TIMEOUT) => Self::unavailable(StatusCode::SERVICE_UNAVAILABLE, None),
            (_, status) if status.is_client_error() => {
                Self::invalid("A parameter is too long or not of its form.")
            }
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "Something went wrong on our side. Please try again.",
            ),
        }
    }
}

impl From<tonic::Status> for Refusal {
    fn from(status: tonic::Status) -> Self {
        Problem::from(status).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = unkept(self.status, &body);
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// JSON that nobody on the way may keep.
pub(super) fn unkept(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ];
    (status, headers, body.to_string()).into_response()
}
