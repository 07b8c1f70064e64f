//! The first line of every handler: who calls, and whether the message keeps its rules.

use crate::identity::{Assurance, Kind, Passport, caller};
use crate::{Code, Fault};
use candor_proto::Validate;
use jiff::{SignedDuration, Timestamp};

/// How old the proof of who somebody is may be for what cannot be undone: export, erasure, consents, factors.
pub const STEP_UP_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// Admits a request of a member to what is theirs: the passport, and the message if it keeps its rules.
///
/// # Errors
/// UNAUTHENTICATED without a passport, PERMISSION_DENIED for a caller of another kind,
/// INVALID_ARGUMENT naming every field that breaks a rule.
pub fn admit_member<T: Validate>(request: tonic::Request<T>) -> Result<(Passport, T), Fault> {
    let passport = caller(request.extensions())?.clone();
    if passport.kind != Kind::Member {
        return Err(Fault::new(Code::PermissionDenied, "MEMBERS_ONLY", "Only a member can do this."));
    }
    Ok((passport, valid(request.into_inner())?))
}

/// Who has something of their own here besides an account: a counselor may have been a member before.
const OWNERS: [Kind; 2] = [Kind::Member, Kind::Counselor];

/// Admits a request to read, or take back, what is the caller's own, whatever they have become meanwhile: it is theirs to take
/// along.
///
/// # Errors
/// As [`admit_kinds`].
pub fn admit_owner<T: Validate>(request: tonic::Request<T>) -> Result<(Passport, T), Fault> {
    admit_kinds(request, &OWNERS)
}

/// Admits a request of one of the kinds of caller.
///
/// # Errors
/// UNAUTHENTICATED without a passport, PERMISSION_DENIED for a caller of another kind, FAILED_PRECONDITION with the reason
/// `SECOND_FACTOR_REQUIRED`, INVALID_ARGUMENT naming every field that breaks a rule.
pub fn admit_kinds<T: Validate>(request: tonic::Request<T>, kinds: &[Kind]) -> Result<(Passport, T), Fault> {
    let passport = caller(request.extensions())?.clone();
    if !kinds.contains(&passport.kind) {
        return Err(Fault::new(Code::PermissionDenied, "NOT_YOURS_TO_DO", "Your account cannot do this."));
    }
    demand_second_factor(&passport)?;
    Ok((passport, valid(request.into_inner())?))
}

/// Those who run the platform, and those who work with it, do nothing on a password alone but look after their own account
/// ([`admit_signed_in`]), where they set a second factor up.
fn demand_second_factor(passport: &Passport) -> Result<(), Fault> {
    if !passport.kind.needs_second_factor() || passport.assurance == Assurance::Two {
        return Ok(());
    }
    let message = "Your account needs a second factor before it can do anything else. Nothing was changed. \
                   Please set one up, or sign in with it.";
    Err(Fault::new(Code::FailedPrecondition, "SECOND_FACTOR_REQUIRED", message))
}

/// Demands that the person proved who they are within the last [`STEP_UP_LIFE`], by signing in or by proving it again.
///
/// # Errors
/// FAILED_PRECONDITION with the reason `STEP_UP_REQUIRED`.
pub fn require_step_up(passport: &Passport, now: Timestamp) -> Result<(), Fault> {
    if now.duration_since(passport.authenticated_at) <= STEP_UP_LIFE {
        return Ok(());
    }
    Err(step_up_required())
}

/// Says that the person has to prove again who they are.
pub fn step_up_required() -> Fault {
    let message = "Please prove again that it is you. Nothing was changed.";
    Fault::new(Code::FailedPrecondition, "STEP_UP_REQUIRED", message)
}

/// Admits a request of anyone who is signed in, whatever their kind, to what is about their own account. Software never is.
///
/// # Errors
/// UNAUTHENTICATED without a passport, PERMISSION_DENIED for software, INVALID_ARGUMENT naming every field that breaks a
/// rule.
pub fn admit_signed_in<T: Validate>(request: tonic::Request<T>) -> Result<(Passport, T), Fault> {
    let passport = caller(request.extensions())?.clone();
    if passport.kind == Kind::Client {
        return Err(not_for_software());
    }
    Ok((passport, valid(request.into_inner())?))
}

/// What software is told where only people are let in.
pub(crate) fn not_for_software() -> Fault {
    Fault::new(
        Code::PermissionDenied,
        "NOT_FOR_SOFTWARE",
        "This is for people who are signed in, not for software.",
    )
}

/// What software is told whose token is not for what it asks for. It says nothing about anybody's data.
pub fn insufficient_scope() -> Fault {
    let message =
        "This token is not for that. Ask for one with a scope that covers it, if you are registered for one.";
    Fault::new(Code::PermissionDenied, "INSUFFICIENT_SCOPE", message)
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

#[cfg(test)]
mod tests {
    use super::*;
    use candor_proto::accounts::v1::ListSessionsRequest;
    use uuid::Uuid;

    fn request(kind: Kind) -> tonic::Request<ListSessionsRequest> {
        let mut request = tonic::Request::new(ListSessionsRequest {});
        request.extensions_mut().insert(Passport {
            account_id: Uuid::from_u128(1),
            kind,
            session_id: Uuid::from_u128(2),
            authenticated_at: Timestamp::UNIX_EPOCH,
            assurance: Assurance::One,
            expires_at: Timestamp::MAX,
            scopes: Default::default(),
            suspended: false,
            terms_due: false,
        });
        request
    }

    #[test]
    fn software_is_let_in_only_where_it_is_named() {
        let refused = |fault: Fault| (fault.code, fault.reason);
        let software = || request(Kind::Client);
        assert_eq!(
            admit_signed_in(software()).map(drop).map_err(refused),
            Err((Code::PermissionDenied, "NOT_FOR_SOFTWARE"))
        );
        assert_eq!(
            admit_member(software()).map(drop).map_err(refused),
            Err((Code::PermissionDenied, "MEMBERS_ONLY"))
        );
        let staff = [Kind::Operator, Kind::Editor];
        let denied = Err((Code::PermissionDenied, "NOT_YOURS_TO_DO"));
        assert_eq!(admit_kinds(software(), &staff).map(drop).map_err(refused), denied);
        assert!(admit_kinds(software(), &[Kind::Client]).is_ok());
        for kind in [Kind::Member, Kind::Counselor, Kind::Operator, Kind::Editor, Kind::Support] {
            assert!(admit_signed_in(request(kind)).is_ok());
        }
    }

    #[test]
    fn on_a_password_alone_those_whom_others_trust_do_nothing_but_look_after_their_account() {
        for kind in [Kind::Counselor, Kind::Operator, Kind::Editor, Kind::Support] {
            let fault = admit_kinds(request(kind), &[kind]).map(drop).unwrap_err();
            assert_eq!((fault.code, fault.reason), (Code::FailedPrecondition, "SECOND_FACTOR_REQUIRED"));
            let mut strong = request(kind);
            strong.extensions_mut().get_mut::<Passport>().unwrap().assurance = Assurance::Two;
            assert!(admit_kinds(strong, &[kind]).is_ok());
            // Whoever may not do it anyway is told that, and nothing of factors.
            let fault = admit_kinds(request(kind), &[Kind::Member]).map(drop).unwrap_err();
            assert_eq!(fault.reason, "NOT_YOURS_TO_DO");
        }
        for kind in [Kind::Member, Kind::Client] {
            assert!(admit_kinds(request(kind), &[kind]).is_ok());
        }
    }
}
