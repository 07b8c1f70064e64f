//! Every event twice and in any order: the tables end equal.

use crate::ground::Ground;
use bus::Envelope;
use futures::{StreamExt as _, future::join_all, stream};
use uuid::Uuid;

over_both!(doubled_and_shuffled_over_the_transport);

/// A small generator (splitmix64): the same seed, the same disorder.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

fn doubled_and_shuffled(events: &[Envelope], seed: u64) -> Vec<Envelope> {
    let mut dice = Dice(seed);
    let mut all: Vec<_> = events.iter().chain(events).cloned().collect();
    for last in (1..all.len()).rev() {
        all.swap(last, dice.below(last + 1));
    }
    all
}

/// Three aggregates with four versions each; the aggregates are the seed's own.
fn story(ground: &Ground, seed: u64) -> Vec<Envelope> {
    let amounts = (1..=4).flat_map(|version| (0..3).map(move |aggregate| (aggregate, version)));
    amounts
        .map(|(aggregate, version)| ground.event(u128::from(seed) * 3 + aggregate, version, version * 10))
        .collect()
}

/// Rows as the events in order, each once, leave them.
async fn assert_as_in_order(ground: &Ground, seed: u64) {
    let ids: Vec<_> = (0..3).map(|aggregate| Uuid::from_u128(u128::from(seed) * 3 + aggregate)).collect();
    let rows: Vec<(Uuid, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT aggregate_id, handled, total, version, latest FROM tally WHERE aggregate_id = ANY($1) ORDER BY 1",
    )
    .bind(&ids)
    .fetch_all(&ground.pool)
    .await
    .unwrap();
    let expected: Vec<_> = ids.into_iter().map(|id| (id, 4, 100, 4, 40)).collect();
    assert_eq!(rows, expected, "seed {seed}");
}

async fn doubled_and_shuffled_over_the_transport(ground: Ground) {
    let transport = ground.declared().await;
    let process = ground.start(transport.clone(), None);
    for seed in 0..40 {
        let all = doubled_and_shuffled(&story(&ground, seed), seed);
        let published = join_all(all.iter().map(|event| transport.publish(event))).await;
        assert!(published.into_iter().all(|published| published.is_ok()), "seed {seed}");
    }
    ground.until_counted(40 * 12).await;
    for seed in 0..40 {
        assert_as_in_order(&ground, seed).await;
    }
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_seeds() {
    let ground = Ground::memory().await;
    let inbox = ground.inbox();
    stream::iter(0..1000_u64)
        .for_each_concurrent(6, async |seed| {
            let mut dice = Dice(!seed);
            let all = doubled_and_shuffled(&story(&ground, seed), seed);
            let mut rest = all.as_slice();
            while !rest.is_empty() {
                let (batch, later) = rest.split_at((1 + dice.below(9)).min(rest.len()));
                inbox.handle(batch).await.unwrap();
                rest = later;
            }
            assert_as_in_order(&ground, seed).await;
        })
        .await;
    assert_eq!(ground.rows("bus.inbox").await, 12_000);
    assert_eq!(ground.rows("bus.inbox_retry").await, 0);
}
