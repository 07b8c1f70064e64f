use super::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn exchange(address: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    read.expect("the server answers and closes").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn the_server_is_ready_when_the_services_are_and_stops_when_told() {
    let clock = Clock::manual("2026-03-10T07:30:00Z".parse().unwrap());
    let url = Arc::new(Fakes::new(clock.clone())).serve().await;
    let host = host(&clock);
    let (address, shutdown, health) =
        (host.listener.local_addr().unwrap(), host.shutdown.clone(), host.health.clone());
    let running = tokio::spawn(crate::run(config(&url, None), host));
    let ready = async {
        let mut ready = health.watch();
        while !*ready.borrow_and_update() {
            ready.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ready).await.expect("ready");

    let page = exchange(
        address,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Walls come down"), "{page}");
    assert!(!page.contains("strict-transport-security"), "plain http promises no TLS");
    let huge = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Huge: {}\r\n\r\n", "x".repeat(100_000));
    assert!(exchange(address, huge.as_bytes()).await.starts_with("HTTP/1.1 431"));
    let announced =
        b"POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Length: 2097152\r\nConnection: close\r\n\r\n";
    assert!(exchange(address, announced).await.starts_with("HTTP/1.1 413"));

    shutdown.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(10), running).await.expect("stops in time");
    stopped.unwrap().unwrap();
}

#[tokio::test]
async fn more_requests_than_permits_are_told_to_come_back() {
    let clock = Clock::manual("2026-03-10T07:30:00Z".parse().unwrap());
    let fakes = Arc::new(Fakes::new(clock.clone()));
    let url = fakes.serve().await;
    let mut host = host(&clock);
    let mut platform = Platform::default();
    platform.limits.calls_in_flight = 1;
    host.platform = Arc::new(platform);
    let router = crate::router(&config(&url, Some(ORIGIN)), &host).unwrap();
    let world = World { router, fakes, clock };
    // A body that never ends holds the only permit.
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(1);
    let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    sender.send(Ok("{".into())).await.unwrap();
    let slow = Request::post("/v1/sessions").header("content-type", "application/json").body(body).unwrap();
    let router = world.router.clone();
    let held = tokio::spawn(async move { router.oneshot(slow).await.unwrap().status() });
    sender.reserve().await.unwrap(); // the first piece was taken: the request is inside
    let answer = world.call("GET", "/v1/articles", None, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
    drop(sender);
    assert_eq!(held.await.unwrap(), 400);
    assert_eq!(world.call("GET", "/v1/articles", None, "").await.status, 200);
}
