//! `process::main` as an operator meets it: exit codes, one sentence, signals, logs, and traces that arrive. The
//! program starts itself again as the process under test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test without harness

use chassis::Host;
use chassis::config::{Listen, Settings};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use serde::Deserialize;
use std::process::{ExitCode, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{ChildStderr, Command};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

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
    let (collector, mut spans) = collector().await;
    let env = [
        ("SERVICE__LISTEN__ADDRESS", "127.0.0.1:0"),
        ("OPS__ADDRESS", "127.0.0.1:0"),
        ("TELEMETRY__OTLP_ENDPOINT", &collector),
        ("TELEMETRY__LOG", "trace"),
    ];
    let mut child = child(&["run"], &env).spawn().unwrap();
    let mut log = Log { lines: BufReader::new(child.stderr.take().unwrap()).lines(), all: Vec::new() };
    let ops = log.find("the operators' endpoint").await["address"].as_str().unwrap().to_owned();
    assert!(log.find("working").await["span"]["name"] == "at_work");
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
    let mut names = Vec::new();
    while let Ok(name) = spans.try_recv() {
        names.push(name);
    }
    assert!(names.contains(&"service at_work".to_owned()), "{names:?}");
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

/// A collector that keeps the names of spans, with their service's.
async fn collector() -> (String, mpsc::UnboundedReceiver<String>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(Collector(sender)));
    tokio::spawn(server.serve_with_incoming(incoming));
    (address, receiver)
}

struct Collector(mpsc::UnboundedSender<String>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for spans in request.into_inner().resource_spans {
            let attributes = spans.resource.unwrap_or_default().attributes;
            let service = attributes.into_iter().find(|attribute| attribute.key == "service.name").unwrap();
            let service = format!("{:?}", service.value.unwrap().value.unwrap());
            let service = service.split('"').nth(1).unwrap_or_default().to_owned();
            for span in spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                self.0.send(format!("{service} {}", span.name)).unwrap();
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
