//! The REST table: one operation for every RPC that carries a `google.api.http` annotation.

use super::template::Template;
use crate::limits;
use axum::http::Method;
use axum::http::uri::PathAndQuery;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
};

/// Every operation of the REST API.
pub(crate) struct Table {
    operations: Vec<Operation>,
    pool: DescriptorPool,
}

/// One RPC as it appears over HTTP.
pub(crate) struct Operation {
    /// The HTTP method.
    pub(crate) method: Method,
    /// The path.
    pub(crate) template: Template,
    /// The proto package, which says which service answers: `candor.journal.v1`.
    pub(crate) package: String,
    /// The gRPC path: `/candor.journal.v1.EntryService/WriteEntry`.
    pub(crate) grpc_path: PathAndQuery,
    /// The RPC.
    pub(crate) rpc: MethodDescriptor,
    /// What the HTTP body is.
    pub(crate) body: BodyRule,
    /// Whether anyone may call it.
    pub(crate) public: bool,
    /// What limit of networks it is held to, if to one.
    pub(crate) limited: Option<limits::Kind>,
    /// The field an `Idempotency-Key` fills: the id the client may choose.
    pub(crate) id_field: Option<FieldDescriptor>,
    /// How a request names the person whose data it reads, if it may be another than the caller.
    pub(crate) delegation: Option<Delegation>,
}

/// What the option `candor.options.v1.delegation` of an RPC says.
pub(crate) struct Delegation {
    /// The field with the owner's account id.
    pub(crate) owner: FieldDescriptor,
    /// The field with the id of the one item; `None` for RPCs that list.
    pub(crate) item: Option<FieldDescriptor>,
    /// The number of the `candor.options.v1.Scope`.
    pub(crate) scope: i32,
}

/// What the HTTP body is.
pub(crate) enum BodyRule {
    /// There is none; fields come from path and query.
    None,
    /// Every field that is not in the path.
    Whole,
    /// One field.
    Field(FieldDescriptor),
}

/// What is at a path.
pub(crate) enum Found<'t, 'p> {
    /// An operation with the raw values of its path fields.
    Operation(&'t Operation, Vec<(&'t str, &'p str)>),
    /// Operations, but of other methods: the value of `Allow`.
    WrongMethod(String),
    /// Nothing.
    Nothing,
}

impl Table {
    /// The table of a descriptor set.
    ///
    /// # Errors
    /// A sentence when an annotation asks for something that is not supported, or two collide.
    pub(crate) fn new(descriptor_set: &[u8]) -> Result<Self, String> {
        let pool = DescriptorPool::decode(descriptor_set).map_err(|error| error.to_string())?;
        let mut operations = Vec::new();
        for service in pool.services() {
            for rpc in service.methods() {
                operations.extend(operation(&pool, &rpc)?);
            }
        }
        let mut shapes: Vec<_> = operations.iter().map(|o| (o.method.clone(), o.template.shape())).collect();
        shapes.sort_by(|a, b| (a.0.as_str(), &a.1).cmp(&(b.0.as_str(), &b.1)));
        if let Some(twin) = shapes.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("two RPCs share {} {}", twin[0].0, twin[0].1));
        }
        // Literals before fields, so that the more exact template wins.
        operations.sort_by_key(|o| o.template.fields().count());
        Ok(Self { operations, pool })
    }

    /// All operations.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The descriptors.
    pub(crate) fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// What is at a path. HEAD is answered as GET.
    pub(crate) fn find<'t, 'p>(&'t self, method: &Method, path: &'p str) -> Found<'t, 'p> {
        let fits = |o: &'t Operation| o.template.matches(path).map(|values| (o, values));
        let mut all: Vec<_> = self.operations.iter().filter_map(fits).collect();
        if all.iter().any(|(o, _)| o.template.has_verb()) {
            all.retain(|(o, _)| o.template.has_verb());
        }
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        if let Some(index) = all.iter().position(|(o, _)| o.method == wanted) {
            let (operation, values) = all.swap_remove(index);
            return Found::Operation(operation, values);
        }
        let mut allowed: Vec<&str> = all.iter().map(|(o, _)| o.method.as_str()).collect();
        if allowed.is_empty() {
            return Found::Nothing;
        }
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        allowed.sort_unstable();
        allowed.dedup();
        Found::WrongMethod(allowed.join(", "))
    }
}

