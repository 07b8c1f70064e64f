//! What a relay does with rows: whose they are, how it notes them, and how it behaves where nobody takes them.

use crate::{
    ground::{Ground, PATIENCE},
    proxy::Proxy,
};
use bus::{
    Outbox, outbox,
    relay::Relay,
    step::{Observer, Step},
};
use candor_tests::eventually;
use futures::future::BoxFuture;
use lapin::{
    Channel, ConnectionProperties,
    options::{QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

over_both!(
    its_commits_are_not_waited_for_and_others_are,
    what_was_confirmed_before_the_database_left_is_published_once,
    a_relay_that_stops_holds_no_row,
    what_was_moved_does_not_pile_up,
);

/// Counts how often a step is reached.
fn counting(at: Step) -> (Observer, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    let observer: Observer = Arc::new(move |step| -> BoxFuture<'static, ()> {
        if step == at {
            count.fetch_add(1, Ordering::SeqCst);
        }
        Box::pin(std::future::ready(()))
    });
    (observer, reached)
}

impl Ground {
    fn relay_on(&self, pool: PgPool, outbox: &Outbox, transport: bus::Transport) -> Relay {
        Relay::new(pool, outbox.clone(), transport, self.clock.clone()).lease_clock(self.leases.clone())
    }

    /// A queue beside the consumer's, which takes nothing.
    pub(crate) async fn full_queue(&self, name: &str) -> (lapin::Connection, Channel) {
        let config = self.exchange().unwrap();
        let connection =
            lapin::Connection::connect(&config.amqp_url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(0));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        channel.queue_declare(name.into(), QueueDeclareOptions::default(), arguments).await.unwrap();
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        channel
            .queue_bind(name.into(), config.exchange.as_str().into(), "#".into(), options, none)
            .await
            .unwrap();
        (connection, channel)
    }
}

async fn its_commits_are_not_waited_for_and_others_are(ground: Ground) {
    sqlx::raw_sql(
        "CREATE TABLE commits (op text NOT NULL, waits text NOT NULL);
         CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             INSERT INTO commits VALUES (TG_OP, current_setting('synchronous_commit')); RETURN NULL; END$$;
         CREATE CONSTRAINT TRIGGER spy AFTER INSERT OR UPDATE OR DELETE ON bus.outbox DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION spy()",
    )
    .execute(&ground.pool)
    .await
    .unwrap();
    let options: PgConnectOptions = ground.database.url().parse().unwrap();
    let options = options.options([("synchronous_commit", "on")]);
    // One connection: whatever the relay leaves on it, the next one meets.
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let (outbox, shutdown, transport) = (Outbox::new(), CancellationToken::new(), ground.declared().await);
    let inbox = tokio::spawn(ground.inbox().run(transport.clone(), shutdown.clone()));
    let relay = tokio::spawn(ground.relay_on(pool.clone(), &outbox, transport).run(shutdown.clone()));
    for round in 1..=2 {
        let mut tx = pool.begin().await.unwrap();
        outbox::append(&mut tx, &[ground.event(1, round, 1)]).await.unwrap();
        tx.commit().await.unwrap();
        outbox.wake();
        ground.until_told().await;
        assert_eq!(ground.rows("bus.log").await, round);
    }
    let setting: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&pool).await.unwrap();
    assert_eq!(setting, "on");
    let commits: Vec<(String, String)> = sqlx::query_as("SELECT DISTINCT op, waits FROM commits ORDER BY op")
        .fetch_all(&ground.pool)
        .await
        .unwrap();
    let commits: Vec<_> = commits.iter().map(|(op, waits)| (op.as_str(), waits.as_str())).collect();
    assert_eq!(commits, [("DELETE", "off"), ("INSERT", "on"), ("UPDATE", "off")]);
    shutdown.cancel();
    relay.await.unwrap();
    inbox.await.unwrap().unwrap();
}

