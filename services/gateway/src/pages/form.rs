//! Forms, accepted only from our own pages.

use super::{Failure, Guest, Member};
use crate::app::App;
use crate::error::Problem;
use crate::{body, query};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{StatusCode, header};
use std::sync::Arc;

/// A form that one of our own pages sent: origin and token are checked before a handler sees it.
pub(super) struct Form {
    pairs: Vec<(String, String)>,
}

/// A form from our own site with words somebody wrote. Its session may have ended meanwhile, or accounts be away: then
/// nothing is done with it, but it can be shown again with the words.
pub(super) struct Words {
    /// The browser.
    pub(super) guest: Guest,
    /// The fields.
    pub(super) form: Form,
    /// Whose words they are, or why nothing may be done with them yet.
    pub(super) member: Result<Member, NotYet>,
}

/// Why words are not kept yet.
pub(super) struct NotYet {
    /// The status of the page that shows them again.
    pub(super) status: StatusCode,
    /// What happened, what is safe, what next.
    pub(super) message: String,
}

impl FromRequest<Arc<App>> for Words {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let guest = Guest::from_request_parts(&mut parts, app).await?;
        let member = Member::from_request_parts(&mut parts, app).await;
        let draft = Draft::from_request(Request::from_parts(parts, body), app).await?;
        let member = match member {
            Ok(member) if draft.token_fits => Ok(member),
            Ok(_) => Err(NotYet { status: StatusCode::FORBIDDEN, message: STALE.to_owned() }),
            Err(Failure(problem)) if problem.status == StatusCode::UNAUTHORIZED => {
                Err(NotYet { status: problem.status, message: SIGNED_OUT.to_owned() })
            }
            Err(Failure(problem)) => Err(NotYet::after(&problem)),
        };
        Ok(Self { guest, form: draft.form, member })
    }
}

impl NotYet {
    /// Because of a problem on the way.
    pub(super) fn after(problem: &Problem) -> Self {
        let message = format!("{} Your words are still on this page.", problem.detail);
        Self { status: problem.status, message }
    }
}

const SIGNED_OUT: &str = "Your session has ended. Your words are still here, but not kept yet. \
     You can sign in in another tab, then press the button again.";
const STALE: &str = "This page was open for a while. Your words are still here, but not kept yet. Please press the button again.";

/// A form from our own site, whether its token fits or not.
struct Draft {
    form: Form,
    token_fits: bool,
}

impl Draft {
    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        app.cookies.check_origin(&parts.headers)?;
        let kind =
            parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            let detail = "This is not a form of ours. Nothing was stored.";
            return Err(
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail).into()
            );
        }
        let unreadable =
            || Problem::bad_request("INVALID_FORM", "The form is not UTF-8. Nothing was stored.");
        let body = body::read(body).await?;
        let text = std::str::from_utf8(&body).map_err(|_| unreadable())?;
        let form = Form { pairs: query::pairs(text).map_err(|_| unreadable())? };
        let token_fits = app.cookies.token_fits(&app.cookies.visitor(&parts.headers), &form.text("csrf"));
        Ok(Self { form, token_fits })
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let draft = Draft::from_request(request, app).await?;
        if draft.token_fits {
            return Ok(draft.form);
        }
        let detail =
            "This page was open for a while and is out of date. Nothing was changed. Please open it again.";
        Err(Problem::new(StatusCode::FORBIDDEN, "CSRF_TOKEN_REQUIRED", detail).into())
    }
}

impl Form {
    /// A field's text, empty when it is not there; line ends as everywhere but in forms.
    pub(super) fn text(&self, name: &str) -> String {
        self.all(name).next().unwrap_or_default().replace("\r\n", "\n")
    }

    /// Every value of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}
