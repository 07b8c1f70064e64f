//! Who reaches whom: exactly whoever has an address of it in their settings.

use crate::manifests::{Manifests, OVERLAYS, Workload};
use crate::network::{self, Side, is_reached, reaches, reaches_out};
use crate::pods::{Pod, has, pods, services};
use crate::secrets::secrets;
use crate::settings::environment;
use serde_json::json;
use std::collections::BTreeSet;

/// A call that is needed: from whom, to whom, on which port of theirs.
type Call = (String, String, u16);

/// Host and port of an address.
pub(crate) fn place(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = rest[..end].rsplit('@').next()?;
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, if scheme == "smtps" { 465 } else { 587 }),
    };
    Some((host, port))
}

/// The addresses that a workload calls. Migrating calls nobody but the servers, and those past any pooler.
fn called(manifests: &Manifests, workload: Workload<'_>) -> Vec<(String, u16)> {
    let container = workload.containers().next().expect("a container");
    let settings = environment(manifests, &secrets(manifests), container).unwrap();
    let is_called = |key: &str| match workload.kind() {
        "Job" => key.ends_with("__DIRECT_URL") || key.ends_with("__AMQP_URL"),
        _ => key.ends_with("_URL") && !key.ends_with("__PUBLIC_URL"),
    };
    let urls = settings.iter().filter(|(key, _)| is_called(key));
    urls.map(|(key, url)| place(url).unwrap_or_else(|| panic!("{key} is an address")))
        .map(|(host, port)| (host.to_owned(), port))
        .collect()
}

/// Every call that settings ask for within the namespace, and those that lead out of it.
fn needed(manifests: &Manifests, pods: &[Pod]) -> (BTreeSet<Call>, BTreeSet<(String, u16)>) {
    let services = services(manifests);
    let (mut within, mut out) = (BTreeSet::new(), BTreeSet::new());
    for workload in manifests.workloads().filter(|workload| workload.is_ours()) {
        for (host, port) in called(manifests, workload) {
            let Some(service) = services.iter().find(|service| service.name == host) else {
                assert!(host.contains('.'), "{}: nobody is called {host}", workload.title());
                out.insert((workload.title(), port));
                continue;
            };
            let target = service.ports.iter().find(|(own, _)| *own == port);
            let (_, target) = target.unwrap_or_else(|| panic!("{host} does not answer on {port}"));
            for pod in pods.iter().filter(|pod| has(&pod.labels, &service.selector)) {
                within.insert((workload.title(), pod.title.clone(), pod.port(target).unwrap()));
            }
        }
    }
    (within, out)
}

/// What servers in several instances have to do with each other.
fn among_servers(manifests: &Manifests) -> BTreeSet<Call> {
    let mut calls = BTreeSet::new();
    for cluster in ["postgres", "keys"] {
        if manifests.find("Cluster", cluster).is_some() {
            let title = format!("Cluster {cluster}");
            calls.insert((title.clone(), title.clone(), 5432));
            calls.insert((title.clone(), title.clone(), 8000));
            calls.insert((format!("Pooler {cluster}-pooler"), title, 5432));
        }
    }
    if manifests.find("RabbitmqCluster", "rabbitmq").is_some() {
        let title = "RabbitmqCluster rabbitmq".to_owned();
        calls.insert((title.clone(), title.clone(), 4369));
        calls.insert((title.clone(), title, 25672));
    }
    calls
}

fn allowed(manifests: &Manifests, pods: &[Pod]) -> BTreeSet<Call> {
    let mut calls = BTreeSet::new();
    for from in pods {
        for to in pods {
            for (_, port) in &to.ports {
                if reaches(manifests, from, to, *port) {
                    calls.insert((from.title.clone(), to.title.clone(), *port));
                }
            }
        }
    }
    calls
}

#[test]
fn whoever_has_an_address_reaches_it_and_nobody_else_does() {
    for overlay in OVERLAYS {
        let manifests = Manifests::of(overlay);
        let pods = pods(&manifests);
        let mut needed = needed(&manifests, &pods).0;
        needed.extend(among_servers(&manifests));
        let allowed = allowed(&manifests, &pods);
        let missing: Vec<_> = needed.difference(&allowed).collect();
        assert!(missing.is_empty(), "{overlay}: no policy allows {missing:?}");
        let more: Vec<_> = allowed.difference(&needed).collect();
        assert!(more.is_empty(), "{overlay}: nobody needs {more:?}");
        assert!(allowed.len() > 20, "{overlay}: {} calls", allowed.len());
    }
}

