//! What the network policies of an overlay allow.

use crate::manifests::{Manifests, list, name, text};
use crate::pods::{Pod, selects};
use serde_json::Value;
use std::net::Ipv4Addr;

/// The blocks of addresses that policies may name: who is outside has no label. What they spare is `except`.
const BLOCKS: [&str; 1] = ["0.0.0.0/0"];

/// Whoever a policy speaks of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side<'a> {
    /// Pods of this namespace.
    Pod(&'a Pod),
    /// Pods of another namespace.
    Namespace(&'a str),
    /// An address outside.
    Address(&'a str),
}

/// The policies that speak of these pods in this direction.
fn of<'a>(manifests: &'a Manifests, pod: &Pod, direction: &str) -> Vec<&'a Value> {
    let policies = manifests.kind("NetworkPolicy").filter(|policy| {
        let types = list(policy, "/spec/policyTypes");
        types.iter().any(|kind| kind == direction) && selects(&policy["spec"]["podSelector"], &pod.labels)
    });
    policies.collect()
}

/// Whether one end of a rule is this side.
fn is(end: &Value, side: Side<'_>) -> bool {
    // None: of this namespace. No name: of every namespace.
    let namespace = end
        .get("namespaceSelector")
        .map(|selector| selector["matchLabels"]["kubernetes.io/metadata.name"].as_str());
    match side {
        Side::Pod(pod) => {
            let here = match namespace {
                None => end.get("podSelector").is_some(),
                Some(name) => name.is_none_or(|name| name == "candor"),
            };
            here && selects(&end["podSelector"], &pod.labels)
        }
        Side::Namespace(wanted) => namespace.is_some_and(|name| name.is_none_or(|name| name == wanted)),
        Side::Address(address) => end.get("ipBlock").is_some_and(|block| {
            let mut except = list(block, "/except").iter().filter_map(Value::as_str);
            within(text(block, "/cidr"), address) && !except.any(|spared| within(spared, address))
        }),
    }
}

/// Whether an address is one of a block. One that is not of IPv4 has none of ours; the list keeps it out.
fn within(cidr: &str, address: &str) -> bool {
    let Some((first, bits)) = cidr.split_once('/') else { return false };
    let number = |text: &str| text.parse::<Ipv4Addr>().map(Ipv4Addr::to_bits);
    let (Ok(first), Ok(address), Ok(bits)) = (number(first), number(address), bits.parse::<u32>()) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or_default();
    first & mask == address & mask
}

/// Whether one of a rule's ports is this one. A range ends where it says; without a number it is all of them.
fn is_port(allowed: &Value, port: u16) -> bool {
    let port = u64::from(port);
    let protocol = allowed["protocol"].as_str().unwrap_or("TCP");
    let numbers = allowed["port"].as_u64().map(|first| first..=allowed["endPort"].as_u64().unwrap_or(first));
    protocol == "TCP" && numbers.is_none_or(|numbers| numbers.contains(&port))
}

/// Whether `pod` may, in a direction, have to do with the other side on a port of whoever is called.
fn one_way(manifests: &Manifests, pod: &Pod, direction: &str, other: Side<'_>, port: u16) -> bool {
    let policies = of(manifests, pod, direction);
    // A pod that no policy speaks of may do everything; the overlay's deny-all speaks of all.
    assert!(!policies.is_empty(), "{}: {direction} is open", pod.title);
    let (rules, ends) = match direction {
        "Ingress" => ("/spec/ingress", "/from"),
        _ => ("/spec/egress", "/to"),
    };
    let allows = |rule: &Value| {
        // What a rule does not say, or says with an empty list, it does not limit.
        let (ports, ends) = (list(rule, "/ports"), list(rule, ends));
        (ports.is_empty() || ports.iter().any(|allowed| is_port(allowed, port)))
            && (ends.is_empty() || ends.iter().any(|end| is(end, other)))
    };
    policies.iter().any(|policy| list(policy, rules).iter().any(allows))
}

/// Whether one pod can call another.
pub(crate) fn reaches(manifests: &Manifests, from: &Pod, to: &Pod, port: u16) -> bool {
    one_way(manifests, from, "Egress", Side::Pod(to), port)
        && one_way(manifests, to, "Ingress", Side::Pod(from), port)
}

/// Whether a pod can call what is outside the namespace.
pub(crate) fn reaches_out(manifests: &Manifests, from: &Pod, to: Side<'_>, port: u16) -> bool {
    one_way(manifests, from, "Egress", to, port)
}

/// Whether a pod can be called from outside the namespace.
pub(crate) fn is_reached(manifests: &Manifests, from: Side<'_>, to: &Pod, port: u16) -> bool {
    one_way(manifests, to, "Ingress", from, port)
}

