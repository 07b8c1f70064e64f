//! The legal texts: read by anybody, accepted each by itself, taken back.

use super::markdown::Source;
use super::{Failure, Form, Frame, Guest, Member, Segment, go, is_local, parameter, words};
use crate::app::App;
use crate::error::Problem;
use crate::query;
use crate::upstream::call;
use askama::Template;
use axum::Router;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use candor_proto::accounts::v1::{
    AcceptTermsRequest, GetTermsRequest, GetTermsResponse, ListAcceptedTermsRequest, TermsKind, TermsSummary,
    WithdrawTermsRequest,
};
use std::sync::Arc;

/// Where one accepts.
pub(super) const ACCEPT: &str = "/terms/accept";
/// The language of the pages.
const LOCALE: &str = "en";

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/terms", get(show))
        .route(ACCEPT, get(show_accept).post(accept))
        .route("/terms/withdraw", post(withdraw))
        .route("/terms/{kind}", get(show_text))
}

/// A text that is there to be accepted, in the version that counts.
#[derive(Clone)]
pub(super) struct Offer {
    kind: TermsKind,
    /// What it is, in a sentence.
    pub(super) name: &'static str,
    /// Where it is read.
    pub(super) place: String,
    /// The form's field.
    pub(super) field: &'static str,
    /// The version.
    pub(super) version: i32,
    /// What it is dated.
    pub(super) date: String,
}

impl Offer {
    /// The field of a registration that holds the version.
    pub(super) fn violated(&self) -> &'static str {
        match self.kind {
            TermsKind::Privacy => "privacy_version",
            _ => "terms_version",
        }
    }

    fn of(summary: TermsSummary) -> Option<Self> {
        let kind = summary.kind();
        let (name, slug, field) = match kind {
            TermsKind::Use => ("terms of use", "terms-of-use", "terms"),
            TermsKind::Privacy => ("privacy notice", "privacy-notice", "privacy"),
            TermsKind::Unspecified => return None,
        };
        let place = format!("/terms/{slug}");
        Some(Self { kind, name, place, field, version: summary.version, date: summary.date })
    }
}

async fn texts(
    guest: &Guest,
    kind: TermsKind,
    version: i32,
    locale: &str,
) -> Result<GetTermsResponse, Problem> {
    let request = GetTermsRequest { kind: kind.into(), version, locale: locale.to_owned() };
    Ok(guest.app.upstream.terms().get_terms(call(request, None)?).await?.into_inner())
}

/// What has to be accepted here.
///
/// # Errors
/// When accounts cannot say.
pub(super) async fn offers(guest: &Guest) -> Result<Vec<Offer>, Problem> {
    let reply = texts(guest, TermsKind::Unspecified, 0, LOCALE).await?;
    Ok(reply.texts.into_iter().filter_map(|text| text.summary).filter_map(Offer::of).collect())
}

/// The version that a form says was read; 0 where nothing was checked.
pub(super) fn checked(form: &Form, field: &str) -> i32 {
    form.text(field).parse().unwrap_or_default()
}

#[derive(Template)]
#[template(path = "terms.html")]
struct Page {
    frame: Frame,
    offers: Vec<Offer>,
    earlier: Vec<Offer>,
}

async fn show(guest: Guest) -> Result<Response, Failure> {
    let reply = texts(&guest, TermsKind::Unspecified, 0, LOCALE).await?;
    let offers: Vec<_> =
        reply.texts.into_iter().filter_map(|text| text.summary).filter_map(Offer::of).collect();
    let counts =
        |one: &Offer| offers.iter().any(|offer| offer.kind == one.kind && offer.version == one.version);
    let earlier = reply.versions.into_iter().rev().filter_map(Offer::of).filter(|one| !counts(one)).collect();
    guest.show(&Page { frame: guest.frame("terms"), offers, earlier })
}

#[derive(Template)]
#[template(path = "terms_text.html")]
struct TextPage {
    frame: Frame,
    offer: Offer,
    /// What the text itself is headed.
    title: String,
    /// In which language it is.
    locale: String,
    /// Where the other languages are.
    others: Vec<(String, String)>,
    html: String,
}

async fn show_text(
    guest: Guest,
    Segment(slug): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = query.as_deref();
    let kind = match &*slug {
        "terms-of-use" => TermsKind::Use,
        "privacy-notice" => TermsKind::Privacy,
        _ => return Err(Failure(Problem::no_such_path())),
    };
    let version = parameter(query, "version").map_or(Ok(0), |number| number.parse());
    let version = version.map_err(|_| Problem::no_such_path())?;
    let locale = parameter(query, "lang").unwrap_or_else(|| LOCALE.to_owned());
    let text = texts(&guest, kind, version, &locale).await?.texts.into_iter().next();
    let text = text.ok_or_else(Problem::internal)?;
    let summary = text.summary.ok_or_else(Problem::internal)?;
    let others = summary.locales.iter().filter(|other| **other != text.locale).map(|other| {
        let at = format!("/terms/{slug}?version={}&lang={}", summary.version, query::encode(other));
        (other.clone(), at)
    });
    let others = others.collect();
    let offer = Offer::of(summary).ok_or_else(Problem::internal)?;
    let (title, words) = titled(&text.text);
    let (title, html) = (title.to_owned(), guest.app.desk.html(words.to_owned(), Source::Library).await?);
    let frame = guest.frame("terms");
    guest.show(&TextPage { frame, offer, title, locale: text.locale, others, html })
}

