//! The layers inside a service: `rpc | events | jobs → app → store → domain`, never back.

use crate::sources::{SERVICES, Source, files, refuse, root};

fn module_of(path: &str) -> String {
    // services/journal/src/app/write.rs → app
    let rest = path.split("/src/").nth(1).unwrap_or_default();
    rest.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

fn uses(file: &Source, module: &str) -> bool {
    let code = file.shipped();
    if code.contains(&format!("crate::{module}::")) || code.contains(&format!("use crate::{module};")) {
        return true;
    }
    // use crate::{a, module::…, b};
    code.split("use crate::{").skip(1).any(|rest| {
        let list = rest.split("};").next().unwrap_or_default();
        list.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .any(|item| item == module || item.starts_with(&format!("{module}::")))
    })
}

#[test]
fn layers_point_one_way() {
    let forbidden: [(&str, &[&str]); 4] = [
        ("domain", &["app", "store", "rpc", "events", "jobs", "outbound", "config"]),
        ("store", &["app", "rpc", "events", "jobs", "outbound", "config"]),
        ("app", &["rpc", "events", "jobs", "outbound"]),
        ("outbound", &["app", "store", "rpc", "events", "jobs"]),
    ];
    let mut broken = Vec::new();
    for service in SERVICES {
        for file in files(&format!("services/{service}/src"), ".rs") {
            let module = module_of(&file.path);
            for (layer, never) in forbidden {
                if layer == module {
                    broken.extend(
                        never.iter().filter(|m| uses(&file, m)).map(|m| format!("{} uses {m}", file.path)),
                    );
                }
            }
        }
    }
    refuse(&broken, "rpc | events | jobs → app → store → domain: pass the value down instead of reaching up");
}

#[test]
fn every_service_has_the_same_shape() {
    let modules = ["main", "lib", "config", "domain", "app", "store", "rpc", "events", "error"];
    // Only where there is background work, and only where the world is called.
    let where_needed = ["jobs", "outbound"];
    let mut broken = Vec::new();
    for service in SERVICES {
        let folder = root().join("services").join(service);
        for module in modules {
            let there = folder.join(format!("src/{module}.rs")).exists()
                || folder.join(format!("src/{module}/mod.rs")).exists();
            if !there {
                broken.push(format!("services/{service} has no {module}.rs"));
            }
        }
        for needed in ["migrations", "README.md"] {
            if !folder.join(needed).exists() {
                broken.push(format!("services/{service} has no {needed}"));
            }
        }
        for entry in std::fs::read_dir(folder.join("src")).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
            if !modules.contains(&name.as_str()) && !where_needed.contains(&name.as_str()) {
                broken.push(format!("services/{service}/src/{name} is a file no other service has"));
            }
        }
    }
    refuse(&broken, "who knows one service knows all: use the file the table in ARCHITECTURE.md names");
}

#[test]
fn the_outside_world_is_not_called_from_inside_a_transaction() {
    // app.rs and store.rs work on a borrowed transaction, so neither may know anything that calls out.
    let calls_out = ["Mailer", "tonic::transport", "Transport", "reqwest", "TcpStream"];
    let mut broken = Vec::new();
    for service in SERVICES {
        for file in files(&format!("services/{service}/src"), ".rs") {
            if ["app", "store"].contains(&module_of(&file.path).as_str()) {
                let code = file.shipped();
                broken.extend(
                    calls_out
                        .iter()
                        .filter(|c| code.contains(**c))
                        .map(|c| format!("{} knows {c}", file.path)),
                );
            }
        }
    }
    refuse(&broken, "claim in one transaction, act outside any, record in another (jobs.rs and outbound/)");
}

#[test]
fn every_handler_admits_its_caller_first() {
    let mut broken = Vec::new();
    for service in SERVICES {
        for file in files(&format!("services/{service}/src"), ".rs") {
            if module_of(&file.path) != "rpc" {
                continue;
            }
            let code = file.shipped();
            for handler in code.split("async fn ").skip(1) {
                let head = handler.split('{').next().unwrap_or_default();
                let is_handler = head.contains("Request<") && head.contains("Response<");
                let first = handler.split('{').skip(1).collect::<Vec<_>>().join("{");
                let first: Vec<_> = first.lines().filter(|l| !l.trim().is_empty()).take(3).collect();
                if is_handler && !first.iter().any(|l| l.contains("admit_")) {
                    broken.push(format!("{}: {}", file.path, head.split('(').next().unwrap_or_default()));
                }
            }
        }
    }
    refuse(
        &broken,
        "the first line of a handler is chassis::rpc::admit_member, admit_signed_in or admit_public",
    );
}
