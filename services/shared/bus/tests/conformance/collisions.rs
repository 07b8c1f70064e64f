//! Replicas in each other's way: collisions cost nothing, and nobody undoes what somebody else has done.

use crate::ground::{CONSUMER, Counted, Ground, PATIENCE, Refused};
use bus::{Envelope, Inbox, Meta, step::Step};
use candor_tests::eventually;
use chassis::Fault;
use jiff::SignedDuration;
use sqlx::PgConnection;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::sync::{Barrier, Notify};
use uuid::Uuid;

/// What handlers that lock accounts in the order of their events know.
#[derive(Clone)]
struct Crossing {
    handled: Arc<AtomicUsize>,
    both_hold_one: Arc<Barrier>,
    order: Arc<Mutex<Vec<Uuid>>>,
}

impl Crossing {
    fn new() -> Self {
        let both_hold_one = Arc::new(Barrier::new(2));
        Self { handled: Arc::default(), both_hold_one, order: Arc::default() }
    }

    fn inbox(&self, ground: &Ground) -> Inbox<Self> {
        Inbox::new(CONSUMER, ground.pool.clone(), self.clone(), ground.clock.clone())
            .on::<Counted>(|crossing, conn, meta, event| Box::pin(crossing.count(conn, meta, event)))
    }

    /// As services do it: the amount is the account, which is not the aggregate, and a database error becomes a fault.
    async fn count(
        &self,
        conn: &mut PgConnection,
        meta: &Meta,
        event: Counted,
    ) -> Result<(), bus::HandlerError> {
        self.order.lock().unwrap().push(meta.aggregate_id);
        sqlx::query("UPDATE tally SET handled = handled + 1 WHERE latest = $1")
            .bind(event.amount)
            .execute(conn)
            .await
            .map_err(Fault::from)?;
        if self.handled.fetch_add(1, Ordering::SeqCst) < 2 {
            self.both_hold_one.wait().await;
        }
        Ok(())
    }
}

async fn two_accounts(ground: &Ground) {
    sqlx::raw_sql("INSERT INTO tally SELECT gen_random_uuid(), 0, 0, 0, n FROM generate_series(1, 2) AS n")
        .execute(&ground.pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_deadlock_park_nothing() {
    let ground = Ground::memory().await;
    two_accounts(&ground).await;
    let crossing = Crossing::new();
    let (one, other) = (crossing.inbox(&ground), crossing.inbox(&ground));
    let forth = [ground.event(11, 1, 1), ground.event(12, 1, 2)];
    let back = [ground.event(13, 1, 2), ground.event(14, 1, 1)];
    let (one, other) = tokio::join!(one.handle(&forth), other.handle(&back));
    one.unwrap();
    other.unwrap();
    assert!(crossing.handled.load(Ordering::SeqCst) > 3, "nothing collided");
    assert_eq!(ground.counted().await, (2, 4, 0));
    assert_eq!(ground.rows("bus.inbox_retry").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_handled_in_the_order_of_its_aggregates() {
    let ground = Ground::memory().await;
    let mut crossing = Crossing::new();
    crossing.both_hold_one = Arc::new(Barrier::new(1));
    let events: Vec<Envelope> = [3, 1, 2].into_iter().map(|n| ground.event(n, 1, 1)).collect();
    crossing.inbox(&ground).handle(&events).await.unwrap();
    assert_eq!(*crossing.order.lock().unwrap(), [1, 2, 3].map(Uuid::from_u128));
}

/// Replica A's attempt fails at its commit; before A notes that, B handles the event and forgets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_noted_late_does_not_bring_back_what_another_replica_handled() {
    let ground = Ground::memory().await;
    let (undone, noted) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&undone), Arc::clone(&noted));
    let first = AtomicBool::new(true);
    let a = ground.start_observed(
        ground.declared().await,
        Some(Arc::new(move |step| {
            let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
            let held = step == Step::Undone && first.swap(false, Ordering::SeqCst);
            Box::pin(async move {
                if held {
                    tell.notify_one();
                    wait.notified().await;
                }
            })
        })),
    );
    ground.tell(&[ground.refused("late")]).await;
    eventually("it waits for another attempt", PATIENCE, async || ground.rows("bus.inbox_retry").await == 1)
        .await;
    ground.advance(SignedDuration::from_secs(6));
    tokio::time::timeout(PATIENCE, undone.notified()).await.unwrap();

    ground.tally.failing.store(false, Ordering::SeqCst);
    let b = ground.start(ground.transport(), None);
    ground.until_counted(1).await;
    eventually("B forgets it", PATIENCE, async || ground.rows("bus.inbox_retry").await == 0).await;
    noted.notify_one();
    a.stop().await;
    assert_eq!(ground.rows("bus.inbox_retry").await, 0, "A brought it back");
    b.stop().await;
    ground.until_counted(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collision_at_every_attempt_is_never_charged() {
    let ground = Ground::memory().await;
    let event = Envelope::new(
        ground.ids.next(),
        ground.clock.now(),
        Uuid::from_u128(1),
        1,
        &Refused { how: "collision".into() },
    );
    let process = ground.start(ground.declared().await, None);
    ground.tell(&[event]).await;
    let next_at = async || -> Option<jiff_sqlx::Timestamp> {
        sqlx::query_scalar("SELECT next_at FROM bus.inbox_retry WHERE attempts = 0 AND dead_at IS NULL")
            .fetch_optional(&ground.pool)
            .await
            .unwrap()
    };
    eventually("it is set aside", PATIENCE, async || next_at().await.is_some()).await;
    for _ in 0..6 {
        let before = next_at().await.unwrap().to_jiff();
        ground.advance(SignedDuration::from_secs(6));
        eventually("it was tried", PATIENCE, async || next_at().await.unwrap().to_jiff() > before).await;
    }
    ground.tally.failing.store(false, Ordering::SeqCst);
    ground.advance(SignedDuration::from_secs(6));
    ground.until_counted(1).await;
    process.stop().await;
}
