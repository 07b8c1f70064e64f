//! The rules that every manifest keeps; `mistakes` has the proof that each is noticed when it is broken.

use crate::manifests::{Manifests, WORKLOADS, Workload, list, name, text, texts};
use crate::network;
use crate::pods::{has, pods, selects, services};
use serde_json::{Value, json};

/// Everything that breaks a rule, in sentences.
pub(crate) fn broken(manifests: &Manifests) -> Vec<String> {
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
    broken.extend(pods_of_other_kinds(manifests));
    let pods = pods(manifests);
    broken.extend(services_lead_nowhere(manifests));
    broken.extend(network::broken(manifests, &pods));
    broken.extend(companions_miss(manifests));
    broken.extend(whole_is_loose(manifests));
    broken
}

/// Pods that the rules would not look at: those of a `CronJob`, of nobody, or described within an operator's kind.
fn pods_of_other_kinds(manifests: &Manifests) -> impl Iterator<Item = String> {
    let others = manifests
        .all
        .iter()
        .filter(|manifest| !WORKLOADS.contains(&text(manifest, "/kind")) && has_pod(manifest));
    others.map(|manifest| {
        format!("{} {} has a pod that no rule looks at", text(manifest, "/kind"), name(manifest))
    })
}

/// Whether containers are described anywhere within.
fn has_pod(value: &Value) -> bool {
    match value {
        Value::Object(parts) => {
            parts.iter().any(|(key, part)| (key == "containers" && part.is_array()) || has_pod(part))
        }
        Value::Array(parts) => parts.iter().any(has_pod),
        _ => false,
    }
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
    demand(context["seccompProfile"] == json!({"type": "RuntimeDefault"}), "has no seccomp profile");
    let known =
        ["runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "fsGroupChangePolicy", "seccompProfile"];
    let parts = context.as_object().into_iter().flatten();
    demand(parts.into_iter().all(|(part, _)| known.contains(&part.as_str())), "has a loose security context");
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
    // As a whole: whatever else were in it would loosen what the pod says.
    let strict = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]},
    });
    let own_ports = list(container, "/ports")
        .iter()
        .all(|port| port.get("hostPort").is_none() && port.get("hostIP").is_none());
    let amount = |pointer: &str| !text(container, pointer).is_empty();
    let image = text(container, "/image");
    let rules = [
        (container["securityContext"] == strict, "has a security context that is not the strict one"),
        (own_ports, "takes a port of its machine"),
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

/// Whether a name ends as generated ones do.
fn is_hashed(name: &str) -> bool {
    let hash = name.rsplit('-').next().unwrap_or_default();
    hash.len() == 10 && hash.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
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
    // A name without the hash of the content would stay the same for pods that run, whatever is in it.
    let fixed = manifests.kind("ConfigMap").map(name).filter(|name| !is_hashed(name));
    broken.extend(fixed.map(|name| format!("ConfigMap {name} changes under pods that run")));
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
