//! Telling everything again: nothing changes for those who know it, and whoever lost it has it back.
#![allow(clippy::unwrap_used, clippy::panic)] // tests: what fails, fails the test

use bus::{Envelope, Outbox, Transport, outbox, relay};
use candor_tests::{Database, eventually, postgres};
use chassis::{Clock, Ids};
use jiff::{SignedDuration, Timestamp};
use journal::domain::SealedEntry;
use reminders::jobs::Firing;
use sqlx::{PgPool, query_scalar};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const START: &str = "2026-03-02T09:00:00Z";
const ADA: Uuid = Uuid::from_u128(0xada);
const BEN: Uuid = Uuid::from_u128(0xbe);
const EVE: Uuid = Uuid::from_u128(0xe7e);
/// More than a page.
const MANY: usize = 600;

/// What tables hold, to be compared.
#[derive(Debug, PartialEq, Eq)]
struct Tables(Vec<String>);

struct Stage {
    journal: Database,
    content: Database,
    reminders: Database,
    clock: Clock,
    ids: Ids,
}

impl Stage {
    async fn new() -> Self {
        let clock = Clock::manual(START.parse().unwrap());
        let (journal, content, reminders) = (postgres().await, postgres().await, postgres().await);
        for database in [&journal, &content, &reminders] {
            bus::migrate(database.pool()).await.unwrap();
            chassis::migrate(database.pool()).await.unwrap();
        }
        sqlx::migrate!("../journal/migrations").run(journal.pool()).await.unwrap();
        sqlx::migrate!("../content/migrations").run(content.pool()).await.unwrap();
        sqlx::migrate!("../reminders/migrations").run(reminders.pool()).await.unwrap();
        Self { journal, content, reminders, ids: Ids::new(clock.clone()), clock }
    }

    /// Keeps entries `hours` after the start, and tells of them as the journal does.
    async fn write(&self, account_id: Uuid, hours: i64, count: usize) {
        let create_time = START.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours);
        let entry = || SealedEntry {
            account_id,
            entry_id: self.ids.next(),
            body: vec![0; 16],
            title: None,
            entry_time: create_time,
            time_zone: "Europe/Vienna".to_owned(),
            mood: None,
            create_time,
        };
        let entries: Vec<SealedEntry> = (0..count).map(|_| entry()).collect();
        let told: Vec<Envelope> = entries
            .iter()
            .map(|entry| journal::app::entry_written(self.ids.next(), create_time, &entry.facts()))
            .collect();
        let mut tx = self.journal.pool().begin().await.unwrap();
        let rows: Vec<&SealedEntry> = entries.iter().collect();
        let macs: Vec<&[u8]> = entries.iter().map(|_| [0; 32].as_slice()).collect();
        journal::store::insert_entries(&mut tx, &rows, &macs).await.unwrap();
        outbox::append(&mut tx, &told).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Tells all of the journal again and waits until everybody has handled it.
    async fn resnapshot(&self) -> u64 {
        let outbox = Outbox::new();
        let told = journal::resnapshot(self.journal.pool(), &outbox, &self.clock, &self.ids).await.unwrap();
        self.deliver().await;
        told
    }

    /// Delivers what the journal's outbox holds: it leaves there when both consumers have handled it.
    async fn deliver(&self) {
        let transport = Transport::memory(&[
            (content::CONSUMER, content::consumes()),
            (reminders::CONSUMER, reminders::consumes()),
        ]);
        let (shutdown, clock) = (CancellationToken::new(), self.clock.clone());
        let (content, reminders) = (self.content.pool().clone(), self.reminders.pool().clone());
        let content = content::events::inbox(content, clock.clone(), self.ids.clone(), Outbox::new());
        let reminders = reminders::events::inbox(reminders, clock.clone());
        let mut consumers = JoinSet::new();
        consumers.spawn(content.run(transport.clone(), shutdown.clone()));
        consumers.spawn(reminders.run(transport.clone(), shutdown.clone()));
        let relay =
            relay::run(self.journal.pool().clone(), Outbox::new(), transport, clock, shutdown.clone());
        let relay = tokio::spawn(relay);
        eventually("all is delivered", Duration::from_secs(60), async || {
            count(self.journal.pool(), "SELECT count(*) FROM bus.outbox").await == 0
        })
        .await;
        shutdown.cancel();
        relay.await.unwrap();
        for ended in consumers.join_all().await {
            ended.unwrap();
        }
        for database in [&self.content, &self.reminders] {
            assert_eq!(count(database.pool(), "SELECT count(*) FROM bus.inbox_retry").await, 0);
        }
    }

    async fn fire(&self) -> u64 {
        let pool = self.reminders.pool().clone();
        let firing = Firing::new(pool, Outbox::new(), self.clock.clone(), self.ids.clone());
        let mut fired = 0;
        loop {
            match firing.fire_batch().await.unwrap() {
                0 => return fired,
                some => fired += some,
            }
        }
    }

    async fn path(&self) -> Tables {
        let pool = self.content.pool();
        Tables(vec![
            text(pool, "SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM path_progress t").await,
            text(pool, "SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM path_milestones t").await,
        ])
    }