async fn what_was_confirmed_before_the_database_left_is_published_once(ground: Ground) {
    let options: PgConnectOptions = ground.database.url().parse().unwrap();
    let proxy = Arc::new(Proxy::to(format!("{}:{}", options.get_host(), options.get_port())).await);
    let options = options.host("127.0.0.1").port(proxy.address.port());
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_secs(1)).connect_lazy_with(options);
    let (outbox, shutdown, transport) = (Outbox::new(), CancellationToken::new(), ground.declared().await);
    let inbox = tokio::spawn(ground.inbox().run(transport.clone(), shutdown.clone()));
    let events: Vec<_> = (0..100).map(|n| ground.event(n % 5, n as i64, 1)).collect();
    ground.tell(&events).await;
    let cut = Arc::clone(&proxy);
    let once = Arc::new(std::sync::Once::new());
    let observer: Observer = Arc::new(move |step| -> BoxFuture<'static, ()> {
        if step == Step::Published {
            once.call_once(|| cut.cut());
        }
        Box::pin(std::future::ready(()))
    });
    let (claims, claimed) = counting(Step::Claimed);
    let both: Observer = Arc::new(move |step| {
        let (one, other) = (observer(step), claims(step));
        Box::pin(async move {
            one.await;
            other.await;
        })
    });
    let relay = ground.relay_on(pool, &outbox, transport).observe(both);
    let relay = tokio::spawn(relay.run(shutdown.clone()));
    eventually("the relay has tried in vain", PATIENCE, async || proxy.refused() > 2).await;
    ground.until_counted(100).await;
    proxy.mend();
    ground.until_told().await;
    assert_eq!(ground.rows("bus.log").await, 100);
    assert_eq!(claimed.load(Ordering::SeqCst), 1, "nothing was claimed, and so published, a second time");
    shutdown.cancel();
    relay.await.unwrap();
    inbox.await.unwrap().unwrap();
}

async fn a_relay_that_stops_holds_no_row(ground: Ground) {
    let transport = ground.declared().await;
    for stop in 0..3 {
        let process = ground.start_relay(transport.clone());
        let events: Vec<_> = (0..400).map(|n| ground.event(n % 5, stop * 400 + n as i64, 1)).collect();
        ground.tell(&events).await;
        process.outbox.wake();
        eventually("something is under way or done", PATIENCE, async || {
            let begun = "bus.outbox WHERE leased_until IS NOT NULL";
            ground.rows(begun).await > 0 || ground.rows("bus.log").await > 0
        })
        .await;
        process.stop().await;
        let rests = "bus.outbox WHERE leased_until > '2026-03-02T09:00:02Z'";
        assert_eq!(ground.rows(rests).await, 0, "a moment later another relay may have them");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbit_a_queue_that_takes_nothing_is_asked_less_and_less() {
    let ground = Ground::rabbit().await;
    let transport = ground.declared().await;
    let name = format!("{}.full", ground.exchange().unwrap().exchange);
    let (connection, channel) = ground.full_queue(&name).await;
    let events: Vec<_> = (0..3000).map(|n| ground.event(n % 9, n as i64, 1)).collect();
    ground.tell(&events).await;
    let (observer, claimed) = counting(Step::Claimed);
    let (outbox, shutdown) = (Outbox::new(), CancellationToken::new());
    let relay = ground.relay_on(ground.pool.clone(), &outbox, transport).observe(observer);
    let relay = tokio::spawn(relay.run(shutdown.clone()));
    let begun = Instant::now();
    let patient = "bus.outbox WHERE leased_until BETWEEN '2026-03-02T09:00:05Z' AND '2026-03-02T09:00:40Z'";
    eventually("rows rest for longer", PATIENCE, async || ground.rows(patient).await > 0).await;
    let asked = u32::try_from(claimed.load(Ordering::SeqCst)).unwrap();
    assert!(
        begun.elapsed() > Duration::from_millis(200) * asked.saturating_sub(4),
        "it waits between two tries"
    );
    assert_eq!(ground.rows("bus.log").await, 0);
    ground.leases_end();
    channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    eventually("all is told", PATIENCE, async || {
        outbox.wake();
        ground.rows("bus.log").await == 3000
    })
    .await;
    shutdown.cancel();
    relay.await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
}

async fn what_was_moved_does_not_pile_up(ground: Ground) {
    // Nobody else cleans up.
    sqlx::raw_sql("ALTER TABLE bus.outbox SET (autovacuum_enabled = false)")
        .execute(&ground.pool)
        .await
        .unwrap();
    let process = ground.start(ground.declared().await, None);
    let events: Vec<_> = (0..1_500).map(|n| ground.event(n % 5, n as i64, 1)).collect();
    ground.tell(&events).await;
    ground.until_told().await;
    eventually("the outbox is cleaned", PATIENCE, async || {
        let cleaned: i64 = sqlx::query_scalar(
            "SELECT vacuum_count FROM pg_stat_user_tables WHERE schemaname = 'bus' AND relname = 'outbox'",
        )
        .fetch_one(&ground.pool)
        .await
        .unwrap();
        cleaned > 0
    })
    .await;
    ground.until_counted(1_500).await;
    process.stop().await;
}
