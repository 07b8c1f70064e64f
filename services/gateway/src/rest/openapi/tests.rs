use super::*;
use std::collections::HashSet;

fn made() -> Value {
    document(&Table::new(candor_proto::DESCRIPTOR_SET).unwrap(), "https://candor.example")
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter().map(move |(method, operation)| (path.clone(), method.clone(), operation.clone()))
    });
    all.collect()
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|inner| references(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_no_schema_is_unused() {
    let document = made();
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some_and(Value::is_object), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name}");
        assert!(found.contains(&format!("#/components/schemas/{name}")), "{name} is not used");
    }
}

#[test]
fn every_operation_is_whole() {
    let document = made();
    let operations = operations(&document);
    let ids: HashSet<_> =
        operations.iter().map(|(_, _, o)| o["operationId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), operations.len(), "operation ids repeat");
    for (path, method, operation) in &operations {
        let at = format!("{method} {path}");
        assert!(["get", "put", "post", "delete", "patch"].contains(&method.as_str()), "{at}");
        assert!(!operation["description"].as_str().unwrap().is_empty(), "{at} has no description");
        assert!(operation["responses"]["200"]["description"].is_string(), "{at}");
        assert!(operation["responses"]["default"].is_object(), "{at}");
        let parameters = operation["parameters"].as_array().unwrap();
        let in_path: HashSet<_> =
            parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        let in_template: HashSet<_> =
            path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(in_path, in_template, "{at}");
        for parameter in parameters {
            assert!(
                parameter["schema"].is_object() && !parameter["description"].as_str().unwrap().is_empty(),
                "{at}"
            );
            assert!(parameter["in"] != "path" || parameter["required"] == true, "{at}");
        }
        assert!(!(method == "get" && operation.get("requestBody").is_some()), "{at}");
    }
}

#[test]
fn rules_and_access_are_shown() {
    let document = made();
    let public: HashSet<_> = operations(&document)
        .into_iter()
        .filter(|(_, _, operation)| operation.get("security") == Some(&json!([])))
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    assert!(public.contains("signIn") && !public.contains("writeEntry"));
    let write = &document["components"]["schemas"]["journal.v1.WriteEntryRequest"];
    assert_eq!(write["required"], json!(["body"]));
    assert_eq!(write["additionalProperties"], false);
    assert_eq!(write["properties"]["body"]["maxLength"], 65536);
    assert_eq!(write["properties"]["body"]["type"], "string", "null is not a text");
    assert_eq!(write["properties"]["title"]["type"], json!(["string", "null"]));
    assert_eq!(write["properties"]["mood"]["anyOf"][1]["type"], "null");
    let sign_in = &document["components"]["schemas"]["accounts.v1.SignInRequest"];
    for name in ["email", "password"] {
        assert!(sign_in["required"].as_array().unwrap().contains(&json!(name)), "{name}");
    }
    assert_eq!(write["properties"]["body"]["x-sensitivity"], "SEALED");
    assert_eq!(document["components"]["schemas"]["journal.v1.Mood"]["properties"]["energy"]["minimum"], -5);
    let mark = &document["paths"]["/v1/inboxItems/{inbox_item_id}:markRead"]["post"];
    let schema = &mark["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(
        (schema["properties"].as_object().unwrap().len(), &mark["requestBody"]["required"]),
        (0, &json!(false))
    );
    let list = &document["paths"]["/v1/entries"]["get"]["parameters"];
    assert_eq!(list[0]["name"], "pageSize");
}

#[test]
fn what_reads_of_another_person_says_how_it_is_refused() {
    let document = made();
    let mut delegated = 0;
    for (path, method, operation) in operations(&document) {
        let takes =
            operation["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "Candor-Capability");
        let says = operation["responses"].get("403").is_some() && operation["responses"].get("404").is_some();
        assert_eq!(takes, says, "{method} {path}");
        delegated += usize::from(takes);
    }
    let read = &document["paths"]["/v1/accounts/{owner_account_id}/shares/{share_id}"]["get"];
    assert!(read["responses"]["404"].is_object());
    assert!(document["paths"]["/v1/entries"]["get"]["responses"].get("404").is_none());
    assert!(delegated >= 8, "{delegated}");
}
