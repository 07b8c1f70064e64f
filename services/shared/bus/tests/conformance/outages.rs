//! The database away: consuming pauses. The broker away: work goes on, and the backlog drains by itself.

use crate::{
    ground::{Ground, PATIENCE},
    proxy::Proxy,
};
use bus::{Outbox, relay};
use candor_tests::{Rabbit, eventually};
use chassis::Clock;
use futures::future::join_all;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

over_both!(consuming_pauses_while_the_database_is_away);

async fn consuming_pauses_while_the_database_is_away(ground: Ground) {
    let options: PgConnectOptions = ground.database.url().parse().unwrap();
    let proxy = Proxy::to(format!("{}:{}", options.get_host(), options.get_port())).await;
    let options = options.host("127.0.0.1").port(proxy.address.port());
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_secs(1)).connect_lazy_with(options);
    let transport = ground.declared().await;
    let shutdown = CancellationToken::new();
    let inbox = tokio::spawn(ground.inbox_on(pool).run(transport.clone(), shutdown.clone()));
    // It works, then it does not.
    transport.publish(&ground.event(1, 1, 1)).await.unwrap();
    ground.until_counted(1).await;
    for outage in 0..2 {
        proxy.cut();
        let before = proxy.refused();
        let events: Vec<_> = (0..120).map(|n| ground.event(2 + n % 5, n as i64, 1)).collect();
        let publishes = tokio::spawn({
            let transport = transport.clone();
            async move { join_all(events.iter().map(|event| transport.publish(event))).await }
        });
        eventually("the inbox has tried in vain", PATIENCE, async || proxy.refused() > before + 3).await;
        assert_eq!(ground.counted().await.1, 1 + outage * 120);
        proxy.mend();
        ground.until_counted(1 + (outage + 1) * 120).await;
        assert!(publishes.await.unwrap().into_iter().all(|published| published.is_ok()));
    }
    // Nobody took the outage for the events' fault.
    assert_eq!(ground.rows("bus.inbox_retry").await, 0);
    shutdown.cancel();
    inbox.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_the_broker_dies_stops_and_comes_back() {
    let mut rabbit = Rabbit::start().await;
    let mut ground = Ground::on_broker(rabbit.url(), "candor.events".into()).await;
    ground.leases = Clock::system();
    let transport = ground.declared().await;
    let process = ground.start(transport.clone(), None);
    let mut told = 0;
    // First a clean stop: RabbitMQ 3.10 does not bring a quorum queue back whose node dies within moments of its
    // declaration (its Raft server never answers again, whoever asks). Older queues survive any kill.
    for kill in [false, true] {
        if kill {
            // In the middle of things.
            let events: Vec<_> = (0..2000).map(|n| ground.event(n % 9, n as i64, 1)).collect();
            ground.tell(&events).await;
            process.outbox.wake();
            eventually("some are handled", PATIENCE, async || ground.counted().await.1 > 0).await;
            rabbit.kill();
            told += 2000;
        } else {
            rabbit.stop().await;
        }
        eventually("readiness says so", PATIENCE, async || !transport.healthy()).await;
        for n in 0..300 {
            ground.tell(&[ground.event(n % 9, n as i64, 1)]).await;
            process.outbox.wake();
        }
        told += 300;
        assert!(ground.rows("bus.outbox").await >= 300);
        rabbit.up().await;
        ground.until_counted(told).await;
        ground.until_told().await;
        assert!(transport.healthy());
    }
    assert_eq!(ground.rows("bus.log").await, told);
    assert_eq!(ground.rows("bus.inbox_retry").await, 0);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_a_process_may_start_before_its_broker() {
    let mut rabbit = Rabbit::start().await;
    rabbit.stop().await;
    let ground = Ground::on_broker(rabbit.url(), "candor.events".into()).await;
    let transport = ground.transport();
    let (outbox, shutdown) = (Outbox::new(), CancellationToken::new());
    let inbox = tokio::spawn(ground.inbox().run(transport.clone(), shutdown.clone()));
    ground.tell(&[ground.event(1, 1, 1)]).await;
    rabbit.up().await;
    // The consumer has its queue once it has handled something; until then nobody may publish.
    bus::declare(&transport, crate::ground::CONSUMER, &ground.inbox().keys()).await.unwrap();
    let relay = tokio::spawn(relay::run(
        ground.pool.clone(),
        outbox,
        transport,
        ground.clock.clone(),
        shutdown.clone(),
    ));
    ground.until_counted(1).await;
    shutdown.cancel();
    relay.await.unwrap();
    inbox.await.unwrap().unwrap();
}
