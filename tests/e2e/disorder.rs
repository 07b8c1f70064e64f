//! What accounts tells, to everybody who needs it: in any order, twice, and late, with the same end. The events are those
//! of a life that really happened, so whoever begins to listen to another one lets it happen here.

use crate::software;
use crate::story::{self, Member};
use crate::world::World;
use bus::{Envelope, Inbox, Outbox};
use candor_tests::{Database, One, eventually, postgres};
use chassis::{Clock, Ids};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);
/// Orders that are tried on each consumer.
const ORDERS: u64 = 30;

/// All that somebody listens to happens: people come, link, part, link again, trust somebody and do
/// so no more, leave; software comes and is ended.
async fn a_life(world: &World, one: &One) {
    let anna = story::join_over_rest(world, "anna@example.org").await;
    let ben = story::join_over_grpc(world, "ben@example.org").await;
    let cleo = story::join_over_rest(world, "cleo@example.org").await;
    let dan = story::join_over_grpc(world, "dan@example.org").await;
    for (one_of_them, other, again) in [(&anna, &ben, true), (&cleo, &dan, false)] {
        link(world, one_of_them, other).await;
        world.clock().advance_days(1);
        post(world, one_of_them, "/v1/couple:unlink", json!({})).await;
        world.clock().advance_days(1);
        if again {
            link(world, one_of_them, other).await;
        }
    }
    let first = befriend(world, &anna, &cleo).await;
    befriend(world, &dan, &ben).await;
    world.clock().advance_days(1);
    post(world, &anna, &format!("/v1/circle/{first}:remove"), json!({})).await;
    world.clock().advance_days(1);
    befriend(world, &anna, &cleo).await;
    story::sign_out(world, &cleo).await;
    let secret = software::operator(one).await;
    let software = software::Software::register(one, &secret).await;
    for id in ["one", "two"] {
        assert_eq!(software.token(id).await.0, 200);
    }
    software.disable(&secret).await;
    somebody_is_erased(world, one).await;
}

/// Last: somebody who is linked has everything destroyed.
async fn somebody_is_erased(world: &World, one: &One) {
    let eva = story::join_over_rest(world, "eva@example.org").await;
    let finn = story::join_over_grpc(world, "finn@example.org").await;
    link(world, &eva, &finn).await;
    post(world, &eva, "/v1/me/erasure", json!({})).await;
    world.clock().advance_days(7);
    let pool = PgPool::connect(&one.database_url("accounts")).await.unwrap();
    eventually("the erasure begins, and her session is over", PATIENCE, async || {
        let told = "SELECT count(*) FROM bus.log WHERE key = 'accounts.v1.erasure_begun'";
        let told: i64 = sqlx::query_scalar(told).fetch_one(&pool).await.unwrap();
        told == 1 && world.rest().call("GET", "/v1/me", Some(&eva.secret), None).await.0 == 401
    })
    .await;
    pool.close().await;
}

async fn link(world: &World, one: &Member, other: &Member) {
    let invited = post(world, one, "/v1/couple:invite", json!({"ownName": "One"})).await;
    let yes = json!({"code": invited["code"], "ownName": "Other", "adult": true});
    post(world, other, "/v1/invitations:accept", yes).await;
}

/// Puts somebody into a circle; the id of their place.
async fn befriend(world: &World, host: &Member, guest: &Member) -> String {
    let wish =
        json!({"ownName": "A host", "called": "A friend", "reason": "We have known each other for long."});
    let invited = post(world, host, "/v1/circle:invite", wish).await;
    let yes = json!({"code": invited["code"], "ownName": "A guest", "adult": true});
    let joined = post(world, guest, "/v1/invitations:accept", yes).await;
    joined["place"]["circleId"].as_str().unwrap().to_owned()
}

async fn post(world: &World, who: &Member, path: &str, body: Value) -> Value {
    world.rest().ok("POST", path, Some(&who.secret), Some(body)).await
}

/// An event as it is kept; the time in microseconds.
type Row = (Uuid, String, Uuid, i64, i64, Vec<u8>);

/// Everything that accounts told, as it told it.
async fn told(one: &One) -> Vec<Envelope> {
    let pool = PgPool::connect(&one.database_url("accounts")).await.unwrap();
    eventually("everything is told", PATIENCE, async || {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM bus.outbox").fetch_one(&pool).await.unwrap() == 0
    })
    .await;
    let rows = "SELECT id, key, aggregate_id, version, (extract(epoch FROM time) * 1000000)::bigint, body \
         FROM bus.log ORDER BY time, version, id";
    let rows: Vec<Row> = sqlx::query_as(rows).fetch_all(&pool).await.unwrap();
    pool.close().await;
    let event = |(id, key, aggregate_id, version, time, body): Row| Envelope {
        id,
        key,
        aggregate_id,
        version,
        time: Timestamp::from_microsecond(time).unwrap(),
        traceparent: None,
        body: body.into(),
    };
    rows.into_iter().map(event).collect()
}

/// A shuffle that a seed repeats (splitmix64, Fisher and Yates).
fn shuffled(mut events: Vec<Envelope>, seed: u64) -> Vec<Envelope> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    for last in (1..events.len()).rev() {
        events.swap(last, (next() % (last as u64 + 1)) as usize);
    }
    events
}

