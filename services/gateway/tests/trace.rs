//! A trace that begins before the gateway goes on behind it.

#![allow(clippy::unwrap_used)] // a test may stop where it stands

use candor_proto::content::v1::library_service_server::{LibraryService, LibraryServiceServer};
use candor_proto::content::v1::*;
use chassis::config::{Listen, Platform};
use chassis::{Clock, Health, Host, Ids};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// Tells with which `traceparent` it was called.
struct Library(mpsc::UnboundedSender<String>);

#[tonic::async_trait]
impl LibraryService for Library {
    async fn list_articles(
        &self,
        request: Request<ListArticlesRequest>,
    ) -> Result<Response<ListArticlesResponse>, Status> {
        let parent = request.metadata().get("traceparent").map(|value| value.to_str().unwrap().to_owned());
        self.0.send(parent.unwrap_or_default()).unwrap();
        Ok(Response::new(ListArticlesResponse::default()))
    }

    async fn get_article(
        &self,
        _: Request<GetArticleRequest>,
    ) -> Result<Response<GetArticleResponse>, Status> {
        Err(Status::unimplemented("not part of this"))
    }
}

#[tokio::test]
async fn a_trace_goes_on_behind_the_gateway() {
    let platform = Platform::default();
    let _telemetry = chassis::telemetry::init(&platform, "gateway").unwrap();
    let (sender, mut parents) = mpsc::unbounded_channel();
    let behind = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", behind.local_addr().unwrap());
    let server = tonic::transport::Server::builder().add_service(LibraryServiceServer::new(Library(sender)));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(behind)));

    let clock = Clock::system();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let host = Host {
        ids: Ids::new(clock.clone()),
        clock,
        shutdown: tokio_util::sync::CancellationToken::new(),
        listener,
        platform: Arc::new(platform),
        health: Health::new(),
    };
    let config = gateway::Config {
        listen: Listen { address },
        public_url: None,
        accounts_url: url.clone(),
        journal_url: url.clone(),
        reminders_url: url.clone(),
        content_url: url,
        csrf_key: None,
        leave_url: "https://example.org".into(),
        connections_per_address: 256,
        trusted_proxies: Vec::new(),
        notice: None,
    };
    tokio::spawn(gateway::run(config, host));

    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = format!(
        "GET /v1/articles HTTP/1.1\r\nHost: x\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let parent = parents.recv().await.unwrap();
    assert!(parent.starts_with(&format!("00-{trace}-")), "{parent}");
    assert!(!parent.contains("00f067aa0ba902b7"), "the gateway's own span lies between");
}
