//! Who may depend on whom.

use crate::sources::{SERVICES, SHARED, files, refuse, root};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Each workspace crate with its normal (not development) dependencies.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |v: &Value| v["name"].as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            let normal =
                p["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].as_str() != Some("dev"));
            (name(p), normal.map(name).collect())
        })
        .collect()
}

/// `dependency` may stand only in the crates of `allowed`.
fn only(dependency: &str, allowed: &[&str], instead: &str) {
    let broken: Vec<_> = dependencies()
        .into_iter()
        .filter(|(name, deps)| deps.iter().any(|d| d == dependency) && !allowed.contains(&name.as_str()))
        .map(|(name, _)| format!("{name} depends on {dependency}"))
        .collect();
    refuse(&broken, instead);
}

#[test]
fn a_service_never_depends_on_a_service() {
    for service in SERVICES.iter().chain(&["gateway"]) {
        only(
            service,
            &["candor", "candor-tests"],
            "learn it from an event into a projection, or let the gateway call it",
        );
    }
}

#[test]
fn each_technology_has_one_home() {
    // The benchmark measures what they do without us.
    only("lapin", &["bus", "candor-bench"], "publish and consume through bus");
    only("aes-gcm", &["vault"], "seal and open through vault");
    only("axum", &["gateway"], "HTTP belongs to the gateway");
    only("lettre", &["mail"], "send through mail");
    only("argon2", &["accounts", "candor-bench"], "passwords belong to accounts");
    only("clap", &["candor"], "the services have no command line of their own");
}

#[test]
fn the_gateway_has_no_database() {
    let deps = dependencies();
    for forbidden in ["sqlx", "bus", "vault"] {
        assert!(
            !deps["gateway"].iter().any(|d| d == forbidden),
            "gateway depends on {forbidden}: keep state in accounts"
        );
    }
}

#[test]
fn shared_crates_know_nothing_of_the_services() {
    let deps = dependencies();
    for shared in SHARED {
        for service in SERVICES {
            assert!(
                !deps[shared].iter().any(|d| d == service),
                "{shared} depends on {service}: turn it around"
            );
        }
    }
    // The kinds of account are not among them: a passport says which of them calls.
    let nouns = ["journal", "couple", "partner", "mood", "barrier", "reminder", "article", "check_in"];
    let mut broken = Vec::new();
    for shared in SHARED {
        for file in files(&format!("services/shared/{shared}/src"), ".rs") {
            // The words inside string literals are examples and test data, not knowledge.
            let code: String =
                file.shipped().split('"').step_by(2).collect::<Vec<_>>().join(" ").to_lowercase();
            broken.extend(
                nouns.iter().filter(|n| code.contains(**n)).map(|n| format!("{} says `{n}`", file.path)),
            );
        }
    }
    refuse(&broken, "a shared crate holds no domain noun: move the knowledge into the service");
}

#[test]
fn generated_clients_are_for_the_gateway() {
    // Fetching the keys that verify passports is the one call any service makes to another; the demonstration is
    // lived from outside, as two members live it.
    let allowed = ["services/shared/chassis/src/identity", "services/candor/src/demo"];
    let mut broken = Vec::new();
    for folder in ["accounts", "journal", "reminders", "content", "shared", "candor"] {
        for file in files(&format!("services/{folder}"), ".rs") {
            let is_allowed = allowed.iter().any(|folder| file.path.starts_with(folder));
            if file.path.contains("/src/") && file.shipped().contains("_client::") && !is_allowed {
                broken.push(file.path);
            }
        }
    }
    refuse(&broken, "a service learns from events; only the gateway calls services");
}
