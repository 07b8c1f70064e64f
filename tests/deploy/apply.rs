//! `deploy/k8s/apply`, with a kubectl that notes what it is told: servers and settings, migrations, services; and nothing
//! of the services where a migration fails.

use crate::manifests::{OVERLAYS, documents, list, name, root, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Renders as kubectl does; notes everything else, and fails at the word in `FAILS`.
const STUB: &str = r#"#!/usr/bin/env bash
set -eu
if [ "$1" = kustomize ]; then exec "$REAL" "$@"; fi
echo "$*" >>"$NOTES"
case "$1" in apply) cp "$3" "$NOTES.yaml" ;; esac
case " $* " in *" $FAILS "*) exit 1 ;; esac
"#;

/// What a run of `apply` did.
struct Run {
    succeeded: bool,
    calls: Vec<String>,
    manifests: Vec<Value>,
}

fn apply(overlay: &str, fails: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let (stub, notes) = (folder.path().join("kubectl"), folder.path().join("notes"));
    std::fs::write(&stub, STUB).unwrap();
    std::fs::set_permissions(&stub, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(root().join("deploy/k8s/apply"));
    command.arg(overlay).env("PATH", path).env("NOTES", &notes).env("FAILS", fails);
    let output = command.env("REAL", kubectl()).output().unwrap();
    let calls = std::fs::read_to_string(&notes).unwrap();
    let manifests = std::fs::read_to_string(folder.path().join("notes.yaml")).unwrap();
    Run {
        succeeded: output.status.success(),
        calls: calls.lines().map(without_file).collect(),
        manifests: documents(&manifests),
    }
}

/// The kubectl that `.ci/tools` installs, which is there once anything was rendered.
fn kubectl() -> std::path::PathBuf {
    crate::manifests::Manifests::of("dev");
    root().join("target/tools/kubectl")
}

/// A call without the name of the temporary file.
fn without_file(call: &str) -> String {
    let words: Vec<&str> = call.split(' ').filter(|word| !word.starts_with('/')).collect();
    words.join(" ")
}

const COMPONENT: &str = "app.kubernetes.io/component";

/// What a call of `apply` takes of the manifests, as kubectl understands the selector.
fn taken<'a>(run: &'a Run, call: &str) -> Vec<&'a Value> {
    let (_, selector) = call.split_once(&format!("--selector {COMPONENT} ")).expect("a selector");
    let (operator, values) = selector.split_once(" (").unwrap();
    let values: Vec<&str> = values.trim_end_matches(')').split(',').collect();
    let is_one = |manifest: &Value| {
        let value = text(manifest, "/metadata/labels/app.kubernetes.io~1component");
        values.contains(&value)
    };
    let wanted = match operator {
        "in" => true,
        "notin" => false,
        other => panic!("{other} is not understood here"),
    };
    run.manifests.iter().filter(|manifest| is_one(manifest) == wanted).collect()
}

fn kinds<'a>(manifests: &[&'a Value]) -> BTreeSet<&'a str> {
    manifests.iter().map(|manifest| text(manifest, "/kind")).collect()
}

#[test]
fn migrations_come_after_settings_and_before_services() {
    for overlay in OVERLAYS {
        let run = apply(overlay, "nothing");
        assert!(run.succeeded, "{overlay}: {:?}", run.calls);
        let expected = [
            format!("apply --filename --selector {COMPONENT} notin (migration,service)"),
            format!("--namespace candor delete job --selector {COMPONENT}=migration --ignore-not-found"),
            format!("apply --filename --selector {COMPONENT} in (migration)"),
            format!(
                "--namespace candor wait job --selector {COMPONENT}=migration --for=condition=complete --timeout=30m"
            ),
            format!("apply --filename --selector {COMPONENT} in (service)"),
            format!(
                "--namespace candor rollout status deployment --selector {COMPONENT}=service --timeout=10m"
            ),
        ];
        assert_eq!(run.calls, expected, "{overlay}");
        let [first, migrations, services] = [0, 2, 4].map(|at| taken(&run, &run.calls[at]));
        assert_eq!((kinds(&migrations), migrations.len()), (["Job"].into(), 4), "{overlay}");
        assert_eq!((kinds(&services), services.len()), (["Deployment"].into(), 5), "{overlay}");
        assert!(kinds(&first).contains("ConfigMap") && !kinds(&first).contains("Job"), "{overlay}");
        assert_eq!(
            first.len() + migrations.len() + services.len(),
            run.manifests.len(),
            "{overlay}: all of it"
        );
    }
}

#[test]
fn nothing_of_the_services_is_touched_when_a_migration_fails() {
    for fails in ["wait", "delete"] {
        let run = apply("prod", fails);
        assert!(!run.succeeded);
        let last = run.calls.last().unwrap();
        assert!(last.contains(&format!(" {fails} ")), "nothing comes after {fails}: {:?}", run.calls);
        assert!(run.calls.iter().all(|call| !call.contains("service)") || call.contains("notin")));
        assert!(run.calls.iter().all(|call| !call.contains("configmap")), "settings of before stay");
    }
}

/// The manifests that pods of ours come from, with what each says of its pods.
fn pods_of(folder: &Path, overlay: &str) -> Vec<(String, Value)> {
    let output = Command::new(kubectl()).arg("kustomize").arg(folder.join("overlays").join(overlay)).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifests = documents(&String::from_utf8(output.stdout).unwrap());
    let ours = manifests.into_iter().filter(|manifest| {
        list(manifest, "/spec/template/spec/containers")
            .iter()
            .any(|container| text(container, "/image").starts_with("candor/"))
    });
    ours.map(|manifest| {
        (format!("{} {}", text(&manifest, "/kind"), name(&manifest)), manifest["spec"]["template"].clone())
    })
    .collect()
}

#[test]
fn a_changed_setting_makes_new_pods_of_those_who_read_it_and_of_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("k8s");
    let copied = Command::new("cp").arg("-r").arg(root().join("deploy/k8s")).arg(&copy).status().unwrap();
    assert!(copied.success());
    let before = pods_of(&copy, "prod");
    let changed = |file: &str, line: &str| -> Vec<String> {
        let file = copy.join(file);
        let right = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{right}{line}\n")).unwrap();
        let after = pods_of(&copy, "prod");
        std::fs::write(&file, right).unwrap();
        let new = before.iter().zip(after).filter(|(before, after)| *before != after);
        new.map(|(before, _)| before.0.clone()).collect()
    };
    let journal_s = ["Deployment journal", "Job journal-migrate"];
    assert_eq!(changed("base/journal.env", "LIMITS__CALLS_IN_FLIGHT=7"), journal_s);
    assert_eq!(changed("overlays/prod/gateway.env", "GATEWAY__MORE=1"), ["Deployment gateway"]);
    let databases = changed("overlays/prod/databases.env", "more=1");
    assert_eq!(databases.len(), 8, "whoever has a database: {databases:?}");
}
