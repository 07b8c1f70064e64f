//! Forms, accepted only from our own pages.

use super::Failure;
use crate::app::App;
use crate::error::Problem;
use crate::{body, query};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use std::sync::Arc;

/// A form that one of our own pages sent: origin and token are checked before a handler sees it.
pub(super) struct Form {
    pairs: Vec<(String, String)>,
}

/// A form from our own site whose token may have gone stale because its session ended meanwhile. For the one page
/// where people write long texts: it is shown again with the text, and nothing is done until the token fits.
pub(super) struct Draft {
    /// The fields.
    pub(super) form: Form,
    /// Whether anything may be done with it.
    pub(super) token_fits: bool,
}

impl FromRequest<Arc<App>> for Draft {
    type Rejection = Failure;

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
