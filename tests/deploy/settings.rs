//! Every ConfigMap, with the secrets and addresses beside it, becomes the settings of its service.

use crate::manifests::{Manifests, OVERLAYS, Workload, list, printed, text, texts};
use crate::secrets::{Secrets, secrets};
use chassis::config::{Listen, Platform, Profile, SECTIONS, Settings};
use figment::Figment;
use figment::value::Value as Setting;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

pub(crate) type Environment = BTreeMap<String, String>;

/// What was read of one process's settings.
pub(crate) struct Loaded {
    pub(crate) platform: Platform,
    pub(crate) listen: Listen,
    pub(crate) public_url: Option<String>,
    pub(crate) kek_file: Option<PathBuf>,
}

/// The environment of a container, put together as Kubernetes does it.
pub(crate) fn environment(
    manifests: &Manifests,
    secrets: &Secrets,
    container: &Value,
) -> Result<Environment, String> {
    let settings = |map: &str| {
        let found = manifests.find("ConfigMap", map).ok_or(format!("there is no ConfigMap {map}"))?;
        Ok::<_, String>(texts(found, "/data"))
    };
    let mut all = Environment::new();
    for source in list(container, "/envFrom") {
        all.extend(settings(text(source, "/configMapRef/name"))?);
    }
    // A variable may hold those that are listed before it, and no others.
    let mut listed = Environment::new();
    for variable in list(container, "/env") {
        let (name, reference) = (text(variable, "/name"), &variable["valueFrom"]);
        let value = if let Some(secret) = reference.get("secretKeyRef") {
            let (of, key) = (text(secret, "/name"), text(secret, "/key"));
            let value = secrets.get(of).and_then(|secret| secret.get(key));
            value.cloned().ok_or(format!("{name}: no secret {of} with {key} is made"))?
        } else if let Some(map) = reference.get("configMapKeyRef") {
            let (of, key) = (text(map, "/name"), text(map, "/key"));
            settings(of)?.remove(key).ok_or(format!("{name}: ConfigMap {of} has no {key}"))?
        } else {
            expanded(text(variable, "/value"), &listed).map_err(|what| format!("{name}: {what}"))?
        };
        listed.insert(name.to_owned(), value);
    }
    all.extend(listed);
    Ok(all)
}

/// A value with its `$(…)` filled in.
fn expanded(value: &str, known: &Environment) -> Result<String, String> {
    let mut parts = value.split("$(");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(')').ok_or("a variable is not closed")?;
        text += known.get(name).ok_or(format!("{name} is not listed before it"))?;
        text += rest;
    }
    Ok(text)
}

/// The settings of a service from an environment; a variable that nobody reads is a mistake.
pub(crate) fn load(service: &str, environment: &Environment, helpers: &[String]) -> Result<Loaded, String> {
    let mut figment = Figment::new();
    let sections: Vec<String> = SECTIONS
        .iter()
        .copied()
        .chain([service])
        .map(|section| format!("{}__", section.to_uppercase()))
        .collect();
    for (key, value) in environment {
        if key == "PROFILE" || sections.iter().any(|section| key.starts_with(section)) {
            let value: Setting = value.parse().unwrap();
            figment = figment.merge((key.to_lowercase().replace("__", "."), value));
        } else if !helpers.contains(key) {
            return Err(format!("nobody reads {key}"));
        }
    }
    match service {
        "accounts" => read::<accounts::Config>(figment, |config| {
            (Some(config.public_url.clone()), Some(config.vault.kek_file.clone()))
        }),
        "journal" => read::<journal::Config>(figment, |config| (None, Some(config.vault.kek_file.clone()))),
        "reminders" => read::<reminders::Config>(figment, |_| (None, None)),
        "content" => read::<content::Config>(figment, |_| (None, None)),
        "gateway" => read::<gateway::Config>(figment, |config| (config.public_url.clone(), None)),
        other => Err(format!("{other} is no service")),
    }
}

fn read<T: Settings>(
    figment: Figment,
    more: fn(&T) -> (Option<String>, Option<PathBuf>),
) -> Result<Loaded, String> {
    let (platform, config) = chassis::config::load_from::<T>(figment).map_err(|error| error.to_string())?;
    let (public_url, kek_file) = more(&config);
    Ok(Loaded { platform, listen: config.listen().clone(), public_url, kek_file })
}

