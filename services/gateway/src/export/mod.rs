//! Everything that somebody has here, as a file they take along: put together while it is sent, from the calls that are
//! their own anyhow, a page at a time. Nothing of it lies anywhere, so there is nothing to keep sealed or to remove, and
//! memory holds one page. What others wrote is left out of it.

mod archive;
mod others;
mod readable;
mod room;
mod sections;

use crate::app::App;
use crate::error::{ACCOUNT_SUSPENDED, Problem};
use crate::pages::words;
use crate::rest;
use crate::station::Station;
use crate::upstream::call;
use archive::Archive;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use candor_proto::accounts::v1::{Export, GetExportRequest, TakeExportRequest};
use jiff::tz::TimeZone;
use prost_reflect::{DynamicMessage, SerializeOptions, Value};
use room::Place;
pub(crate) use room::Room;
use sections::{ACCOUNT, COUPLE, SECTIONS, Section, Way};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;

/// The name of the format, and its version: another one where names change or go.
const FORMAT: &str = "candor-export";
const VERSION: u32 = 1;
/// Things on a page of a list, and so in one file.
const PAGE: i32 = 100;
/// Nobody has so many pages; whoever seems to is a list that never ends.
const MOST_PAGES: usize = 100_000;
/// How long a file may take, however slowly it is read.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// A section that was written.
struct Written {
    section: &'static Section,
    pages: usize,
    empty: bool,
}

