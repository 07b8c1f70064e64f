use super::*;
use crate::Error;
use crate::body::{self, Bodies};
use crate::proxies::Proxies;
use crate::server::Bounds;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

async fn exchange(address: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    read.expect("the server answers and closes").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The whole gateway, ready.
async fn whole() -> (std::net::SocketAddr, CancellationToken, JoinHandle<Result<(), Error>>) {
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
    (address, shutdown, running)
}

#[tokio::test]
async fn the_server_is_ready_when_the_services_are_and_stops_when_told() {
    let (address, shutdown, running) = whole().await;
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

/// A server of one small answer.
fn small(bounds: Bounds) -> (std::net::SocketAddr, CancellationToken, JoinHandle<Result<(), Error>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
    let router = Router::new().fallback(async || "here");
    let running =
        tokio::spawn(crate::server::serve(listener, router, bounds, Proxies::default(), shutdown.clone()));
    (address, shutdown, running)
}

#[tokio::test]
async fn a_server_without_a_place_left_can_be_stopped() {
    let (address, shutdown, running) = small(Bounds { connections: 1, ..Bounds::default() });
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).await.unwrap();
    // The connection lives on and holds the only place.
    let _waiting = TcpStream::connect(address).await.unwrap();
    shutdown.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(5), running).await.expect("stops");
    stopped.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_asks_nothing_gives_its_place_back() {
    let bounds = Bounds { connections: 1, first_request: Duration::from_millis(50), ..Bounds::default() };
    let (address, _shutdown, _running) = small(bounds);
    for start in [&b""[..], b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HT"] {
        let answer = exchange(address, start).await;
        assert!(!answer.contains("here"), "{answer}");
    }
    // One that asked stays beyond that time.
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with("here") {
            let mut piece = [0; 512];
            let read = stream.read(&mut piece).await.unwrap();
            assert_ne!(read, 0, "{answer}");
            answer.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        }
        let silence = tokio::time::timeout(Duration::from_millis(150), stream.read(&mut [0])).await;
        assert!(silence.is_err(), "the connection stays open");
    }
}

/// The gateway with room for so many requests at once.
async fn narrow(calls_in_flight: usize) -> World {
    let clock = Clock::manual("2026-03-10T07:30:00Z".parse().unwrap());
    let fakes = Arc::new(Fakes::new(clock.clone()));
    let url = fakes.serve().await;
    let mut host = host(&clock);
    let mut platform = Platform::default();
    platform.limits.calls_in_flight = calls_in_flight;
    host.platform = Arc::new(platform);
    let router = crate::router(&config(&url, Some(ORIGIN)), &host).unwrap();
    World { router, fakes, clock }
}

#[tokio::test]
async fn more_requests_than_permits_are_told_to_come_back() {
    let answer = narrow(0).await.call("GET", "/v1/articles", None, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
}

#[tokio::test]
async fn a_slow_body_takes_no_permit_from_others() {
    let world = narrow(1).await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(1);
    let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    sender.send(Ok("{".into())).await.unwrap();
    let slow = Request::post("/v1/sessions").header("content-type", "application/json").header("host", "x");
    let (router, slow) = (world.router.clone(), slow.body(body).unwrap());
    let held = tokio::spawn(async move { router.oneshot(slow).await.unwrap().status() });
    sender.reserve().await.unwrap(); // the first piece was taken: the request is inside
    assert_eq!(world.call("GET", "/v1/articles", None, "").await.status, 200);
    drop(sender);
    assert_eq!(held.await.unwrap(), 400);
}

/// A client that sends all of it before it reads, as most do.
#[tokio::test]
async fn whoever_sends_too_much_comes_to_read_the_refusal() {
    let (address, shutdown, running) = whole().await;
    let length = 3 * body::MAX_BODY;
    let announced = format!("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    let chunked = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for head in [announced, format!("{chunked}{length:x}\r\n")] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..length / 65_536 {
            client.write_all(&[b'x'; 65_536]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut start = [0; 12];
        client.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 413");
    }
    shutdown.cancel();
    running.await.unwrap().unwrap();
}

fn stream(pieces: Vec<&'static str>) -> Request<Body> {
    use tokio_stream::StreamExt as _;
    let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
    Request::new(Body::from_stream(tokio_stream::iter(pieces).chain(tokio_stream::pending())))
}

#[tokio::test]
async fn bodies_have_a_time_and_a_room() {
    let bodies = Bodies::new(body::Bounds { time: Duration::from_millis(50), bytes: 8 });
    assert_eq!(bodies.receive(stream(vec!["1234"])).await.unwrap_err().status, 408);
    assert_eq!(bodies.receive(stream(vec!["1234", "56789"])).await.unwrap_err().status, 503);
    // What was refused gave its room back; what is held keeps it.
    let held = bodies.receive(Request::new(Body::from("12345678"))).await.unwrap();
    assert_eq!(bodies.receive(Request::new(Body::from("1"))).await.unwrap_err().status, 503);
    assert!(bodies.receive(Request::new(Body::empty())).await.is_ok());
    drop(held);
    assert!(bodies.receive(Request::new(Body::from("1"))).await.is_ok());
}

#[tokio::test]
async fn one_address_has_only_so_many_connections() {
    let (address, _shutdown, _running) = small(Bounds { per_address: 1, ..Bounds::default() });
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(10), second.read(&mut [0])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)), "the second is closed");
    first.write_all(request).await.unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("here"), "{answer}");
}

#[tokio::test]
async fn heads_that_could_be_read_in_two_ways_are_refused() {
    let world = World::new().await;
    let send = async |headers: &[(&'static str, &'static str)]| {
        let mut request = Request::get("/v1/articles").body(Body::empty()).unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        world.router.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    assert_eq!(send(&[]).await, 400);
    assert_eq!(send(&[("host", "a"), ("host", "b")]).await, 400);
    assert_eq!(send(&[("host", "a b")]).await, 400);
    assert_eq!(send(&[("host", "a:80")]).await, 200);
    assert_eq!(send(&[("host", "a"), ("content-encoding", "gzip")]).await, 415);
    assert_eq!(send(&[("host", "a"), ("content-encoding", "identity, br")]).await, 415);
    assert_eq!(send(&[("host", "a"), ("content-encoding", "Identity")]).await, 200);
}
