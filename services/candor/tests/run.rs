//! `candor` as whoever starts it sees it: it comes up, says where it is, goes down in order, and leaves nothing.
#![allow(clippy::unwrap_used, clippy::panic)] // tests: what fails, fails the test

use candor_proto::accounts::v1::SignInRequest;
use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use candor_tests::{Process, eventually, postgres};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PASSWORD: &str = "a long password for operators";

struct Candor {
    process: Process,
    ready: Value,
}

impl Candor {
    async fn start(folder: &Path, settings: &[(String, String)]) -> Self {
        let (data, ready) = (folder.join("data"), folder.join("ready.json"));
        let arguments = ["run", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"].map(str::to_owned);
        let places = ["--data".to_owned(), text(&data), "--ready-file".to_owned(), text(&ready)];
        let _ = std::fs::remove_file(&ready); // a killed one leaves it
        let all: Vec<&str> = arguments.iter().chain(&places).map(String::as_str).collect();
        let program = Path::new(env!("CARGO_BIN_EXE_candor"));
        let process = Process::spawn(program, &all, settings, &folder.join("log"));
        let ready = serde_json::from_str(&process.wrote(&ready).await).unwrap();
        Self { process, ready }
    }

    fn accounts(&self) -> String {
        format!("http://{}", self.ready["grpc"]["accounts"].as_str().unwrap())
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("candor-run-").tempdir().unwrap()
}

/// Runs a command to its end, with a line of input and one setting.
fn command(arguments: &[&str], data: &Path, input: &str, setting: Option<(&str, &str)>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    command.args(arguments).arg("--data").arg(data).envs(setting);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that needs no input may have ended by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Processes whose working directory is the data folder of the private server.
fn postgres_in(folder: &Path) -> Vec<PathBuf> {
    let cluster = folder.join("data/postgres/cluster").canonicalize().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes
        .filter(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == cluster))
        .collect()
}

#[tokio::test]
async fn it_comes_up_says_where_it_is_and_goes_down_in_order() {
    let folder = folder();
    let candor = Candor::start(folder.path(), &[]).await;
    for name in ["accounts", "journal", "reminders", "content"] {
        let address = candor.ready["grpc"][name].as_str().unwrap();
        candor.process.ready(address.parse().unwrap()).await;
    }
    let http = candor.ready["http"].as_str().unwrap();
    assert!(tokio::net::TcpStream::connect(http).await.is_ok());
    assert_eq!(candor.ready["pid"], candor.process.pid());
    assert!(candor.process.log().contains(&format!("http://{http}")));

    assert!(candor.process.stop().await.success());
    assert!(!folder.path().join("ready.json").exists());
    assert!(postgres_in(folder.path()).is_empty());
}

#[tokio::test]
async fn killed_it_leaves_no_server_behind_and_starts_again() {
    let folder = folder();
    let candor = Candor::start(folder.path(), &[]).await;
    assert!(!postgres_in(folder.path()).is_empty());
    let second = command(
        &["run", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
        &folder.path().join("data"),
        "",
        None,
    );
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && said.contains("is in use by process"), "{said}");

    candor.process.kill();
    eventually("PostgreSQL has ended", Duration::from_secs(30), async || {
        postgres_in(folder.path()).is_empty()
    })
    .await;
    let again = Candor::start(folder.path(), &[]).await;
    assert!(again.process.stop().await.success());
}

#[tokio::test]
async fn it_ends_with_an_error_when_its_server_is_gone_for_good() {
    let folder = folder();
    let candor = Candor::start(folder.path(), &[]).await;
    let killing = async {
        let mut turns = tokio::time::interval(Duration::from_millis(50));
        loop {
            turns.tick().await;
            for process in postgres_in(folder.path()) {
                let id = process.file_name().unwrap();
                let _ = Command::new("kill").arg("-KILL").arg(id).stderr(Stdio::null()).status();
            }
        }
    };
    let status = tokio::select! {
        status = candor.process.ended(Duration::from_secs(60)) => status,
        () = killing => unreachable!(),
    };
    let said = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!status.success(), "{said}");
    assert!(said.contains("PostgreSQL keeps ending and is not started again; the log says why"), "{said}");
}

#[tokio::test]
async fn an_operator_is_made_while_it_runs() {
    let folder = folder();
    let candor = Candor::start(folder.path(), &[]).await;
    let data = folder.path().join("data");
    let create = ["operator", "create", "--email", "operator@example.org"];
    let made = command(&create, &data, &format!("{PASSWORD}\n"), None);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let twice = command(&create, &data, &format!("{PASSWORD}\n"), None);
    assert!(!twice.status.success());
    let weak = command(&create, &data, "short\n", None);
    assert!(String::from_utf8_lossy(&weak.stderr).contains("password"));

    let mut sessions = SessionServiceClient::connect(candor.accounts()).await.unwrap();
    let request = SignInRequest {
        email: "operator@example.org".to_owned(),
        password: PASSWORD.to_owned(),
        ..SignInRequest::default()
    };
    assert!(!sessions.sign_in(request).await.unwrap().into_inner().passport.is_empty());
    assert!(!candor.process.log().contains(PASSWORD));
    assert!(candor.process.stop().await.success());
}

#[tokio::test]
async fn it_uses_the_databases_it_is_given() {
    let folder = folder();
    let (mut settings, mut databases) = (Vec::new(), Vec::new());
    for key in ["ACCOUNTS__DATABASE", "JOURNAL__DATABASE", "REMINDERS__DATABASE", "CONTENT__DATABASE"] {
        let database = postgres().await;
        settings.push((format!("{key}__URL"), database.url()));
        databases.push(database);
    }
    let keys = postgres().await;
    for service in ["ACCOUNTS", "JOURNAL"] {
        settings.push((format!("{service}__VAULT__KEYSTORE__URL"), keys.url()));
    }
    let candor = Candor::start(folder.path(), &settings).await;
    assert!(!folder.path().join("data/postgres").exists());
    assert!(candor.process.stop().await.success());
}

#[tokio::test]
async fn a_lost_key_file_is_told_at_once_and_not_made_anew() {
    let folder = folder();
    let candor = Candor::start(folder.path(), &[]).await;
    assert!(candor.process.stop().await.success());
    let kek = folder.path().join("data/kek");
    std::fs::remove_file(&kek).unwrap();
    let run = ["run", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
    let output = command(&run, &folder.path().join("data"), "", Some(("TELEMETRY__LOG", "error")));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is missing, but the key store holds keys wrapped with it"), "{said}");
    assert!(!kek.exists() && postgres_in(folder.path()).is_empty());
}

#[test]
fn settings_that_cannot_be_used_are_named_in_one_sentence() {
    let folder = folder();
    for (name, value) in [
        ("JOURNAL__COLOUR", "blue"),
        ("CLOCK__FILE", "/nowhere"),
        ("PROFILE", "holiday"),
        ("REMINDERS__LISTEN__ADDRESS", "the moon"),
        ("JOURNAL__DATABASE__MAX_CONNECTIONS", "many"),
        ("ACCOUNTS__DATABASE__MAX_CONNECTIONS", "-7"),
        ("CONTENT__DATABASE__URL", "mysql://x"),
        ("ACCOUNTS__MAIL__FROM", "nobody"),
        ("BUS__AMQP_URL", "http://broker"),
        ("JOURNAL__VAULT__KEK_FILE", "/nowhere/kek"),
    ] {
        for action in ["check-config", "run"] {
            let output = command(&[action], folder.path(), "", Some((name, value)));
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name}: {said}");
            assert!(said.contains(name) && said.lines().count() == 1, "{said}");
            assert!(!said.contains(value), "it repeats the value: {said}");
        }
    }
    assert!(command(&["check-config"], folder.path(), "", None).status.success());
    assert!(!folder.path().join("postgres").exists(), "nothing was started");
}
