//! Events arrive, once in effect, through whatever is in place.

use crate::ground::{CONSUMER, Counted, Ground, PATIENCE};
use bus::{Envelope, HandlerError, Inbox, Outbox, Transport, outbox, resnapshot};
use candor_tests::eventually;
use futures::future::join_all;
use uuid::Uuid;

over_both!(
    events_arrive_once_and_are_logged,
    replicas_share_the_work,
    a_handlers_own_events_follow_at_once,
    a_queue_declared_beforehand_keeps_what_comes_before_the_first_start,
    what_was_not_acknowledged_comes_again,
    an_event_nobody_wants_counts_as_told,
    a_snapshot_is_told_page_by_page,
);

async fn events_arrive_once_and_are_logged(ground: Ground) {
    let process = ground.start(ground.declared().await, None);
    let events: Vec<_> = (0..700).map(|n| ground.event(n % 7, n as i64, 1)).collect();
    ground.tell(&events).await;
    process.outbox.wake();
    ground.until_counted(700).await;
    ground.until_told().await;
    assert_eq!(ground.counted().await, (7, 700, 700));
    assert_eq!(ground.rows("bus.log").await, 700);
    process.stop().await;
}

async fn replicas_share_the_work(ground: Ground) {
    let transport = ground.declared().await;
    let events: Vec<_> = (0..1500).map(|n| ground.event(n % 10, n as i64, 1)).collect();
    let processes: Vec<_> = (0..3).map(|_| ground.start(transport.clone(), None)).collect();
    for some in events.chunks(100) {
        ground.tell(some).await;
        processes[0].outbox.wake();
    }
    ground.until_counted(1500).await;
    ground.until_told().await;
    assert_eq!(ground.rows("bus.log").await, 1500);
    join_all(processes.into_iter().map(crate::ground::Process::stop)).await;
}

/// Counting to ten: each event makes the next.
async fn a_handlers_own_events_follow_at_once(ground: Ground) {
    let transport = ground.declared().await;
    let sender = Outbox::new();
    let inbox = Inbox::new(CONSUMER, ground.pool.clone(), ground.tally.clone(), ground.clock.clone())
        .on::<Counted>(|tally, conn, meta, event| {
            Box::pin(async move {
                if event.amount == 10 {
                    return Ok(sqlx::query("INSERT INTO late VALUES (10)").execute(conn).await.map(drop)?);
                }
                let next = Counted { amount: event.amount + 1 };
                let next = Envelope::new(
                    tally.ids.next(),
                    tally.clock.now(),
                    meta.aggregate_id,
                    meta.version + 1,
                    &next,
                );
                Ok::<_, HandlerError>(outbox::append(conn, &[next]).await?)
            })
        })
        .outbox(sender.clone());
    let shutdown = tokio_util::sync::CancellationToken::new();
    let relay = bus::relay::run(
        ground.pool.clone(),
        sender.clone(),
        transport.clone(),
        ground.clock.clone(),
        shutdown.clone(),
    );
    let tasks = (tokio::spawn(relay), tokio::spawn(inbox.run(transport, shutdown.clone())));
    ground.tell(&[ground.event(1, 1, 1)]).await;
    sender.wake();
    eventually("the tenth event is handled", PATIENCE, async || ground.rows("late").await == 1).await;
    assert_eq!(ground.rows("bus.inbox").await, 10);
    shutdown.cancel();
    tasks.0.await.unwrap();
    tasks.1.await.unwrap().unwrap();
}

async fn a_queue_declared_beforehand_keeps_what_comes_before_the_first_start(ground: Ground) {
    let transport = ground.declared().await;
    let early = ground.event(1, 1, 1);
    let publish = tokio::spawn({
        let transport = transport.clone();
        async move { transport.publish(&early).await }
    });
    if ground.exchange().is_some() {
        // RabbitMQ confirms what is in the queue; memory what is handled.
        (&mut { publish }).await.unwrap().unwrap();
        let process = ground.start(ground.transport(), None);
        ground.until_counted(1).await;
        return process.stop().await;
    }
    let process = ground.start(transport, None);
    publish.await.unwrap().unwrap();
    ground.until_counted(1).await;
    process.stop().await;
}

async fn what_was_not_acknowledged_comes_again(ground: Ground) {
    let transport = ground.declared().await;
    let keys = ground.inbox().keys();
    let events: Vec<_> = (0..5).map(|n| ground.event(n, 1, 1)).collect();
    let publishes = tokio::spawn({
        let transport = transport.clone();
        async move { join_all(events.iter().map(|event| transport.publish(event))).await }
    });
    for _ in 0..3 {
        let mut subscription = transport.subscribe(CONSUMER, &keys).unwrap();
        for _ in 0..5 {
            drop(next(&mut subscription).await);
        }
    }
    let process = ground.start(transport, None);
    ground.until_counted(5).await;
    assert!(publishes.await.unwrap().into_iter().all(|published| published.is_ok()));
    process.stop().await;
}

async fn next(subscription: &mut bus::transport::Subscription) -> bus::transport::Delivery {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("a delivery")
}

async fn an_event_nobody_wants_counts_as_told(ground: Ground) {
    let process = ground.start(ground.declared().await, None);
    let unwanted = Envelope { key: "test.v1.unheard".into(), ..ground.event(1, 1, 1) };
    ground.tell(&[unwanted, ground.event(2, 1, 1)]).await;
    ground.until_counted(1).await;
    ground.until_told().await;
    assert_eq!(ground.rows("bus.log").await, 2);
    process.stop().await;
}

async fn a_snapshot_is_told_page_by_page(ground: Ground) {
    let process = ground.start(ground.declared().await, None);
    let state: Vec<_> = (1..=25_u128).map(|n| ground.event(n, 3, 1)).collect();
    let told = resnapshot::run(&ground.pool, &process.outbox, |_, after: Option<Uuid>| {
        let page: Vec<_> = state
            .iter()
            .filter(|event| after.is_none_or(|id| event.aggregate_id > id))
            .take(10)
            .cloned()
            .collect();
        let next: Option<Uuid> = (page.len() == 10).then(|| page[9].aggregate_id);
        Box::pin(async move { Ok::<_, sqlx::Error>(resnapshot::Page { events: page, next }) })
    })
    .await
    .unwrap();
    assert_eq!(told, 25);
    ground.until_counted(25).await;
    process.stop().await;
}

/// More than the memory transport holds: publishers wait for the paused consumer, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_holds_publishers_back_while_a_consumer_pauses() {
    let ground = Ground::memory().await;
    let transport = ground.transport();
    let events: Vec<_> = (0..3000).map(|n| ground.event(n % 3, n as i64, 1)).collect();
    let publishes = tokio::spawn({
        let transport: Transport = transport.clone();
        async move { join_all(events.iter().map(|event| transport.publish(event))).await }
    });
    let process = ground.start(transport, None);
    ground.until_counted(3000).await;
    assert!(publishes.await.unwrap().into_iter().all(|published| published.is_ok()));
    process.stop().await;
}

#[tokio::test]
async fn memory_knows_its_consumers() {
    let transport = Transport::memory(&[("one", vec![])]);
    assert!(bus::declare(&transport, "one", &[]).await.is_ok());
    assert!(bus::declare(&transport, "two", &[]).await.is_err());
    assert!(Transport::rabbit(&bus::Config::new("not a url")).is_err());
}
