//! Calling any RPC by its name, with a request in JSON, as the descriptors describe it.

use candor_proto::DESCRIPTOR_SET;
use candor_tests::One;
use chassis::codec::Raw;
use prost::Message as _;
use prost::bytes::Bytes;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET).unwrap());

/// What is shown with a call.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shown<'a> {
    pub(crate) passport: Option<&'a str>,
    pub(crate) capability: Option<&'a str>,
}

impl<'a> Shown<'a> {
    pub(crate) fn passport(passport: &'a str) -> Self {
        Self { passport: Some(passport), capability: None }
    }
}

/// How a delegated RPC names whose data it reads.
pub(crate) struct Delegation {
    pub(crate) owner_field: String,
    pub(crate) item_field: String,
    pub(crate) scope: i32,
}

/// Every service behind one set of channels.
pub(crate) struct Api(BTreeMap<&'static str, Channel>);

impl Api {
    pub(crate) fn of(one: &One) -> Self {
        Self(candor_tests::five::SERVICES.map(|service| (service, one.grpc(service))).into())
    }

    /// Every RPC of ours.
    pub(crate) fn methods() -> impl Iterator<Item = MethodDescriptor> {
        let services = POOL.services().filter(|service| service.full_name().starts_with("candor."));
        services.flat_map(|service| service.methods().collect::<Vec<_>>())
    }

    pub(crate) fn method(rpc: &str) -> MethodDescriptor {
        let found = Self::methods().find(|method| method.full_name() == rpc);
        found.unwrap_or_else(|| panic!("there is no RPC {rpc}"))
    }

    /// Whether anybody may call the RPC.
    pub(crate) fn is_public(rpc: &str) -> bool {
        let option = POOL.get_extension_by_name("candor.options.v1.access").unwrap();
        Self::method(rpc).options().get_extension(&option).as_enum_number() == Some(1)
    }

    /// Whether the RPC says that it is open to a suspended account as well.
    pub(crate) fn is_never_gated(rpc: &str) -> bool {
        let option = POOL.get_extension_by_name("candor.options.v1.never_gated").unwrap();
        Self::method(rpc).options().get_extension(&option).as_bool() == Some(true)
    }

    /// How the RPC reaches another person's data, if it does.
    pub(crate) fn delegation(rpc: &str) -> Option<Delegation> {
        let option = POOL.get_extension_by_name("candor.options.v1.delegation").unwrap();
        let method = Self::method(rpc);
        if !method.options().has_extension(&option) {
            return None;
        }
        let options = method.options();
        let value = options.get_extension(&option);
        let delegation = value.as_message()?;
        let text = |name: &str| delegation.get_field_by_name(name)?.as_str().map(str::to_owned);
        Some(Delegation {
            owner_field: text("owner_field")?,
            item_field: text("item_field")?,
            scope: delegation.get_field_by_name("scope")?.as_enum_number()?,
        })
    }

    /// Calls an RPC; the answer as it came over the wire.
    pub(crate) async fn raw(&self, rpc: &str, request: &Value, shown: Shown<'_>) -> Result<Bytes, Status> {
        let method = Self::method(rpc);
        let message = DynamicMessage::deserialize(method.input(), request)
            .unwrap_or_else(|error| panic!("{rpc}: {request}: {error}"));
        let mut call = Request::new(Bytes::from(message.encode_to_vec()));
        if let Some(passport) = shown.passport {
            call.metadata_mut().insert("authorization", format!("Bearer {passport}").parse().unwrap());
        }
        if let Some(capability) = shown.capability {
            call.metadata_mut().insert("candor-capability", capability.parse().unwrap());
        }
        let service = rpc.split('.').nth(1).unwrap();
        let mut grpc = Grpc::new(self.0[service].clone());
        grpc.ready().await.unwrap_or_else(|error| panic!("{service} does not answer: {error}"));
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path: PathAndQuery = path.parse().unwrap();
        Ok(grpc.unary(call, path, Raw).await?.into_inner())
    }

    /// Calls an RPC that must succeed; the answer in JSON.
    pub(crate) async fn ok(&self, rpc: &str, request: Value, passport: Option<&str>) -> Value {
        let shown = Shown { passport, capability: None };
        let answer = self.raw(rpc, &request, shown).await;
        let answer = answer.unwrap_or_else(|status| panic!("{rpc}: {status:?}"));
        json(rpc, &answer)
    }
}

/// An answer in JSON.
pub(crate) fn json(rpc: &str, answer: &Bytes) -> Value {
    let message = DynamicMessage::decode(Api::method(rpc).output(), answer.clone()).unwrap();
    serde_json::to_value(&message).unwrap()
}
