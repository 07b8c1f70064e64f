//! What the bus promises, over both transports, on a real PostgreSQL and a real RabbitMQ.
//! Tests whose names begin with `full_` run nodes of their own and belong to `make test-full`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Runs each case over memory and over RabbitMQ.
macro_rules! over_both {
    ($($case:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::ground::Ground::memory().await).await;
            })*
        }
        mod rabbit {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::ground::Ground::rabbit().await).await;
            })*
        }
    };
}

mod collisions;
mod delivery;
mod disorder;
mod erasure;
mod failures;
mod ground;
mod handing;
mod kills;
mod many;
mod outages;
mod proxy;
mod relaying;
mod retention;
mod traces;
