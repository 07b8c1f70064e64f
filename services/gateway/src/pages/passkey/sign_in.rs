//! Signing in with a passkey: instead of address and password, or as the second step after them.

use super::super::sign_in::{Begun, Page, device_of, enter};
use super::super::{Failure, Form, Guest, is_local};
use super::Ask;
use crate::error::Problem;
use crate::upstream::call;
use axum::http::HeaderMap;
use axum::response::Response;
use candor_proto::accounts::v1::{
    BeginPasskeySignInRequest, SignInWithPasskeyRequest, SignInWithPasskeyResponse,
};

/// Where the answer goes.
const FINISH: &str = "/sign-in/passkey/finish";

fn onward(form: &Form) -> String {
    Some(form.text("next")).filter(|next| is_local(next)).unwrap_or_default()
}

/// A refusal stands on the page that everybody signs in at.
fn again(guest: &Guest, form: &Form, status: tonic::Status) -> Result<Response, Failure> {
    let problem = Problem::from(status);
    let (code, frame) = (problem.status, guest.frame("sign-in"));
    let (email, next) = (form.text("email"), onward(form));
    guest.show_with(code, &Page { frame, email, next, problem: Some(problem) })
}

pub(super) async fn begin(guest: Guest, form: Form) -> Result<Response, Failure> {
    let request = BeginPasskeySignInRequest { pending_token: form.text("token") };
    let begun = guest.app.upstream.passkeys().begin_passkey_sign_in(call(request, None)?).await;
    let asked = match begun {
        Ok(asked) => asked.into_inner(),
        Err(status) => return again(&guest, &form, status),
    };
    let ask = Ask {
        frame: guest.frame("sign-in"),
        options: asked.options,
        challenge: asked.challenge_token,
        action: FINISH,
        is_new: false,
        carried: vec![("next", onward(&form)), ("email", form.text("email"))],
        besides: ("/sign-in".to_owned(), "Sign in with your password"),
    };
    ask.show(&guest)
}

pub(super) async fn finish(guest: Guest, headers: HeaderMap, form: Form) -> Result<Response, Failure> {
    let request = SignInWithPasskeyRequest {
        challenge_token: form.text("challenge"),
        credential: form.text("credential"),
        device_label: device_of(&headers),
        device_token: guest.visitor.device.clone(),
    };
    match guest.app.upstream.passkeys().sign_in_with_passkey(call(request, None)?).await {
        Ok(reply) => {
            let SignInWithPasskeyResponse { session_secret, passport, device_token, .. } = reply.into_inner();
            let (begun, next) = (Begun { session_secret, passport, device_token }, onward(&form));
            enter(&guest, &begun, &form.text("email"), Some(&*next).filter(|next| !next.is_empty()))
        }
        Err(status) => again(&guest, &form, status),
    }
}
