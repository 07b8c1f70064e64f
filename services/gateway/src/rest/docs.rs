//! `/docs`: the OpenAPI document as a page of our own, without a request to anyone else.

use crate::pages::Frame;
use crate::pages::markdown::{Source, to_html};
use askama::Template;
use serde_json::Value;

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    frame: Frame,
    version: String,
    introduction: String,
    tags: Vec<Tag>,
    schemas: Vec<Schema>,
}

struct Tag {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    public: bool,
    parameters: Vec<Row>,
    body: Option<Type>,
    body_rows: Vec<Row>,
    answer: Type,
}

struct Schema {
    name: String,
    description: String,
    rows: Vec<Row>,
}

/// One parameter or one property.
struct Row {
    name: String,
    place: String,
    required: bool,
    type_: Type,
    rules: String,
    description: String,
}

/// A type, with the schema it leads to if it has one of its own.
struct Type {
    before: &'static str,
    name: String,
    link: bool,
}

/// The page of a document.
pub(super) fn render(document: &Value, frame: Frame) -> Result<String, askama::Error> {
    let tags = list(&document["tags"]).iter().map(|tag| {
        let name = text(&tag["name"]);
        Tag { operations: operations(document, &name), description: prose(&text(&tag["description"])), name }
    });
    let schemas = object(&document["components"]["schemas"]).map(|(name, schema)| Schema {
        name: name.clone(),
        description: prose(&text(&schema["description"])),
        rows: properties(schema),
    });
    let docs = Docs {
        frame,
        version: text(&document["info"]["version"]),
        introduction: prose(&text(&document["info"]["description"])),
        tags: tags.collect(),
        schemas: schemas.collect(),
    };
    docs.render()
}

fn operations(document: &Value, tag: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in object(&document["paths"]) {
        for (method, operation) in object(item).filter(|(_, operation)| operation["tags"][0] == tag) {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            found.push(Operation {
                id: text(&operation["operationId"]),
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                summary: text(&operation["summary"]),
                description: prose(&text(&operation["description"])),
                public: operation.get("security").is_some(),
                parameters: list(&operation["parameters"]).iter().map(parameter).collect(),
                body: body.get("$ref").map(|_| type_of(body)),
                body_rows: properties(body),
                answer: answer_of(&operation["responses"]["200"]["content"]),
            });
        }
    }
    found
}

fn parameter(parameter: &Value) -> Row {
    Row {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        required: parameter["required"] == true,
        type_: type_of(&parameter["schema"]),
        rules: rules(&parameter["schema"]),
        description: described(parameter, &parameter["schema"]),
    }
}

fn properties(schema: &Value) -> Vec<Row> {
    let required = list(&schema["required"]);
    object(&schema["properties"])
        .map(|(name, property)| Row {
            name: name.clone(),
            place: String::new(),
            required: required.iter().any(|wanted| wanted == name),
            type_: type_of(property),
            rules: rules(property),
            description: described(property, property),
        })
        .collect()
}

/// What a call answers with: a message, or a file of some media type.
fn answer_of(content: &Value) -> Type {
    match content.get("application/json") {
        Some(json) => type_of(&json["schema"]),
        None => {
            let name = object(content).map(|(media, _)| media.clone()).next().unwrap_or_default();
            Type { before: "", name, link: false }
        }
    }
}

fn type_of(schema: &Value) -> Type {
    let (before, schema) = match schema.get("items") {
        Some(items) => ("list of ", items),
        None => ("", schema),
    };
    // What may be null is what it is, or null.
    let schema = schema.get("anyOf").map_or(schema, |either| &either[0]);
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
            Type { before, name, link: true }
        }
        None if schema.get("enum").is_some() => Type { before, name: "name".into(), link: false },
        None => {
            let format = schema["format"].as_str().unwrap_or_default();
            let name = if format == "date-time" { "time".to_owned() } else { text(plain_type(schema)) };
            Type { before, name, link: false }
        }
    }
}

/// The type of a schema, leaving out that it may be null.
fn plain_type(schema: &Value) -> &Value {
    match &schema["type"] {
        Value::Array(types) => types.first().unwrap_or(&Value::Null),
        one => one,
    }
}

/// The limits of a field in a few words.
fn rules(schema: &Value) -> String {
    let words = [
        ("minLength", "at least {} characters"),
        ("maxLength", "at most {} characters"),
        ("x-max-bytes", "at most {} bytes"),
        ("minimum", "from {}"),
        ("maximum", "to {}"),
        ("maxItems", "at most {} items"),
    ];
    let mut found: Vec<_> = words
        .iter()
        .filter_map(|(key, words)| Some(words.replace("{}", &schema.get(*key)?.to_string())))
        .collect();
    if schema["format"] == "uuid" {
        found.push("UUID".into());
    }
    if schema["uniqueItems"] == true {
        found.push("no item twice".into());
    }
    found.join(", ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a field is, and what the items of a list may be, which is said where the items are.
fn described(field: &Value, schema: &Value) -> String {
    prose(&format!("{}\n\n{}", text(&field["description"]), text(&schema["items"]["description"])))
}

/// Comments are Markdown.
fn prose(text: &str) -> String {
    to_html(text, Source::Library)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
