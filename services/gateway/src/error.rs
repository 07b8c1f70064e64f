//! How the gateway fails: to start ([`Error`]), and to answer ([`Problem`], RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;
use tonic_types::StatusExt as _;

/// Why the gateway did not start or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong; the sentence names its key.
    #[error("{0}")]
    Config(String),
    /// The API's descriptors ask for something the gateway cannot serve.
    #[error("the REST table cannot be built: {0}")]
    Table(String),
    /// The listener failed.
    #[error("the gateway cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The field's path in proto names.
    pub(crate) field: String,
    /// What is wrong, to be read after the field's name. Never holds the value.
    pub(crate) description: String,
}

impl Violation {
    /// A wrong field.
    pub(crate) fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// An answer that is not what was asked for. It never holds private text.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// A stable name for programs.
    pub(crate) reason: Box<str>,
    /// A plain sentence for people: what happened, what is safe, what next.
    pub(crate) detail: String,
    /// The fields that are wrong.
    pub(crate) violations: Vec<Violation>,
    /// How long to wait before trying again.
    pub(crate) retry_after: Option<Duration>,
    /// The methods that would have worked, for 405.
    pub(crate) allow: Option<Box<str>>,
    /// The page to come back to, where that is another than the one that was asked for.
    pub(crate) back: Option<Box<str>>,
}

/// The reason of what wants a second factor first.
/// What a suspended account is told where it is not let in.
pub(crate) const ACCOUNT_SUSPENDED: &str = "ACCOUNT_SUSPENDED";
/// The reason of what is closed until the terms are accepted.
pub(crate) const TERMS_NOT_ACCEPTED: &str = "TERMS_NOT_ACCEPTED";
pub(crate) const SECOND_FACTOR_REQUIRED: &str = "SECOND_FACTOR_REQUIRED";
/// The reason of what wants a proof of who somebody is first.
pub(crate) const STEP_UP_REQUIRED: &str = "STEP_UP_REQUIRED";

impl Problem {
    /// A problem with a sentence.
    pub(crate) fn new(status: StatusCode, reason: &str, detail: impl Into<String>) -> Self {
        let (reason, detail) = (reason.into(), detail.into());
        Self { status, reason, detail, violations: Vec::new(), retry_after: None, allow: None, back: None }
    }

    /// A request that cannot be understood.
    pub(crate) fn bad_request(reason: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, detail)
    }

    /// One wrong field.
    pub(crate) fn field(violation: Violation) -> Self {
        let (field, description) = (&violation.field, &violation.description);
        let subject = if field.is_empty() { "the body" } else { field };
        let detail = format!("Please check: {subject} {description}. Nothing was stored.");
        Self { violations: vec![violation], ..Self::bad_request("INVALID_ARGUMENT", detail) }
    }

    /// Nobody is signed in, or not any more.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "Please sign in first.")
    }

    /// Who is signed in has to prove it again first.
    pub(crate) fn step_up() -> Self {
        let detail = "Please prove again that it is you. Nothing was changed.";
        Self::bad_request(STEP_UP_REQUIRED, detail)
    }

    /// A passport asks for what goes on for longer than it lives.
    pub(crate) fn session_required() -> Self {
        let detail = "This takes longer than a passport lives. Please call with the session's secret.";
        Self::bad_request("SESSION_REQUIRED", detail)
    }

    /// What was sent as a capability is none.
    pub(crate) fn capability() -> Self {
        let detail =
            "What was sent as a capability is none. Nothing was read; without it, access is asked for here.";
        Self::new(StatusCode::FORBIDDEN, "CAPABILITY_INVALID", detail)
    }

    /// Nothing is at this address.
    pub(crate) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NO_SUCH_PATH", "This address leads nowhere.")
    }

    /// The address exists, the method does not.
    pub(crate) fn wrong_method(allow: String) -> Self {
        let detail = format!("This address answers {allow} only.");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self { allow: Some(allow.into()), ..Self::new(status, "METHOD_NOT_ALLOWED", detail) }
    }

    /// More bytes than the gateway takes.
    pub(crate) fn too_large() -> Self {
        let detail = "This is larger than 1 MiB, the most that is taken. Nothing was stored.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", detail)
    }

    /// More requests at once than the gateway takes.
    pub(crate) fn busy() -> Self {
        let detail = "Many people are here right now. Nothing was stored; please try again in a moment.";
        let retry_after = Some(Duration::from_secs(1));
        Self { retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", detail) }
    }

    /// More requests of one network than it has turns for.
    pub(crate) fn too_often(wait: Duration) -> Self {
        let detail = "Many requests like this came from your network within a short time. Nothing was done; please try again \
                      in a moment.";
        let retry_after = Some(wait);
        Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_FROM_YOUR_NETWORK", detail) }
    }

    /// A bug of ours.
    pub(crate) fn internal() -> Self {
        let detail = "Something went wrong on our side. What you stored before is safe; please try again.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", detail)
    }

    /// Headers that go with the answer whatever its form.
    pub(crate) fn put_headers(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(allow) = self
            .allow
            .as_deref()
            .filter(|allow| !allow.is_empty())
            .and_then(|allow| HeaderValue::from_str(allow).ok())
        {
            headers.insert(header::ALLOW, allow);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"candor\""));
        }
    }
}