/// Takes the export of whoever's session it is, and answers with the file. The secret is exchanged anew while it is sent, so
/// a session that ends, or an export that is called off, ends the file as well.
///
/// # Errors
/// What accounts says of the export; 429 and 503 when too many are being put together, of theirs or of all.
pub(crate) async fn answer(app: Arc<App>, secret: String) -> Result<Response, Problem> {
    let held = app.passports.of_secret(&secret).await?;
    let place = app.exports.enter(&held.account_id)?;
    let request = call(TakeExportRequest {}, Some(&held.passport))?;
    let taken = app.upstream.privacy().take_export(request).await?.into_inner();
    let taken = taken.export.ok_or_else(Problem::internal)?;
    let (archive, body) = archive::begin();
    let making = Making { app, secret, taken, station: held.station(), zone: TimeZone::UTC };
    tokio::spawn(making.run(archive, place).in_current_span());
    let headers = [
        (header::CONTENT_TYPE, "application/zip"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"my-data.zip\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

/// A file that is being put together.
struct Making {
    app: Arc<App>,
    secret: String,
    taken: Export,
    /// What they are here as, which says what they have; each call asks for itself whether that is so.
    station: Station,
    zone: TimeZone,
}

impl Making {
    async fn run(mut self, archive: Archive, _place: Place) {
        let reason = match tokio::time::timeout(LONGEST, self.write(archive)).await {
            Ok(Ok(())) => return,
            Ok(Err(problem)) => problem.reason,
            Err(_) => "TOO_SLOW".into(),
        };
        tracing::warn!(reason = &*reason, "an export broke off");
    }

    async fn write(&mut self, mut archive: Archive) -> Result<(), Problem> {
        self.zone = self.own_zone().await?;
        let mut written = Vec::new();
        for section in SECTIONS.iter().filter(|section| section.is_of(self.station)) {
            self.hold().await?;
            let (more, section) = self.write_section(archive, section).await?;
            archive = more;
            written.push(section);
        }
        let now = self.app.clock.now();
        let stamp = prost_types::Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() };
        let index = readable::index(&written, &stamp, &self.zone).map_err(unwritable)?;
        let archive = add(archive, "index.html".to_owned(), index.into_bytes()).await?;
        let readme = readable::readme().map_err(unwritable)?;
        let archive = add(archive, "README.txt".to_owned(), readme.into_bytes()).await?;
        let archive =
            add(archive, "export.json".to_owned(), pretty(&list(&written, &now.to_string()))?).await?;
        archive.finish().await.map_err(|_| gone())
    }

    /// Goes on only while the export is the one that was taken, and is open.
    async fn hold(&self) -> Result<(), Problem> {
        let passport = self.app.passports.of_secret(&self.secret).await?.passport;
        let request = call(GetExportRequest {}, Some(&passport))?;
        let now = self.app.upstream.privacy().get_export(request).await?.into_inner().export;
        let same = now.is_some_and(|now| now.request_time == self.taken.request_time);
        if same {
            Ok(())
        } else {
            Err(Problem::new(axum::http::StatusCode::NOT_FOUND, "EXPORT_NOT_FOUND", "It is over."))
        }
    }

    /// Writes every page of a section as JSON and as a page to read.
    async fn write_section(
        &self,
        mut archive: Archive,
        section: &'static Section,
    ) -> Result<(Archive, Written), Problem> {
        let (mut token, mut empty) = (String::new(), true);
        for page in 1..=MOST_PAGES {
            let (replies, next) = self.read_page(section, &token).await?;
            if !next.is_empty() && next == token {
                break;
            }
            token = next;
            let (html, any) =
                readable::page(section, page, token.is_empty(), &replies, &self.zone).map_err(unwritable)?;
            empty &= !any;
            archive = add(archive, section.file(page, "json"), machine(section, page, &replies)?).await?;
            archive = add(archive, section.file(page, "html"), html.into_bytes()).await?;
            if token.is_empty() {
                return Ok((archive, Written { section, pages: page, empty }));
            }
        }
        tracing::error!(rpc = section.rpc, "a list does not end");
        Err(Problem::internal())
    }

    /// The answers that make a page, without what others wrote, and the token of the next one.
    async fn read_page(
        &self,
        section: &Section,
        token: &str,
    ) -> Result<(Vec<DynamicMessage>, String), Problem> {
        let mut fields =
            vec![("page_size", Value::I32(PAGE)), ("page_token", Value::String(token.to_owned()))];
        if let Way::WithPartner { field } = section.way {
            match self.partner().await? {
                Some(partner) => fields.push((field, Value::String(partner))),
                None => return Ok((Vec::new(), String::new())),
            }
        }
        let mut reply = match self.read(section.rpc, &fields).await {
            // What belongs to two is opened by their link, and a suspended account opens nothing.
            Err(problem) if &*problem.reason == ACCOUNT_SUSPENDED && section.is_with_partner() => {
                return Ok((Vec::new(), String::new()));
            }
            reply => reply?,
        };
        let token = text(&reply, &["next_page_token"]).unwrap_or_default();
        reply.clear_field_by_name("next_page_token");
        let mut replies = match section.way {
            Way::Each { rpc, id } => self.each(rpc, id, &reply).await?,
            Way::Plain | Way::WithPartner { .. } => vec![reply],
        };
        replies.iter_mut().for_each(others::leave_out);
        Ok((replies, token))
    }

    /// What a list leaves out of each thing, asked for one by one.
    async fn each(
        &self,
        rpc: &str,
        id: &'static str,
        list: &DynamicMessage,
    ) -> Result<Vec<DynamicMessage>, Problem> {
        let things = list.fields().filter_map(|(_, value)| value.as_list()).flatten();
        let ids = things.filter_map(|thing| text(thing.as_message()?, &[id]));
        let mut whole = Vec::new();
        for named in ids.collect::<Vec<_>>() {
            match self.read(rpc, &[(id, Value::String(named))]).await {
                Ok(reply) => whole.push(reply),
                // It was deleted after it was listed.
                Err(problem) if problem.status == axum::http::StatusCode::NOT_FOUND => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(whole)
    }

    async fn read(&self, rpc: &str, fields: &[(&str, Value)]) -> Result<DynamicMessage, Problem> {
        rest::call_by_name(&self.app, rpc, fields, &self.secret).await
    }

    async fn partner(&self) -> Result<Option<String>, Problem> {
        Ok(text(&self.read(COUPLE, &[]).await?, &["couple", "partner_account_id"]))
    }

    async fn own_zone(&self) -> Result<TimeZone, Problem> {
        let name = text(&self.read(ACCOUNT, &[]).await?, &["account", "time_zone"]);
        Ok(words::zone(&name.unwrap_or_default()))
    }
}

/// The text at a path of fields, unless it is empty.
fn text(message: &DynamicMessage, path: &[&str]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let value = message.get_field_by_name(first)?;
    match value.as_message() {
        Some(inner) => text(inner, rest),
        None => value.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned),
    }
}

async fn add(archive: Archive, name: String, content: Vec<u8>) -> Result<Archive, Problem> {
    archive.add(name, content).await.map_err(|_| gone())
}

/// Whoever asked for it reads no more.
fn gone() -> Problem {
    Problem::new(axum::http::StatusCode::REQUEST_TIMEOUT, "READER_GONE", "Nobody reads any more.")
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands on")]
fn unwritable(error: askama::Error) -> Problem {
    tracing::error!(%error, "a page of an export cannot be made");
    Problem::internal()
}

/// A page for programs.
fn machine(section: &Section, page: usize, replies: &[DynamicMessage]) -> Result<Vec<u8>, Problem> {
    let data: Result<Vec<_>, _> = replies.iter().map(as_rest_does).collect();
    let data = data.map_err(|_| Problem::internal())?;
    pretty(&json!({
        "format": FORMAT,
        "formatVersion": VERSION,
        "part": section.place,
        "page": page,
        "source": section.rpc,
        "data": data,
    }))
}

fn as_rest_does(reply: &DynamicMessage) -> Result<serde_json::Value, serde_json::Error> {
    let options = SerializeOptions::new().skip_default_fields(false);
    reply.serialize_with_options(serde_json::value::Serializer, &options)
}

/// What there is, for programs.
fn list(written: &[Written], now: &str) -> serde_json::Value {
    let parts = written.iter().map(|written| {
        let files = (1..=written.pages).map(|page| written.section.file(page, "json"));
        json!({ "part": written.section.place, "title": written.section.title, "files": files.collect::<Vec<_>>() })
    });
    json!({
        "format": FORMAT,
        "formatVersion": VERSION,
        "createTime": now,
        "leftOut": others::LEFT_OUT,
        "parts": parts.collect::<Vec<_>>(),
    })
}

fn pretty(things: &serde_json::Value) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec_pretty(things).map_err(|_| Problem::internal())
}