/// The operation of an RPC, if it has an annotation.
fn operation(pool: &DescriptorPool, rpc: &MethodDescriptor) -> Result<Option<Operation>, String> {
    let name = rpc.full_name();
    let options = rpc.options();
    let Some(rule) = extension(pool, &options, "google.api.http") else { return Ok(None) };
    let rule = rule.as_message().ok_or_else(|| format!("{name}: the annotation is not a message"))?;
    if rpc.is_client_streaming() || rpc.is_server_streaming() {
        return Err(format!("{name}: a stream cannot be an HTTP request and its answer"));
    }
    let (method, path) = pattern(rule).ok_or_else(|| format!("{name}: the annotation has no path"))?;
    let template = Template::parse(&path).map_err(|error| format!("{name}: {error}"))?;
    for field in template.fields() {
        super::request::resolve(&rpc.input(), field)
            .ok_or_else(|| format!("{name}: there is no field {field}"))?;
    }
    let body = match text(rule, "body").as_str() {
        "" => BodyRule::None,
        "*" => BodyRule::Whole,
        field => BodyRule::Field(
            rpc.input()
                .get_field_by_name(field)
                .ok_or_else(|| format!("{name}: there is no field {field}"))?,
        ),
    };
    let access = extension(pool, &options, "candor.options.v1.access");
    let grpc_path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
    let id_field = id_field(pool, rpc, &method, &template, &body);
    let public = access.and_then(|value| value.as_enum_number()) == Some(ACCESS_PUBLIC);
    let delegation = delegation(pool, rpc)?;
    if public && delegation.is_some() {
        return Err(format!("{name}: what anyone may call cannot read of one person"));
    }
    Ok(Some(Operation {
        method,
        template,
        package: rpc.parent_service().package_name().to_owned(),
        grpc_path: grpc_path.parse().map_err(|_| format!("{name}: the name is no path"))?,
        rpc: rpc.clone(),
        body,
        public,
        limited: limits::Kind::of_rpc(name),
        id_field,
        delegation,
    }))
}

/// How an RPC names the person whose data it reads, if its option says so.
fn delegation(pool: &DescriptorPool, rpc: &MethodDescriptor) -> Result<Option<Delegation>, String> {
    let name = rpc.full_name();
    let Some(option) = extension(pool, &rpc.options(), "candor.options.v1.delegation") else {
        return Ok(None);
    };
    let option = option.as_message().ok_or_else(|| format!("{name}: the delegation is not a message"))?;
    let field = |of: &str| {
        let field =
            rpc.input().get_field_by_name(of).filter(|f| matches!(f.kind(), Kind::String) && !f.is_list());
        field.ok_or_else(|| format!("{name}: the delegation names {of:?}, which is no text of the request"))
    };
    let item = Some(text(option, "item_field")).filter(|item| !item.is_empty());
    let scope = member(option, "scope").and_then(|scope| scope.as_enum_number()).unwrap_or_default();
    if scope == 0 {
        return Err(format!("{name}: the delegation names no scope"));
    }
    let owner = field(&text(option, "owner_field"))?;
    Ok(Some(Delegation { owner, item: item.map(|item| field(&item)).transpose()?, scope }))
}

const ACCESS_PUBLIC: i32 = 1;

fn pattern(rule: &DynamicMessage) -> Option<(Method, String)> {
    [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ]
    .into_iter()
    .find_map(|(name, method)| rule.has_field_by_name(name).then(|| (method, text(rule, name))))
}

/// What an attempt to create something is called, where the thing itself is named by the service.
const ATTEMPT: &str = "attempt_id";

/// The field an `Idempotency-Key` may fill: [`ATTEMPT`], or else number 1, of a POST with body `*`, a UUID named `<something>_id`
/// that may be left empty and is not in the path.
fn id_field(
    pool: &DescriptorPool,
    rpc: &MethodDescriptor,
    method: &Method,
    template: &Template,
    body: &BodyRule,
) -> Option<FieldDescriptor> {
    // Where an id of the client's own would be the name of a key, it names the attempt instead.
    let field = rpc.input().get_field_by_name(ATTEMPT).or_else(|| rpc.input().get_field(1))?;
    let rules = Rules::of(pool, &field);
    let chosen_by_client = method == Method::POST
        && matches!(body, BodyRule::Whole)
        && field.name().ends_with("_id")
        && rules.flag("string", "uuid")
        && !rules.required()
        && !template.fields().any(|name| name == field.name());
    chosen_by_client.then_some(field)
}

/// The `buf.validate` rules of a field.
pub(crate) struct Rules(Option<DynamicMessage>);

impl Rules {
    /// Of a field.
    pub(crate) fn of(pool: &DescriptorPool, field: &FieldDescriptor) -> Self {
        let value = extension(pool, &field.options(), "buf.validate.field");
        Self(value.and_then(|value| value.as_message().cloned()))
    }

    /// Whether the field must be given.
    pub(crate) fn required(&self) -> bool {
        let flag = self.0.as_ref().and_then(|rules| member(rules, "required"));
        flag.and_then(|value| value.as_bool()) == Some(true)
    }

    /// Whether a request without the field, or with it empty, is refused: it is required, or its rules do not hold
    /// for the value it has when it is not given.
    pub(crate) fn must_be_given(&self, field: &FieldDescriptor) -> bool {
        let positive = |kind, name| self.number(kind, name).is_some_and(|least| least > 0);
        let refuses_default = positive("string", "min_len")
            || positive("repeated", "min_items")
            || positive("int32", "gte")
            || self.flag("bool", "const");
        self.required() || (refuses_default && !field.supports_presence())
    }

