//! Reading of another person over REST. What an RPC says of itself in `candor.options.v1.delegation` is all that is
//! known here: where its request names another person than the caller, accounts is asked to open it first.

use super::Caller;
use super::table::{Delegation, Operation};
use crate::app::App;
use crate::error::Problem;
use crate::upstream::Opened;
use axum::http::HeaderMap;
use candor_proto::accounts::v1::OpenAccessRequest;
use chassis::identity::capability::HEADER;
use prost_reflect::{DynamicMessage, FieldDescriptor};

/// What is opened for a call: nothing where it reads what is the caller's own, what the client brought where it asked
/// for it itself, and else what accounts says now. Nothing is kept for another call, and nothing is asked twice.
///
/// # Errors
/// What accounts says; 403 when what the client brought cannot be a capability.
pub(super) async fn open(
    app: &App,
    operation: &Operation,
    message: &DynamicMessage,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Option<Opened>, Problem> {
    let (Some(delegation), Some(passport)) = (&operation.delegation, caller.passport()) else {
        return Ok(None);
    };
    if let Some(brought) = brought(headers)? {
        return Ok(Some(brought));
    }
    match what(delegation, message, caller.account_id().as_deref()) {
        Some(what) => app.upstream.open(passport, what).await.map(Some),
        None => Ok(None),
    }
}

/// The capability that the client sent along.
fn brought(headers: &HeaderMap) -> Result<Option<Opened>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Opened::brought(value.as_bytes()).map(Some),
        (Some(_), Some(_)) => Err(Problem::capability()),
    }
}

/// What to ask for; `None` where the call is about the caller, or names what is no id: the service says so, by the name
/// of the field. A caller who is not known could be anyone, so access is asked for.
fn what(
    delegation: &Delegation,
    message: &DynamicMessage,
    account_id: Option<&str>,
) -> Option<OpenAccessRequest> {
    let owner = text(message, &delegation.owner);
    if !is_id(&owner) || account_id.is_some_and(|account_id| owner.eq_ignore_ascii_case(account_id)) {
        return None;
    }
    let item = delegation.item.as_ref().map(|field| text(message, field));
    if item.as_ref().is_some_and(|item| !is_id(item)) {
        return None;
    }
    Some(OpenAccessRequest {
        owner_account_id: owner,
        scope: delegation.scope,
        item_id: item.unwrap_or_default(),
        ..OpenAccessRequest::default()
    })
}

fn text(message: &DynamicMessage, field: &FieldDescriptor) -> String {
    message.get_field(field).as_str().unwrap_or_default().to_owned()
}

/// Whether a text is an id as the services take it.
fn is_id(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}