/// The service whose program a workload runs.
pub(crate) fn service_of(workload: Workload<'_>) -> &str {
    workload.name().trim_end_matches("-migrate")
}

/// The settings of one of our workloads.
fn settings(manifests: &Manifests, secrets: &Secrets, workload: Workload<'_>) -> Result<Loaded, String> {
    let container = workload.containers().next().expect("a container");
    let environment = environment(manifests, secrets, container)?;
    let used = |name: &str| {
        list(container, "/env").iter().any(|other| text(other, "/value").contains(&format!("$({name})")))
    };
    let helpers = environment.keys().filter(|name| used(name)).cloned().collect::<Vec<_>>();
    load(service_of(workload), &environment, &helpers)
}

/// The files that a container finds: where, and what of which secret.
fn files<'a>(workload: Workload<'a>, container: &'a Value) -> BTreeMap<String, (&'a str, &'a str)> {
    let mut files = BTreeMap::new();
    for mount in list(container, "/volumeMounts") {
        let volume = list(workload.pod(), "/volumes").iter().find(|volume| volume["name"] == mount["name"]);
        let volume = volume.expect("a mounted volume is there");
        let folder = text(mount, "/mountPath");
        if let Some(secret) = volume.get("secret") {
            let name = text(secret, "/secretName");
            files.insert(format!("{folder}/{name}"), (name, name));
        }
        for source in list(volume, "/projected/sources") {
            for item in list(source, "/secret/items") {
                let (key, path) = (text(item, "/key"), text(item, "/path"));
                files.insert(format!("{folder}/{path}"), (text(source, "/secret/name"), key));
            }
        }
    }
    files
}

fn ours(manifests: &Manifests) -> impl Iterator<Item = Workload<'_>> {
    manifests.workloads().filter(|workload| workload.is_ours())
}

#[test]
fn every_process_finds_the_settings_it_needs_and_knows_all_it_gets() {
    for overlay in OVERLAYS {
        let manifests = Manifests::of(overlay);
        let secrets = secrets(&manifests);
        assert_eq!(ours(&manifests).count(), 9, "five services, and four migrations");
        for workload in ours(&manifests) {
            let title = format!("{overlay}: {}", workload.title());
            let loaded =
                settings(&manifests, &secrets, workload).unwrap_or_else(|error| panic!("{title}: {error}"));
            let expected = if overlay == "prod" { Profile::Production } else { Profile::Development };
            assert_eq!(loaded.platform.profile, expected, "{title}");
            let container = workload.containers().next().unwrap();
            let files = files(workload, container);
            if let Some(file) = &loaded.kek_file {
                let (secret, key) = files[file.to_str().unwrap()];
                assert!(secrets[secret].contains_key(key), "{title}: the key file is a secret that is made");
            }
            let environment = environment(&manifests, &secrets, container).unwrap();
            for (_, options) in environment.values().filter_map(|url| url.split_once("sslrootcert=")) {
                let (secret, key) = files[options.split('&').next().unwrap()];
                assert!(secrets[secret].contains_key(key), "{title}: {options} is a secret that is made");
            }
        }
    }
}

#[test]
fn processes_listen_where_manifests_say() {
    for overlay in OVERLAYS {
        let manifests = Manifests::of(overlay);
        let secrets = secrets(&manifests);
        for workload in ours(&manifests).filter(|workload| workload.kind() == "Deployment") {
            let loaded = settings(&manifests, &secrets, workload).unwrap();
            let container = workload.containers().next().unwrap();
            let port = |wanted: &str| {
                let found = list(container, "/ports").iter().find(|port| text(port, "/name") == wanted);
                found.map(|port| port["containerPort"].as_u64().unwrap())
            };
            let title = format!("{overlay}: {}", workload.title());
            let door = port("grpc").or(port("http"));
            assert_eq!(door, Some(loaded.listen.address.port().into()), "{title}");
            let operators = loaded.platform.ops.address.expect("an operators' endpoint");
            assert_eq!(port("ops"), Some(operators.port().into()), "{title}");
            for address in [loaded.listen.address, operators] {
                assert!(address.ip().is_unspecified(), "{title}: probes come from outside");
            }
        }
    }
}

