//! The first line of every handler: who calls, and whether the message keeps its rules.

use crate::identity::{Passport, caller};
use crate::{Code, Fault};
use candor_proto::Validate;

/// Admits a request of a member to what is theirs: the passport, and the message if it keeps its rules.
///
/// # Errors
/// UNAUTHENTICATED without a passport, PERMISSION_DENIED for a caller of another kind,
/// INVALID_ARGUMENT naming every field that breaks a rule.
pub fn admit_member<T: Validate>(request: tonic::Request<T>) -> Result<(Passport, T), Fault> {
    let passport = caller(request.extensions())?.clone();
    if passport.kind != crate::identity::Kind::Member {
        return Err(Fault::new(Code::PermissionDenied, "MEMBERS_ONLY", "Only a member can do this."));
    }
    Ok((passport, valid(request.into_inner())?))
}

/// Admits a request of anyone who is signed in, whatever their kind.
///
/// # Errors
/// UNAUTHENTICATED without a passport, INVALID_ARGUMENT naming every field that breaks a rule.
pub fn admit_signed_in<T: Validate>(request: tonic::Request<T>) -> Result<(Passport, T), Fault> {
    let passport = caller(request.extensions())?.clone();
    Ok((passport, valid(request.into_inner())?))
}

/// Admits a request of anyone at all, to an RPC marked public.
///
/// # Errors
/// INVALID_ARGUMENT naming every field that breaks a rule.
pub fn admit_public<T: Validate>(request: tonic::Request<T>) -> Result<T, Fault> {
    valid(request.into_inner())
}

fn valid<T: Validate>(message: T) -> Result<T, Fault> {
    let violations = message.violations();
    if violations.is_empty() { Ok(message) } else { Err(Fault::invalid(violations)) }
}
