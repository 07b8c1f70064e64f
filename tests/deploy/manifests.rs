//! The manifests of an overlay, as kustomize renders them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The forms of an installation.
pub(crate) const OVERLAYS: [&str; 2] = ["dev", "prod"];

/// The kinds that run containers here.
pub(crate) const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "Job"];

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What a script of the repository prints.
pub(crate) fn printed(script: &str, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let mut command = Command::new(root().join(script));
    command.args(arguments).envs(settings.iter().copied()).stderr(Stdio::inherit());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{script} {arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The documents of YAML.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), yaml).unwrap();
    serde_json::from_str(&printed(".ci/as-json", &[file.path().to_str().unwrap()], &[])).unwrap()
}

/// The text at a pointer, empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a pointer, empty where there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of an object at a pointer.
pub(crate) fn texts(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    let object = value.pointer(pointer).and_then(Value::as_object);
    let entries = object.into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// The name of a manifest.
pub(crate) fn name(manifest: &Value) -> &str {
    text(manifest, "/metadata/name")
}

/// Everything one overlay applies.
#[derive(Clone)]
pub(crate) struct Manifests {
    pub(crate) overlay: &'static str,
    pub(crate) all: Vec<Value>,
}

impl Manifests {
    /// Renders an overlay, once.
    pub(crate) fn of(overlay: &'static str) -> Self {
        static RENDERED: LazyLock<Vec<Manifests>> = LazyLock::new(|| {
            let rendered = OVERLAYS.map(|overlay| {
                let all = documents(&printed(".ci/kustomize", &[overlay], &[]));
                Manifests { overlay, all }
            });
            rendered.into()
        });
        RENDERED.iter().find(|manifests| manifests.overlay == overlay).expect("an overlay").clone()
    }

    /// The manifests of a kind.
    pub(crate) fn kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.all.iter().filter(move |manifest| text(manifest, "/kind") == kind)
    }

    /// One manifest, if it is there.
    pub(crate) fn find(&self, kind: &str, wanted: &str) -> Option<&Value> {
        self.all.iter().find(|manifest| text(manifest, "/kind") == kind && name(manifest) == wanted)
    }

    /// What runs containers.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        self.all.iter().filter(|manifest| WORKLOADS.contains(&text(manifest, "/kind"))).map(Workload)
    }

    /// The `ConfigMap` that was generated under a name; its own has a hash of what is in it.
    pub(crate) fn settings_of(&self, service: &str) -> String {
        let found = self.kind("ConfigMap").map(name).find(|name| {
            name.strip_prefix(service)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|hash| hash.len() == 10)
        });
        found.unwrap_or_else(|| panic!("settings of {service} are generated")).to_owned()
    }

    /// One manifest's part, to be changed by a test that wants to see the change noticed.
    pub(crate) fn part(&mut self, kind: &str, wanted: &str, pointer: &str) -> &mut Value {
        let found =
            self.all.iter_mut().find(|manifest| text(manifest, "/kind") == kind && name(manifest) == wanted);
        let found = found.unwrap_or_else(|| panic!("{kind} {wanted} is there"));
        found.pointer_mut(pointer).unwrap_or_else(|| panic!("{kind} {wanted} has {pointer}"))
    }
}

/// A Deployment, StatefulSet or Job.
#[derive(Clone, Copy)]
pub(crate) struct Workload<'a>(pub(crate) &'a Value);

impl<'a> Workload<'a> {
    /// Kind and name.
    pub(crate) fn title(self) -> String {
        format!("{} {}", self.kind(), name(self.0))
    }

    pub(crate) fn kind(self) -> &'a str {
        text(self.0, "/kind")
    }

    pub(crate) fn name(self) -> &'a str {
        name(self.0)
    }

    /// The labels of its pods.
    pub(crate) fn labels(self) -> BTreeMap<String, String> {
        texts(self.0, "/spec/template/metadata/labels")
    }

    /// What its pods are.
    pub(crate) fn pod(self) -> &'a Value {
        &self.0["spec"]["template"]["spec"]
    }

    /// All containers of a pod.
    pub(crate) fn containers(self) -> impl Iterator<Item = &'a Value> {
        list(self.pod(), "/initContainers").iter().chain(list(self.pod(), "/containers"))
    }

    /// Whether its pods run programs of ours.
    pub(crate) fn is_ours(self) -> bool {
        self.containers().any(|container| text(container, "/image").starts_with("candor/"))
    }
}
