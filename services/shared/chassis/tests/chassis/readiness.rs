use crate::kit::{start, within};
use chassis::config::Platform;
use chassis::telemetry::Metrics;
use chassis::{Health, database, ops};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

fn switch(health: &Health, name: &'static str) -> Arc<AtomicBool> {
    let on = Arc::new(AtomicBool::new(true));
    let asked = on.clone();
    health.register(name, move || {
        let healthy = asked.load(Ordering::SeqCst);
        Box::pin(async move { healthy })
    });
    on
}

async fn all(streams: &mut [tonic::Streaming<HealthCheckResponse>], status: ServingStatus) {
    for stream in streams {
        within(async { while stream.message().await.unwrap().unwrap().status() != status {} }).await;
    }
}

#[tokio::test]
async fn readiness_follows_every_dependency_and_liveness_none() {
    let server = start(Platform::default());
    let (one, two) = (switch(&server.health, "one"), switch(&server.health, "two"));
    let mut client = HealthClient::new(server.channel());
    let mut streams = Vec::new();
    for service in ["", "candor.accounts.v1", "candor.accounts.v1.SessionService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        streams.push(client.watch(request).await.unwrap().into_inner());
    }
    all(&mut streams, ServingStatus::Serving).await;
    for dependency in [&one, &two] {
        dependency.store(false, Ordering::SeqCst);
        all(&mut streams, ServingStatus::NotServing).await;
        let alive = HealthCheckRequest { service: chassis::serve::LIVENESS.to_owned() };
        assert_eq!(client.check(alive).await.unwrap().into_inner().status(), ServingStatus::Serving);
        dependency.store(true, Ordering::SeqCst);
        all(&mut streams, ServingStatus::Serving).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_does_not_answer_is_away_within_five_seconds() {
    let health = Health::new();
    let hangs = Arc::new(AtomicBool::new(false));
    let asked = hangs.clone();
    health.register("slow", move || {
        let hangs = asked.load(Ordering::SeqCst);
        Box::pin(async move { if hangs { std::future::pending().await } else { true } })
    });
    let mut ready = health.watch();
    health.start(CancellationToken::new());
    ready.wait_for(|ready| *ready).await.unwrap();
    hangs.store(true, Ordering::SeqCst);
    let since = tokio::time::Instant::now();
    ready.wait_for(|ready| !*ready).await.unwrap();
    assert!(since.elapsed().as_secs() < 5);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_is_not_ready_until_it_answers_again() {
    let health = Health::new();
    let other = switch(&health, "other");
    // 0: well; 1: panics before there is a future; 2: panics in it.
    let mood = Arc::new(AtomicU8::new(0));
    let asked = mood.clone();
    health.register("moody", move || {
        let mood = asked.load(Ordering::SeqCst);
        assert_ne!(mood, 1, "on purpose");
        Box::pin(async move {
            assert_ne!(mood, 2, "on purpose");
            true
        })
    });
    let mut ready = health.watch();
    health.start(CancellationToken::new());
    for panics in [1, 2] {
        within(ready.wait_for(|ready| *ready)).await.unwrap();
        mood.store(panics, Ordering::SeqCst);
        within(ready.wait_for(|ready| !*ready)).await.unwrap();
        mood.store(0, Ordering::SeqCst);
    }
    within(ready.wait_for(|ready| *ready)).await.unwrap();
    other.store(false, Ordering::SeqCst);
    within(ready.wait_for(|ready| !*ready)).await.unwrap();
}

#[tokio::test]
async fn a_database_that_goes_away_is_noticed() {
    let database = candor_tests::postgres().await;
    let pool = database::connect(&database::Config::new(database.url())).await.unwrap();
    let probe = database::probe(&pool);
    assert!(probe().await && probe().await);
    drop(database); // it exists no more
    assert!(!probe().await);
    assert!(!probe().await);
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn the_operators_endpoint_tells_life_from_readiness() {
    let (health, shutdown) = (Health::new(), CancellationToken::new());
    let dependency = switch(&health, "dependency");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(ops::serve(listener, health.clone(), Metrics::default(), shutdown.clone()));
    assert_eq!(get(address, "/livez").await, "HTTP/1.1 200 OK");
    assert_eq!(get(address, "/readyz").await, "HTTP/1.1 503 Service Unavailable");
    let mut ready = health.watch();
    health.start(shutdown.clone());
    within(ready.wait_for(|ready| *ready)).await.unwrap();
    assert_eq!(get(address, "/readyz").await, "HTTP/1.1 200 OK");
    dependency.store(false, Ordering::SeqCst);
    within(ready.wait_for(|ready| !*ready)).await.unwrap();
    assert_eq!(get(address, "/readyz").await, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(get(address, "/livez").await, "HTTP/1.1 200 OK");
    assert_eq!(get(address, "/metrics").await, "HTTP/1.1 200 OK");
    assert_eq!(get(address, "/").await, "HTTP/1.1 404 Not Found");
    shutdown.cancel();
    within(served).await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_are_sent_here_from_the_first_readiness_to_the_end() {
    let (health, shutdown) = (Health::new(), CancellationToken::new());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // An end of its own: the door must still answer once the process was asked to stop.
    let closing = CancellationToken::new();
    let served = tokio::spawn(ops::serve(listener, health.clone(), Metrics::default(), closing.clone()));
    health.start(shutdown.clone());
    let mut ready = health.watch();
    within(ready.wait_for(|ready| *ready)).await.unwrap();
    assert_eq!(get(address, "/servez").await, "HTTP/1.1 503 Service Unavailable", "nothing was asked yet");
    let dependency = switch(&health, "dependency");
    let taken = async || health.takes_calls();
    candor_tests::eventually("it takes calls", std::time::Duration::from_secs(10), taken).await;
    assert_eq!(get(address, "/servez").await, "HTTP/1.1 200 OK");
    let mut ready = health.watch();
    dependency.store(false, Ordering::SeqCst);
    within(ready.wait_for(|ready| !*ready)).await.unwrap();
    assert_eq!(get(address, "/servez").await, "HTTP/1.1 200 OK", "it says itself what is away");
    shutdown.cancel();
    let refused = async || !health.takes_calls();
    candor_tests::eventually("it takes no more calls", std::time::Duration::from_secs(10), refused).await;
    assert_eq!(get(address, "/servez").await, "HTTP/1.1 503 Service Unavailable");
    closing.cancel();
    within(served).await.unwrap().unwrap();
}
