//! The rules that every manifest keeps, and proof that each is noticed when it is broken.

use crate::manifests::{Manifests, OVERLAYS, Workload, list, name, text, texts};
use crate::network;
use crate::pods::{has, pods, selects, services};
use serde_json::{Value, json};

/// Everything that breaks a rule, in sentences.
fn broken(manifests: &Manifests) -> Vec<String> {
    let mut broken = Vec::new();
    for workload in manifests.workloads() {
        broken.extend(pod_is_loose(manifests, workload));
        for container in workload.containers() {
            let title = format!("{}, container {}", workload.title(), text(container, "/name"));
            broken.extend(container_is_loose(container).into_iter().map(|what| format!("{title}: {what}")));
            if workload.kind() != "Job" {
                broken.extend(probes_miss(container).into_iter().map(|what| format!("{title}: {what}")));
            }
        }
    }
    let pods = pods(manifests);
    broken.extend(services_lead_nowhere(manifests));
    broken.extend(network::broken(manifests, &pods));
    broken.extend(companions_miss(manifests));
    broken.extend(whole_is_loose(manifests));
    broken
}

/// What of its pods is more than the restricted standard of Kubernetes and this house allow.
fn pod_is_loose(manifests: &Manifests, workload: Workload<'_>) -> Vec<String> {
    let (pod, title) = (workload.pod(), workload.title());
    let mut loose = Vec::new();
    let mut demand = |holds: bool, what: &str| {
        if !holds {
            loose.push(format!("{title}: {what}"));
        }
    };
    let context = &pod["securityContext"];
    demand(context["runAsNonRoot"] == true, "may run as root");
    demand(context["runAsUser"].as_u64().is_some_and(|user| user > 0), "has no user other than root");
    demand(text(context, "/seccompProfile/type") == "RuntimeDefault", "has no seccomp profile");
    demand(pod["automountServiceAccountToken"] == false, "gets a token of the Kubernetes API");
    let account = text(pod, "/serviceAccountName");
    let own = manifests.find("ServiceAccount", account);
    demand(
        own.is_some_and(|account| account["automountServiceAccountToken"] == false),
        "has no account of its own",
    );
    for forbidden in ["hostNetwork", "hostPID", "hostIPC"] {
        demand(pod.get(forbidden).is_none(), "shares something with its machine");
    }
    let allowed = ["name", "secret", "configMap", "emptyDir", "projected"];
    let kinds = list(pod, "/volumes").iter().filter_map(Value::as_object).flat_map(|volume| volume.keys());
    demand(
        kinds.into_iter().all(|kind| allowed.contains(&kind.as_str())),
        "has a volume that is not allowed",
    );
    loose
}

fn container_is_loose(container: &Value) -> Vec<&'static str> {
    let context = &container["securityContext"];
    let amount = |pointer: &str| !text(container, pointer).is_empty();
    let image = text(container, "/image");
    let rules = [
        (context["allowPrivilegeEscalation"] == false, "may gain privileges"),
        (context["readOnlyRootFilesystem"] == true, "may write to its image"),
        (context["capabilities"]["drop"] == json!(["ALL"]), "keeps capabilities"),
        (
            context.get("runAsUser").is_none() && context.get("runAsNonRoot").is_none(),
            "has a user of its own",
        ),
        (amount("/resources/requests/cpu") && amount("/resources/requests/memory"), "has no request"),
        (amount("/resources/limits/cpu") && amount("/resources/limits/memory"), "has no limit"),
        (image.rsplit_once(':').is_some_and(|(_, tag)| tag != "latest"), "has an image without a version"),
    ];
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect()
}

/// What of the three probes misses, or asks where nobody answers.
fn probes_miss(container: &Value) -> Vec<String> {
    let ports = list(container, "/ports");
    let is_open =
        |wanted: &Value| ports.iter().any(|port| port["containerPort"] == *wanted || port["name"] == *wanted);
    let mut missing = Vec::new();
    for kind in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let Some(probe) = container.get(kind) else {
            missing.push(format!("has no {kind}"));
            continue;
        };
        let asked = probe.pointer("/httpGet/port").or(probe.pointer("/grpc/port"));
        if asked.is_some_and(|port| !is_open(port)) {
            missing.push(format!("its {kind} asks a port that it does not have"));
        }
        if !text(container, "/image").starts_with("candor/") {
            continue;
        }
        let answers = match (kind, text(probe, "/httpGet/path"), text(probe, "/grpc/service")) {
            ("readinessProbe", path, "") => path == "/servez",
            (_, "", service) => service == chassis::serve::LIVENESS,
            (_, path, _) => path == "/livez",
        };
        if !answers {
            missing.push(format!("its {kind} asks for what no service answers"));
        }
    }
    missing
}

fn services_lead_nowhere(manifests: &Manifests) -> Vec<String> {
    let pods = pods(manifests);
    let mut broken = Vec::new();
    for service in services(manifests) {
        let behind: Vec<_> = pods.iter().filter(|pod| has(&pod.labels, &service.selector)).collect();
        if behind.is_empty() || service.selector.is_empty() {
            broken.push(format!("Service {} has no pods behind it", service.name));
        }
        for (_, target) in &service.ports {
            if behind.iter().any(|pod| pod.port(target).is_none()) {
                broken.push(format!("Service {} leads to a port that its pods do not have", service.name));
            }
        }
    }
    broken
}

