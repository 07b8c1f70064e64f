//! No manifest breaks a rule, and every rule is noticed when it is broken.

use crate::manifests::{Manifests, OVERLAYS, name, text};
use crate::rules::broken;
use serde_json::{Value, json};

#[test]
fn every_manifest_keeps_the_rules() {
    for overlay in OVERLAYS {
        let broken = broken(&Manifests::of(overlay));
        assert!(broken.is_empty(), "\n{overlay}: {}\n", broken.join("\n"));
    }
}

/// A change, and what is said of it.
type Mistake = (&'static str, fn(&mut Manifests));

fn forget(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key).expect("it was there");
}

const CONTAINER: &str = "/spec/template/spec/containers/0";
const LOOSE: &str =
    "Deployment accounts, container candor: has a security context that is not the strict one";

/// The security context of accounts' container.
fn in_accounts(all: &mut Manifests) -> &mut Value {
    &mut all.part("Deployment", "accounts", CONTAINER)["securityContext"]
}

/// A manifest of a kind that is nowhere yet.
fn other(kind: &str, spec: Value) -> Value {
    json!({"kind": kind, "metadata": {"name": "tidy", "namespace": "candor"}, "spec": spec})
}

const MISTAKES: &[Mistake] = &[
    ("Deployment journal, container candor: has no readinessProbe", |all| {
        forget(all.part("Deployment", "journal", CONTAINER), "readinessProbe");
    }),
    ("its livenessProbe asks a port that it does not have", |all| {
        all.part("Deployment", "journal", CONTAINER)["livenessProbe"]["grpc"]["port"] = json!(50052);
    }),
    ("its readinessProbe asks for what no service answers", |all| {
        all.part("Deployment", "gateway", CONTAINER)["readinessProbe"]["httpGet"]["path"] = json!("/healthz");
    }),
    ("Job journal-migrate, container candor: has no limit", |all| {
        forget(&mut all.part("Job", "journal-migrate", CONTAINER)["resources"]["limits"], "memory");
    }),
    ("Deployment content, container candor: has no request", |all| {
        forget(&mut all.part("Deployment", "content", CONTAINER)["resources"], "requests");
    }),
    ("Deployment accounts: may run as root", |all| {
        forget(all.part("Deployment", "accounts", "/spec/template/spec/securityContext"), "runAsNonRoot");
    }),
    ("Deployment accounts: has no user other than root", |all| {
        all.part("Deployment", "accounts", "/spec/template/spec/securityContext")["runAsUser"] = json!(0);
    }),
    ("Deployment accounts: has no seccomp profile", |all| {
        let profile = "/spec/template/spec/securityContext/seccompProfile";
        all.part("Deployment", "accounts", profile)["type"] = json!("Unconfined");
    }),
    ("Deployment accounts: has a loose security context", |all| {
        let context = all.part("Deployment", "accounts", "/spec/template/spec/securityContext");
        context["supplementalGroups"] = json!([0]);
    }),
    (LOOSE, |all| forget(in_accounts(all), "allowPrivilegeEscalation")),
    (LOOSE, |all| forget(in_accounts(all), "readOnlyRootFilesystem")),
    (LOOSE, |all| forget(in_accounts(all), "capabilities")),
    (LOOSE, |all| in_accounts(all)["capabilities"]["add"] = json!(["NET_ADMIN"])),
    (LOOSE, |all| in_accounts(all)["runAsUser"] = json!(0)),
    (LOOSE, |all| in_accounts(all)["privileged"] = json!(true)),
    (LOOSE, |all| in_accounts(all)["seccompProfile"] = json!({"type": "Unconfined"})),
    (LOOSE, |all| forget(all.part("Deployment", "accounts", CONTAINER), "securityContext")),
    ("Deployment gateway, container candor: takes a port of its machine", |all| {
        all.part("Deployment", "gateway", CONTAINER)["ports"][0]["hostPort"] = json!(8080);
    }),
    ("CronJob tidy has a pod that no rule looks at", |all| {
        let template = json!({"spec": {"containers": [{"name": "x"}]}});
        all.all.push(other("CronJob", json!({"jobTemplate": {"spec": {"template": template}}})));
    }),
    ("DaemonSet tidy has a pod that no rule looks at", |all| {
        all.all.push(other("DaemonSet", json!({"template": {"spec": {"containers": [{"name": "x"}]}}})));
    }),
    ("Pod tidy has a pod that no rule looks at", |all| {
        all.all.push(other("Pod", json!({"containers": [{"name": "x"}]})));
    }),
    ("has a volume that is not allowed", |all| {
        all.part("Deployment", "journal", "/spec/template/spec/volumes/0")["hostPath"] = json!({"path": "/"});
    }),
    ("Deployment gateway, container candor: has an image without a version", |all| {
        all.part("Deployment", "gateway", CONTAINER)["image"] = json!("candor/gateway:latest");
    }),
    ("Service journal has no pods behind it", |all| {
        all.part("Service", "journal", "/spec/selector")["app.kubernetes.io/name"] = json!("jurnal");
    }),
    ("Service gateway leads to a port that its pods do not have", |all| {
        all.part("Service", "gateway", "/spec/ports/0")["targetPort"] = json!("htpp");
    }),
    ("NetworkPolicy journal names a port that no container has: 50052", |all| {
        all.part("NetworkPolicy", "journal", "/spec/ingress/0/ports/0")["port"] = json!(50052);
    }),
    ("NetworkPolicy to-rabbitmq names a port that no container has: 5671", |all| {
        all.part("NetworkPolicy", "to-rabbitmq", "/spec/egress/0/ports/0")["port"] = json!(5671);
    }),
    ("NetworkPolicy content speaks of no pod", |all| {
        all.part("NetworkPolicy", "content", "/spec/podSelector/matchLabels")["app.kubernetes.io/name"] =
            json!("x");
    }),
    ("no policy denies what none allows", |all| {
        all.part("NetworkPolicy", "deny-all", "/spec")["egress"] = json!([{}]);
    }),
    ("NetworkPolicy journal allows every port", |all| {
        forget(all.part("NetworkPolicy", "journal", "/spec/ingress/0"), "ports");
    }),
    ("NetworkPolicy journal allows every port", |all| {
        forget(all.part("NetworkPolicy", "journal", "/spec/egress/0/ports/0"), "port");
    }),
    ("NetworkPolicy journal allows everybody", |all| {
        forget(all.part("NetworkPolicy", "journal", "/spec/ingress/0"), "from");
    }),
    ("NetworkPolicy journal allows everybody", |all| {
        all.part("NetworkPolicy", "journal", "/spec/egress/0")["to"] = json!([]);
    }),
    ("NetworkPolicy names allows everybody", |all| {
        all.part("NetworkPolicy", "names", "/spec")["egress"] = json!([{}]);
    }),
    ("NetworkPolicy names allows every port", |all| {
        all.part("NetworkPolicy", "names", "/spec")["egress"] = json!([{}]);
    }),
    ("NetworkPolicy scrape allows every namespace", |all| {
        all.part("NetworkPolicy", "scrape", "/spec/ingress/0")["from"] = json!([{"namespaceSelector": {}}]);
    }),
    ("NetworkPolicy journal allows a range of ports", |all| {
        all.part("NetworkPolicy", "journal", "/spec/ingress/0/ports/0")["endPort"] = json!(50060);
    }),
    ("NetworkPolicy to-client-keys allows addresses that are not on the list: \"10.0.0.0/8\"", |all| {
        all.part("NetworkPolicy", "to-client-keys", "/spec/egress/0/to/0")["ipBlock"] =
            json!({"cidr": "10.0.0.0/8"});
    }),
    ("NetworkPolicy to-client-keys allows addresses that are not on the list: \"::/0\"", |all| {
        all.part("NetworkPolicy", "to-client-keys", "/spec/egress/0/to/0")["ipBlock"] =
            json!({"cidr": "::/0"});
    }),
    ("reminders has no PodDisruptionBudget", |all| {
        all.all.retain(|manifest| {
            text(manifest, "/kind") != "PodDisruptionBudget" || name(manifest) != "reminders"
        });
    }),
    ("content has no migration of the same image", |all| {
        all.part("Job", "content-migrate", CONTAINER)["image"] = json!("candor/content:older");
    }),
    ("a Secret is committed", |all| {
        all.all.push(json!({"kind": "Secret", "metadata": {"name": "x", "namespace": "candor"}}));
    }),
    ("ConfigMap journal changes under pods that run", |all| {
        let map = all.settings_of("journal");
        all.part("ConfigMap", &map, "/metadata")["name"] = json!("journal");
    }),
    ("the namespace does not enforce the restricted standard", |all| {
        all.part("Namespace", "candor", "/metadata/labels")["pod-security.kubernetes.io/enforce"] =
            json!("baseline");
    }),
];

#[test]
fn every_mistake_is_noticed() {
    for overlay in OVERLAYS {
        let right = Manifests::of(overlay);
        for (said, make) in MISTAKES {
            let mut wrong = right.clone();
            make(&mut wrong);
            let found = broken(&wrong);
            assert!(found.iter().any(|sentence| sentence.contains(said)), "{overlay}: {said}: {found:?}");
        }
    }
    let mut wrong = Manifests::of("prod");
    wrong.part("Pooler", "postgres-pooler", "/spec/pgbouncer/parameters")["default_pool_size"] = json!("40");
    assert!(
        broken(&wrong).iter().any(|sentence| sentence.contains("more connections than its server takes"))
    );
    wrong.part("HorizontalPodAutoscaler", "journal", "/spec/scaleTargetRef")["name"] = json!("jurnal");
    assert!(
        broken(&wrong)
            .iter()
            .any(|sentence| sentence.contains("HorizontalPodAutoscaler journal has nothing"))
    );
}
