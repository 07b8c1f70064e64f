//! sqlx's offline query data: each query, checked against the crate's own migrations, as a file in `.sqlx`.

use private_postgres::Server;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Every crate with queries, dependencies first.
const CRATES: [&str; 7] = ["chassis", "bus", "vault", "accounts", "journal", "reminders", "content"];

/// Writes the data of the given crates (all of them, if none is given), or compares them with what is there.
pub(crate) async fn run(crates: &[&str], check: bool) -> Result<ExitCode, String> {
    let crates = if crates.is_empty() { &CRATES } else { crates };
    if let Some(unknown) = crates.iter().find(|name| !CRATES.contains(name)) {
        return Err(format!("{unknown} has no queries; these have: {}", CRATES.join(", ")));
    }
    let folder = tempfile::Builder::new().prefix("candor-queries-").tempdir().map_err(|e| e.to_string())?;
    let server = crate::servers::postgres(&folder.path().join("postgres")).await?;
    let mut stale = Vec::new();
    for name in crates {
        let url = database(&server, name).await?;
        let old = read(&home(name).join(".sqlx"));
        let fresh = match describe(name, &url, &folder.path().join(name), check) {
            Ok(fresh) => fresh,
            Err(_) if !stale.is_empty() => break, // it needs those that are stale
            Err(sentence) => return Err(sentence),
        };
        if fresh != old {
            stale.push(*name);
        }
        if !check {
            let kept = home(name).join(".sqlx");
            write(&kept, &old, &fresh).map_err(|error| format!("{}: {error}", kept.display()))?;
            eprintln!("testbed: {name}: {} queries", fresh.len());
        }
    }
    server.stop().await;
    if check && !stale.is_empty() {
        let names = stale.join(" ");
        return Err(format!("the query data of {names} are not those of the sources: run `make sqlx`"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The crate's folder.
fn home(name: &str) -> PathBuf {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("services");
    let shared = services.join("shared").join(name);
    if shared.is_dir() { shared } else { services.join(name) }
}

/// A database with the migrations that make the crate's queries meaningful.
async fn database(server: &Server, name: &str) -> Result<String, String> {
    server.create_database(name, name).await.map_err(|error| error.to_string())?;
    // As superuser: a role that has the name of a schema would see that schema's tables without their prefix.
    let url = server.url(name).map_err(|error| error.to_string())?;
    let mut connection = PgConnection::connect(&url).await.map_err(|error| error.to_string())?;
    let order = match name {
        "bus" | "chassis" | "vault" => vec![name],
        _ => vec!["bus", "chassis", name],
    };
    for owner in order {
        let mut statements = Vec::new();
        if matches!(owner, "bus" | "chassis") {
            statements.push((owner.to_owned(), format!("CREATE SCHEMA IF NOT EXISTS {owner}")));
        }
        for (file, text) in read(&home(owner).join("migrations")) {
            statements.push((file, text));
        }
        for (what, statement) in statements {
            let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
            done.map_err(|error| format!("{owner}: {what}: {error}"))?;
        }
    }
    Ok(url)
}

/// Compiles the crate against the database, and answers with what its macros saw.
fn describe(name: &str, url: &str, into: &Path, check: bool) -> Result<BTreeMap<String, String>, String> {
    std::fs::create_dir_all(into).map_err(|error| error.to_string())?;
    for _ in 0..3 {
        compile(name, url, into, check)?;
        let seen = read(into);
        // Nothing is seen when another cargo (an editor's) compiled the crate between our touch and our turn.
        if !seen.is_empty() {
            return Ok(seen);
        }
    }
    Err(format!("the queries of {name} were not compiled: does another cargo run on the same folder?"))
}

fn compile(name: &str, url: &str, into: &Path, check: bool) -> Result<(), String> {
    // The macros run only when the crate is compiled, and cargo compiles what has changed.
    let library = home(name).join("src/lib.rs");
    let touched = Command::new("touch").arg("--no-create").arg(&library).status();
    if !touched.is_ok_and(|status| status.success()) {
        return Err(format!("{} cannot be touched", library.display()));
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // `make check` has just run clippy on everything: the same command finds its dependencies compiled.
    cargo.args([if check { "clippy" } else { "check" }, "--quiet", "--package", name, "--lib"]);
    if check {
        cargo.args(["--", "-D", "warnings"]);
    }
    for other in CRATES {
        cargo.env_remove(variable(other));
    }
    cargo.env(variable(name), url).env("SQLX_OFFLINE_DIR", into).env_remove("SQLX_OFFLINE");
    let status =
        cargo.stdin(Stdio::null()).status().map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} does not compile against its own migrations")) }
}

fn variable(name: &str) -> String {
    format!("{}_DATABASE_URL", name.to_uppercase())
}

/// The files of a folder by name, in order; nothing, if there is no folder.
fn read(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| {
        let text = std::fs::read_to_string(entry.path()).ok()?;
        Some((entry.file_name().to_string_lossy().into_owned(), text))
    });
    files.collect()
}

fn write(
    folder: &Path,
    old: &BTreeMap<String, String>,
    fresh: &BTreeMap<String, String>,
) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in old.keys().filter(|name| !fresh.contains_key(*name)) {
        std::fs::remove_file(folder.join(name))?;
    }
    for (name, text) in fresh.iter().filter(|(name, text)| old.get(*name) != Some(*text)) {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
