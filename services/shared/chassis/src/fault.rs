//! The few ways a call can fail, and the one mapping of them to gRPC.

use candor_proto::Violation;
use std::{borrow::Cow, error::Error, fmt, time::Duration};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every `google.rpc.ErrorInfo` of ours.
pub const DOMAIN: &str = "candor";

/// What kind of failure, as in gRPC's status codes of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The request is wrong whatever the state of the system.
    InvalidArgument,
    /// Who calls is not known.
    Unauthenticated,
    /// Who calls is known and may not.
    PermissionDenied,
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// It exists already, with other content.
    AlreadyExists,
    /// The state of the system does not allow it now.
    FailedPrecondition,
    /// It collided with something concurrent; try the whole thing again.
    Aborted,
    /// A limit is reached; try later.
    ResourceExhausted,
    /// Something this service needs is away; try again.
    Unavailable,
    /// A bug of ours.
    Internal,
}

/// A failure as its caller may see it. It never holds private text; causes go to the log.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What kind.
    pub code: Code,
    /// A stable name for programs, such as `ENTRY_NOT_FOUND`.
    pub reason: &'static str,
    /// A plain sentence for people: what happened, what is safe, what next.
    pub message: Cow<'static, str>,
    /// The fields that are wrong.
    pub violations: Vec<Violation>,
    /// How long to wait before trying again.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A failure with a reason and a sentence.
    pub fn new(code: Code, reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason, message: message.into(), violations: Vec::new(), retry_after: None }
    }

    /// Fields that break their rules.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let fields: Vec<_> = violations.iter().map(|v| format!("{} {}", v.field, v.description)).collect();
        let message = format!("Please check: {}. Nothing was stored.", fields.join("; "));
        Self { violations, ..Self::new(Code::InvalidArgument, "INVALID_ARGUMENT", message) }
    }

    /// One field that is wrong; `description` is read after the field's name.
    pub fn invalid_field(field: &str, description: &'static str) -> Self {
        Self::invalid(vec![Violation { field: field.to_owned(), description }])
    }

    /// A bug of ours. The cause is logged under an id that the caller is told.
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        let id = incident(cause, "internal");
        Self::new(
            Code::Internal,
            "INTERNAL",
            format!("Something went wrong on our side. Nothing was lost; please try again. (incident {id})"),
        )
    }

    /// Something we need is away. The cause is logged.
    pub fn unavailable(cause: &(dyn Error + 'static)) -> Self {
        incident(cause, "unavailable");
        let mut fault = Self::new(
            Code::Unavailable,
            "UNAVAILABLE",
            "A part of Candor cannot be reached just now. Nothing was lost; please try again in a moment.",
        );
        fault.retry_after = Some(Duration::from_secs(1));
        fault
    }

    /// The same failure with a time to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

/// Logs a cause and returns the id it is logged under. Causes of ours never carry private text:
/// database errors are terse and hold no parameters.
fn incident(cause: &(dyn Error + 'static), kind: &'static str) -> String {
    let mut bytes = [0u8; 6];
    let _ = getrandom::fill(&mut bytes);
    let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut chain = cause.to_string();
    let mut source = cause.source();
    while let Some(inner) = source {
        chain = format!("{chain}: {inner}");
        source = inner.source();
    }
    tracing::error!(incident = %id, kind, cause = %chain, "a call failed");
    id
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl Error for Fault {}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => Self::unavailable(&error),
            // Class 08: connection, 53: resources, 57P: shutdown in progress; 40: collided with another transaction.
            sqlx::Error::Database(inner) => match inner.code().as_deref() {
                Some(code) if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
                    Self::unavailable(&error)
                }
                Some(code) if code.starts_with("40") => Self::new(
                    Code::Aborted,
                    "CONCURRENT_CHANGE",
                    "Somebody changed this at the same moment. Please try again.",
                ),
                _ => Self::internal(&error),
            },
            _ => Self::internal(&error),
        }
    }
}

impl From<Code> for tonic::Code {
    fn from(code: Code) -> Self {
        match code {
            Code::InvalidArgument => Self::InvalidArgument,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::PermissionDenied => Self::PermissionDenied,
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::Aborted => Self::Aborted,
            Code::ResourceExhausted => Self::ResourceExhausted,
            Code::Unavailable => Self::Unavailable,
            Code::Internal => Self::Internal,
        }
    }
}

impl From<Fault> for tonic::Status {
    fn from(fault: Fault) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(fault.reason, DOMAIN, std::collections::HashMap::new());
        for violation in &fault.violations {
            details.add_bad_request_violation(violation.field.clone(), violation.description);
        }
        if let Some(wait) = fault.retry_after {
            details.set_retry_info(Some(wait));
        }
        Self::with_error_details(fault.code.into(), fault.message.clone().into_owned(), details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_carries_its_details_to_grpc() {
        let status = tonic::Status::from(Fault::invalid_field("mood.energy", "must be 5 or less"));
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "INVALID_ARGUMENT");
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "mood.energy");
    }
}
