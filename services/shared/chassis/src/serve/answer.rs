//! The answers that the server gives in place of a handler.

use crate::{Code, Fault, fault::DOMAIN};
use candor_proto::Violation;
use http::Response;
use std::time::Duration;
use tonic::Status;
use tonic::body::Body;
use tonic_types::{ErrorDetails, StatusExt};

pub(super) fn busy() -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        "BUSY",
        "Candor is very busy just now. Nothing was stored; please try again in a moment.",
    )
    .retry_after(Duration::from_secs(1))
}

pub(super) fn cut_off() -> Fault {
    Fault::new(
        Code::Unavailable,
        "UNAVAILABLE",
        "This part of Candor is restarting. Please try again in a moment.",
    )
    .retry_after(Duration::from_secs(1))
}

/// What a suspended account is told wherever it is not let in.
pub(super) fn suspended() -> Fault {
    Fault::new(
        Code::PermissionDenied,
        "ACCOUNT_SUSPENDED",
        "This account is suspended. You can read why, object, end what connects you with others, take your data along, \
         and have everything destroyed.",
    )
}

/// What an account is told that has yet to accept a legal text, wherever it is not let in.
pub(super) fn terms_due() -> Fault {
    Fault::new(
        Code::FailedPrecondition,
        "TERMS_NOT_ACCEPTED",
        "Please read and accept the terms of this place first. Nothing was changed. You can still end what connects you with \
         others, take your data along, and have everything destroyed.",
    )
}

pub(super) fn too_large() -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        "MESSAGE_TOO_LARGE",
        "The message is larger than 1 MiB. Nothing was stored.",
    )
}

pub(super) fn panicked() -> Fault {
    #[derive(Debug, thiserror::Error)]
    #[error("a handler panicked")]
    struct Panicked;
    Fault::internal(&Panicked)
}

/// Not one of our faults: only the server itself can be too late.
pub(super) fn too_late() -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info("DEADLINE_EXCEEDED", DOMAIN, std::collections::HashMap::new());
    let message = "This took longer than the call allows. It may have happened all the same.";
    Status::with_error_details(tonic::Code::DeadlineExceeded, message, details)
}

/// What tonic says, as INTERNAL, about a request it cannot read. To us that is the caller's doing.
const UNREADABLE: [&str; 4] = [
    PROTOBUF,
    "Missing request message",
    "protocol error: received message with",
    "Unexpected EOF decoding stream",
];
const PROTOBUF: &str = "failed to decode Protobuf message: ";

/// Turns tonic's INTERNAL for an unreadable request into INVALID_ARGUMENT that names the field, where it is known.
pub(super) fn undecodable(response: Response<Body>) -> Response<Body> {
    let Some(status) = response.extensions().get::<Status>() else { return response };
    // Our own faults carry details; what has none and reads like this never reached a handler.
    if status.code() != tonic::Code::Internal || !status.details().is_empty() {
        return response;
    }
    let message = status.message();
    if !UNREADABLE.iter().any(|start| message.starts_with(start)) {
        return response;
    }
    let fault = match message.strip_prefix(PROTOBUF).map(field_of) {
        Some(field) if !field.is_empty() => {
            Fault::invalid(vec![Violation { field, description: "cannot be decoded" }])
        }
        _ => Fault::new(
            Code::InvalidArgument,
            "INVALID_ARGUMENT",
            "The message cannot be decoded. Nothing was stored.",
        ),
    };
    Status::from(fault).into_http()
}

/// `WriteEntryRequest.mood: Mood.energy: invalid varint` → `mood.energy`.
fn field_of(description: &str) -> String {
    let segments = description.split(": ");
    let named = segments.map_while(|segment| {
        let (message, field) = segment.split_once('.')?;
        (!message.contains(' ') && !field.contains(' ')).then_some(field)
    });
    named.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_found_in_the_decoder_s_words() {
        assert_eq!(field_of("WriteEntryRequest.mood: Mood.energy: invalid varint"), "mood.energy");
        assert_eq!(field_of("buffer underflow"), "");
        assert_eq!(field_of("invalid wire type: Varint (expected LengthDelimited)"), "");
    }

    #[test]
    fn a_fault_of_ours_stays_what_it_is() {
        let response = Status::from(panicked()).into_http::<Body>();
        let kept = undecodable(response);
        assert_eq!(kept.extensions().get::<Status>().unwrap().code(), tonic::Code::Internal);
    }
}
