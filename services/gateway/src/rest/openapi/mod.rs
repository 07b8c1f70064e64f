//! OpenAPI 3.1 of the REST API, written from the descriptors: what is served and what is described cannot differ.

mod schema;

use super::table::{BodyRule, Operation, Rules, Table};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use schema::Schemas;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The document.
pub(crate) fn document(table: &Table, origin: &str) -> Value {
    let comments = Comments::of(table);
    let mut schemas = Schemas::new(table, &comments);
    let mut paths: Map<String, Value> = Map::new();
    let mut tags: Vec<Value> = Vec::new();
    for service in table.pool().services() {
        let operations = table.operations().iter().filter(|o| *o.rpc.parent_service() == service);
        let mut any = false;
        for operation in operations {
            any = true;
            let described = describe(operation, table, &comments, &mut schemas);
            let path = paths.entry(operation.template.as_str()).or_insert_with(|| json!({}));
            path[operation.method.as_str().to_ascii_lowercase()] = described;
        }
        if any {
            let file = service.parent_file();
            tags.push(json!({ "name": service.name(), "description": comments.of_path(file.name(), service.path()) }));
        }
    }
    paths.insert(DOWNLOAD.into(), json!({ "post": download() }));
    let mut components = schemas.finish();
    components.insert("Problem".into(), problem());
    json!({
        "openapi": "3.1.0",
        "info": information(),
        "servers": [{ "url": origin }],
        "security": [{ "bearer": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": { "Problem": problem_response() },
            "securitySchemes": { "bearer": bearer() },
        },
    })
}

/// Where the file of an export is, which is no RPC.
pub(crate) const DOWNLOAD: &str = "/v1/me/export:download";

fn download() -> Value {
    json!({
        "operationId": "downloadExport",
        "summary": "Everything of the caller's as a zip file.",
        "description": "Takes the caller's export (`TakeExport`) and answers with the file, which is put together while it is \
                        sent; README.txt in it says how to read it. The export has to be open, and the caller proven \
                        within five minutes. Needs the session's secret, because it may go on for longer than a passport \
                        lives. What breaks off is no whole zip file.",
        "tags": ["PrivacyService"],
        "parameters": [],
        "responses": {
            "200": { "description": "The file.", "content": { "application/zip": {} } },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    })
}

fn information() -> Value {
    json!({
        "title": "Candor",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "A private journal and a path through emotional walls, over HTTP.",
        "description": INTRODUCTION,
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    })
}

fn bearer() -> Value {
    json!({
        "type": "http",
        "scheme": "bearer",
        "description": "A session's secret as POST /v1/sessions answers it, or a passport (a JWT of at most 60 \
                        seconds) that POST /v1/sessions:mintPassport makes of it; of software, the access token that \
                        /oauth/token answers.",
    })
}

const INTRODUCTION: &str = "Every operation here is a gRPC method of the same name; both are generated from the same \
    protocol buffers.\n\nBodies are JSON as proto3 maps it. Fields may be written as `entryId` or `entry_id`; unknown \
    fields, wrong types and fields given twice are refused with a problem that names the field; `null` counts as not \
    given. Bodies are at most 1 MiB, arrive within 10 seconds, and are not compressed.\n\nErrors are `application/problem+json` (RFC 9457). What the caller may not see answers 404, exactly as \
    what does not exist.\n\nAn operation that lets the client choose an id also takes it as `Idempotency-Key`: \
    sending the same again is safe, sending something else under it is refused with 409.\n\nSoftware of a clinic or a \
    counselor is registered under `/clients` and gets tokens of its own with signed assertions, as SMART backend services \
    do: `/.well-known/smart-configuration` says where and how. What it reads takes the consent of whoever it belongs to; \
    today no operation here is open to it.";

fn describe(operation: &Operation, table: &Table, comments: &Comments, schemas: &mut Schemas<'_>) -> Value {
    let rpc = &operation.rpc;
    let text = comments.of_path(rpc.parent_file().name(), rpc.path());
    let name = rpc.name();
    let mut described = json!({
        "operationId": format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..]),
        "summary": first_sentence(&text),
        "description": text,
        "tags": [rpc.parent_service().name()],
        "parameters": parameters(operation, table, comments, schemas),
        "responses": {
            "200": {
                "description": comments.of_message(&rpc.output()),
                "content": { "application/json": { "schema": schemas.reference(&rpc.output()) } },
            },
            "default": { "$ref": "#/components/responses/Problem" },
        },
        "x-grpc-method": operation.grpc_path.as_str(),
    });
    if operation.public {
        described["security"] = json!([]);
    }
    if operation.delegation.is_some() {
        described["responses"]["403"] = refused("Access was opened for something else, or its time is over.");
        described["responses"]["404"] =
            refused("It does not exist, or is not open to the caller; both answer alike.");
    }
    if let Some((schema, required)) = body(operation, schemas) {
        let content = json!({ "application/json": { "schema": schema } });
        described["requestBody"] = json!({ "required": required, "content": content });
    }
    described
}

fn refused(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": description, "content": { "application/problem+json": { "schema": schema } } })
}

