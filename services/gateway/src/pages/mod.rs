//! The pages, one file per place. They are complete without a script (but for asking a device for a passkey, which says
//! so), ask nobody else for anything, and say at every failure what happened, what is safe and what next.

mod answers;
mod assets;
mod care;
mod check_in;
mod circle;
mod clients;
mod counselors;
mod couple;
mod data;
pub(crate) mod desk;
mod entry;
mod export;
mod failure;
mod form;
mod inbox;
mod invitation;
mod ledger;
mod library;
mod looks;
pub(crate) mod markdown;
mod moderation;
mod opened;
mod others;
mod parting;
mod passkey;
mod path;
mod prove_again;
mod received;
mod register;
mod rendering;
mod reset;
mod routes;
mod security;
mod self_check;
mod sessions;
mod share;
mod shared;
mod sign_in;
mod staff;
mod start;
mod support;
mod terms;
mod timeline;
mod trust;
mod verify;
pub(crate) mod words;
mod write;

pub(crate) use failure::{Failure, failure};
use form::Form;
pub(crate) use routes::router;

use crate::app::App;
use crate::error::Problem;
use crate::passports::Held;
use crate::session::Visitor;
use crate::station::Station;
use crate::upstream::Opened;
use crate::{query, upstream};
use askama::Template;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use candor_proto::accounts::v1::{Couple, GetCoupleRequest, OpenAccessRequest};
use candor_proto::options::v1::Scope;
use std::sync::Arc;

/// What answers a method that no page has here; the edge adds those it has.
pub(crate) async fn wrong_method() -> Failure {
    Failure(Problem::wrong_method(String::new()))
}

/// What answers where there is no page.
pub(crate) async fn no_such_path() -> Failure {
    Failure(Problem::no_such_path())
}

/// The places behind one entry of the navigation; their pages extend `together.html`.
const TOGETHER: [&str; 9] =
    ["couple", "circle", "counselors", "care", "shared", "received", "check-in", "answers", "ledger"];

/// What every page's frame needs to know.
pub(crate) struct Frame {
    /// Which entry of the navigation is this page.
    pub(crate) place: &'static str,
    /// Whether to show the navigation of somebody who is signed in.
    pub(crate) signed_in: bool,
    /// What they are here as.
    pub(crate) station: Station,
    /// The token of every form.
    pub(crate) csrf: String,
    /// Where the quick exit leads.
    pub(crate) leave_url: String,
    /// What stands on top, if anything.
    pub(crate) notice: Option<String>,
}

impl Frame {
    /// The frame of a page that is the same for everyone.
    pub(crate) fn public(place: &'static str, leave_url: &str, notice: Option<&str>) -> Self {
        Self {
            place,
            signed_in: false,
            station: Station::MEMBER,
            csrf: String::new(),
            leave_url: leave_url.to_owned(),
            notice: notice.map(str::to_owned),
        }
    }

    /// Where the style sheet is.
    pub(crate) fn style(&self) -> &'static str {
        &assets::STYLE.path
    }

    /// Where the script is.
    pub(crate) fn script(&self) -> &'static str {
        &assets::SCRIPT.path
    }

    /// Where the icon is.
    pub(crate) fn icon(&self) -> &'static str {
        &assets::ICON.path
    }

    /// Where the picture of the start page is.
    pub(crate) fn wall(&self) -> &'static str {
        &assets::WALL.path
    }

    /// Marks the navigation's entry for the places that two people have.
    pub(crate) fn current_together(&self) -> &'static str {
        if TOGETHER.contains(&self.place) { "true" } else { "false" }
    }

    /// Marks the navigation's entry for this page.
    pub(crate) fn current(&self, place: &str) -> &'static str {
        if self.place == place { "page" } else { "false" }
    }
}

/// A browser at a page, signed in or not.
pub(crate) struct Guest {
    app: Arc<App>,
    visitor: Visitor,
}

impl FromRequestParts<Arc<App>> for Guest {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let visitor = app.cookies.visitor(&parts.headers);
        if let Some(secret) = &visitor.session {
            app.passports.hear_of(secret).await;
        }
        Ok(Self { app: app.clone(), visitor })
    }
}

impl Guest {
    fn frame(&self, place: &'static str) -> Frame {
        frame(&self.app, &self.visitor, place)
    }

    /// A page.
    fn show(&self, template: &impl Template) -> Result<Response, Failure> {
        self.show_with(StatusCode::OK, template)
    }

    /// A page that says something went wrong.
    fn show_with(&self, status: StatusCode, template: &impl Template) -> Result<Response, Failure> {
        Ok(render(&self.app, &self.visitor, status, template)?)
    }
}

/// A browser whose session still works.
pub(crate) struct Member {
    guest: Guest,
    held: Held,
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let guest = Guest::from_request_parts(parts, &app.clone()).await?;
        let secret = guest.visitor.session.as_deref().ok_or_else(Problem::unauthenticated)?;
        let held = app.passports.of_secret(secret).await?;
        Ok(Self { guest, held })
    }
}

