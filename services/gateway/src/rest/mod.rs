//! The REST API: every RPC with a `google.api.http` annotation, transcoded from its descriptor. There is no code for
//! any single RPC here; a new one appears by being annotated. What is no RPC is the file of an export, because it is put
//! together of many.

mod docs;
mod json;
mod openapi;
mod opening;
mod request;
mod table;
mod template;

use crate::app::App;
use crate::body;
use crate::edge::RouteName;
use crate::error::{Error, Problem};
use crate::export;
use crate::pages::Frame;
use crate::passports::{Held, SECRET_PREFIX, claimed_account};
use crate::upstream::{self, MAX_REPLY, Opened};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Router, routing};
use bytes::Bytes;
use chassis::codec::Raw;
use prost::Message as _;
use prost_reflect::{DynamicMessage, SerializeOptions, Value};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use table::{Found, Operation, Table};

/// The REST API with its description, made once at start.
pub(crate) struct Api {
    table: Table,
    openapi: Bytes,
    docs: String,
}

impl Api {
    /// From the descriptors of all services; `origin` is where people reach the API, `leave_url` where the quick exit
    /// of the description's page leads, `notice` what stands on top of it.
    ///
    /// # Errors
    /// When a descriptor asks for something that cannot be served.
    pub(crate) fn new(
        descriptor_set: &[u8],
        origin: &str,
        leave_url: &str,
        notice: Option<&str>,
    ) -> Result<Self, Error> {
        let table = Table::new(descriptor_set).map_err(Error::Table)?;
        let document = openapi::document(&table, origin);
        let docs = docs::render(&document, Frame::public("docs", leave_url, notice))
            .map_err(|error| Error::Table(error.to_string()))?;
        Ok(Self { openapi: document.to_string().into(), docs, table })
    }
}

/// `/v1/…`, `/openapi.json` and `/docs`.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(openapi::DOWNLOAD, routing::post(download_export))
        .route("/v1", routing::any(transcode))
        .route("/v1/{*path}", routing::any(transcode))
        .route("/openapi.json", routing::get(serve_openapi))
        .route("/docs", routing::get(serve_docs))
}

async fn serve_openapi(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), PUBLIC], app.api.openapi.clone()).into_response()
}

async fn serve_docs(State(app): State<Arc<App>>) -> Response {
    ([PUBLIC], Html(app.api.docs.clone())).into_response()
}

/// The description holds nothing private and changes only with a release.
const PUBLIC: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=300");

async fn transcode(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (operation, path) = match app.api.table.find(&parts.method, parts.uri.path()) {
        Found::Operation(operation, path) => (operation, path),
        Found::WrongMethod(allow) => return Problem::wrong_method(allow).into_response(),
        Found::Nothing => return Problem::no_such_path().into_response(),
    };
    let pieces = request::Parts { path, query: parts.uri.query(), headers: &parts.headers, body: &[] };
    let source = app.limits.source(&parts.headers, &parts.extensions);
    let answer = answer(&app, operation, pieces, &parts.method, (source, body)).await;
    (Extension(RouteName(operation.template.as_str().into())), answer).into_response()
}

async fn answer(
    app: &App,
    operation: &Operation,
    parts: request::Parts<'_>,
    method: &Method,
    (source, body): (IpAddr, axum::body::Body),
) -> Result<Response, Problem> {
    let caller =
        if operation.public { Caller::Anyone } else { Caller::of(app, parts.headers, method).await? };
    let body = body::read(body).await?;
    let message = request::assemble(operation, &request::Parts { body: &body, ..parts })?;
    if let Some(kind) = operation.limited {
        // What the page of another site can make a browser send is no JSON (refused by now) or nothing at all. It must not use
        // up the turns of whoever looks at that page.
        if body.is_empty() {
            app.cookies.check_origin(parts.headers)?;
        }
        app.limits.admit(kind, source)?;
    }
    let session = changed_session(operation, method, &message);
    let reply =
        open_and_invoke(app, operation, message, &caller, parts.headers).await.inspect_err(|problem| {
            // A passport that is refused is not worth holding: the next call mints a new one.
            if let (Caller::Session(secret, _), 401) = (&caller, problem.status.as_u16()) {
                app.passports.forget(secret);
            }
        })?;
    if let Some(session_id) = session {
        if let Caller::Session(secret, _) = &caller {
            app.passports.forget(secret);
        }
        app.passports.forget_session(&session_id);
    }
    let json = to_json(operation, reply)?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, json).into_response())
}

/// Whose calls change sessions: which there are, and by how many factors each was proven.
const ABOUT_SESSIONS: [&str; 3] = [
    "candor.accounts.v1.SessionService",
    "candor.accounts.v1.SecurityService",
    "candor.accounts.v1.TermsService",
];

/// The id of the session that a call changes or ends, empty where it names none; `None` when it is about something
/// else. Passports held for it are stale afterwards.
fn changed_session(operation: &Operation, method: &Method, message: &DynamicMessage) -> Option<String> {
    if method.is_safe() || !ABOUT_SESSIONS.contains(&operation.rpc.parent_service().full_name()) {
        return None;
    }
    let named = message.get_field_by_name("session_id");
    let id = named.and_then(|id| id.as_str().and_then(|id| uuid::Uuid::try_parse(id).ok()));
    Some(id.map(|id| id.to_string()).unwrap_or_default())
}