    /// A number among the rules of a type.
    pub(crate) fn number(&self, kind: &str, name: &str) -> Option<i64> {
        match self.rule(kind, name)? {
            prost_reflect::Value::I32(value) => Some(value.into()),
            prost_reflect::Value::U64(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// A flag among the rules of a type.
    pub(crate) fn flag(&self, kind: &str, name: &str) -> bool {
        self.rule(kind, name).and_then(|value| value.as_bool()) == Some(true)
    }

    fn rule(&self, kind: &str, name: &str) -> Option<prost_reflect::Value> {
        member(member(self.0.as_ref()?, kind)?.as_message()?, name)
    }
}

fn member(message: &DynamicMessage, name: &str) -> Option<prost_reflect::Value> {
    let present = message.has_field_by_name(name);
    present.then(|| message.get_field_by_name(name).map(std::borrow::Cow::into_owned)).flatten()
}

fn text(message: &DynamicMessage, name: &str) -> String {
    member(message, name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The value of an option, if it is set.
pub(crate) fn extension(
    pool: &DescriptorPool,
    options: &DynamicMessage,
    name: &str,
) -> Option<prost_reflect::Value> {
    let extension = pool.get_extension_by_name(name)?;
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}

/// The request message of an operation, empty.
pub(crate) fn empty(descriptor: &MessageDescriptor) -> DynamicMessage {
    DynamicMessage::new(descriptor.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_annotated_rpc_has_its_operation() {
        let table = Table::new(candor_proto::DESCRIPTOR_SET).unwrap();
        let rpcs = table.pool().services().flat_map(|service| service.methods().collect::<Vec<_>>()).count();
        assert_eq!(table.operations().len(), rpcs);
        let ids: Vec<_> = table.operations().iter().filter_map(|o| o.id_field.as_ref()).collect();
        let mut ids: Vec<_> = ids.iter().map(|field| field.full_name().to_owned()).collect();
        ids.sort();
        let expected = [
            "accounts.v1.AskLedgerLookRequest.request_id",
            "accounts.v1.RegisterClientRequest.client_id",
            "accounts.v1.ReportPersonRequest.attempt_id",
            "journal.v1.RecordMoodRequest.mood_id",
            "journal.v1.ShareItemRequest.share_id",
            "journal.v1.StartAssessmentRequest.assessment_id",
            "journal.v1.WriteEntryRequest.entry_id",
            "reminders.v1.ProposeCheckInScheduleRequest.schedule_id",
        ];
        assert_eq!(ids, expected.map(|id| format!("candor.{id}")));
    }

    #[test]
    fn what_reads_of_another_person_is_known_by_its_option() {
        let table = Table::new(candor_proto::DESCRIPTOR_SET).unwrap();
        let found = |path: &'static str| match table.find(&Method::GET, path) {
            Found::Operation(operation, _) => operation.delegation.as_ref(),
            _ => panic!("no operation"),
        };
        let one = found("/v1/accounts/a/shares/b").unwrap();
        assert_eq!((one.owner.name(), one.scope), ("owner_account_id", 1));
        assert_eq!(one.item.as_ref().map(FieldDescriptor::name), Some("share_id"));
        assert!(found("/v1/accounts/a/shares").unwrap().item.is_none());
        assert_eq!(found("/v1/checkIns/a").unwrap().scope, 2);
        assert!(found("/v1/entries/a").is_none());
    }

    #[test]
    fn paths_find_their_operation_or_say_what_would_work() {
        let table = Table::new(candor_proto::DESCRIPTOR_SET).unwrap();
        let find = |method: Method, path: &'static str| match table.find(&method, path) {
            Found::Operation(operation, values) => format!("{} {values:?}", operation.rpc.name()),
            Found::WrongMethod(allow) => format!("405 {allow}"),
            Found::Nothing => "404".to_owned(),
        };
        assert_eq!(find(Method::POST, "/v1/entries"), "WriteEntry []");
        assert_eq!(find(Method::HEAD, "/v1/entries"), "ListEntries []");
        assert_eq!(find(Method::GET, "/v1/entries/a%2Fb"), r#"GetEntry [("entry_id", "a%2Fb")]"#);
        assert_eq!(
            find(Method::POST, "/v1/inboxItems/a:markRead"),
            r#"MarkInboxItemRead [("inbox_item_id", "a")]"#
        );
        assert_eq!(find(Method::POST, "/v1/sessions:mintPassport"), "MintPassport []");
        assert_eq!(find(Method::PUT, "/v1/entries"), "405 GET, HEAD, POST");
        assert_eq!(find(Method::GET, "/v1/accounts:verifyEmail"), "405 POST");
        assert_eq!(find(Method::GET, "/v1/entries/"), "404");
        assert_eq!(find(Method::GET, "/v1"), "404");
    }
}