/// A text's own heading, if it begins with one, and what follows.
fn titled(text: &str) -> (&str, &str) {
    let headed = text.strip_prefix("# ").map(|rest| rest.split_once('\n').unwrap_or((rest, "")));
    headed.map_or(("", text), |(title, words)| (title.trim(), words))
}

#[derive(Template)]
#[template(path = "terms_accept.html")]
struct AcceptPage {
    frame: Frame,
    due: Vec<Offer>,
    accepted: Vec<Accepted>,
    next: String,
    problem: Option<String>,
}

/// What stands as accepted.
struct Accepted {
    name: &'static str,
    place: String,
    field: &'static str,
    version: i32,
    moment: Option<words::Moment>,
}

async fn show_accept(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let next = parameter(query.as_deref(), "next").unwrap_or_default();
    page(&member, onward(next), None).await
}

/// Where it goes on: a page of our own, and not this one.
fn onward(next: String) -> String {
    Some(next).filter(|next| is_local(next) && !next.starts_with("/terms/")).unwrap_or_default()
}

/// What has yet to be accepted, in the version that counts, and what stands.
async fn page(
    member: &Member,
    next: String,
    problem: Option<(StatusCode, String)>,
) -> Result<Response, Failure> {
    let own = member.call(ListAcceptedTermsRequest {})?;
    let own = member.guest.app.upstream.terms().list_accepted_terms(own).await?.into_inner();
    let (offers, zone) = tokio::join!(offers(&member.guest), member.time_zone());
    let offers = offers?;
    let due = offers.iter().filter(|offer| own.due.contains(&offer.kind.into())).cloned().collect();
    let standing = own.accepted.iter().filter(|one| one.withdraw_time.is_none());
    let accepted = standing.filter_map(|one| {
        let offer = offers.iter().find(|offer| offer.kind == one.kind())?;
        Some(Accepted {
            name: offer.name,
            place: format!("{}?version={}", offer.place, one.version),
            field: offer.field,
            version: one.version,
            moment: words::moment(one.accept_time.as_ref(), &zone),
        })
    });
    let (status, problem) = problem.map_or((StatusCode::OK, None), |(status, text)| (status, Some(text)));
    let (accepted, frame) = (accepted.collect(), member.guest.frame("terms"));
    member.guest.show_with(status, &AcceptPage { frame, due, accepted, next, problem })
}

async fn accept(member: Member, form: Form) -> Result<Response, Failure> {
    let next = onward(form.text("next"));
    let mut left = false;
    for offer in offers(&member.guest).await? {
        // What is not among the fields of the form is not asked for.
        if form.text("asked").split(' ').all(|asked| asked != offer.field) {
            continue;
        }
        let version = checked(&form, offer.field);
        if version == 0 {
            left = true;
            continue;
        }
        let wish = AcceptTermsRequest { kind: offer.kind.into(), version, locale: LOCALE.to_owned() };
        let accepted = member.guest.app.upstream.terms().accept_terms(member.call(wish)?).await;
        if let Err(status) = accepted {
            let problem = Problem::from(status);
            if &*problem.reason != "TERMS_CHANGED" {
                return Err(Failure::back_to(ACCEPT, problem));
            }
            return page(&member, next, Some((problem.status, problem.detail))).await;
        }
    }
    forget(&member);
    if left {
        let more = "One of the two is not accepted yet. What you accepted is kept.".to_owned();
        return page(&member, next, Some((StatusCode::BAD_REQUEST, more))).await;
    }
    let home = member.held.station().once_accepted().home().0;
    Ok(go(if next.is_empty() { home } else { &next }))
}

async fn withdraw(member: Member, form: Form) -> Result<Response, Failure> {
    let kind = match &*form.text("kind") {
        "terms" => TermsKind::Use,
        "privacy" => TermsKind::Privacy,
        _ => return Err(Failure(Problem::no_such_path())),
    };
    let request = member.call(WithdrawTermsRequest { kind: kind.into() })?;
    let withdrawn = member.guest.app.upstream.terms().withdraw_terms(request).await;
    withdrawn.map_err(|status| Failure::back_to(ACCEPT, status))?;
    forget(&member);
    Ok(go(ACCEPT))
}

/// The passport at hand says what was before.
fn forget(member: &Member) {
    if let Some(secret) = &member.guest.visitor.session {
        member.guest.app.passports.forget(secret);
    }
}
