//! What one network may ask for, through the pages and the REST API alike, and what it cannot do to others.

use super::*;
use crate::peers::Peers;
use crate::proxies::Proxies;
use jiff::SignedDuration;

/// Calls and forms that anybody may make, by what their turns are counted for.
const SIGN_INS: [&str; 14] = [
    "/v1/sessions",
    "/v1/sessions:complete",
    "/v1/sessions:beginPasskey",
    "/v1/sessions:passkey",
    "/v1/accounts:verifyEmail",
    "/v1/accounts:resetPassword",
    "/v1/accounts:undoEmailChange",
    "/sign-in",
    "/sign-in/second",
    "/sign-in/passkey",
    "/sign-in/passkey/finish",
    "/verify",
    "/reset/set",
    "/address/undo",
];
const REGISTRATIONS: [&str; 2] = ["/v1/accounts", "/register"];
const MAILS: [&str; 4] =
    ["/v1/accounts:resendVerification", "/v1/accounts:requestPasswordReset", "/look-at-your-mail", "/reset"];

const ONE: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";

impl World {
    /// The same behind proxies of these networks.
    async fn behind(networks: &[&str]) -> Self {
        let clock = Clock::manual("2026-03-10T07:30:00Z".parse().unwrap());
        let fakes = Arc::new(Fakes::new(clock.clone()));
        let mut config = config(&fakes.serve().await, Some(ORIGIN));
        config.trusted_proxies = networks.iter().map(|&network| network.to_owned()).collect();
        let router = crate::router(&config, &host(&clock)).unwrap();
        Self { router, fakes, clock }
    }

    /// Sends nonsense to a place, over a connection from an address, with what it says of whom it is for.
    async fn knock(&self, peer: &str, forwarded: &str, path: &str) -> Answer {
        let api = path.starts_with("/v1");
        let (kind, accept) = if api {
            ("application/json", "application/json")
        } else {
            ("application/x-www-form-urlencoded", "text/html")
        };
        let mut request =
            Request::post(path).header(header::CONTENT_TYPE, kind).header(header::ACCEPT, accept);
        if !forwarded.is_empty() {
            request = request.header("x-forwarded-for", forwarded);
        }
        let mut request = request.body(Body::from(if api { "{}" } else { "" })).unwrap();
        let peer = Peers::new(1, Proxies::default()).admit(peer.parse().unwrap()).unwrap();
        request.extensions_mut().insert(peer);
        self.send(request).await
    }

    /// What so many of them are answered.
    pub(super) async fn knock_often(
        &self,
        peer: &str,
        forwarded: &str,
        times: usize,
        path: &str,
    ) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..times {
            statuses.push(self.knock(peer, forwarded, path).await.status.as_u16());
        }
        statuses
    }

    /// How many of them have a turn until the first that has none.
    async fn turns(&self, peer: &str, forwarded: &str, path: &str) -> usize {
        let statuses = self.knock_often(peer, forwarded, 100, path).await;
        statuses.iter().position(|status| *status == 429).expect("there is a limit")
    }
}

#[tokio::test]
async fn one_networks_registrations_leave_its_sign_ins_and_anothers_alone() {
    let world = World::new().await;
    assert_eq!(world.turns(ONE, "", "/v1/accounts").await, 20);
    assert!(world.fakes.registered.lock().unwrap().is_empty());
    for path in ["/v1/sessions", "/sign-in", "/reset", "/v1/accounts:resendVerification"] {
        assert_ne!(world.knock(ONE, "", path).await.status, 429, "{path}");
    }
    for path in REGISTRATIONS.into_iter().chain(SIGN_INS).chain(MAILS) {
        assert_ne!(world.knock(OTHER, "", path).await.status, 429, "{path}");
    }
    // A refusal adds nothing to the wait.
    world.clock.set(world.clock.now() + SignedDuration::from_secs(6));
    let again = world.knock_often(ONE, "", 2, "/v1/accounts").await;
    assert!(again[0] != 429 && again[1] == 429, "{again:?}");
}

