//! The path advances from events alone: each thing counts once, in whatever order and however often it is told.

use crate::{empty, ids, now, outbox};
use bus::{Envelope, Outbox, Transport};
use candor_proto::content::v1::path_service_server::PathService;
use candor_proto::content::v1::{GetPathRequest, GetPathResponse, StepCompleted};
use candor_proto::journal::v1::EntryWritten;
use chassis::Clock;
use chassis::identity::{Assurance, Kind, Passport};
use content::app::{Deed, advance};
use content::domain::path::Fact;
use content::{CONSUMER, consumes, events, rpc};
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The n-th entry of an account, written n minutes after the start.
fn entry(account_id: Uuid, n: u32) -> Deed {
    let time = now() + SignedDuration::from_mins(n.into());
    Deed { account_id, fact: Fact::EntryWritten, item_id: Uuid::from_u128(0xe000 + u128::from(n)), time }
}

async fn tell(pool: &PgPool, deed: Deed, ids: &chassis::Ids) {
    let mut conn = pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    advance(&mut tx, &[deed], now(), ids).await.unwrap();
    tx.commit().await.unwrap();
}

fn passport(account_id: Uuid, kind: Kind) -> Passport {
    let session_id = Uuid::from_u128(0x5e55);
    Passport {
        account_id,
        kind,
        session_id,
        authenticated_at: now(),
        assurance: Assurance::One,
        expires_at: now() + SignedDuration::from_mins(1),
        scopes: Default::default(),
        suspended: false,
        terms_due: false,
    }
}

pub(crate) async fn path(pool: &PgPool, account_id: Uuid) -> GetPathResponse {
    let mut request = tonic::Request::new(GetPathRequest {});
    request.extensions_mut().insert(passport(account_id, Kind::Member));
    rpc::Path::new(pool.clone(), Clock::manual(now())).get_path(request).await.unwrap().into_inner()
}

/// Milestones as (id, progress, goal, seconds of reaching).
pub(crate) fn milestones(path: &GetPathResponse) -> Vec<(&str, i32, i32, Option<i64>)> {
    let all = path.steps.iter().flat_map(|step| &step.milestones);
    all.map(|m| (&*m.milestone_id, m.progress, m.goal, m.reach_time.as_ref().map(|time| time.seconds)))
        .collect()
}

/// The milestones of somebody alone, with their goals.
const ALONE: [(&str, i32); 5] = [
    ("first-self-check", 1),
    ("second-self-check", 2),
    ("first-entry", 1),
    ("three-entries", 3),
    ("entry-with-mood", 1),
];
/// Those that take two.
pub(crate) const FOR_TWO: [&str; 5] =
    ["first-check-in", "three-check-ins", "first-share", "second-share", "first-answer"];

/// One milestone: progress, goal, seconds of reaching.
pub(crate) fn of(path: &GetPathResponse, id: &str) -> (i32, i32, Option<i64>) {
    let found = milestones(path).into_iter().find(|(known, ..)| *known == id).unwrap();
    (found.1, found.2, found.3)
}

fn second(deed: Deed) -> Option<i64> {
    Some(deed.time.as_second())
}

/// A shuffle that a seed repeats (splitmix64, Fisher and Yates).
pub(crate) fn shuffled<T: Clone>(items: &[T], seed: u64) -> Vec<T> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut items = items.to_vec();
    for last in (1..items.len()).rev() {
        items.swap(last, (next() % (last as u64 + 1)) as usize);
    }
    items
}

#[tokio::test]
async fn a_path_begins_empty_and_grows_with_entries() {
    let database = empty().await;
    let (pool, ids, me) = (database.pool(), ids(), Uuid::from_u128(1));
    let begun = path(pool, me).await;
    assert_eq!(milestones(&begun), ALONE.map(|(id, goal)| (id, 0, goal, None)));
    assert_eq!(begun.next_milestone_id, "first-entry");
    assert!(begun.next_reason.contains("Not now is fine"));

    tell(pool, entry(me, 1), &ids).await;
    let first = path(pool, me).await;
    assert_eq!(of(&first, "first-entry"), (1, 1, second(entry(me, 1))));
    assert_eq!(of(&first, "three-entries"), (1, 3, None));
    assert_eq!(first.next_milestone_id, "first-self-check");

    tell(pool, Deed { fact: Fact::SelfCheckScored, ..entry(me, 1) }, &ids).await;
    tell(pool, Deed { fact: Fact::EntryWithMood, ..entry(me, 1) }, &ids).await;
    let then = path(pool, me).await;
    assert_eq!(then.next_milestone_id, "three-entries");
    assert!(then.next_reason.starts_with("You have written one entry."));

    for n in 2..=9 {
        tell(pool, entry(me, n), &ids).await;
    }
    let done = path(pool, me).await;
    assert_eq!(of(&done, "three-entries"), (3, 3, second(entry(me, 3))));
    assert_eq!(done.next_milestone_id, "");
    assert!(done.next_reason.starts_with("Nothing is proposed for now."));
}

#[tokio::test]
async fn each_milestone_is_told_once() {
    let database = empty().await;
    let (pool, ids, me) = (database.pool(), ids(), Uuid::from_u128(1));
    for n in [1, 1, 2, 1, 3, 3, 2, 4] {
        tell(pool, entry(me, n), &ids).await;
    }
    let key = "content.v1.step_completed".to_owned();
    assert_eq!(outbox(pool).await, [(key.clone(), 1), (key, 2)]);
    let bodies: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT body FROM bus.outbox ORDER BY version").fetch_all(pool).await.unwrap();
    let told: Vec<_> = bodies.iter().map(|body| StepCompleted::decode(body.as_slice()).unwrap()).collect();
    assert_eq!(told[0].milestone_id, "first-entry");
    assert_eq!(told[1].milestone_id, "three-entries");
    assert!(told.iter().all(|event| event.account_id == me.to_string() && event.step == 2));
}

