//! From `buf.validate` field rules to `impl Validate`: plain comparisons on the fields, no reflection at run time.

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::fmt::Write as _;

/// One `impl Validate` for every message of Candor's own packages.
pub(crate) fn generate(pool: &DescriptorPool) -> Result<String, String> {
    let extension =
        pool.get_extension_by_name("buf.validate.field").ok_or("buf/validate is not imported anywhere")?;
    let mut code = String::new();
    for message in pool.all_messages().filter(|m| m.full_name().starts_with("candor.")) {
        let mut body = String::new();
        for field in message.fields() {
            let options = field.options();
            let rules = options.get_extension(&extension);
            let rules = rules.as_message().ok_or("field rules are not a message")?;
            field_checks(&field, rules, &mut body)?;
        }
        let (found, prefix) = if body.is_empty() { ("_found", "_prefix") } else { ("found", "prefix") };
        let _ = writeln!(
            code,
            "impl Validate for {} {{\n    fn collect(&self, {prefix}: &str, {found}: &mut Vec<Violation>) {{\n{body}    }}\n}}",
            rust_path(&message)
        );
    }
    Ok(code)
}

/// The path of a message's type.
pub(crate) fn rust_path(message: &MessageDescriptor) -> String {
    // candor.journal.v1.Entry → crate::journal::v1::Entry
    let full = message.full_name().trim_start_matches("candor.");
    format!("crate::{}", full.replace('.', "::"))
}

fn rule<'a>(rules: &'a DynamicMessage, name: &str) -> Option<std::borrow::Cow<'a, Value>> {
    rules.has_field_by_name(name).then(|| rules.get_field_by_name(name)).flatten()
}

fn number(rules: &DynamicMessage, name: &str) -> Option<i64> {
    match rule(rules, name)?.as_ref() {
        Value::I32(value) => Some(i64::from(*value)),
        Value::U64(value) => i64::try_from(*value).ok(),
        _ => None,
    }
}

fn flag(rules: &DynamicMessage, name: &str) -> bool {
    rule(rules, name).is_some_and(|value| value.as_bool() == Some(true))
}

fn field_checks(field: &FieldDescriptor, rules: &DynamicMessage, body: &mut String) -> Result<(), String> {
    let name = field.name();
    if field.is_list() {
        let list = rule(rules, "repeated");
        if let Some(list) = list.as_ref().and_then(|value| value.as_message()) {
            list_checks(field, list, body)?;
        } else if matches!(field.kind(), Kind::Message(_)) {
            nested(name, body);
        }
        return Ok(());
    }
    if let Kind::Message(inner) = field.kind() {
        if flag(rules, "required") {
            let _ = writeln!(
                body,
                "        check(self.{name}.is_some(), prefix, \"{name}\", \"is required\", found);"
            );
        }
        if inner.full_name().starts_with("candor.") {
            let _ = writeln!(
                body,
                "        if let Some(inner) = &self.{name} {{ inner.collect(&join(prefix, \"{name}\"), found); }}"
            );
        }
        return Ok(());
    }
    scalar_checks(&field.kind(), rules, &format!("self.{name}"), &format!("\"{name}\""), body)
}

fn nested(name: &str, body: &mut String) {
    let _ = writeln!(
        body,
        "        for (index, item) in self.{name}.iter().enumerate() {{ item.collect(&join(prefix, &format!(\"{name}[{{index}}]\")), found); }}"
    );
}