/// Every port that a policy names.
pub(crate) fn ports(manifests: &Manifests) -> impl Iterator<Item = u16> {
    let rules = manifests.kind("NetworkPolicy").flat_map(|policy| {
        ["/spec/ingress", "/spec/egress"].into_iter().flat_map(|rules| list(policy, rules))
    });
    let ports = rules.flat_map(|rule| list(rule, "/ports")).filter_map(|port| port["port"].as_u64());
    ports.filter_map(|port| port.try_into().ok())
}

/// What is wrong with the policies themselves: who is named must be there, and have the port; and all are exact.
pub(crate) fn broken(manifests: &Manifests, pods: &[Pod]) -> Vec<String> {
    let mut broken = Vec::new();
    if !manifests.kind("NetworkPolicy").any(denies_all) {
        broken.push("no policy denies what none allows".to_owned());
    }
    for policy in manifests.kind("NetworkPolicy") {
        let selected: Vec<&Pod> =
            pods.iter().filter(|pod| selects(&policy["spec"]["podSelector"], &pod.labels)).collect();
        let mut wrong = Vec::new();
        if selected.is_empty() {
            wrong.push("speaks of no pod".to_owned());
        }
        for rule in list(policy, "/spec/ingress") {
            wrong.extend(inexact(rule, "/from"));
            wrong.extend(ports_nobody_has(rule, &selected));
            wrong.extend(nobody(rule, "/from", pods).map(|()| "lets in a pod that is not there".to_owned()));
        }
        for rule in list(policy, "/spec/egress") {
            wrong.extend(inexact(rule, "/to"));
            let called: Vec<&Pod> = pods.iter().filter(|pod| ends_here(rule, "/to", pod)).collect();
            // Outside of the namespace nobody here knows the ports.
            if list(rule, "/to").iter().all(is_here) {
                wrong.extend(ports_nobody_has(rule, &called));
            }
            wrong.extend(nobody(rule, "/to", pods).map(|()| "leads to a pod that is not there".to_owned()));
        }
        broken.extend(wrong.into_iter().map(|what| format!("NetworkPolicy {} {what}", name(policy))));
    }
    broken
}

fn denies_all(policy: &Value) -> bool {
    let spec = &policy["spec"];
    let both = ["Ingress", "Egress"].iter().all(|kind| list(spec, "/policyTypes").iter().any(|t| t == kind));
    both && spec["podSelector"] == serde_json::json!({})
        && spec.get("ingress").is_none()
        && spec.get("egress").is_none()
}

/// What a rule leaves open that the rules of this house say.
fn inexact(rule: &Value, ends: &str) -> Vec<String> {
    let (ports, ends) = (list(rule, "/ports"), list(rule, ends));
    let mut open = Vec::new();
    if ports.is_empty() || ports.iter().any(|port| port.get("port").is_none()) {
        open.push("allows every port".to_owned());
    }
    if ports.iter().any(|port| port.get("endPort").is_some()) {
        open.push("allows a range of ports".to_owned());
    }
    if ends.is_empty() || ends.iter().any(|end| end.as_object().is_none_or(serde_json::Map::is_empty)) {
        open.push("allows everybody".to_owned());
    }
    let unnamed = |selector: &Value| text(selector, "/matchLabels/kubernetes.io~1metadata.name").is_empty();
    if ends.iter().filter_map(|end| end.get("namespaceSelector")).any(unnamed) {
        open.push("allows every namespace".to_owned());
    }
    let cidrs = ends.iter().filter_map(|end| end.pointer("/ipBlock/cidr"));
    let unknown = cidrs.filter(|cidr| cidr.as_str().is_none_or(|cidr| !BLOCKS.contains(&cidr)));
    open.extend(unknown.map(|cidr| format!("allows addresses that are not on the list: {cidr}")));
    open
}

/// Whether an end names pods of this namespace.
fn is_here(end: &Value) -> bool {
    end.get("podSelector").is_some() && end.get("namespaceSelector").is_none()
}

fn ends_here(rule: &Value, ends: &str, pod: &Pod) -> bool {
    list(rule, ends).iter().any(|end| is(end, Side::Pod(pod)))
}

fn ports_nobody_has<'a>(rule: &'a Value, pods: &'a [&Pod]) -> impl Iterator<Item = String> + 'a {
    // By number: not every network looks up what a port is called.
    let known = |port: &Value| port.is_u64() && pods.iter().any(|pod| pod.port(port).is_some());
    let named = list(rule, "/ports").iter().map(|port| &port["port"]);
    named.filter(move |port| !known(port)).map(|port| format!("names a port that no container has: {port}"))
}

/// Once for each end that is no pod of this namespace although it is to be one.
fn nobody<'a>(rule: &'a Value, ends: &'a str, pods: &'a [Pod]) -> impl Iterator<Item = ()> + 'a {
    let here = list(rule, ends).iter().filter(|end| is_here(end));
    here.filter(|end| !pods.iter().any(|pod| is(end, Side::Pod(pod)))).map(|_| ())
}
