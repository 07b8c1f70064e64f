//! Events that are leased when they are written, and handed to the relay of their process.

use crate::ground::{Ground, PATIENCE, Process};
use bus::{Envelope, outbox, step::Step};
use candor_tests::eventually;
use jiff::Timestamp;
use lapin::options::QueueDeleteOptions;

over_both!(
    what_is_handed_over_needs_no_claim,
    what_nobody_handed_over_is_found_when_its_lease_ends,
    what_a_killed_relay_was_handed_is_published_by_another,
    a_relay_that_stops_takes_nothing_and_holds_nothing,
    without_a_relay_there_is_no_lease,
);

impl Ground {
    /// Waits until the relay of a process takes events, and says until when they are its.
    async fn lease_of(&self, process: &Process) -> Timestamp {
        eventually("the relay takes events", PATIENCE, async || process.outbox.lease().is_some()).await;
        process.outbox.lease().unwrap()
    }

    /// Commits events under a lease, as a service would where it is hot.
    async fn tell_leased(&self, events: &[Envelope], lease: Option<Timestamp>) {
        let mut tx = self.pool.begin().await.unwrap();
        outbox::append_leased(&mut tx, events, lease).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn what_is_handed_over_needs_no_claim(ground: Ground) {
    let process = ground.start(ground.declared().await, None);
    let lease = ground.lease_of(&process).await;
    let events: Vec<_> = (0..300).map(|n| ground.event(n % 5, n as i64, 1)).collect();
    for events in events.chunks(3) {
        ground.tell_leased(events, Some(lease)).await;
        process.outbox.hand(events.to_vec(), Some(lease));
    }
    // The clock of the leases stands still: nobody but whoever was handed them may have these rows.
    ground.until_counted(300).await;
    ground.until_told().await;
    assert_eq!(ground.rows("bus.log").await, 300);
    process.stop().await;
}

async fn what_nobody_handed_over_is_found_when_its_lease_ends(ground: Ground) {
    let transport = ground.declared().await;
    let process = ground.start(transport.clone(), None);
    let lease = ground.lease_of(&process).await;
    ground.tell_leased(&[ground.event(1, 1, 1)], Some(lease)).await;
    process.kill().await;
    let process = ground.start(transport, None);
    ground.tell(&[ground.event(2, 1, 1)]).await;
    process.outbox.wake();
    ground.until_counted(1).await;
    let leased = "bus.outbox WHERE aggregate_id = '00000000-0000-0000-0000-000000000001'";
    assert_eq!(ground.rows(leased).await, 1, "it is another's as long as that one may live");
    ground.leases_end();
    ground.until_counted(2).await;
    ground.until_told().await;
    process.stop().await;
}

async fn what_a_killed_relay_was_handed_is_published_by_another(ground: Ground) {
    for step in [Step::Claimed, Step::Published] {
        let transport = ground.declared().await;
        let before = ground.counted().await.1;
        let process = ground.start(transport.clone(), Some(step));
        let lease = ground.lease_of(&process).await;
        let events: Vec<_> = (0..20).map(|n| ground.event(n % 5, before + n as i64, 1)).collect();
        ground.tell_leased(&events, Some(lease)).await;
        process.outbox.hand(events, Some(lease));
        process.hangs().await;
        process.kill().await;
        ground.leases_end();
        let process = ground.start(transport, None);
        ground.until_counted(before + 20).await;
        ground.until_told().await;
        process.stop().await;
    }
}

async fn a_relay_that_stops_takes_nothing_and_holds_nothing(ground: Ground) {
    let process = ground.start_relay(ground.declared().await);
    let (outbox, lease) = (process.outbox.clone(), ground.lease_of(&process).await);
    let events: Vec<_> = (0..400).map(|n| ground.event(n % 5, n as i64, 1)).collect();
    ground.tell_leased(&events, Some(lease)).await;
    outbox.hand(events, Some(lease));
    process.stop().await;
    assert_eq!(outbox.lease(), None);
    let held = "bus.outbox WHERE leased_until > '2026-03-02T09:00:02Z'";
    assert_eq!(ground.rows(held).await, 0, "a moment later another relay may have them");
    assert_eq!(ground.rows("bus.outbox").await + ground.rows("bus.log").await, 400);
}

async fn without_a_relay_there_is_no_lease(ground: Ground) {
    let outbox = bus::Outbox::new();
    assert_eq!(outbox.lease(), None);
    let events = [ground.event(1, 1, 1)];
    ground.tell_leased(&events, None).await;
    outbox.hand(events.to_vec(), None);
    assert_eq!(ground.rows("bus.outbox WHERE leased_until IS NULL").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbit_nothing_is_handed_to_whoever_is_refused() {
    let ground = Ground::rabbit().await;
    let transport = ground.declared().await;
    let name = format!("{}.full", ground.exchange().unwrap().exchange);
    let (connection, channel) = ground.full_queue(&name).await;
    let process = ground.start(transport, None);
    let lease = ground.lease_of(&process).await;
    let events = [ground.event(1, 1, 1)];
    ground.tell_leased(&events, Some(lease)).await;
    process.outbox.hand(events.to_vec(), Some(lease));
    eventually("the relay takes no more", PATIENCE, async || process.outbox.lease().is_none()).await;
    channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    ground.leases_end();
    eventually("all is told", PATIENCE, async || {
        process.outbox.wake();
        ground.rows("bus.log").await == 1
    })
    .await;
    ground.lease_of(&process).await;
    process.stop().await;
    connection.close(200, "done".into()).await.unwrap();
}
