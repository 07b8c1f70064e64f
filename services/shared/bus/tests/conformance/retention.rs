//! What is kept how long, by a clock that leaps.

use crate::ground::{CONSUMER, Ground, PATIENCE};
use candor_tests::eventually;
use jiff::SignedDuration;

async fn days(ground: &Ground) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT relname::text FROM pg_inherits JOIN pg_class ON oid = inhrelid
         WHERE inhparent = 'bus.log'::regclass ORDER BY 1",
    )
    .fetch_all(&ground.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_of_the_log_are_made_ahead_and_dropped_after_thirty() {
    let ground = Ground::memory().await;
    let process = ground.start(ground.transport(), None);
    ground.tell(&[ground.event(1, 1, 1)]).await;
    ground.until_told().await;
    assert_eq!(days(&ground).await, ["log_20260302", "log_20260303", "log_20260304", "log_20260305"]);
    // The last moment of the thirtieth day, then the next day.
    for (to, kept) in [("2026-04-01T23:59:59Z", 1), ("2026-04-02T00:00:00Z", 0)] {
        ground.clock.set(to.parse().unwrap());
        eventually("days are made", PATIENCE, async || {
            days(&ground).await.contains(&format!("log_{}", to[..10].replace('-', "")))
        })
        .await;
        eventually("old days go", PATIENCE, async || ground.rows("bus.log").await == kept).await;
    }
    ground.tell(&[ground.event(1, 2, 1)]).await;
    ground.until_counted(2).await;
    ground.until_told().await;
    assert_eq!(ground.rows("bus.log").await, 1);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_inbox_forgets_after_forty_days() {
    let ground = Ground::memory().await;
    let process = ground.start(ground.transport(), None);
    ground.tell(&[ground.event(1, 1, 1)]).await;
    ground.until_counted(1).await;
    ground.advance(SignedDuration::from_hours(40 * 24));
    ground.tell(&[ground.event(1, 2, 1)]).await;
    ground.until_counted(2).await;
    assert_eq!(ground.rows("bus.inbox").await, 2);
    ground.advance(SignedDuration::from_hours(1));
    eventually("the older row is gone", PATIENCE, async || ground.rows("bus.inbox").await == 1).await;
    process.stop().await;
}

/// Two replicas may both find the day missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_make_the_same_days_without_a_collision() {
    let ground = Ground::memory().await;
    let now = ground.clock.now();
    let makers = (0..6).map(|_| async {
        let mut conn = ground.pool.acquire().await.unwrap();
        bus::log::maintain(&mut conn, now).await
    });
    assert!(futures::future::join_all(makers).await.into_iter().all(|made| made.is_ok()));
    assert_eq!(days(&ground).await.len(), 4);
    assert_eq!(ground.inbox().keys(), ["test.v1.counted", "test.v1.refused"]);
    assert_eq!(CONSUMER, "tally");
}
