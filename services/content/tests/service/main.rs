//! Content as a whole, against a real PostgreSQL and the in-memory bus.
#![allow(clippy::unwrap_used)] // what fails, fails the test

mod erasing;
mod instruments;
mod library_lint;
mod loading;
mod path;
mod path_of_two;
mod process;
mod prompts;
mod reading;
mod self_check_lint;

use candor_tests::{Database, postgres};
use chassis::{Clock, Ids};
use content::domain::Article;
use content::domain::library::{FILES, parse};
use content::{app, store};
use jiff::Timestamp;
use sqlx::{Connection, PgPool};

/// A database with content's tables and nothing in them.
async fn empty() -> Database {
    let database = postgres().await;
    bus::migrate(database.pool()).await.unwrap();
    sqlx::migrate!().run(database.pool()).await.unwrap();
    database
}

/// The time at which these tests happen.
fn now() -> Timestamp {
    "2026-12-01T09:00:00Z".parse().unwrap()
}

fn ids() -> Ids {
    Ids::new(Clock::manual(now()))
}

/// The library that the binary carries.
fn library() -> Vec<Article> {
    parse(FILES).unwrap()
}

/// Loads articles in a transaction of their own.
async fn load(pool: &PgPool, articles: &[Article]) -> app::Loaded {
    let mut conn = pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let loaded = app::load_library(&mut tx, articles, now(), &ids()).await.unwrap();
    tx.commit().await.unwrap();
    loaded
}

/// The version of an article, if it is published.
async fn version(pool: &PgPool, id: &str) -> Option<i32> {
    let mut conn = pool.acquire().await.unwrap();
    store::heads(&mut conn)
        .await
        .unwrap()
        .into_iter()
        .find(|head| head.article_id == id && !head.withdrawn)
        .map(|head| head.version)
}

/// The keys of the events in the outbox, with their versions, in the order of their ids.
async fn outbox(pool: &PgPool) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT key, version FROM bus.outbox ORDER BY id").fetch_all(pool).await.unwrap()
}