#[test]
fn only_accounts_calls_outside_and_only_the_way_in_leads_in() {
    for overlay in OVERLAYS {
        let manifests = Manifests::of(overlay);
        let pods = pods(&manifests);
        let out = needed(&manifests, &pods).1;
        for pod in &pods {
            let title = format!("{overlay}: {}", pod.title);
            let by_operator =
                ["Cluster ", "Pooler ", "RabbitmqCluster "].iter().any(|kind| pod.title.starts_with(kind));
            for port in network::ports(&manifests).chain([22, 25, 80, 8443]).collect::<BTreeSet<_>>() {
                let leaves = reaches_out(&manifests, pod, Side::Address("203.0.113.7"), port);
                // Where mail may go, both ways of TLS are open; what operators run asks the Kubernetes API.
                let sends = out.iter().any(|(from, _)| *from == pod.title) && [465, 587].contains(&port);
                let fetches = pod.title == "Deployment accounts" && port == 443;
                assert_eq!(
                    leaves,
                    sends || fetches || (by_operator && [443, 6443].contains(&port)),
                    "{title}: {port} outside"
                );
                let near = reaches_out(&manifests, pod, Side::Address("169.254.169.254"), port);
                assert!(!near || by_operator, "{title}: the machine's credentials");
            }
            let inside = ["10.0.0.7", "192.168.0.7"];
            let inside = inside.map(|address| reaches_out(&manifests, pod, Side::Address(address), 443));
            assert!(by_operator || inside == [false; 2], "{title}: what is not public");
            assert!(reaches_out(&manifests, pod, Side::Namespace("kube-system"), 53), "{title}: names");
            for (_, port) in &pod.ports {
                let from = |namespace: &str| is_reached(&manifests, Side::Namespace(namespace), pod, *port);
                let is_service =
                    pod.labels.get("app.kubernetes.io/component").is_some_and(|part| part == "service");
                let measured =
                    (is_service && *port == 9000) || (by_operator && [9187, 9127, 15692].contains(port));
                assert_eq!(from("monitoring"), measured, "{title}: {port} is scraped");
                assert_eq!(
                    from("traefik"),
                    overlay == "prod" && *port == 8080,
                    "{title}: {port} from the ingress"
                );
                assert!(!from("default"), "{title}: {port} from anywhere");
            }
        }
        let mail: Vec<_> = out.iter().map(|(from, _)| from.as_str()).collect();
        let expected: &[&str] = if overlay == "prod" { &["Deployment accounts"] } else { &[] };
        assert_eq!(mail, expected, "{overlay}: who calls outside");
        assert!(out.iter().all(|(_, port)| [465, 587].contains(port)), "{overlay}: {out:?}");
    }
}

#[test]
fn a_call_that_is_not_allowed_or_not_needed_is_noticed() {
    let mut manifests = Manifests::of("prod");
    let pods = pods(&manifests);
    manifests.part("NetworkPolicy", "reminders", "/spec")["egress"] = json!([]);
    let call = ("Deployment reminders".to_owned(), "Deployment accounts".to_owned(), 50051);
    assert!(needed(&manifests, &pods).0.contains(&call) && !allowed(&manifests, &pods).contains(&call));
    let values = "/spec/podSelector/matchExpressions/0/values";
    *manifests.part("NetworkPolicy", "to-keys-pooler", values) = json!(["accounts", "journal", "content"]);
    let door = "/spec/ingress/0/from/0/podSelector/matchExpressions/0/values";
    *manifests.part("NetworkPolicy", "keys-pooler", door) = json!(["accounts", "journal", "content"]);
    let call = ("Deployment content".to_owned(), "Pooler keys-pooler".to_owned(), 5432);
    assert!(!needed(&manifests, &pods).0.contains(&call) && allowed(&manifests, &pods).contains(&call));
}

#[test]
fn what_a_rule_does_not_limit_it_allows() {
    let right = Manifests::of("prod");
    let pods = pods(&right);
    let pod = |title: &str| pods.iter().find(|pod| pod.title == title).unwrap();
    let (journal, content) = (pod("Deployment journal"), pod("Deployment content"));
    let exact = json!([{
        "from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "content"}}}],
        "ports": [{"port": 50051}],
    }]);
    let with = |changes: &[(&str, Option<serde_json::Value>)]| {
        let mut manifests = right.clone();
        manifests.part("NetworkPolicy", "content", "/spec")["egress"] = json!([{}]);
        let rules = manifests.part("NetworkPolicy", "journal", "/spec/ingress");
        *rules = exact.clone();
        for (place, value) in changes {
            let (inside, key) = place.rsplit_once('/').unwrap();
            let inside = rules.pointer_mut(inside).unwrap().as_object_mut().unwrap();
            match value {
                Some(value) => _ = inside.insert(key.to_owned(), value.clone()),
                None => _ = inside.remove(key),
            }
        }
        let ports = [50051, 50055].map(|port| reaches(&manifests, content, journal, port));
        let outside = [Side::Namespace("default"), Side::Address("10.1.2.3"), Side::Address("172.40.0.1")];
        (ports, outside.map(|side| is_reached(&manifests, side, journal, 50051)))
    };
    let nobody = [false; 3];
    assert_eq!(with(&[]), ([true, false], nobody));
    assert_eq!(with(&[("/0/ports", None)]), ([true, true], nobody), "no ports");
    assert_eq!(with(&[("/0/ports/0/port", None)]), ([true, true], nobody), "no number");
    assert_eq!(with(&[("/0/ports/0/endPort", Some(json!(50060)))]), ([true, true], nobody), "a range");
    assert_eq!(with(&[("/0/ports/0/endPort", Some(json!(50052)))]), ([true, false], nobody), "a small range");
    assert_eq!(with(&[("/0/from", None)]), ([true, false], [true; 3]), "nobody named");
    assert_eq!(with(&[("/0/from", None), ("/0/ports", None)]), ([true, true], [true; 3]), "nothing");
    let spaces = json!([{"namespaceSelector": {}}]);
    assert_eq!(with(&[("/0/from", Some(spaces))]), ([true, false], [true, false, false]), "all namespaces");
    let block = json!([{"ipBlock": {"cidr": "10.0.0.0/8"}}]);
    assert_eq!(with(&[("/0/from", Some(block))]), ([false, false], [false, true, false]), "a block");
    let spared = json!([{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["172.16.0.0/12", "10.0.0.0/8"]}}]);
    assert_eq!(with(&[("/0/from", Some(spared))]), ([false, false], [false, false, true]), "what is spared");
}
