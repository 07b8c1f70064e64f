//! Passkeys: a page that has the browser ask the device, for adding one, signing in, and proving again who one is.
//! The asking takes a script; without one the page says so, and where the other ways are.

mod own;
mod prove;
mod sign_in;

pub(super) use own::{Mine, mine};

use super::{Frame, Guest};
use crate::app::App;
use crate::pages::Failure;
use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use std::sync::Arc;

/// Every page of passkeys.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/security/passkeys", get(own::show_new).post(own::add))
        .route("/security/passkeys/begin", post(own::begin))
        .route("/security/passkeys/{passkey_id}/rename", post(own::rename))
        .route("/security/passkeys/{passkey_id}/remove", get(own::show_removal).post(own::remove))
        .route("/sign-in/passkey", post(sign_in::begin))
        .route("/sign-in/passkey/finish", post(sign_in::finish))
        .route("/prove-again/passkey", post(prove::begin))
        .route("/prove-again/passkey/finish", post(prove::finish))
}

/// What a device is asked, and where its answer goes.
#[derive(Template)]
#[template(path = "passkey_ask.html")]
struct Ask {
    frame: Frame,
    /// What the browser hands to the device.
    options: String,
    /// What the answer comes with.
    challenge: String,
    /// Where the answer goes.
    action: &'static str,
    /// Whether a new passkey is made.
    is_new: bool,
    /// What else the form carries.
    carried: Vec<(&'static str, String)>,
    /// Where the other ways are, and how that is said.
    besides: (String, &'static str),
}

impl Ask {
    fn show(&self, guest: &Guest) -> Result<Response, Failure> {
        guest.show(self)
    }
}