impl Member {
    /// A call in the member's name.
    fn call<T>(&self, message: T) -> Result<tonic::Request<T>, Problem> {
        upstream::call(message, Some(&self.held.passport))
    }

    /// Demands a proof of who it is before a page that leads to what cannot be undone, so that nobody fills in a form for
    /// nothing. The services demand it themselves as well.
    fn require_proof(&self) -> Result<(), Problem> {
        match self.held.is_proven(self.guest.app.clock.now()) {
            Some(false) => Err(Problem::step_up()),
            _ => Ok(()),
        }
    }

    /// Opens what belongs to another person, for one call: everything of a scope, or one item.
    async fn open(&self, owner: &str, scope: Scope, item: Option<&str>) -> Result<Opened, Problem> {
        let what = OpenAccessRequest {
            owner_account_id: owner.to_owned(),
            scope: scope.into(),
            item_id: item.unwrap_or_default().to_owned(),
            ..OpenAccessRequest::default()
        };
        self.guest.app.upstream.open(&self.held.passport, what).await
    }

    /// A call in the member's name that reads of another person, with what was opened for it.
    fn call_opened<T>(&self, message: T, opened: Opened) -> Result<tonic::Request<T>, Problem> {
        upstream::call_opened(message, &self.held.passport, opened)
    }

    /// The member's link, if there is one.
    async fn couple(&self) -> Result<Option<Couple>, Problem> {
        let request = self.call(GetCoupleRequest {})?;
        let mut couple = self.guest.app.upstream.couple().get_couple(request).await?.into_inner().couple;
        if let Some(couple) = couple.as_mut().filter(|couple| couple.partner_name.is_empty()) {
            // It could not be read just now. The pages are there all the same, the way out among them.
            couple.partner_name = "your partner".into();
        }
        Ok(couple)
    }

    /// The member's time zone as their account says it; UTC when accounts cannot say.
    async fn time_zone(&self) -> jiff::tz::TimeZone {
        let request = self.call(candor_proto::accounts::v1::GetMeRequest {});
        let account = match request {
            Ok(request) => self.guest.app.upstream.identity().get_me(request).await.ok(),
            Err(_) => None,
        };
        let name = account.and_then(|reply| reply.into_inner().account).map(|account| account.time_zone);
        words::zone(&name.unwrap_or_default())
    }
}

/// The value in a page's path. One that is not UTF-8 is no address of ours.
struct Segment(String);

impl FromRequestParts<Arc<App>> for Segment {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        path.map(|Path(value)| Self(value)).map_err(|_| Failure(Problem::no_such_path()))
    }
}

/// The two values in a page's path.
struct Segments(String, String);

impl FromRequestParts<Arc<App>> for Segments {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        path.map(|Path((one, two))| Self(one, two)).map_err(|_| Failure(Problem::no_such_path()))
    }
}

/// What a visitor is here as, as far as it was heard of.
fn station(app: &App, visitor: &Visitor) -> Station {
    visitor.session.as_deref().and_then(|secret| app.passports.station(secret)).unwrap_or(Station::MEMBER)
}

fn frame(app: &App, visitor: &Visitor, place: &'static str) -> Frame {
    Frame {
        place,
        signed_in: visitor.session.is_some(),
        station: station(app, visitor),
        csrf: app.cookies.csrf_token(visitor),
        leave_url: app.leave_url.clone(),
        notice: app.notice.clone(),
    }
}

/// Renders a page. A visitor who is shown a form keeps the cookie its token belongs to.
fn render(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    template: &impl Template,
) -> Result<Response, Problem> {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be rendered");
        Problem::internal()
    })?;
    let visit = html.contains("name=\"csrf\"").then(|| app.cookies.keep_visit(visitor)).flatten();
    let mut response = (status, Html(html)).into_response();
    if let Some(visit) = visit {
        response.headers_mut().append(header::SET_COOKIE, visit);
    }
    Ok(response)
}

/// Sends the browser on to an address of our own after something was done.
fn go(address: &str) -> Response {
    let location = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Whether an address leads to a page of our own and nowhere else.
fn is_local(address: &str) -> bool {
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && address.starts_with('/') && !address.starts_with("//") && address.len() <= 512
}

/// The value of a query parameter, if it is there once and readable.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query::pairs(query?).ok()?;
    pairs.into_iter().find(|(found, value)| found == name && !value.is_empty()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_next() {
        for (address, local) in [
            ("/timeline", true),
            ("/entries/a?b=c", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("javascript:alert(1)", false),
            ("/a\r\nSet-Cookie: x", false),
            ("", false),
        ] {
            assert_eq!(is_local(address), local, "{address:?}");
        }
    }
}