    async fn look_backs(&self) -> Tables {
        let pool = self.reminders.pool();
        Tables(vec![
            text(pool, "SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM schedules t").await,
            text(pool, "SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM inbox_items t").await,
            text(pool, "SELECT count(*)::text FROM bus.outbox").await,
        ])
    }

    async fn milestones_told(&self) -> Facts {
        facts(self.content.pool())
            .await
            .into_iter()
            .filter(|(key, ..)| key.ends_with("step_completed"))
            .collect()
    }
}

/// Key, aggregate, version and body of events: what a consumer can tell apart.
type Facts = BTreeSet<(String, Uuid, i64, Vec<u8>)>;

async fn facts(pool: &PgPool) -> Facts {
    let rows = sqlx::query_as("SELECT key, aggregate_id, version, body FROM bus.outbox").fetch_all(pool);
    rows.await.unwrap().into_iter().collect()
}

async fn count(pool: &PgPool, query: &'static str) -> i64 {
    query_scalar(query).fetch_one(pool).await.unwrap()
}

async fn text(pool: &PgPool, query: &'static str) -> String {
    query_scalar::<_, Option<String>>(query).fetch_one(pool).await.unwrap().unwrap_or_default()
}

/// A life so far: look-backs that fired, one that was cancelled, one that is pending; days with several entries.
async fn lived() -> Stage {
    let stage = Stage::new().await;
    for (account, hours, number) in [(ADA, 0, 2), (ADA, 30, 1), (BEN, 3, 1), (EVE, 0, MANY), (ADA, 130, 2)] {
        stage.write(account, hours, number).await;
    }
    stage.deliver().await;
    let pool = stage.reminders.pool();
    let first =
        query_scalar("SELECT schedule_id FROM schedules WHERE account_id = $1 ORDER BY due_at LIMIT 1");
    let first: Uuid = first.bind(ADA).fetch_one(pool).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    reminders::app::cancel_schedule(&mut conn, ADA, first, stage.clock.now()).await.unwrap();
    stage
}

#[tokio::test]
async fn a_journal_told_again_twice_changes_neither_path_nor_look_backs() {
    let stage = lived().await;
    let before = (stage.path().await, stage.look_backs().await, stage.milestones_told().await);
    assert_eq!(stage.resnapshot().await, 6 + MANY as u64);
    assert_eq!(stage.fire().await, 0);
    let after = (stage.path().await, stage.look_backs().await, stage.milestones_told().await);
    assert_eq!(
        after, before,
        "the look-back of a day was cancelled, and its other entry does not bring another"
    );

    stage.clock.set(stage.clock.now() + SignedDuration::from_hours(9 * 24));
    assert_eq!(stage.fire().await, 3, "Ada's second day, Ben's, Eve's");
    let before = (stage.path().await, stage.look_backs().await, stage.milestones_told().await);
    for _ in 0..2 {
        assert_eq!(stage.resnapshot().await, 6 + MANY as u64);
        assert_eq!(stage.fire().await, 0);
        let after = (stage.path().await, stage.look_backs().await, stage.milestones_told().await);
        assert_eq!(after, before);
    }
    let pending = "SELECT count(*) FROM schedules WHERE state = 'pending'";
    assert_eq!(count(stage.reminders.pool(), pending).await, 1);
}

#[tokio::test]
async fn a_path_that_was_lost_is_rebuilt() {
    let stage = lived().await;
    let (path, told) = (stage.path().await, stage.milestones_told().await);
    assert_eq!(told.len(), 5, "Ada and Eve two each, Ben one");
    sqlx::raw_sql("TRUNCATE path_progress, path_milestones").execute(stage.content.pool()).await.unwrap();
    stage.resnapshot().await;
    assert_eq!(stage.path().await, path);
    assert_eq!(stage.milestones_told().await, told, "told again under the same versions");
}

#[tokio::test]
async fn look_backs_that_were_lost_are_planned_again_unless_their_time_is_over() {
    let stage = lived().await;
    stage.clock.set(stage.clock.now() + SignedDuration::from_hours(9 * 24));
    stage.fire().await;
    sqlx::raw_sql("TRUNCATE schedules, inbox_items").execute(stage.reminders.pool()).await.unwrap();
    stage.resnapshot().await;
    assert_eq!(stage.fire().await, 0, "nobody's inbox is flooded with what is long over");
    assert_eq!(count(stage.reminders.pool(), "SELECT count(*) FROM schedules").await, 1);
}

#[tokio::test]
async fn content_tells_its_library_and_its_milestones_as_they_were_told() {
    let stage = lived().await;
    let pool = stage.content.pool();
    let library = content::domain::library::parse(content::domain::library::FILES).unwrap();
    let mut tx = pool.begin().await.unwrap();
    content::app::load_library(&mut tx, &library, stage.clock.now(), &stage.ids).await.unwrap();
    tx.commit().await.unwrap();
    let before = facts(pool).await;
    let told = content::resnapshot(pool, &Outbox::new(), &stage.clock, &stage.ids).await.unwrap();
    assert_eq!(told, before.len() as u64);
    assert_eq!(facts(pool).await, before, "new events, and the same facts");
    assert_eq!(count(pool, "SELECT count(*) FROM bus.outbox").await, 2 * i64::try_from(told).unwrap());
}
