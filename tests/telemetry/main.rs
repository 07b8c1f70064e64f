//! What an operator can see of a running Candor: traces that hold together from the browser to the last consumer, metrics
//! that move with what they measure, and nowhere a private word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests: what fails, fails the test

mod canary;
mod metrics;
mod people;
mod scrape;
mod table;
mod trace;
mod tree;
mod world;

use world::World;

#[tokio::test]
async fn one_trace_from_browser_to_consumer_over_five_processes() {
    trace::tell(World::five_processes().await).await;
}

#[tokio::test]
async fn one_trace_from_browser_to_consumer_in_one_process() {
    trace::tell(World::one_process().await).await;
}
