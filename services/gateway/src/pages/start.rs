//! The start page: what this is, said plainly.

use super::{Failure, Frame, Guest, go};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "start.html")]
struct Page {
    frame: Frame,
}

pub(super) async fn show(guest: Guest) -> Result<Response, Failure> {
    // Whoever is signed in comes here to go on; whoever's session is over, to begin.
    if let Some(secret) = &guest.visitor.session
        && let Ok(held) = guest.app.passports.of_secret(secret).await
    {
        return Ok(go(held.station().home().0));
    }
    let mut frame = guest.frame("start");
    frame.signed_in = false;
    guest.show(&Page { frame })
}
