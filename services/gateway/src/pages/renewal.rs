//! A page that a browser looks at replaces its session's secret once it is old (see `SessionService.RotateSecret`).

use crate::app::App;
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// Adds the cookie with the next secret to a page that is only looked at and sets no cookie itself.
pub(super) async fn renew(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let visitor = (request.method() == Method::GET).then(|| app.cookies.visitor(request.headers()));
    let mut response = next.run(request).await;
    let Some(visitor) = visitor else { return response };
    let Some(secret) = visitor.session.as_deref() else { return response };
    if !may_renew(&response) {
        return response;
    }
    if let Some(next_secret) = app.passports.successor(secret).await
        && let Ok(cookie) = app.cookies.renew_session(&visitor, &next_secret)
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether an answer is a page that was found, sets no cookie itself, and is for its reader alone: what says itself how long it
/// may be kept may be shown to others.
fn may_renew(response: &Response) -> bool {
    let says = |name| response.headers().contains_key(name);
    response.status().is_success() && !says(header::SET_COOKIE) && !says(header::CACHE_CONTROL)
}
