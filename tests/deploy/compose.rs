//! The compose form: what each process gets, in which order they come, and who finds whom.

use crate::manifests::{documents, list, printed, root, text, texts};
use crate::settings::{Environment, load};
use crate::traffic::place;
use serde_json::Value;
use std::collections::BTreeMap;

const SERVICES: [&str; 4] = ["accounts", "journal", "reminders", "content"];

fn file(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let [document] = documents(&text).try_into().expect("one document");
    document
}

fn compose() -> Value {
    file("deploy/compose.yaml")
}

/// What `deploy/secrets compose` writes into `.env`.
fn secrets() -> Environment {
    let made = printed("deploy/secrets", &["compose"], &[]);
    made.lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

/// A value with its `${NAME:?}` filled in; there is no other kind here.
fn filled(value: &str, secrets: &Environment) -> Result<String, String> {
    let mut parts = value.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(":?}").ok_or("a variable may be empty")?;
        text += secrets.get(name).ok_or(format!("deploy/secrets makes no {name}"))?;
        text += rest;
    }
    Ok(text)
}

fn environment(container: &Value, secrets: &Environment) -> Result<Environment, String> {
    let set = texts(container, "/environment").into_iter();
    set.map(|(key, value)| Ok((key, filled(&value, secrets)?))).collect()
}

/// The containers that run programs of ours: name, service, definition.
fn ours(compose: &Value) -> Vec<(String, String, Value)> {
    let containers = compose["services"].as_object().unwrap().iter();
    let ours = containers.filter_map(|(name, container)| {
        let service = text(container, "/image").strip_prefix("candor/")?;
        Some((name.clone(), service.to_owned(), container.clone()))
    });
    ours.collect()
}