impl IntoResponse for Problem {
    /// As `application/problem+json`.
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:candor:problem:{}", self.reason.to_ascii_lowercase().replace('_', "-")),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "reason": self.reason,
        });
        if !self.violations.is_empty() {
            let violations = self.violations.iter();
            let violations: Vec<_> =
                violations.map(|v| json!({"field": v.field, "description": v.description})).collect();
            body["violations"] = violations.into();
        }
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, content_type, body.to_string()).into_response();
        self.put_headers(&mut response);
        response
    }
}

impl From<tonic::Status> for Problem {
    fn from(status: tonic::Status) -> Self {
        let http = http_status(status.code());
        let details = status.get_error_details();
        // Only sentences our own services wrote are shown; the transport's are for the log.
        let Some(info) = details.error_info().filter(|info| info.domain == chassis::fault::DOMAIN) else {
            return Self::from_transport(&status, http);
        };
        let mut problem = Self::new(http, &info.reason, status.message());
        if let Some(bad) = details.bad_request() {
            let violations = bad.field_violations.iter();
            problem.violations =
                violations.map(|v| Violation::new(v.field.as_str(), v.description.as_str())).collect();
        }
        problem.retry_after = details.retry_info().and_then(|retry| retry.retry_delay);
        problem
    }
}

impl Problem {
    /// A status that a library or the network made, not one of our services.
    fn from_transport(status: &tonic::Status, http: StatusCode) -> Self {
        tracing::warn!(code = ?status.code(), cause = status.message(), "a call did not reach its service");
        let reason = format!("{:?}", status.code());
        let (reason, detail) = match http {
            StatusCode::UNAUTHORIZED => return Self::unauthenticated(),
            StatusCode::SERVICE_UNAVAILABLE => (
                "UNAVAILABLE",
                "A part of Candor cannot be reached just now. Nothing was lost; please try again in a moment.",
            ),
            StatusCode::GATEWAY_TIMEOUT => (
                "DEADLINE_EXCEEDED",
                "This took too long. It may have been done; please look before you try again.",
            ),
            StatusCode::TOO_MANY_REQUESTS => {
                ("RESOURCE_EXHAUSTED", "A limit is reached. Nothing was stored; please try again later.")
            }
            StatusCode::BAD_REQUEST => {
                ("INVALID_ARGUMENT", "The request cannot be understood. Nothing was stored.")
            }
            StatusCode::NOT_FOUND => ("NOT_FOUND", "This does not exist, or it is not yours to see."),
            StatusCode::NOT_IMPLEMENTED => ("UNIMPLEMENTED", "This is not available here."),
            _ => (
                reason.as_str(),
                "Something went wrong on our side. What you stored before is safe; please try again.",
            ),
        };
        let mut problem = Self::new(http, reason, detail);
        if matches!(http, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            problem.retry_after = Some(Duration::from_secs(1));
        }
        problem
    }
}

/// The HTTP status of every gRPC code, as Google's API guide maps them.
pub(crate) fn http_status(code: tonic::Code) -> StatusCode {
    use tonic::Code;
    match code {
        Code::Ok => StatusCode::OK,
        // Whoever calls waits still. The client's half of a call says "cancelled" when its deadline is over.
        Code::Cancelled | Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::{Code, Fault};

    #[tokio::test]
    async fn a_fault_becomes_problem_json_with_its_details() {
        let fault =
            Fault::invalid_field("mood.energy", "must be 5 or less").retry_after(Duration::from_millis(1500));
        let response = Problem::from(tonic::Status::from(fault)).into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "2");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["reason"], "INVALID_ARGUMENT");
        assert_eq!(body["status"], 400);
        assert_eq!(body["type"], "urn:candor:problem:invalid-argument");
        assert_eq!(body["violations"][0]["field"], "mood.energy");
    }

    #[test]
    fn what_the_transport_says_is_not_repeated() {
        let problem = Problem::from(tonic::Status::unavailable("tcp connect error: 10.0.0.7"));
        assert!(!problem.detail.contains("10.0.0.7"));
        assert_eq!((problem.status.as_u16(), problem.retry_after.is_some()), (503, true));
    }

    #[test]
    fn what_takes_too_long_is_said_plainly_whichever_half_of_the_call_noticed() {
        for status in [tonic::Status::cancelled("Timeout expired"), tonic::Status::deadline_exceeded("late")]
        {
            let problem = Problem::from(status);
            assert_eq!((problem.status.as_u16(), &*problem.reason), (504, "DEADLINE_EXCEEDED"));
            assert!(problem.detail.starts_with("This took too long."), "{}", problem.detail);
        }
    }

    #[test]
    fn every_code_has_a_status() {
        for number in 0..17 {
            let status = http_status(tonic::Code::from(number));
            assert!(number == 0 || status.is_client_error() || status.is_server_error());
        }
        let fault = Fault::new(Code::Unauthenticated, "UNAUTHENTICATED", "Please sign in first.");
        assert_eq!(Problem::from(tonic::Status::from(fault)).status, 401);
    }
}
