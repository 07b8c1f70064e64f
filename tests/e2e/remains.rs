//! What is left of somebody who was erased, in every database and in the broker: where nothing can be told of them any more.

use crate::world::World;
use candor_tests::eventually;
use candor_tests::five::{KEYS, SERVICES};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// Where the id of somebody who is erased may stand: the tombstones, ended links, and what others have. It leads nowhere.
const LEFT: [&str; 11] = [
    "accounts bus.erased",
    "accounts public.circle",
    "accounts public.couple",
    "content bus.erased",
    "content public.couples",
    "journal bus.erased",
    "journal public.circles",
    "journal public.couples",
    "journal public.share_answers",
    "reminders bus.erased",
    "reminders public.couples",
];

/// Every row of every table of every database: their id stands in tombstones, links and places that ended, and what is others'
/// alone, and no key of theirs is left.
pub(crate) async fn nothing_is_left(world: &World, account_id: &str, of_others: &[&str]) {
    let hex: String = account_id.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut naming = BTreeSet::new();
    for service in SERVICES {
        let mut database = PgConnection::connect(&world.database_url(service)).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
        )
        .fetch_all(&mut database)
        .await
        .unwrap();
        assert!(tables.len() > 5, "{tables:?}");
        for table in tables {
            let query = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
            let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut database).await.unwrap();
            if rows.iter().any(|row| row.contains(account_id) || row.contains(&hex)) {
                naming.insert(format!("{service} {table}"));
            }
        }
    }
    let expected: BTreeSet<_> = LEFT.iter().chain(of_others).map(ToString::to_string).collect();
    assert!(naming.is_subset(&expected), "her id is left in {:?}", &naming - &expected);
    assert!(naming.contains("journal bus.erased"), "the search finds what is there: {naming:?}");
    let mut keys = PgConnection::connect(&world.database_url(KEYS)).await.unwrap();
    let keys: Vec<(String, bool)> = sqlx::query_as(
        "SELECT service, wrapped IS NULL FROM vault.data_keys WHERE owner_id = $1::uuid ORDER BY service",
    )
    .bind(account_id)
    .fetch_all(&mut keys)
    .await
    .unwrap();
    assert_eq!(keys, [("accounts".to_owned(), true), ("journal".to_owned(), true)]);
    no_event_waits(world).await;
}

/// Whatever was told is handled: no queue holds an event, nor the broker's store of dead letters, nor an outbox, nor a table of
/// what is to be tried again. What was handed on is in the log, whose rows were searched with the others.
async fn no_event_waits(world: &World) {
    let mut waiting = world.queues();
    let is_five = matches!(world, World::Five(_));
    assert_eq!(
        waiting.len() >= 2 * SERVICES.len(),
        is_five,
        "a queue and its dead letters of each: {waiting:?}"
    );
    eventually("no event waits", PATIENCE, async || {
        waiting = world.queues();
        waiting.values().all(|count| *count == 0)
    })
    .await;
    for service in SERVICES {
        let mut database = PgConnection::connect(&world.database_url(service)).await.unwrap();
        for table in ["bus.outbox", "bus.inbox_retry"] {
            let query = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            let count: i64 = sqlx::query_scalar(query).fetch_one(&mut database).await.unwrap();
            assert_eq!(count, 0, "{service} {table}");
        }
    }
}