#[test]
fn every_process_gets_settings_that_it_knows_and_that_suffice() {
    let (compose, secrets) = (compose(), secrets());
    let ours = ours(&compose);
    assert_eq!(ours.len(), 9, "five services, and four migrations");
    let mut public = Vec::new();
    for (name, service, container) in &ours {
        let settings = environment(container, &secrets).unwrap_or_else(|error| panic!("{name}: {error}"));
        let loaded = load(service, &settings, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(loaded.listen.address.ip().is_unspecified(), "{name}: others call it");
        assert_eq!(loaded.platform.ops.address.unwrap().port(), 9000, "{name}");
        public.extend(loaded.public_url);
        if let Some(file) = loaded.kek_file {
            assert_eq!(list(container, "/volumes"), ["kek:/kek:ro"], "{name}");
            assert_eq!(file.to_str(), Some("/kek/kek"), "{name}");
        }
        assert_eq!(text(container, "/build/args/BIN"), service, "{name}");
        assert_eq!(container["read_only"], true, "{name}");
        assert_eq!(list(container, "/cap_drop"), ["ALL"], "{name}");
    }
    public.dedup();
    assert_eq!(public, ["http://127.0.0.1:8080"], "one address, and the one that is published");
    assert_eq!(list(&compose, "/services/gateway/ports"), ["127.0.0.1:8080:8080"]);
    // A name that is not made, or one that nobody asks for, would be noticed.
    let asked = std::fs::read_to_string(root().join("deploy/compose.yaml")).unwrap();
    for name in secrets.keys() {
        assert!(asked.contains(&format!("${{{name}:?}}")), "nobody asks for {name}");
        let mut fewer = secrets.clone();
        fewer.remove(name);
        let containers = compose["services"].as_object().unwrap().values();
        assert!(
            containers.map(|one| environment(one, &fewer)).any(|made| made.is_err()),
            "{name} is not missed"
        );
    }
}

#[test]
fn every_migration_comes_before_anything_runs() {
    let compose = compose();
    for (name, service, container) in ours(&compose) {
        let waits: BTreeMap<String, &str> = container["depends_on"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(on, how)| (on.clone(), text(how, "/condition")))
            .collect();
        let command = list(&container, "/command");
        if name.ends_with("-migrate") {
            assert_eq!(command, ["migrate"], "{name}");
            assert_eq!(name, format!("{service}-migrate"));
            assert_eq!(
                (waits["postgres"], waits["rabbitmq"]),
                ("service_healthy", "service_healthy"),
                "{name}"
            );
            let keys =
                environment(&container, &secrets()).unwrap().keys().any(|key| key.contains("__VAULT__"));
            assert_eq!(waits.contains_key("keys"), keys, "{name}");
        } else {
            assert_eq!((name.as_str(), command), (service.as_str(), &[Value::from("run")][..]));
            for migrated in SERVICES {
                let how = waits[&format!("{migrated}-migrate")];
                assert_eq!(how, "service_completed_successfully", "{name} waits for {migrated}");
            }
        }
    }
    for service in SERVICES {
        let pair = [format!("/services/{service}"), format!("/services/{service}-migrate")];
        let [run, migrate] = pair.map(|pointer| compose.pointer(&pointer).unwrap().clone());
        assert_eq!(run["environment"], migrate["environment"], "{service}");
        assert_eq!(run["image"], migrate["image"], "{service}");
    }
}

#[test]
fn whoever_is_called_is_there_and_on_the_same_network() {
    let (compose, secrets) = (compose(), secrets());
    let port_of = |name: &str| -> u16 {
        match name {
            "postgres" => 5432,
            "rabbitmq" => 5672,
            "mailpit" => 1025,
            _ => {
                let container = &compose["services"][name];
                let settings = environment(container, &secrets).unwrap();
                load(name, &settings, &[]).unwrap().listen.address.port()
            }
        }
    };
    let mut calls = 0;
    for (name, _, container) in ours(&compose) {
        let settings = environment(&container, &secrets).unwrap();
        let urls = settings.iter().filter(|(key, _)| key.ends_with("_URL") && !key.ends_with("__PUBLIC_URL"));
        for (key, url) in urls {
            let (host, port) = place(url).unwrap_or_else(|| panic!("{name}: {key} is an address"));
            let called =
                compose["services"].get(host).unwrap_or_else(|| panic!("{name}: nobody is called {host}"));
            assert_eq!(port, port_of(host), "{name}: {key}");
            let shared = |net: &&Value| list(called, "/networks").contains(net);
            assert!(
                list(&container, "/networks").iter().any(|net| shared(&net)),
                "{name} and {host} share a network"
            );
            calls += 1;
        }
    }
    assert!(calls > 25, "{calls} addresses");
    assert_eq!(compose["networks"]["inside"]["internal"], true);
    for (name, container) in compose["services"].as_object().unwrap() {
        let published = !list(container, "/ports").is_empty();
        let on_edge = list(container, "/networks").iter().any(|network| network == "edge");
        assert_eq!(published, on_edge, "{name}: only what is published leaves the inside");
        let local =
            list(container, "/ports").iter().all(|port| port.as_str().unwrap().starts_with("127.0.0.1:"));
        assert!(local, "{name}: published to this machine alone");
        let image = text(container, "/image");
        let versioned = image.rsplit_once(':').is_some_and(|(_, tag)| tag != "latest");
        assert!(image.starts_with("candor/") || versioned, "{name}: {image}");
    }
}

#[test]
fn prometheus_asks_every_service_where_it_answers() {
    let (compose, secrets, prometheus) = (compose(), secrets(), file("deploy/prometheus.yml"));
    let targets: Vec<&str> = list(&prometheus, "/scrape_configs/0/static_configs/0/targets")
        .iter()
        .map(|target| target.as_str().unwrap())
        .collect();
    let running = ours(&compose).into_iter().filter(|(name, service, _)| name == service);
    let mut expected: Vec<String> = running
        .map(|(name, service, container)| {
            let settings = environment(&container, &secrets).unwrap();
            let operators = load(&service, &settings, &[]).unwrap().platform.ops.address.unwrap();
            format!("{name}:{}", operators.port())
        })
        .collect();
    let mut targets: Vec<String> = targets.into_iter().map(str::to_owned).collect();
    targets.sort();
    expected.sort();
    assert_eq!(targets, expected);
    let mounted = text(&compose, "/services/prometheus/volumes/0");
    assert!(mounted.starts_with("./prometheus.yml:"), "{mounted}");
}
