//! What the network policies of an overlay allow.

use crate::manifests::{Manifests, list, name, text};
use crate::pods::{Pod, selects};
use serde_json::Value;

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
    let namespace = end.get("namespaceSelector").map(|selector| {
        let names = selector["matchLabels"]["kubernetes.io/metadata.name"].as_str();
        names.expect("a namespace is named by its own label")
    });
    match side {
        Side::Pod(pod) => {
            let here = namespace.is_none() && end.get("podSelector").is_some();
            here && selects(&end["podSelector"], &pod.labels)
        }
        Side::Namespace(wanted) => namespace == Some(wanted),
        Side::Address(address) => {
            let except = list(end, "/ipBlock/except");
            let spared =
                except.iter().any(|cidr| address.starts_with(&before_zeroes(cidr.as_str().unwrap())));
            text(end, "/ipBlock/cidr") == "0.0.0.0/0" && !spared
        }
    }
}

/// `169.254.0.0/16` as the beginning of an address.
fn before_zeroes(cidr: &str) -> String {
    let (address, bits) = cidr.split_once('/').unwrap();
    let bytes = bits.parse::<usize>().unwrap() / 8;
    address.split('.').take(bytes).map(|byte| format!("{byte}.")).collect()
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
        let on_port = list(rule, "/ports").iter().any(|allowed| {
            text(allowed, "/protocol") == "TCP" && allowed["port"].as_u64() == Some(port.into())
        });
        on_port && list(rule, ends).iter().any(|end| is(end, other))
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

/// What is wrong with the policies themselves: who is named must be there, and have the port.
pub(crate) fn broken(manifests: &Manifests, pods: &[Pod]) -> Vec<String> {
    let mut broken = Vec::new();
    let closed = manifests.kind("NetworkPolicy").any(|policy| {
        let spec = &policy["spec"];
        let both =
            ["Ingress", "Egress"].iter().all(|kind| list(spec, "/policyTypes").iter().any(|t| t == kind));
        both && spec["podSelector"] == serde_json::json!({})
            && spec.get("ingress").is_none()
            && spec.get("egress").is_none()
    });
    if !closed {
        broken.push("no policy denies what none allows".to_owned());
    }
    for policy in manifests.kind("NetworkPolicy") {
        let selected: Vec<&Pod> =
            pods.iter().filter(|pod| selects(&policy["spec"]["podSelector"], &pod.labels)).collect();
        let title = format!("NetworkPolicy {}", name(policy));
        if selected.is_empty() {
            broken.push(format!("{title} speaks of no pod"));
        }
        for rule in list(policy, "/spec/ingress") {
            broken.extend(
                ports_nobody_has(rule, &selected)
                    .map(|port| format!("{title}: no container has port {port}")),
            );
            broken.extend(
                nobody(rule, "/from", pods).map(|()| format!("{title} lets in a pod that is not there")),
            );
        }
        for rule in list(policy, "/spec/egress") {
            let called: Vec<&Pod> = pods.iter().filter(|pod| ends_here(rule, "/to", pod)).collect();
            // Outside of the namespace nobody here knows the ports.
            if list(rule, "/to")
                .iter()
                .all(|end| end.get("podSelector").is_some() && end.get("namespaceSelector").is_none())
            {
                broken.extend(
                    ports_nobody_has(rule, &called)
                        .map(|port| format!("{title}: no container has port {port}")),
                );
            }
            broken.extend(
                nobody(rule, "/to", pods).map(|()| format!("{title} leads to a pod that is not there")),
            );
        }
    }
    broken
}

fn ends_here(rule: &Value, ends: &str, pod: &Pod) -> bool {
    list(rule, ends).iter().any(|end| is(end, Side::Pod(pod)))
}

fn ports_nobody_has<'a>(rule: &'a Value, pods: &'a [&Pod]) -> impl Iterator<Item = String> + 'a {
    // By number: not every network looks up what a port is called.
    let known = |port: &Value| port.is_u64() && pods.iter().any(|pod| pod.port(port).is_some());
    let named = list(rule, "/ports").iter().map(|port| &port["port"]);
    named.filter(move |port| !known(port)).map(ToString::to_string)
}

/// Once for each end that is no pod of this namespace although it is to be one.
fn nobody<'a>(rule: &'a Value, ends: &'a str, pods: &'a [Pod]) -> impl Iterator<Item = ()> + 'a {
    let here = list(rule, ends)
        .iter()
        .filter(|end| end.get("podSelector").is_some() && end.get("namespaceSelector").is_none());
    here.filter(|end| !pods.iter().any(|pod| is(end, Side::Pod(pod)))).map(|_| ())
}
