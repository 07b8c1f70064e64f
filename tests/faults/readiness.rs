//! Health that is true: whatever stops, readiness says so within 5 s, and nothing else happens; whatever comes back,
//! everything finds it by itself.

use crate::member::{Member, PATIENCE, assert_come_back_later};
use candor_tests::five::{Five, KEYS, PROGRAMS, SERVICES, Servers, databases};
use candor_tests::{Postgres, Rabbit, eventually, rabbit};
use std::time::Duration;
use tokio::time::Instant;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// How soon the truth is told.
const SOON: Duration = Duration::from_secs(5);

/// What gRPC health says under a name.
async fn says(five: &Five, service: &str, name: &str) -> Option<ServingStatus> {
    let mut health = HealthClient::new(five.grpc(service));
    let mut request = tonic::Request::new(HealthCheckRequest { service: name.to_owned() });
    request.set_timeout(Duration::from_secs(2));
    Some(health.check(request).await.ok()?.into_inner().status())
}

/// What the operators' endpoint says.
async fn is_ok(five: &Five, program: &str, path: &str) -> Option<bool> {
    Some(five.operators(program).send("GET", path, None, None).await.ok()?.status == 200)
}

/// Whether a process says that it can work; nothing while its doors disagree.
async fn readiness(five: &Five, program: &str) -> Option<bool> {
    let ready = is_ok(five, program, "/readyz").await?;
    if SERVICES.contains(&program) {
        for name in ["".to_owned(), format!("candor.{program}.v1")] {
            if (says(five, program, &name).await? == ServingStatus::Serving) != ready {
                return None;
            }
        }
    }
    Some(ready)
}

async fn is_alive(five: &Five, program: &str) -> bool {
    let serves =
        !SERVICES.contains(&program) || says(five, program, "liveness").await == Some(ServingStatus::Serving);
    serves && is_ok(five, program, "/livez").await == Some(true) && five.process(program).alive()
}

/// Within 5 s exactly `fallen` say that they are not ready. All but the one that is `away` are alive.
async fn only_readiness_falls(five: &Five, what: &str, fallen: &[&str], away: Option<&str>) {
    let since = Instant::now();
    for program in fallen {
        eventually(&format!("{what}: {program} is not ready"), SOON, async || {
            readiness(five, program).await == Some(false)
        })
        .await;
    }
    assert!(since.elapsed() <= SOON, "{what}: it took {:?}", since.elapsed());
    for program in PROGRAMS.into_iter().filter(|program| Some(*program) != away) {
        assert!(
            is_alive(five, program).await,
            "{what}: {program} is alive; it said {}",
            five.logged(program)
        );
        assert_eq!(readiness(five, program).await, Some(!fallen.contains(&program)), "{what}: {program}");
    }
}

