//! Proving again who one is with a passkey.

use super::super::prove_again::{self, onward, proven};
use super::super::{Failure, Form, Member};
use super::Ask;
use crate::error::Problem;
use crate::query;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{BeginPasskeyStepUpRequest, StepUpWithPasskeyRequest};

/// Where the answer goes.
const FINISH: &str = "/prove-again/passkey/finish";

pub(super) async fn begin(member: Member, form: Form) -> Result<Response, Failure> {
    let next = onward(form.text("next")).unwrap_or_default();
    let request = member.call(BeginPasskeyStepUpRequest {})?;
    let asked = member.guest.app.upstream.passkeys().begin_passkey_step_up(request).await;
    let asked = match asked.map_err(Problem::from) {
        Ok(asked) => asked.into_inner(),
        Err(problem) => return again(&member, next, problem).await,
    };
    let ask = Ask {
        frame: member.guest.frame(""),
        options: asked.options,
        challenge: asked.challenge_token,
        action: FINISH,
        is_new: false,
        besides: (format!("{}?next={}", prove_again::PLACE, query::encode(&next)), "Use your password"),
        carried: vec![("next", next)],
    };
    ask.show(&member.guest)
}

pub(super) async fn finish(member: Member, form: Form) -> Result<Response, Failure> {
    let next = onward(form.text("next"));
    let request = StepUpWithPasskeyRequest {
        challenge_token: form.text("challenge"),
        credential: form.text("credential"),
    };
    match member.guest.app.upstream.passkeys().step_up_with_passkey(member.call(request)?).await {
        Ok(_) => proven(&member, next),
        Err(status) => again(&member, next.unwrap_or_default(), status.into()).await,
    }
}

async fn again(member: &Member, next: String, problem: Problem) -> Result<Response, Failure> {
    if problem.status == StatusCode::UNAUTHORIZED {
        return Err(Failure(problem));
    }
    prove_again::page(member, next, Some(problem)).await
}
