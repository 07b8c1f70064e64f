//! Random worlds: members, links, ends, new links, shares, withdrawals, epochs, sessions that end, time that passes, and
//! events that come late, twice and in any order. Whatever the world, every read by anybody with any capability is
//! answered as [`Oracle`] says, which knows the rules and no SQL.

mod dice;
mod oracle;
mod reads;
mod world;

use crate::stage::{Stage, stage};
use futures::future::join_all;
use std::sync::Arc;
use world::World;

/// Lives `worlds` worlds, a few at a time, each with members, a clock and a bus of its own.
async fn live(stage: &Arc<Stage>, worlds: std::ops::Range<u64>) -> [usize; 3] {
    let mut totals = [0; 3];
    let seeds: Vec<u64> = worlds.collect();
    for some in seeds.chunks(6) {
        let living = some.iter().map(|seed| {
            let (stage, seed) = (stage.clone(), *seed);
            tokio::spawn(async move {
                let mut world = World::new(&stage, seed);
                world.live().await;
                world.read_everything().await
            })
        });
        for counts in join_all(living).await {
            let counts = counts.unwrap();
            totals = std::array::from_fn(|n| totals[n] + counts[n]);
        }
    }
    totals
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_60_worlds_every_read_is_answered_as_the_rules_say() {
    let stage = Arc::new(stage().await);
    let [open, missing, refused] = live(&stage, 0..60).await;
    // The worlds are not so wild that nothing is ever open, nor so tame that nothing is ever closed.
    assert!(
        open > 500 && missing > 2_000 && refused > 500,
        "{open} open, {missing} missing, {refused} refused"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "slow: 600 worlds"]
async fn in_600_worlds_every_read_is_answered_as_the_rules_say() {
    let stage = Arc::new(stage().await);
    let [open, missing, refused] = live(&stage, 1_000..1_600).await;
    assert!(open > 5_000 && missing > 20_000 && refused > 5_000, "{open} {missing} {refused}");
}
