//! `candor demo`: two people who can be signed in as, eight weeks behind them, and a notice on every page; a folder
//! that holds anything else is left alone.
#![allow(clippy::unwrap_used, clippy::panic)] // tests: what fails, fails the test

use candor_tests::{Process, Rest, eventually};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// For a first start on a busy machine; a free one takes half a minute.
const PATIENCE: Duration = Duration::from_secs(180);
const PEOPLE: [(&str, &str); 2] =
    [("mara@demo.invalid", "mara keeps a quiet garden"), ("jonas@demo.invalid", "jonas counts every train")];

struct Demo {
    process: Process,
    rest: Rest,
    http: String,
}

impl Demo {
    async fn start(folder: &Path) -> Self {
        let (data, ready) = (folder.join("demo"), folder.join("ready.json"));
        let free = "127.0.0.1:0";
        let places = [data.to_str().unwrap(), "--ready-file", ready.to_str().unwrap()];
        let arguments = ["demo", "--http", free, "--grpc", free, "--data"];
        let arguments: Vec<&str> = arguments.into_iter().chain(places).collect();
        let program = Path::new(env!("CARGO_BIN_EXE_candor"));
        let process = Process::spawn(program, &arguments, &[], &folder.join("log"));
        eventually("the demonstration serves", PATIENCE, async || {
            assert!(process.alive() || ready.exists(), "{}", process.log());
            ready.exists()
        })
        .await;
        let ready: Value = serde_json::from_str(&std::fs::read_to_string(ready).unwrap()).unwrap();
        let http = ready["http"].as_str().unwrap().to_owned();
        Self { process, rest: Rest::new(&http), http }
    }

    /// What somebody sees at a path.
    async fn sees(&self, secret: &str, path: &str) -> Value {
        self.rest.ok("GET", path, Some(secret), None).await
    }

    async fn sign_in(&self, (email, password): (&str, &str)) -> String {
        let credentials = json!({"email": email, "password": password, "deviceLabel": "laptop"});
        let session = self.rest.ok("POST", "/v1/sessions", None, Some(credentials)).await;
        session["sessionSecret"].as_str().unwrap().to_owned()
    }
}

fn many(page: &Value, list: &str) -> usize {
    page[list].as_array().map_or(0, Vec::len)
}

fn states(page: &Value, list: &str) -> Vec<String> {
    page[list].as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap().to_owned()).collect()
}

/// Both can sign in, and have a life.
async fn they_are_there(demo: &Demo) {
    for person in PEOPLE {
        let secret = demo.sign_in(person).await;
        let couple = demo.sees(&secret, "/v1/couple").await;
        assert!(couple["couple"]["partnerName"].is_string(), "{couple}");
        assert!(many(&demo.sees(&secret, "/v1/entries?pageSize=100").await, "entries") >= 7);
        assert!(many(&demo.sees(&secret, "/v1/moods?pageSize=100").await, "records") >= 12);
        let checks = demo.sees(&secret, "/v1/assessments").await;
        assert_eq!(many(&checks, "assessments"), 3);
        let shares = states(&demo.sees(&secret, "/v1/shares?pageSize=100").await, "shares");
        assert!(shares.iter().any(|state| state == "SHARE_STATE_OPEN"), "{shares:?}");
        let met = states(&demo.sees(&secret, "/v1/checkIns?pageSize=100").await, "checkIns");
        assert_eq!(met.iter().filter(|state| *state == "CHECK_IN_STATE_OPEN").count(), 6, "{met:?}");
        assert!(many(&demo.sees(&secret, "/v1/inboxItems?pageSize=100").await, "items") >= 10);
        let partner = couple["couple"]["partnerAccountId"].as_str().unwrap();
        let schedule = demo.sees(&secret, &format!("/v1/accounts/{partner}/checkInSchedule")).await;
        assert!(schedule["schedule"]["nextOpenTime"].is_string(), "{schedule}");
    }
    let mara = demo.sign_in(PEOPLE[0]).await;
    let shares = states(&demo.sees(&mara, "/v1/shares?pageSize=100").await, "shares");
    for state in ["SHARE_STATE_WITHDRAWN", "SHARE_STATE_EXPIRED"] {
        assert!(shares.iter().any(|each| each == state), "{state} in {shares:?}");
    }
    let met = states(&demo.sees(&mara, "/v1/checkIns?pageSize=100").await, "checkIns");
    assert!(met.iter().any(|state| state == "CHECK_IN_STATE_NOT_THIS_TIME"), "{met:?}");
}

/// The start page as a browser gets it.
fn start_page(http: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(http).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_have_lived_here_for_eight_weeks() {
    let folder = tempfile::Builder::new().prefix("candor-demo-").tempdir().unwrap();
    let demo = Demo::start(folder.path()).await;
    let page = start_page(&demo.http);
    assert!(page.contains("Demonstration with made-up people. Nothing here is real."), "{page}");
    let said = demo.process.log();
    for (email, password) in PEOPLE {
        assert!(said.contains(email) && said.contains(password), "{said}");
    }
    they_are_there(&demo).await;
    assert!(demo.process.stop().await.success());

    let again = Demo::start(folder.path()).await;
    they_are_there(&again).await;
    assert_eq!(again.process.log().matches("live eight weeks here first").count(), 1, "it is made once");
    assert!(again.process.stop().await.success());
}

#[test]
fn what_is_not_a_demonstration_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let candor = |data: &Path, setting: Option<(&str, &str)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
        let output = command.args(["demo", "--data"]).arg(data).envs(setting).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let real = folder.path().join("real");
    std::fs::create_dir_all(real.join("postgres/cluster")).unwrap();
    let said = candor(&real, None);
    assert!(said.contains("is not a demonstration") && said.lines().count() == 1, "{said}");
    assert_eq!(std::fs::read_dir(&real).unwrap().count(), 1);

    let demo = folder.path().join("demo");
    for (name, value) in [
        ("JOURNAL__DATABASE__URL", "postgres://127.0.0.1/journal"),
        ("BUS__AMQP_URL", "amqp://127.0.0.1"),
        ("ACCOUNTS__MAIL__SMTP_URL", "smtp://127.0.0.1"),
    ] {
        let said = candor(&demo, Some((name, value)));
        assert!(said.contains(name) && said.lines().count() == 1, "{said}");
    }
    assert!(!demo.exists(), "nothing was made");
}