/// Everything is ready again, and a call goes through all of it.
async fn all_is_well(five: &Five, what: &str, member: &Member) {
    for program in PROGRAMS {
        eventually(&format!("after {what}: {program} is ready"), PATIENCE, async || {
            readiness(five, program).await == Some(true)
        })
        .await;
        assert!(is_alive(five, program).await, "after {what}: {program}");
    }
    for path in ["/v1/me", "/v1/entries", "/v1/schedules", "/v1/path"] {
        member.is_served(five, path).await;
    }
    eventually(&format!("after {what}: writing works"), PATIENCE, async || {
        let entry = serde_json::json!({"body": what});
        member.send(five, "POST", "/v1/entries", Some(entry)).await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
}

#[tokio::test]
#[ignore = "slow: two servers of PostgreSQL stop, freeze and start"]
async fn postgresql_and_the_key_store_take_only_readiness_with_them() {
    let (mut main, mut keys) = (Postgres::start().await, Postgres::start().await);
    let broker = rabbit().await;
    let mut urls = std::collections::BTreeMap::new();
    for service in SERVICES {
        urls.insert(service, main.create(service).await);
    }
    urls.insert(KEYS, keys.create(KEYS).await);
    let servers = Servers { databases: urls, amqp_url: broker.url, exchange: broker.exchange };
    let five = Five::start(servers).await;
    let member = Member::join(&five, "vera@example.org").await;
    all_is_well(&five, "the start", &member).await;

    main.stop().await;
    only_readiness_falls(&five, "PostgreSQL stopped", &PROGRAMS, None).await;
    assert_come_back_later(&member.send(&five, "GET", "/v1/entries", None).await.unwrap());
    main.up().await;
    all_is_well(&five, "PostgreSQL's stop", &member).await;

    main.freeze();
    only_readiness_falls(&five, "PostgreSQL frozen", &PROGRAMS, None).await;
    main.thaw();
    all_is_well(&five, "PostgreSQL's frost", &member).await;

    keys.stop().await;
    only_readiness_falls(&five, "key store stopped", &["accounts", "journal", "gateway"], None).await;
    member.is_served(&five, "/v1/schedules").await;
    keys.up().await;
    all_is_well(&five, "the key store's stop", &member).await;

    keys.freeze();
    only_readiness_falls(&five, "key store frozen", &["accounts", "journal", "gateway"], None).await;
    keys.thaw();
    all_is_well(&five, "the key store's frost", &member).await;
    five.stop().await;
}

#[tokio::test]
#[ignore = "slow: a node of RabbitMQ stops, freezes and starts"]
async fn the_broker_takes_only_readiness_with_it() {
    let mut broker = Rabbit::start().await;
    let databases = databases().await;
    let five = Five::start(Servers::new(&databases, broker.url(), "candor.events".to_owned())).await;
    let member = Member::join(&five, "vera@example.org").await;
    all_is_well(&five, "the start", &member).await;

    broker.stop().await;
    only_readiness_falls(&five, "broker stopped", &PROGRAMS, None).await;
    broker.up().await;
    all_is_well(&five, "the broker's stop", &member).await;

    broker.kill();
    only_readiness_falls(&five, "broker killed", &PROGRAMS, None).await;
    broker.up().await;
    all_is_well(&five, "the broker's death", &member).await;

    broker.freeze();
    only_readiness_falls(&five, "broker frozen", &PROGRAMS, None).await;
    broker.thaw();
    all_is_well(&five, "the broker's frost", &member).await;
    five.stop().await;
}

#[tokio::test]
async fn accounts_takes_only_the_gateways_readiness_with_it() {
    let databases = databases().await;
    let broker = rabbit().await;
    let mut five = Five::start(Servers::new(&databases, broker.url, broker.exchange)).await;
    let member = Member::join(&five, "vera@example.org").await;
    all_is_well(&five, "the start", &member).await;

    assert!(five.take("accounts").stop().await.success());
    only_readiness_falls(&five, "accounts stopped", &["gateway"], Some("accounts")).await;
    ones_own_is_served(&five, &member).await;
    five.up("accounts").await;
    all_is_well(&five, "accounts' stop", &member).await;

    five.process("accounts").freeze();
    only_readiness_falls(&five, "accounts frozen", &["gateway"], Some("accounts")).await;
    ones_own_is_served(&five, &member).await;
    five.process("accounts").thaw();
    all_is_well(&five, "accounts' frost", &member).await;

    five.kill("accounts");
    only_readiness_falls(&five, "accounts killed", &["gateway"], Some("accounts")).await;
    ones_own_is_served(&five, &member).await;
    five.clock.advance(jiff::SignedDuration::from_secs(61));
    let over = member.timeline(&five, String::new()).await.err().unwrap();
    assert_eq!(over.code(), Code::Unauthenticated, "a passport ends, whoever is away");
    assert_come_back_later(&member.send(&five, "GET", "/v1/entries", None).await.unwrap());
    assert_eq!(five.rest().call("GET", "/v1/articles", None, None).await.0, 200, "the library asks nobody");
    five.up("accounts").await;
    all_is_well(&five, "accounts' death", &member).await;
    five.stop().await;
}

/// While a passport lives, nobody needs accounts: not the services, and not the gateway, which holds it.
async fn ones_own_is_served(five: &Five, member: &Member) {
    assert!(!member.timeline(five, String::new()).await.unwrap().entries.is_empty());
    for path in ["/v1/entries", "/v1/schedules", "/v1/path"] {
        assert_eq!(member.send(five, "GET", path, None).await.unwrap().status, 200, "{path}");
    }
}