#[tokio::test]
async fn pages_and_the_rest_api_take_the_same_turns() {
    for (paths, turns) in [(&SIGN_INS[..], 60), (&REGISTRATIONS[..], 20), (&MAILS[..], 20)] {
        let world = World::new().await;
        let mut used = 0;
        for path in paths.iter().cycle().take(turns) {
            let answer = world.knock(ONE, "", path).await;
            let status = answer.status.as_u16();
            assert!(
                ![404, 405, 429].contains(&status) || answer.body.contains("NOT_FOUND"),
                "{path}: {status}"
            );
            used += 1;
        }
        assert_eq!(used, turns);
        for path in paths {
            assert_eq!(world.knock(ONE, "", path).await.status, 429, "{path}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_a_plain_sentence_with_the_time_to_wait() {
    let world = World::new().await;
    world.turns(ONE, "", "/v1/accounts").await;
    let answer = world.knock(ONE, "", "/v1/accounts").await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "6"));
    let problem = answer.json();
    assert_eq!((&problem["reason"], &problem["status"]), (&"TOO_MANY_FROM_YOUR_NETWORK".into(), &429.into()));
    let page = world.knock(ONE, "", "/register").await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (429, "6"));
    assert!(page.header("content-type").starts_with("text/html"));
    let sentence = problem["detail"].as_str().unwrap();
    for words in ["A little too often", "from your network", sentence] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    for answer in [&answer, &page] {
        assert!(!answer.body.contains(ONE), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_costs_little_and_what_is_only_read_is_not_held_up() {
    let world = World::new().await;
    world.turns(ONE, "", "/v1/sessions").await;
    for path in ["/v1/sessions:mintPassport", "/v1/entries", "/v1/clients:issueToken", "/oauth/token"] {
        assert!(!world.knock_often(ONE, "", 100, path).await.contains(&429), "{path}");
    }
    for path in ["/sign-in", "/v1/articles"] {
        let mut request = Request::get(path).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
        let peer = Peers::new(1, Proxies::default()).admit(ONE.parse().unwrap()).unwrap();
        request.extensions_mut().insert(peer);
        assert_eq!(world.send(request).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_page_of_another_site_uses_up_nobodys_turns() {
    let world = World::new().await;
    let send = async |path: &str, kind: &str, body: &'static str| {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, kind)
            .header(header::ORIGIN, "https://evil.example")
            .header(header::ACCEPT, "text/html");
        world.send(request.body(Body::from(body)).unwrap()).await.status.as_u16()
    };
    // What a form or a script of another site can send without being asked first.
    let form = "application/x-www-form-urlencoded";
    for (path, kind, body, status) in [
        ("/register", form, "email=x", 403),
        ("/v1/accounts", "text/plain", "{}", 415),
        ("/v1/accounts", "text/plain", "", 403),
        ("/v1/sessions:beginPasskey", form, "", 403),
    ] {
        for _ in 0..100 {
            assert_eq!(send(path, kind, body).await, status, "{path}");
        }
    }
    assert!(world.fakes.registered.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_a_stranger_forwards_changes_nothing() {
    for world in [World::new().await, World::behind(&["10.0.0.0/8"]).await] {
        for number in 0..20 {
            let made_up = format!("198.51.100.{number}");
            assert_ne!(world.knock(ONE, &made_up, "/v1/accounts").await.status, 429);
        }
        assert_eq!(world.knock(ONE, "198.51.100.200", "/v1/accounts").await.status, 429);
        // Nor does it use up anybody's turns.
        assert_ne!(world.knock("198.51.100.1", "", "/register").await.status, 429);
    }
}

#[tokio::test]
async fn behind_a_proxy_the_last_address_counts_that_is_no_proxys() {
    let world = World::behind(&["10.0.0.0/8", "fd00::/8"]).await;
    for number in 0..20 {
        // What the person wrote themself stands before what the proxies saw.
        let said = format!("203.0.113.{number}, 198.51.100.1, 10.7.7.7");
        let proxy = format!("10.0.0.{number}");
        assert_ne!(world.knock(&proxy, &said, "/v1/accounts").await.status, 429);
    }
    assert_eq!(world.knock("fd00::1", "198.51.100.1", "/register").await.status, 429);
    assert_eq!(world.knock("198.51.100.1", "", "/register").await.status, 429, "with a proxy or without");
    for other in ["198.51.100.2", "198.51.100.1, 198.51.100.2"] {
        assert_ne!(world.knock("10.0.0.1", other, "/v1/accounts").await.status, 429, "{other}");
    }
}

#[tokio::test]
async fn one_network_of_ipv6_is_one_source() {
    let world = World::new().await;
    for number in 0..20 {
        let address = format!("2001:db8:1:2:{number:x}::1");
        assert_ne!(world.knock(&address, "", "/v1/accounts").await.status, 429);
    }
    assert_eq!(world.knock("2001:db8:1:2:ffff::", "", "/v1/accounts").await.status, 429);
    assert_ne!(world.knock("2001:db8:1:3::1", "", "/v1/accounts").await.status, 429);
}

#[tokio::test]
async fn a_connection_is_a_source_by_itself() {
    let clock = Clock::manual("2026-03-10T07:30:00Z".parse().unwrap());
    let url = Arc::new(Fakes::new(clock.clone())).serve().await;
    let host = host(&clock);
    let address = host.listener.local_addr().unwrap();
    let running = tokio::spawn(crate::run(config(&url, None), host));
    let request =
        b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
                    Content-Length: 2\r\n\r\n{}";
    let knock = async |from: [u8; 4]| {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    for _ in 0..20 {
        assert!(!knock([127, 0, 0, 1]).await.starts_with("HTTP/1.1 429"));
    }
    assert!(knock([127, 0, 0, 1]).await.starts_with("HTTP/1.1 429"));
    assert!(!knock([127, 0, 0, 2]).await.starts_with("HTTP/1.1 429"));
    running.abort();
}