#[tokio::test]
async fn a_shuffle_of_duplicates_ends_in_the_same_tables() {
    let database = empty().await;
    let (pool, ids) = (database.pool(), ids());
    for seed in 0..150 {
        let me = Uuid::from_u128(0x1000 + u128::from(seed));
        let twice: Vec<_> = (1..=5).chain(1..=5).map(|n| entry(me, n)).collect();
        let mut conn = pool.acquire().await.unwrap();
        let mut tx = conn.begin().await.unwrap();
        // One by one, and some at once.
        for deeds in shuffled(&twice, seed).chunks(1 + seed as usize % 4) {
            advance(&mut tx, deeds, now(), &ids).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let rows = |what: &'static str| async move {
        sqlx::query_scalar::<_, String>(what).fetch_all(pool).await.unwrap()
    };
    let progress = rows("SELECT DISTINCT item_ids::text || item_times::text FROM path_progress").await;
    assert_eq!(progress.len(), 1, "{progress:?}");
    let reached = rows("SELECT DISTINCT milestone_id || ' ' || reach_time::text FROM path_milestones").await;
    assert_eq!(reached.len(), 2, "{reached:?}");
    assert_eq!(outbox(pool).await.len(), 300);
}

#[tokio::test]
async fn entries_told_at_the_same_moment_are_all_counted_and_told_once() {
    let database = empty().await;
    let (pool, ids) = (database.pool(), ids());
    let accounts: Vec<_> = (1..=10).map(Uuid::from_u128).collect();
    let all: Vec<_> = accounts.iter().flat_map(|me| [1, 2, 3, 1, 2, 3].map(|n| entry(*me, n))).collect();
    futures::future::join_all(shuffled(&all, 7).into_iter().map(|deed| tell(pool, deed, &ids))).await;
    for me in accounts {
        assert_eq!(of(&path(pool, me).await, "three-entries"), (3, 3, second(entry(me, 3))), "{me}");
    }
    assert_eq!(outbox(pool).await.len(), 20);
}

#[tokio::test]
async fn nobody_sees_another_ones_path() {
    let database = empty().await;
    let (pool, ids) = (database.pool(), ids());
    let (me, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for n in 1..=3 {
        tell(pool, entry(me, n), &ids).await;
    }
    let theirs = path(pool, other).await;
    assert_eq!(milestones(&theirs), ALONE.map(|(id, goal)| (id, 0, goal, None)));
    assert_eq!(theirs.next_milestone_id, "first-entry");

    let service = rpc::Path::new(pool.clone(), Clock::manual(now()));
    let nobody = service.get_path(tonic::Request::new(GetPathRequest {})).await.err().unwrap();
    assert_eq!(nobody.code(), tonic::Code::Unauthenticated);
    let mut request = tonic::Request::new(GetPathRequest {});
    request.extensions_mut().insert(passport(me, Kind::Operator));
    let operator = service.get_path(request).await.err().unwrap();
    assert_eq!(operator.code(), tonic::Code::PermissionDenied);
    assert!(!operator.message().contains(&me.to_string()));
}

fn written(event_id: u128, account_id: &str, entry_id: &str, create_time: Timestamp) -> Envelope {
    let create_time = prost_types::Timestamp { seconds: create_time.as_second(), nanos: 0 };
    let event = EntryWritten {
        entry_id: entry_id.to_owned(),
        account_id: account_id.to_owned(),
        entry_time: None,
        time_zone: "Europe/Vienna".to_owned(),
        has_mood: true,
        create_time: Some(create_time),
    };
    Envelope::new(Uuid::from_u128(event_id), now(), Uuid::from_u128(0xa66), 1, &event)
}

#[tokio::test]
async fn entries_come_over_the_bus_and_a_broken_event_hurts_no_other() {
    let database = empty().await;
    let pool = database.pool();
    let transport = Transport::memory(&[(CONSUMER, consumes())]);
    let shutdown = CancellationToken::new();
    let inbox = events::inbox(pool.clone(), Clock::manual(now()), ids(), Outbox::new());
    assert_eq!(inbox.keys(), consumes());
    let running = tokio::spawn(inbox.run(transport.clone(), shutdown.clone()));

    let me = Uuid::from_u128(1);
    let entry_id = |n: u128| Uuid::from_u128(0xe000 + n).to_string();
    let published = [
        written(1, &me.to_string(), &entry_id(1), now()),
        written(1, &me.to_string(), &entry_id(1), now()), // the same event again
        written(2, &me.to_string(), &entry_id(1), now()), // the same entry in another event
        written(3, &me.to_string(), "not an id", now()),
        written(4, "", &entry_id(2), now()),
        written(5, &me.to_string(), &entry_id(2), now()),
    ];
    for event in &published {
        transport.publish(event).await.unwrap();
    }
    let path = path(pool, me).await;
    assert_eq!(of(&path, "first-entry"), (1, 1, Some(now().as_second())));
    assert_eq!(of(&path, "three-entries"), (2, 3, None));
    assert_eq!(of(&path, "entry-with-mood"), (1, 1, Some(now().as_second())));
    assert_eq!(outbox(pool).await.len(), 2);
    shutdown.cancel();
    running.await.unwrap().unwrap();
}
