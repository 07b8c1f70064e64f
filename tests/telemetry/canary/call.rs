//! A call's place in HTTP, as its proto says.

use super::secrets::POOL;
use candor_tests::percent;
use prost_reflect::MethodDescriptor;
use serde_json::Value;

/// A call, and its place in HTTP.
pub(crate) struct Rpc {
    pub(crate) method: MethodDescriptor,
    pub(crate) verb: &'static str,
    template: String,
}

impl Rpc {
    /// Every call of ours.
    pub(crate) fn all() -> Vec<Self> {
        let services = POOL.services().filter(|service| service.full_name().starts_with("candor."));
        services.flat_map(|service| service.methods().map(Self::of).collect::<Vec<_>>()).collect()
    }

    /// A call by its name, such as `journal.EntryService.WriteEntry`.
    pub(crate) fn named(name: &str) -> Self {
        let (package, name) = name.split_once('.').unwrap();
        let name = format!("candor.{package}.v1.{name}");
        Self::all().into_iter().find(|rpc| rpc.method.full_name() == name).expect(&name)
    }

    fn of(method: MethodDescriptor) -> Self {
        let http = POOL.get_extension_by_name("google.api.http").unwrap();
        let options = method.options();
        let rule = options.get_extension(&http);
        let rule = rule.as_message().unwrap();
        let verbs =
            [("get", "GET"), ("post", "POST"), ("put", "PUT"), ("patch", "PATCH"), ("delete", "DELETE")];
        let found = verbs.into_iter().find_map(|(field, verb)| {
            let template = rule.get_field_by_name(field)?.as_str()?.to_owned();
            (!template.is_empty()).then_some((verb, template))
        });
        let (verb, template) = found.unwrap_or_else(|| panic!("{} has no route", method.full_name()));
        Self { method, verb, template }
    }

    /// The request's fields that stand in the path, by their names in JSON.
    pub(crate) fn in_path(&self) -> Vec<String> {
        let names = self.template.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        names
            .map(|name| self.method.input().get_field_by_name(name).unwrap().json_name().to_owned())
            .collect()
    }

    /// Path and body of a request.
    pub(crate) fn address(&self, request: &Value) -> (String, Vec<u8>) {
        let mut rest = request.as_object().unwrap().clone();
        let plain = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut path = String::new();
        for (n, piece) in self.template.split(['{', '}']).enumerate() {
            match n % 2 {
                0 => path.push_str(piece),
                _ => {
                    let field = self.method.input().get_field_by_name(piece).unwrap();
                    path.push_str(&percent(&plain(rest.remove(field.json_name()).unwrap())));
                }
            }
        }
        if self.verb != "GET" && self.verb != "DELETE" {
            return (path, Value::Object(rest).to_string().into_bytes());
        }
        let query: Vec<String> = rest
            .into_iter()
            .map(|(name, value)| format!("{}={}", percent(&name), percent(&plain(value))))
            .collect();
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        (path, Vec::new())
    }
}

#[test]
fn a_call_is_put_where_its_proto_says() {
    use serde_json::json;
    let rpc = Rpc::named("journal.ShareService.AnswerShare");
    let (path, body) = rpc.address(&json!({"ownerAccountId": "a b", "shareId": "s", "body": "x"}));
    assert_eq!((rpc.verb, path.as_str()), ("POST", "/v1/accounts/a%20b/shares/s:answer"));
    assert_eq!(body, br#"{"body":"x"}"#);
    assert_eq!(rpc.in_path(), ["ownerAccountId", "shareId"]);
    let rpc = Rpc::named("journal.EntryService.ListEntries");
    assert_eq!(rpc.address(&json!({"pageSize": 3})).0, "/v1/entries?pageSize=3");
}