/// What a service of ours has beside its Deployment.
fn companions_miss(manifests: &Manifests) -> Vec<String> {
    let mut broken = Vec::new();
    let image = |workload: &Value| text(workload, "/spec/template/spec/containers/0/image").to_owned();
    for workload in
        manifests.workloads().filter(|workload| workload.is_ours() && workload.kind() == "Deployment")
    {
        let (deployment, service) = (workload.0, workload.name());
        let protects = |budget: &Value| selects(&budget["spec"]["selector"], &workload.labels());
        if !manifests.kind("PodDisruptionBudget").any(protects) {
            broken.push(format!("{service} has no PodDisruptionBudget"));
        }
        if manifests.find("Service", service).is_none() {
            broken.push(format!("{service} has no Service"));
        }
        let migrates = manifests.find("Job", &format!("{service}-migrate"));
        if service != "gateway" && migrates.is_none_or(|job| image(job) != image(deployment)) {
            broken.push(format!("{service} has no migration of the same image"));
        }
        let step = |manifest: Option<&Value>, wanted: &str| {
            manifest.is_none_or(|manifest| {
                text(manifest, "/metadata/labels/app.kubernetes.io~1component") == wanted
            })
        };
        if !step(Some(deployment), "service") || !step(migrates, "migration") {
            broken.push(format!("deploy/k8s/apply does not know when {service} comes"));
        }
    }
    for scaler in manifests.kind("HorizontalPodAutoscaler") {
        let target = manifests.find("Deployment", text(scaler, "/spec/scaleTargetRef/name"));
        if target.is_none_or(|target| target["spec"].get("replicas").is_some()) {
            broken.push(format!("HorizontalPodAutoscaler {} has nothing to scale", name(scaler)));
        }
    }
    for budget in manifests.kind("PodDisruptionBudget") {
        if !pods(manifests).iter().any(|pod| selects(&budget["spec"]["selector"], &pod.labels)) {
            broken.push(format!("PodDisruptionBudget {} protects nothing", name(budget)));
        }
    }
    broken
}

fn whole_is_loose(manifests: &Manifests) -> Vec<String> {
    let mut broken = Vec::new();
    if manifests.kind("Secret").next().is_some() {
        broken.push("a Secret is committed".to_owned());
    }
    let labels = manifests.find("Namespace", "candor").map(|namespace| texts(namespace, "/metadata/labels"));
    for mode in ["enforce", "audit", "warn"] {
        let label = format!("pod-security.kubernetes.io/{mode}");
        if labels.as_ref().and_then(|labels| labels.get(&label)).map(String::as_str) != Some("restricted") {
            broken.push(format!("the namespace does not {mode} the restricted standard"));
        }
    }
    let elsewhere = manifests.all.iter().filter(|manifest| {
        text(manifest, "/kind") != "Namespace" && text(manifest, "/metadata/namespace") != "candor"
    });
    broken.extend(elsewhere.map(|manifest| format!("{} is not in the namespace", name(manifest))));
    let connections = |pooler: &Value, key: &str| {
        text(pooler, &format!("/spec/pgbouncer/parameters/{key}")).parse::<u64>().unwrap_or(u64::MAX)
    };
    for pooler in manifests.kind("Pooler") {
        let cluster = text(pooler, "/spec/cluster/name");
        let server = manifests.find("Cluster", cluster).expect("the pooler's cluster");
        let more =
            manifests.kind("Database").filter(|database| text(database, "/spec/cluster/name") == cluster);
        let databases = 1 + more.count() as u64;
        let pools = connections(pooler, "default_pool_size").saturating_mul(databases);
        let all = pools.saturating_mul(pooler["spec"]["instances"].as_u64().unwrap());
        let most = text(server, "/spec/postgresql/parameters/max_connections").parse::<u64>().unwrap();
        // Some are left for the operator, for replication and for migrations.
        if all + 20 > most {
            broken.push(format!("Pooler {} may open more connections than its server takes", name(pooler)));
        }
    }
    broken
}

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

const MISTAKES: [Mistake; 21] = [
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
    ("has a user of its own", |all| {
        all.part("Deployment", "accounts", CONTAINER)["securityContext"]["runAsUser"] = json!(0);
    }),
    ("keeps capabilities", |all| {
        forget(&mut all.part("Deployment", "accounts", CONTAINER)["securityContext"], "capabilities");
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
    ("NetworkPolicy journal: no container has port 50052", |all| {
        all.part("NetworkPolicy", "journal", "/spec/ingress/0/ports/0")["port"] = json!(50052);
    }),
    ("NetworkPolicy to-rabbitmq: no container has port 5671", |all| {
        all.part("NetworkPolicy", "to-rabbitmq", "/spec/egress/0/ports/0")["port"] = json!(5671);
    }),
    ("NetworkPolicy content speaks of no pod", |all| {
        all.part("NetworkPolicy", "content", "/spec/podSelector/matchLabels")["app.kubernetes.io/name"] =
            json!("x");
    }),
    ("no policy denies what none allows", |all| {
        all.part("NetworkPolicy", "deny-all", "/spec")["egress"] = json!([{}]);
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
