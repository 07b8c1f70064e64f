//! What the descriptors say about every RPC, looked up by its path.

use crate::telemetry::rpc;
use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// `candor.options.v1.Access.ACCESS_PUBLIC`.
const PUBLIC: i32 = 1;

/// One RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Method {
    /// `candor.journal.v1.EntryService`.
    pub(super) service: Arc<str>,
    /// `WriteEntry`.
    pub(super) name: Arc<str>,
    /// `journal.write_entry`.
    pub(super) span: String,
    /// Whether anyone may call it.
    pub(super) public: bool,
    /// Whether it may read another person's data.
    pub(super) delegated: bool,
    /// Whether it is open as well to a suspended account, and to one that has yet to accept a legal text.
    pub(super) never_gated: bool,
    /// Whether it answers with a stream.
    pub(super) streams: bool,
    /// Whether it belongs to the server itself: no trace, and cut off as soon as the server drains.
    pub(super) housekeeping: bool,
    /// Whether it is health, which answers however busy the server is.
    pub(super) health: bool,
}

/// Every RPC by its path.
pub(super) struct Methods {
    known: HashMap<String, Arc<Method>>,
    unknown: Arc<Method>,
}

impl Methods {
    pub(super) fn read() -> Result<Self, String> {
        let pool = DescriptorPool::decode(candor_proto::DESCRIPTOR_SET).map_err(|error| error.to_string())?;
        let access = pool
            .get_extension_by_name("candor.options.v1.access")
            .ok_or("candor.options.v1.access is missing")?;
        let delegation = pool
            .get_extension_by_name("candor.options.v1.delegation")
            .ok_or("candor.options.v1.delegation is missing")?;
        let never_gated = pool
            .get_extension_by_name("candor.options.v1.never_gated")
            .ok_or("candor.options.v1.never_gated is missing")?;
        let marks = Marks { access, delegation, never_gated };
        let mut known = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                known.insert(path, Arc::new(describe(&method, &marks)));
            }
        }
        for service in ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"] {
            let names: &[&str] = if service.contains("health") {
                &["Check", "List", "Watch"]
            } else {
                &["ServerReflectionInfo"]
            };
            for name in names {
                known.insert(format!("/{service}/{name}"), Arc::new(housekeeping(service, name)));
            }
        }
        let alpha = "grpc.reflection.v1alpha.ServerReflection";
        let path = format!("/{alpha}/ServerReflectionInfo");
        known.insert(path, Arc::new(housekeeping(alpha, "ServerReflectionInfo")));
        // One name for whatever is asked: callers do not get to make up labels.
        let unknown =
            Arc::new(Method { public: false, housekeeping: false, ..housekeeping("unknown", "unknown") });
        Ok(Self { known, unknown })
    }

    pub(super) fn find(&self, path: &str) -> Arc<Method> {
        self.known.get(path).unwrap_or(&self.unknown).clone()
    }

    /// The services of a package, by full name.
    pub(super) fn services_of(&self, package: &str) -> Vec<String> {
        let of_package = |service: &str| {
            service
                .strip_prefix(package)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|n| !n.contains('.'))
        };
        let mut services: Vec<String> =
            self.known.values().map(|method| method.service.as_ref().to_owned()).collect();
        services.retain(|service| of_package(service));
        services.sort();
        services.dedup();
        services
    }
}

/// The marks an RPC can carry.
struct Marks {
    access: ExtensionDescriptor,
    delegation: ExtensionDescriptor,
    never_gated: ExtensionDescriptor,
}

fn describe(method: &MethodDescriptor, marks: &Marks) -> Method {
    let parent = method.parent_service();
    let service = parent.full_name();
    Method {
        span: rpc::name(service, method.name()),
        name: method.name().into(),
        public: *method.options().get_extension(&marks.access) == Value::EnumNumber(PUBLIC),
        delegated: method.options().has_extension(&marks.delegation),
        never_gated: *method.options().get_extension(&marks.never_gated) == Value::Bool(true),
        streams: method.is_server_streaming(),
        housekeeping: false,
        health: false,
        service: service.into(),
    }
}

fn housekeeping(service: &str, name: &str) -> Method {
    Method {
        service: service.into(),
        name: name.into(),
        span: rpc::name(service, name),
        public: true,
        delegated: false,
        never_gated: false,
        streams: true,
        housekeeping: true,
        health: service == "grpc.health.v1.Health",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_knows_its_span_and_whether_it_is_public() {
        let methods = Methods::read().unwrap();
        let write = methods.find("/candor.journal.v1.EntryService/WriteEntry");
        assert_eq!(
            (write.span.as_str(), write.public, write.delegated),
            ("journal.write_entry", false, false)
        );
        assert!(methods.find("/candor.journal.v1.ShareService/GetReceivedShare").delegated);
        assert!(methods.find("/candor.accounts.v1.SessionService/SignIn").public);
        assert!(methods.find("/grpc.health.v1.Health/Check").public);
        assert!(!methods.find("/candor.journal.v1.EntryService/Nothing").public);
        assert!(methods.find("/candor.accounts.v1.CoupleService/UnlinkPartner").never_gated);
        assert!(!write.never_gated && !methods.find("/anything").never_gated);
        assert_eq!(methods.find("/anything").span, "unknown.unknown");
    }

    #[test]
    fn a_package_lists_its_own_services_only() {
        let services = Methods::read().unwrap().services_of("candor.accounts.v1");
        let services: Vec<_> = services.iter().map(|s| s.trim_start_matches("candor.accounts.v1.")).collect();
        let all = [
            "CareService",
            "CircleService",
            "ConsentService",
            "CounselorService",
            "CoupleCareService",
            "CoupleService",
            "IdentityService",
            "LedgerLookService",
            "LedgerService",
            "ModerationService",
            "OAuthClientService",
            "PasskeyService",
            "PrivacyService",
            "SecurityService",
            "SessionService",
            "SoftwareConsentService",
            "SupportService",
            "TermsService",
            "TrustService",
        ];
        assert_eq!(services, all);
    }
}
