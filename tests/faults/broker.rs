//! The broker is gone: writing goes on, and the backlog drains by itself once it is back.

use crate::member::{Member, PATIENCE};
use crate::stage::Stage;
use candor_tests::{Rabbit, eventually};
use std::time::Duration;
use tokio::time::Instant;

/// Longer than a write takes on a busy machine; shorter than anything that waits for a broker.
const NORMAL: Duration = Duration::from_secs(3);
const WRITTEN: &str = "journal.v1.entry_written";

async fn writes_normally(stage: &Stage, member: &Member, times: usize) {
    for n in 0..times {
        let since = Instant::now();
        member.write(&stage.five, &format!("still here, {n}")).await;
        assert!(since.elapsed() < NORMAL, "a write took {:?}", since.elapsed());
    }
}

/// Everybody heard of every entry, once.
async fn all_is_told(stage: &Stage, entries: i64) {
    eventually("the journal's outbox is empty", PATIENCE, async || {
        stage.rows("journal", "bus.outbox").await == 0
    })
    .await;
    assert_eq!(stage.events("journal", WRITTEN).await, entries);
    assert_eq!(stage.events_twice("journal", WRITTEN).await, 0);
    for consumer in ["reminders", "content"] {
        let heard = format!("bus.inbox WHERE consumer = '{consumer}'");
        eventually(&format!("{consumer} heard of everything"), PATIENCE, async || {
            stage.rows(consumer, &heard).await == entries
        })
        .await;
        assert_eq!(stage.rows(consumer, "bus.inbox_retry").await, 0, "{consumer} handled everything");
    }
}

#[tokio::test]
#[ignore = "slow: a node of RabbitMQ stops, freezes and starts"]
async fn writing_goes_on_without_the_broker_and_the_backlog_drains_by_itself() {
    let mut broker = Rabbit::start().await;
    let mut stage = Stage::with_broker(broker.url(), "candor.events".to_owned()).await;
    let vera = Member::join(&stage.five, "vera@example.org").await;
    let paul = Member::join(&stage.five, "paul@example.org").await;

    broker.stop().await;
    writes_normally(&stage, &vera, 2).await;
    writes_normally(&stage, &paul, 1).await;
    assert_eq!(stage.rows("journal", "bus.outbox").await, 3, "they wait");
    assert_eq!((vera.progress(&stage.five, "three-entries").await, vera.planned(&stage.five).await), (0, 0));
    broker.up().await;
    all_is_told(&stage, 3).await;
    assert_eq!(vera.progress(&stage.five, "three-entries").await, 2);
    assert_eq!(paul.progress(&stage.five, "three-entries").await, 1);
    assert_eq!((vera.planned(&stage.five).await, paul.planned(&stage.five).await), (1, 1));

    // It falls silent: what was sent may have arrived or not, and is sent again.
    broker.freeze();
    writes_normally(&stage, &paul, 5).await;
    eventually("the journal gives up waiting for confirms", PATIENCE, async || {
        stage.five.logged("journal").contains("events were not confirmed")
    })
    .await;
    broker.thaw();
    all_is_told(&stage, 8).await;

    // Once more, without a goodbye; and this time the journal dies as well and starts without a broker.
    broker.kill();
    writes_normally(&stage, &vera, 1).await;
    stage.five.kill("journal");
    stage.five.launch("journal");
    vera.is_served(&stage.five, "/v1/entries").await;
    writes_normally(&stage, &paul, 20).await;
    assert!(stage.rows("journal", "bus.outbox").await >= 20);
    broker.up().await;
    stage.five.ready("journal").await;
    all_is_told(&stage, 29).await;
    assert_eq!(vera.progress(&stage.five, "three-entries").await, 3);
    assert_eq!(paul.progress(&stage.five, "three-entries").await, 3);
    assert_eq!((vera.planned(&stage.five).await, paul.planned(&stage.five).await), (1, 1));
    stage.five.stop().await;
}