fn body(operation: &Operation, schemas: &mut Schemas<'_>) -> Option<(Value, bool)> {
    let input = operation.rpc.input();
    match &operation.body {
        BodyRule::None => None,
        BodyRule::Field(field) => Some((schemas.field(field, ""), false)),
        BodyRule::Whole => {
            let bound: Vec<_> = operation.template.fields().collect();
            let schema = if bound.is_empty() {
                schemas.reference(&input)
            } else {
                schemas.object(&input, |field| !bound.contains(&field.name()))
            };
            let required = schema.get("required").is_some() || bound.is_empty();
            Some((schema, required))
        }
    }
}

fn parameters(
    operation: &Operation,
    table: &Table,
    comments: &Comments,
    schemas: &mut Schemas<'_>,
) -> Vec<Value> {
    let input = operation.rpc.input();
    let bound: Vec<_> = operation.template.fields().collect();
    let mut parameters: Vec<Value> = bound
        .iter()
        .filter_map(|name| super::request::resolve(&input, name).map(|field| (name, field)))
        .map(|(name, field)| parameter("path", name, true, &field, comments, schemas))
        .collect();
    if matches!(operation.body, BodyRule::None) {
        for field in input.fields().filter(|field| !bound.contains(&field.name())) {
            let required = Rules::of(table.pool(), &field).must_be_given(&field);
            parameters.push(parameter("query", field.json_name(), required, &field, comments, schemas));
        }
    }
    if let Some(field) = &operation.id_field {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": format!("A UUID; the same as `{}` in the body.", field.json_name()),
            "schema": { "type": "string", "format": "uuid" },
        }));
    }
    if operation.delegation.is_some() {
        parameters.push(json!({
            "name": "Candor-Capability",
            "in": "header",
            "required": false,
            "description": "What `POST /v1/accounts/{owner_account_id}:openAccess` answered, for clients that ask for \
                            it themselves. Left out, access to another person's data is asked for with the call.",
            "schema": { "type": "string" },
        }));
    }
    parameters
}

fn parameter(
    place: &str,
    name: &str,
    required: bool,
    field: &FieldDescriptor,
    comments: &Comments,
    schemas: &mut Schemas<'_>,
) -> Value {
    let description = comments.of_path(field.parent_message().parent_file().name(), field.path());
    let schema = schemas.field(field, "");
    json!({ "name": name, "in": place, "required": required, "description": description, "schema": schema })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457). It never holds private text.",
        "required": ["type", "title", "status", "detail", "reason"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "Names the kind of problem." },
            "title": { "type": "string", "description": "The HTTP status in words." },
            "status": { "type": "integer", "description": "The HTTP status." },
            "detail": { "type": "string", "description": "What happened, what is safe, what next, in a sentence." },
            "reason": { "type": "string", "description": "A stable name for programs, such as `ENTRY_NOT_FOUND`." },
            "violations": {
                "type": "array",
                "description": "The fields that are wrong.",
                "items": {
                    "type": "object",
                    "required": ["field", "description"],
                    "properties": {
                        "field": { "type": "string", "description": "Its path, such as `mood.body_signs[2]`." },
                        "description": { "type": "string", "description": "Read after the field's name." },
                    },
                },
            },
        },
    })
}

fn problem_response() -> Value {
    json!({
        "description": "400 wrong request · 401 nobody signed in · 403 not allowed · 404 not there, or not the caller's \
                        · 405 wrong method · 408 the body came too slowly · 409 exists with other content · 413 larger than 1 MiB · 415 not JSON, or compressed \
                        · 429 a limit is reached · 500 our bug · 503 a part is away · 504 it took too long",
        "headers": { "Retry-After": {
            "description": "Seconds to wait before trying again.",
            "schema": { "type": "integer" },
        }},
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn first_sentence(text: &str) -> String {
    let line = text.split("\n\n").next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.').to_owned()
}

/// The comments of the `.proto` files.
pub(super) struct Comments(HashMap<(String, Vec<i32>), String>);

impl Comments {
    fn of(table: &Table) -> Self {
        let mut found = HashMap::new();
        for file in table.pool().files() {
            let Some(info) = &file.file_descriptor_proto().source_code_info else { continue };
            for location in &info.location {
                if let Some(text) = &location.leading_comments {
                    found.insert((file.name().to_owned(), location.path.clone()), unwrap_lines(text));
                }
            }
        }
        Self(found)
    }

    /// The comment of what is at a path of a file, or nothing.
    pub(super) fn of_path(&self, file: &str, path: &[i32]) -> String {
        self.0.get(&(file.to_owned(), path.to_vec())).cloned().unwrap_or_default()
    }

    /// The comment of a message.
    pub(super) fn of_message(&self, message: &MessageDescriptor) -> String {
        self.of_path(message.parent_file().name(), message.path())
    }
}

/// Joins the lines of each paragraph.
fn unwrap_lines(text: &str) -> String {
    let paragraphs = text.trim().split("\n\n");
    let joined = paragraphs.map(|p| p.lines().map(str::trim).collect::<Vec<_>>().join(" "));
    joined.collect::<Vec<_>>().join("\n\n")
}

/// Whether a field is a message that has no JSON form of its own.
pub(super) fn plain_message(kind: &Kind) -> Option<&MessageDescriptor> {
    kind.as_message().filter(|message| !message.full_name().starts_with("google.protobuf."))
}

#[cfg(test)]
mod tests;
