//! Correcting the time zone and the language.

use super::super::{Failure, Form, Frame, Member, go, words};
use super::PLACE;
use crate::error::Problem;
use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use candor_proto::accounts::v1::{GetMeRequest, UpdateProfileRequest};
use std::sync::Arc;

/// Where this page is.
const HERE: &str = "/security/profile";

pub(in super::super) fn router() -> Router<Arc<crate::app::App>> {
    Router::new().route(HERE, get(show).post(keep))
}

#[derive(Template)]
#[template(path = "security_profile.html")]
struct Page {
    frame: Frame,
    time_zone: String,
    zones: Vec<String>,
    languages: Vec<Language>,
    problem: Option<Problem>,
}

struct Language {
    tag: String,
    name: String,
    chosen: bool,
}

/// The languages to choose from; another one that somebody has stays theirs.
fn languages(own: &str) -> Vec<Language> {
    let offered = words::LANGUAGES.iter().map(|known| (known.tag.to_owned(), known.own_name.to_owned()));
    let is_other = words::LANGUAGES.iter().all(|known| known.tag != own);
    let other = is_other.then(|| (own.to_owned(), own.to_owned()));
    let all = offered.chain(other.filter(|(tag, _)| !tag.is_empty()));
    all.map(|(tag, name)| Language { chosen: tag == own, tag, name }).collect()
}

async fn show(member: Member) -> Result<Response, Failure> {
    let request = member.call(GetMeRequest {})?;
    let account = member.guest.app.upstream.identity().get_me(request).await?.into_inner().account;
    let account = account.ok_or_else(Problem::internal)?;
    page(&member, account.time_zone, &account.locale, None)
}

fn page(
    member: &Member,
    time_zone: String,
    locale: &str,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let (zones, frame) = (words::zone_names(), member.guest.frame("security"));
    let page = Page { frame, time_zone, zones, languages: languages(locale), problem };
    member.guest.show_with(status, &page)
}

async fn keep(member: Member, form: Form) -> Result<Response, Failure> {
    let (time_zone, locale) = (form.text("time_zone"), form.text("locale"));
    let request = UpdateProfileRequest {
        time_zone: time_zone.clone(),
        locale: locale.clone(),
        update_mask: Some(prost_types::FieldMask { paths: vec!["time_zone".into(), "locale".into()] }),
    };
    let request = member.call(request)?;
    match member.guest.app.upstream.identity().update_profile(request).await {
        Ok(_) => Ok(go(PLACE)),
        Err(status) if status.code() == tonic::Code::InvalidArgument => {
            page(&member, time_zone, &locale, Some(Problem::from(status)))
        }
        Err(status) => Err(Failure::back_to(HERE, status)),
    }
}
