//! JSON Schemas of messages, with the rules that `buf.validate` declares.

use super::super::table::{Operation, Rules, Table, extension};
use super::{Comments, plain_message};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The schemas a document refers to.
pub(super) struct Schemas<'a> {
    table: &'a Table,
    comments: &'a Comments,
    /// Messages that requests are made of; in these an unknown field is refused.
    requested: Vec<MessageDescriptor>,
    done: BTreeMap<String, Value>,
}

impl<'a> Schemas<'a> {
    /// None yet.
    pub(super) fn new(table: &'a Table, comments: &'a Comments) -> Self {
        let mut requested = Vec::new();
        for input in table.operations().iter().map(|operation: &Operation| operation.rpc.input()) {
            reach(&input, &mut requested);
        }
        Self { table, comments, requested, done: BTreeMap::new() }
    }

    /// A reference to a message's schema, which is made if it is not there yet.
    pub(super) fn reference(&mut self, message: &MessageDescriptor) -> Value {
        let name = component(message.full_name());
        if !self.done.contains_key(&name) {
            self.done.insert(name.clone(), Value::Null); // a message may hold itself
            let schema = self.object(message, |_| true);
            self.done.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// The schema of a message with the fields that are kept.
    pub(super) fn object(
        &mut self,
        message: &MessageDescriptor,
        keep: impl Fn(&FieldDescriptor) -> bool,
    ) -> Value {
        let mut properties = Map::new();
        let mut required: Vec<String> = Vec::new();
        let requested = self.requested.contains(message);
        for field in &message.fields().filter(|field| keep(field)).collect::<Vec<_>>() {
            let description = self.comments.of_path(message.parent_file().name(), field.path());
            let mut schema = self.field(field, &description);
            if Rules::of(self.table.pool(), field).must_be_given(field) {
                required.push(field.json_name().to_owned());
            } else if requested {
                allow_null(&mut schema);
            }
            properties.insert(field.json_name().to_owned(), schema);
        }
        let mut schema = json!({ "type": "object", "description": self.comments.of_message(message), "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if requested {
            schema["additionalProperties"] = json!(false);
        }
        schema
    }

    /// The schema of a field; an empty description is left out.
    pub(super) fn field(&mut self, field: &FieldDescriptor, description: &str) -> Value {
        let rules = Rules::of(self.table.pool(), field);
        let kind = field.kind();
        let mut schema = if let (true, Some(entry)) = (field.is_map(), kind.as_message()) {
            json!({ "type": "object", "additionalProperties": self.single(&entry.map_entry_value_field().kind()) })
        } else if field.is_list() {
            json!({ "type": "array", "items": self.single(&kind) })
        } else {
            self.single(&kind)
        };
        for (name, value) in constraints(&rules, &kind) {
            schema[name] = value;
        }
        if !description.is_empty() {
            schema["description"] = match schema.get("description").and_then(Value::as_str) {
                Some(more) => format!("{description}\n\n{more}").into(),
                None => description.into(),
            };
        }
        if let Some(sensitivity) = self.sensitivity(field) {
            schema["x-sensitivity"] = sensitivity.into();
        }
        schema
    }

    /// All schemas made so far.
    pub(super) fn finish(self) -> Map<String, Value> {
        self.done.into_iter().collect()
    }

    fn single(&mut self, kind: &Kind) -> Value {
        if let Some(message) = plain_message(kind) {
            return self.reference(message);
        }
        match kind {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Float | Kind::Double => json!({ "type": "number" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
            Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "format": "int32", "minimum": 0 }),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({ "type": "string", "format": "int64" }),
            Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "format": "uint64" }),
            Kind::Enum(definition) => self.names(definition),
            Kind::Message(message) => match message.name() {
                "Timestamp" => json!({ "type": "string", "format": "date-time" }),
                "Duration" => json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$" }),
                "FieldMask" => json!({ "type": "string" }),
                "Struct" | "Empty" | "Any" => json!({ "type": "object" }),
                _ => json!({}),
            },
        }
    }

    fn names(&self, definition: &EnumDescriptor) -> Value {
        let names: Vec<_> = definition.values().map(|value| value.name().to_owned()).collect();
        let file = definition.parent_file();
        let lines = definition.values().map(|value| {
            format!("- `{}`: {}", value.name(), self.comments.of_path(file.name(), value.path()))
        });
        json!({ "type": "string", "enum": names, "description": lines.collect::<Vec<_>>().join("\n") })
    }

    fn sensitivity(&self, field: &FieldDescriptor) -> Option<&'static str> {
        let value = extension(self.table.pool(), &field.options(), "candor.options.v1.sensitivity")?;
        match value.as_enum_number()? {
            1 => Some("PLAIN"),
            2 => Some("SENSITIVE"),
            3 => Some("SEALED"),
            _ => None,
        }
    }
}

/// The rules of a field in the words of JSON Schema.
fn constraints(rules: &Rules, kind: &Kind) -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    for (schema, group, rule) in [
        ("minLength", "string", "min_len"),
        ("x-max-bytes", "string", "max_bytes"),
        ("minimum", "int32", "gte"),
        ("maximum", "int32", "lte"),
        ("minItems", "repeated", "min_items"),
        ("maxItems", "repeated", "max_items"),
    ] {
        found.extend(rules.number(group, rule).map(|number| (schema, json!(number))));
    }
    // A text has at least as many bytes as characters, so a limit of bytes is one of characters too.
    let limits = ["max_len", "max_bytes"].map(|rule| rules.number("string", rule));
    found.extend(limits.into_iter().flatten().min().map(|most| ("maxLength", json!(most))));
    if rules.flag("string", "uuid") {
        found.push(("format", json!("uuid")));
    }
    if rules.required() && matches!(kind, Kind::String) && rules.number("string", "min_len").is_none() {
        found.push(("minLength", json!(1)));
    }
    if rules.flag("bool", "const") {
        found.push(("const", json!(true)));
    }
    if rules.flag("repeated", "unique") {
        found.push(("uniqueItems", json!(true)));
    }
    found
}

/// In a request, `null` counts as not given.
fn allow_null(schema: &mut Value) {
    if let Some(reference) = schema.as_object_mut().and_then(|schema| schema.remove("$ref")) {
        schema["anyOf"] = json!([{ "$ref": reference }, { "type": "null" }]);
    } else if let Some(name) = schema.get("type").and_then(Value::as_str) {
        schema["type"] = json!([name, "null"]);
        if let Some(names) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            names.push(Value::Null);
        }
    }
}

fn reach(message: &MessageDescriptor, found: &mut Vec<MessageDescriptor>) {
    if found.contains(message) {
        return;
    }
    found.push(message.clone());
    for field in message.fields() {
        if let Some(inner) = plain_message(&field.kind()) {
            reach(inner, found);
        }
    }
}

/// `candor.journal.v1.Entry` → `journal.v1.Entry`, which is a valid component name.
fn component(full_name: &str) -> String {
    full_name.trim_start_matches("candor.").to_owned()
}