/// A call of ours by its name, made as the client of the API would make it whose session it is; fields that the request does
/// not have are left out.
///
/// # Errors
/// What the service says; 401 when the session is over; 500 where there is no such call.
pub(crate) async fn call_by_name(
    app: &App,
    rpc: &str,
    fields: &[(&str, Value)],
    secret: &str,
) -> Result<DynamicMessage, Problem> {
    let found = app.api.table.operations().iter().find(|operation| operation.rpc.full_name() == rpc);
    let operation = found.ok_or_else(Problem::internal)?;
    let mut message = DynamicMessage::new(operation.rpc.input());
    for (name, value) in fields {
        if operation.rpc.input().get_field_by_name(name).is_some() {
            message.set_field_by_name(name, value.clone());
        }
    }
    let caller = Caller::Session(secret.to_owned(), app.passports.of_secret(secret).await?);
    let reply = open_and_invoke(app, operation, message, &caller, &HeaderMap::new()).await?;
    DynamicMessage::decode(operation.rpc.output(), reply).map_err(|_| Problem::internal())
}

/// The file of an export. It goes on for longer than a passport lives, so a session has to ask.
async fn download_export(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let Caller::Session(secret, _) = Caller::of(&app, &headers, &Method::POST).await? else {
        return Err(Problem::session_required());
    };
    export::answer(app, secret).await
}

/// Opens what the call reads of another person, if it does, and makes it.
async fn open_and_invoke(
    app: &App,
    operation: &Operation,
    message: DynamicMessage,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Bytes, Problem> {
    let opened = opening::open(app, operation, &message, caller, headers).await?;
    invoke(app, operation, message, caller.passport(), opened).await
}

/// Makes the gRPC call; the messages pass through encoded.
async fn invoke(
    app: &App,
    operation: &Operation,
    message: DynamicMessage,
    passport: Option<&str>,
    opened: Option<Opened>,
) -> Result<Bytes, Problem> {
    let Some(channel) = app.upstream.of_package(&operation.package) else {
        return Err(tonic::Status::unimplemented("no service for the package").into());
    };
    let message = Bytes::from(message.encode_to_vec());
    let request = match (passport, opened) {
        (Some(passport), Some(opened)) => upstream::call_opened(message, passport, opened)?,
        (passport, _) => upstream::call(message, passport)?,
    };
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(MAX_REPLY);
    client.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let reply = client.unary(request, operation.grpc_path.clone(), Raw).await?;
    Ok(reply.into_inner())
}

/// The reply in proto3 JSON. Fields with default values are written, so that the shape is always the same.
fn to_json(operation: &Operation, reply: Bytes) -> Result<Vec<u8>, Problem> {
    let undecodable = |cause: String| {
        tracing::error!(rpc = operation.rpc.full_name(), cause, "a reply cannot be transcoded");
        Problem::internal()
    };
    let message =
        DynamicMessage::decode(operation.rpc.output(), reply).map_err(|e| undecodable(e.to_string()))?;
    let mut serializer = serde_json::Serializer::new(Vec::new());
    let options = SerializeOptions::new().skip_default_fields(false);
    let written = message.serialize_with_options(&mut serializer, &options);
    written.map_err(|error| undecodable(error.to_string()))?;
    Ok(serializer.into_inner())
}

/// Who calls, as the request shows it.
enum Caller {
    /// Nobody in particular.
    Anyone,
    /// The bearer of a passport; the service verifies it.
    Passport(String),
    /// A session: its secret and the passport it was exchanged for.
    Session(String, Held),
}

impl Caller {
    /// From `Authorization`, else from the browser's cookie.
    async fn of(app: &App, headers: &HeaderMap, method: &Method) -> Result<Self, Problem> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let secret = match (values.next(), values.next()) {
            (Some(value), None) => {
                let token =
                    bearer(value.to_str().unwrap_or_default()).ok_or_else(Problem::unauthenticated)?;
                if !token.starts_with(SECRET_PREFIX) {
                    return Ok(Self::Passport(token.to_owned()));
                }
                token.to_owned()
            }
            (Some(_), Some(_)) => return Err(Problem::unauthenticated()),
            (None, _) => {
                let visitor = app.cookies.visitor(headers);
                let secret = visitor.session.clone().ok_or_else(Problem::unauthenticated)?;
                if !method.is_safe() {
                    app.cookies.check_script(headers, &visitor)?;
                }
                secret
            }
        };
        let held = app.passports.of_secret(&secret).await?;
        Ok(Self::Session(secret, held))
    }

    fn passport(&self) -> Option<&str> {
        match self {
            Self::Anyone => None,
            Self::Passport(passport) => Some(passport),
            Self::Session(_, held) => Some(&held.passport),
        }
    }

    /// The caller's account as far as it is known here. What a passport says is for the service to verify.
    fn account_id(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Anyone => None,
            Self::Passport(passport) => claimed_account(passport).map(Cow::Owned),
            Self::Session(_, held) => Some(Cow::Borrowed(&held.account_id)),
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
