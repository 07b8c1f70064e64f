//! Pods and the names they are reached by: those of the manifests, and those that operators make from theirs.

use crate::manifests::{Manifests, list, name, text, texts};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A port, with its name where it has one.
pub(crate) type Port = (String, u16);

/// What all pods of one workload have in common.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) title: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) ports: Vec<Port>,
}

/// A name in the namespace, and where its ports lead.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) selector: BTreeMap<String, String>,
    /// The port callers use, and the container's, by name or number.
    pub(crate) ports: Vec<(u16, Value)>,
}

impl Pod {
    /// A port by name or number, if a container has it.
    pub(crate) fn port(&self, wanted: &Value) -> Option<u16> {
        let fits = |port: &&Port| {
            wanted.as_str().is_some_and(|name| name == port.0) || wanted.as_u64() == Some(port.1.into())
        };
        self.ports.iter().find(fits).map(|port| port.1)
    }
}

/// Whether all of `wanted` are among `labels`.
pub(crate) fn has(labels: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// Whether a label selector takes these labels; an empty one takes all.
pub(crate) fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let one_of = |expression: &Value| {
        assert_eq!(text(expression, "/operator"), "In", "only In is understood here");
        let value = labels.get(text(expression, "/key"));
        list(expression, "/values").iter().any(|wanted| wanted.as_str() == value.map(String::as_str))
    };
    has(labels, &texts(selector, "/matchLabels")) && list(selector, "/matchExpressions").iter().all(one_of)
}

fn number(value: &Value) -> u16 {
    value.as_u64().and_then(|number| number.try_into().ok()).expect("a port")
}

fn made(title: String, labels: &[(&str, &str)], ports: &[u16]) -> Pod {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Pod { title, labels, ports: ports.iter().map(|port| (String::new(), *port)).collect() }
}

/// The pods of an overlay.
pub(crate) fn pods(manifests: &Manifests) -> Vec<Pod> {
    let own = manifests.workloads().map(|workload| Pod {
        title: workload.title(),
        labels: workload.labels(),
        ports: workload
            .containers()
            .flat_map(|container| list(container, "/ports"))
            .map(|port| (text(port, "/name").to_owned(), number(&port["containerPort"])))
            .collect(),
    });
    let instances = manifests.kind("Cluster").map(|cluster| {
        let labels = [("cnpg.io/cluster", name(cluster)), ("cnpg.io/podRole", "instance")];
        made(format!("Cluster {}", name(cluster)), &labels, &[5432, 8000, 9187])
    });
    let poolers = manifests.kind("Pooler").map(|pooler| {
        made(format!("Pooler {}", name(pooler)), &[("cnpg.io/poolerName", name(pooler))], &[5432, 9127])
    });
    let brokers = manifests.kind("RabbitmqCluster").map(|cluster| {
        let labels = [("app.kubernetes.io/name", name(cluster)), ("app.kubernetes.io/component", "rabbitmq")];
        made(format!("RabbitmqCluster {}", name(cluster)), &labels, &[5672, 4369, 25672, 15692])
    });
    own.chain(instances).chain(poolers).chain(brokers).collect()
}

/// The names pods are reached by.
pub(crate) fn services(manifests: &Manifests) -> Vec<Service> {
    let own = manifests.kind("Service").map(|service| Service {
        name: name(service).to_owned(),
        selector: texts(service, "/spec/selector"),
        ports: list(service, "/spec/ports")
            .iter()
            .map(|port| (number(&port["port"]), port["targetPort"].clone()))
            .collect(),
    });
    let one = |name: String, labels: &[(&str, &str)], port: u16| {
        let labels = made(String::new(), labels, &[]).labels;
        Service { name, selector: labels, ports: vec![(port, json!(port))] }
    };
    let instances = manifests.kind("Cluster").map(|cluster| {
        let labels = [("cnpg.io/cluster", name(cluster)), ("cnpg.io/podRole", "instance")];
        one(format!("{}-rw", name(cluster)), &labels, 5432)
    });
    let poolers = manifests
        .kind("Pooler")
        .map(|pooler| one(name(pooler).to_owned(), &[("cnpg.io/poolerName", name(pooler))], 5432));
    let brokers = manifests
        .kind("RabbitmqCluster")
        .map(|cluster| one(name(cluster).to_owned(), &[("app.kubernetes.io/name", name(cluster))], 5672));
    own.chain(instances).chain(poolers).chain(brokers).collect()
}