/// A consumer on a database of its own, with nothing in it.
struct Consumer<C> {
    inbox: Inbox<C>,
    database: Database,
    clock: Clock,
    start: Timestamp,
}

impl<C: Send + Sync + 'static> Consumer<C> {
    async fn new(
        start: Timestamp,
        migrate: impl AsyncFnOnce(&PgPool),
        inbox: impl FnOnce(PgPool, Clock, Ids) -> Inbox<C>,
    ) -> Self {
        let database = postgres().await;
        bus::migrate(database.pool()).await.unwrap();
        chassis::migrate(database.pool()).await.unwrap();
        migrate(database.pool()).await;
        let clock = Clock::manual(start);
        let inbox = inbox(database.pool().clone(), clock.clone(), Ids::new(clock.clone()));
        Self { inbox, database, clock, start }
    }

    /// The tables that hold something of what was told.
    async fn tables(&self) -> Vec<String> {
        let tables = "SELECT format('%I.%I', n.nspname, c.relname) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('public', 'chassis') \
               AND c.relname NOT LIKE '%migrations%' ORDER BY 1";
        sqlx::query_scalar(tables).fetch_all(self.database.pool()).await.unwrap()
    }

    async fn forget(&self) {
        let tables = self.tables().await.join(", ");
        let everything = format!("TRUNCATE {tables}, bus.inbox, bus.inbox_retry, bus.outbox, bus.erased");
        sqlx::query(AssertSqlSafe(everything)).execute(self.database.pool()).await.unwrap();
        self.clock.set(self.start);
    }

    /// Hands events over, a few at a time; between two deliveries some hours pass.
    async fn hear(&self, events: &[Envelope], at_a_time: usize, hours: i64) {
        for batch in events.chunks(at_a_time) {
            self.inbox.handle(batch).await.unwrap();
            self.clock.set(self.clock.now() + SignedDuration::from_hours(hours));
        }
        let failed = "SELECT key FROM bus.inbox_retry";
        let failed: Vec<String> = sqlx::query_scalar(failed).fetch_all(self.database.pool()).await.unwrap();
        assert!(failed.is_empty(), "{failed:?}");
    }

    /// All that it knows and all that it told by now.
    async fn knows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        let told = "SELECT jsonb_build_array(key, aggregate_id, version)::text FROM bus.outbox".to_owned();
        let tables = self.tables().await.into_iter();
        let tables = tables.map(|table| format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t"));
        for query in tables.chain([told]) {
            let query = AssertSqlSafe(format!("{query} ORDER BY 1"));
            rows.extend(
                sqlx::query_scalar::<_, String>(query).fetch_all(self.database.pool()).await.unwrap(),
            );
        }
        rows
    }

    /// Whatever the order, however often and however late: it knows the same in the end.
    async fn comes_to_the_same(&self, told: &[Envelope]) {
        let wanted: BTreeSet<String> =
            self.inbox.keys().into_iter().filter(|key| key.starts_with("accounts.")).collect();
        let happened: BTreeSet<String> = told.iter().map(|event| event.key.clone()).collect();
        let missing: Vec<_> = wanted.difference(&happened).collect();
        assert!(
            !wanted.is_empty() && missing.is_empty(),
            "let these happen in `a_life` as well: {missing:?}"
        );
        self.forget().await;
        self.hear(told, told.len(), 0).await;
        let expected = self.knows().await;
        let couples = expected.iter().filter(|row| row.starts_with("public.couples ")).count();
        assert!(couples >= 4, "one that lasts and three that ended: {expected:?}");
        for seed in 0..ORDERS {
            self.forget().await;
            let again =
                |event: &Envelope| Envelope { id: Uuid::new_v5(&event.id, b"again"), ..event.clone() };
            let twice = told.iter().flat_map(|event| [event.clone(), event.clone(), again(event)]);
            self.hear(&shuffled(twice.collect(), seed), 1 + seed as usize % 7, (seed % 5) as i64).await;
            assert_eq!(expected, self.knows().await, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn what_accounts_tells_comes_to_the_same_in_any_order() {
    let world = World::one_process().await;
    let World::One(one) = &world else { panic!("one process") };
    a_life(&world, one).await;
    let told = told(one).await;
    let start = world.clock().now();
    world.stop().await;

    let journal = Consumer::new(
        start,
        async |pool| sqlx::migrate!("../services/journal/migrations").run(pool).await.unwrap(),
        |pool, clock, ids| journal::events::inbox(pool, clock, ids, Outbox::new()),
    );
    journal.await.comes_to_the_same(&told).await;
    let reminders = Consumer::new(
        start,
        async |pool| sqlx::migrate!("../services/reminders/migrations").run(pool).await.unwrap(),
        |pool, clock, _| reminders::events::inbox(pool, clock),
    );
    reminders.await.comes_to_the_same(&told).await;
    let content = Consumer::new(
        start,
        async |pool| sqlx::migrate!("../services/content/migrations").run(pool).await.unwrap(),
        |pool, clock, ids| content::events::inbox(pool, clock, ids, Outbox::new()),
    );
    content.await.comes_to_the_same(&told).await;
}