#[test]
fn people_find_one_address_and_a_certificate_for_it() {
    for overlay in OVERLAYS {
        let manifests = Manifests::of(overlay);
        let secrets = secrets(&manifests);
        let mut addresses: Vec<String> = ours(&manifests)
            .filter_map(|workload| settings(&manifests, &secrets, workload).unwrap().public_url)
            .collect();
        addresses.dedup();
        let [address] = addresses.try_into().expect("one public address");
        if overlay == "prod" {
            let host = address.strip_prefix("https://").unwrap();
            let ingress = manifests.find("Ingress", "candor").unwrap();
            assert_eq!(text(ingress, "/spec/rules/0/host"), host);
            assert_eq!(ingress["spec"]["tls"][0]["hosts"], json!([host]));
            let certificate = manifests.find("Certificate", "candor").unwrap();
            assert_eq!(certificate["spec"]["dnsNames"], json!([host]));
            let annotation = |key: &str| {
                text(ingress, &format!("/metadata/annotations/traefik.ingress.kubernetes.io~1{key}"))
            };
            assert_eq!((annotation("router.entrypoints"), annotation("router.tls")), ("websecure", "true"));
            assert_eq!(ingress["spec"]["tls"][0]["secretName"], certificate["spec"]["secretName"]);
        }
    }
}

#[test]
fn the_gateway_believes_whoever_stands_before_it_and_nobody_where_nobody_does() {
    for overlay in OVERLAYS {
        let manifests = Manifests::of(overlay);
        let workload = Workload(manifests.find("Deployment", "gateway").unwrap());
        let container = workload.containers().next().unwrap();
        let environment = environment(&manifests, &secrets(&manifests), container).unwrap();
        let believes = !environment["GATEWAY__TRUSTED_PROXIES"].is_empty();
        assert_eq!(believes, manifests.find("Ingress", "candor").is_some(), "{overlay}");
    }
}

#[test]
fn what_misses_or_is_too_much_is_noticed() {
    let right = Manifests::of("prod");
    let secrets = secrets(&right);
    let said = |change: &dyn Fn(&mut Manifests, &mut Secrets)| {
        let (mut wrong, mut secrets) = (right.clone(), secrets.clone());
        change(&mut wrong, &mut secrets);
        let workload = Workload(wrong.find("Deployment", "accounts").unwrap());
        settings(&wrong, &secrets, workload).err().unwrap_or_default()
    };
    let data = |all: &mut Manifests, key: &str, value: &str| {
        let map = all.settings_of("accounts");
        all.part("ConfigMap", &map, "/data")[key] = json!(value);
    };
    assert_eq!(said(&|_, _| {}), "");
    let found = said(&|all, _| data(all, "ACCOUNTS__SESSIONS__IDLE_DAIS", "3"));
    assert!(found.contains("ACCOUNTS__SESSIONS__IDLE_DAIS"), "{found}");
    assert_eq!(said(&|all, _| data(all, "ACCOUNT__PUBLIC_URL", "x")), "nobody reads ACCOUNT__PUBLIC_URL");
    let found = said(&|all, _| {
        let map = all.settings_of("accounts");
        all.part("ConfigMap", &map, "/data").as_object_mut().unwrap().remove("ACCOUNTS__PUBLIC_URL");
    });
    assert!(found.contains("ACCOUNTS__PUBLIC_URL (accounts.public_url) is required"), "{found}");
    let found = said(&|_, secrets| _ = secrets.remove("keys-database"));
    assert_eq!(found, "KEYS_PASSWORD: no secret keys-database with password is made");
    let found = said(&|all, _| data(all, "OPS__PORT", "9000"));
    assert!(found.contains("OPS__PORT"), "{found}");
    let found = said(&|all, _| data(all, "PROFILE", "live"));
    assert!(found.contains("PROFILE"), "{found}");
}

#[test]
fn the_key_file_that_is_made_is_one() {
    let all = secrets(&Manifests::of("dev"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kek");
    std::fs::write(&file, &all["kek"]["kek"]).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(vault::kek_ids(&file).unwrap().len(), 1);
    let other = printed("deploy/secrets", &["compose"], &[]);
    let again = printed("deploy/secrets", &["compose"], &[]);
    assert!(other.lines().zip(again.lines()).all(|(one, two)| one != two), "every password is new");
}
