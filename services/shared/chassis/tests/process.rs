//! `process::main` as an operator meets it: exit codes, one sentence, signals, logs, and traces that arrive. The
//! program starts itself again as the process under test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test without harness

use candor_tests::Collector;
use chassis::Host;
use chassis::config::{Listen, Settings};
use serde::Deserialize;
use std::process::{ExitCode, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{ChildStderr, Command};

/// Said by a panic in the process under test; nobody may read it.
const PRIVATE: &str = "dear diary";
const CHILD: &str = "CHASSIS_TEST_CHILD";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    listen: Listen,
}

impl Settings for Service {
    const SECTION: &'static str = "service";

    fn listen(&self) -> &Listen {
        &self.listen
    }
}

fn main() -> ExitCode {
    if std::env::var_os(CHILD).is_some() {
        return chassis::process::main(work, async |_: Service| Err::<(), _>("the store is away"));
    }
    if std::env::args().any(|argument| argument == "--list") {
        // What a test runner asks first. Nothing here is ignored.
        if std::env::args().all(|argument| argument != "--ignored") {
            println!("process: test");
        }
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        wrong_settings().await;
        migration_fails().await;
        life().await;
    });
    println!("process: ok");
    ExitCode::SUCCESS
}

async fn work(_: Service, host: Host) -> Result<(), std::io::Error> {
    tracing::info_span!("at_work").in_scope(|| tracing::info!("working"));
    let _ = tokio::spawn(async { panic!("{PRIVATE}") }).await;
    host.shutdown.cancelled().await;
    Ok(())
}

fn child(arguments: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments).env(CHILD, "1").envs(env.iter().copied()).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("in time")
}

async fn output(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    within(child(arguments, env).output()).await.unwrap()
}

async fn wrong_settings() {
    for arguments in [&["check-config"][..], &["run"], &["migrate"], &[]] {
        let output = output(arguments, &[("SERVICE__COLOUR", "secret")]).await;
        assert_eq!(output.status.code(), Some(2));
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert!(
            sentence.starts_with("The setting SERVICE__COLOUR (service.colour) is not known"),
            "{sentence}"
        );
        assert!(sentence.lines().count() == 1 && !sentence.contains("secret"), "{sentence}");
    }
    assert_eq!(output(&["dance"], &[]).await.status.code(), Some(2));
    let good = [("SERVICE__LISTEN__ADDRESS", "127.0.0.1:0")];
    assert_eq!(output(&["check-config"], &good).await.status.code(), Some(0));
}

async fn migration_fails() {
    let output = output(&["migrate"], &[("SERVICE__LISTEN__ADDRESS", "127.0.0.1:0")]).await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().last().unwrap(), "service stopped: the store is away.");
}

async fn life() {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let env = [
        ("SERVICE__LISTEN__ADDRESS", "127.0.0.1:0"),
        ("OPS__ADDRESS", "127.0.0.1:0"),
        ("TELEMETRY__OTLP_ENDPOINT", &endpoint),
        ("TELEMETRY__LOG", "trace"),
    ];
    let mut child = child(&["run"], &env).spawn().unwrap();
    let mut log = Log { lines: BufReader::new(child.stderr.take().unwrap()).lines(), all: Vec::new() };
    let ops = log.find("the operators' endpoint").await["address"].as_str().unwrap().to_owned();
    let working = log.find("working").await;
    assert_eq!(working["span"]["name"], "at_work");
    let trace = working["span"]["trace_id"].as_str().expect("the line names its trace");
    assert!(trace.len() == 32 && trace != "0".repeat(32), "{trace}");
    assert!(log.find("a panic").await["place"].as_str().unwrap().contains("process.rs"));
    assert!(get(&ops, "/livez").await.contains("alive"));
    assert!(get(&ops, "/metrics").await.contains("target_info"));

    let id = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    log.find("service has stopped").await;
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(0));
    while let Some(line) = within(log.lines.next_line()).await.unwrap() {
        log.all.push(line);
    }
    assert!(!log.all.iter().any(|line| line.contains(PRIVATE)), "a panic's words were logged");
    // Sent at the end, before the process was gone.
    let spans = collector.spans();
    assert!(spans.iter().any(|span| span.service == "service" && span.name == "at_work"), "{spans:?}");
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

struct Log {
    lines: Lines<BufReader<ChildStderr>>,
    all: Vec<String>,
}

impl Log {
    /// The next line with this message. Every line is JSON.
    async fn find(&mut self, message: &str) -> serde_json::Value {
        loop {
            let line = within(self.lines.next_line()).await.unwrap();
            let line = line.unwrap_or_else(|| panic!("{message} is not in the log: {:#?}", self.all));
            let value: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
            self.all.push(line);
            if value["message"] == message {
                return value;
            }
        }
    }
}