fn list_checks(field: &FieldDescriptor, list: &DynamicMessage, body: &mut String) -> Result<(), String> {
    let name = field.name();
    if let Some(min) = number(list, "min_items") {
        let _ = writeln!(
            body,
            "        check(self.{name}.len() >= {min}, prefix, \"{name}\", \"needs at least {min} items\", found);"
        );
    }
    if let Some(max) = number(list, "max_items") {
        let _ = writeln!(
            body,
            "        check(self.{name}.len() <= {max}, prefix, \"{name}\", \"takes at most {max} items\", found);"
        );
    }
    if flag(list, "unique") {
        let _ = writeln!(
            body,
            "        check(unique(&self.{name}), prefix, \"{name}\", \"holds the same item twice\", found);"
        );
    }
    if matches!(field.kind(), Kind::Message(_)) {
        nested(name, body);
    } else if let Some(items) = rule(list, "items").as_ref().and_then(|value| value.as_message()) {
        let mut inner = String::new();
        scalar_checks(
            &field.kind(),
            items,
            "(*item)",
            &format!("&format!(\"{name}[{{index}}]\")"),
            &mut inner,
        )?;
        let _ = writeln!(
            body,
            "        for (index, item) in self.{name}.iter().enumerate() {{\n{inner}        }}"
        );
    }
    Ok(())
}

fn scalar_checks(
    kind: &Kind,
    rules: &DynamicMessage,
    value: &str,
    name: &str,
    body: &mut String,
) -> Result<(), String> {
    let mut check = |condition: String, says: String| {
        let _ = writeln!(body, "        check({condition}, prefix, {name}, \"{says}\", found);");
    };
    let required = flag(rules, "required");
    match kind {
        Kind::String => {
            if required {
                check(format!("!{value}.is_empty()"), "is required".into());
            }
            // NUL cannot be stored as text by PostgreSQL, and no person types it.
            check(format!("!{value}.contains('\\0')"), "holds a NUL character".into());
            let string = rule(rules, "string");
            let Some(string) = string.as_ref().and_then(|v| v.as_message()) else { return Ok(()) };
            if let Some(min) = number(string, "min_len") {
                check(
                    format!("{value}.chars().count() >= {min}"),
                    format!("needs at least {min} characters"),
                );
            }
            if let Some(max) = number(string, "max_len") {
                check(format!("{value}.chars().count() <= {max}"), format!("takes at most {max} characters"));
            }
            if let Some(max) = number(string, "max_bytes") {
                check(format!("{value}.len() <= {max}"), format!("takes at most {max} bytes"));
            }
            if flag(string, "uuid") {
                check(format!("{value}.is_empty() || is_uuid(&{value})"), "is not a UUID".into());
            }
        }
        Kind::Enum(definition) => {
            if required {
                check(format!("{value} != 0"), "is required".into());
            }
            let rules = rule(rules, "enum");
            let Some(rules) = rules.as_ref().and_then(|v| v.as_message()) else { return Ok(()) };
            if flag(rules, "defined_only") {
                let numbers: Vec<_> = definition.values().map(|v| v.number().to_string()).collect();
                check(format!("[{}].contains(&{value})", numbers.join(", ")), "is not a known value".into());
            }
            for refused in
                rule(rules, "not_in").iter().filter_map(|v| v.as_list()).flatten().filter_map(Value::as_i32)
            {
                check(format!("{value} != {refused}"), "is not a value to choose".into());
            }
        }
        Kind::Int32 => {
            let int = rule(rules, "int32");
            let Some(int) = int.as_ref().and_then(|v| v.as_message()) else { return Ok(()) };
            if let Some(gte) = number(int, "gte") {
                check(format!("{value} >= {gte}"), format!("must be {gte} or more"));
            }
            if let Some(lte) = number(int, "lte") {
                check(format!("{value} <= {lte}"), format!("must be {lte} or less"));
            }
        }
        Kind::Bool => {
            let only = rule(rules, "bool")
                .as_ref()
                .and_then(|v| v.as_message())
                .and_then(|b| rule(b, "const")?.as_bool());
            match only {
                Some(true) => check(value.to_string(), "must be true".into()),
                Some(false) => check(format!("!{value}"), "must be false".into()),
                None => {}
            }
        }
        other if rules.fields().next().is_some() => {
            return Err(format!(
                "{name}: no code is generated for rules on {other:?}; extend proto/build/rules.rs"
            ));
        }
        _ => {}
    }
    Ok(())
}
