//! Somebody has everything destroyed: what connects her with others ends at once, a week later everything goes in every
//! service, and a certificate is all that is left of her. What the other wrote stays his.

use crate::story::{self, CANARY, Member};
use crate::world::World;
use candor_tests::five::SERVICES;
use candor_tests::{One, eventually};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// The database of the wrapped keys, in one process.
const KEYS: &str = "key_store";
/// Where the id of somebody who is erased may stand: the tombstones, ended links, and what others have. It leads nowhere.
const LEFT: [&str; 9] = [
    "accounts bus.erased",
    "accounts public.couple",
    "content bus.erased",
    "content public.couples",
    "journal bus.erased",
    "journal public.couples",
    "journal public.share_answers",
    "reminders bus.erased",
    "reminders public.couples",
];

async fn post(world: &World, who: &Member, path: &str, body: Value) -> Value {
    world.rest().ok("POST", path, Some(&who.secret), Some(body)).await
}

/// They link; each writes; she shares, he answers.
async fn live(world: &World) -> (Member, Member) {
    let anna = story::join_over_rest(world, "anna@example.org").await;
    let ben = story::join_over_grpc(world, "ben@example.org").await;
    let entry_id = story::write_and_read_over_rest(world, &anna).await;
    story::write_and_read_over_grpc(world, &ben).await;
    story::path_and_schedule_follow(world, &anna).await;
    let invited = post(world, &anna, "/v1/couple:invite", json!({"ownName": "Anna"})).await;
    let yes = json!({"code": invited["code"], "ownName": "Ben", "adult": true});
    post(world, &ben, "/v1/invitations:accept", yes).await;
    let share = json!({
        "recipientAccountId": ben.account_id, "openNow": true,
        "selection": {"kind": "SHARE_KIND_ENTRY", "itemId": entry_id, "depth": "SHARE_DEPTH_WHOLE"},
    });
    let mut made = Value::Null;
    eventually("the journal has heard of the link", PATIENCE, async || {
        let (status, answer) =
            world.rest().call("POST", "/v1/shares", Some(&anna.secret), Some(share.clone())).await;
        made = answer;
        status == 200
    })
    .await;
    let share_id = made["share"]["shareId"].as_str().unwrap();
    let path = format!("/v1/accounts/{}/shares/{share_id}", anna.account_id);
    world.rest().ok("GET", &path, Some(&ben.secret), None).await;
    post(world, &ben, &format!("{path}:answer"), json!({"body": "I hear you."})).await;
    (anna, ben)
}

async fn state_of(world: &World, code: &Value) -> Value {
    let asked = json!({"code": code});
    world.rest().ok("POST", "/v1/erasures:certificate", None, Some(asked)).await
}

/// Asks, waits, and sees it done; the certificate.
async fn erase(world: &World, anna: &Member, ben: &Member) -> Value {
    let asked = post(world, anna, "/v1/me/erasure", json!({"mailCertificate": true})).await;
    let code = asked["certificateCode"].clone();
    let couple = world.rest().ok("GET", "/v1/couple", Some(&ben.secret), None).await;
    assert!(couple.get("couple").is_none_or(Value::is_null), "it ends at once: {couple}");
    assert_eq!(state_of(world, &code).await["state"], "ERASURE_STATE_WAITING");
    let entries = world.rest().ok("GET", "/v1/entries", Some(&anna.secret), None).await;
    assert_eq!(entries["entries"].as_array().map(Vec::len), Some(1), "nothing is destroyed yet");
    until_done(world, anna, &code).await
}

/// A week later everything is gone; the certificate.
pub(crate) async fn until_done(world: &World, who: &Member, code: &Value) -> Value {
    world.clock().advance_days(7);
    eventually("they are signed out", PATIENCE, async || {
        world.rest().call("GET", "/v1/me", Some(&who.secret), None).await.0 == 401
    })
    .await;
    let mut certified = Value::Null;
    eventually("it is done", PATIENCE, async || {
        world.clock().advance(SignedDuration::from_secs(30));
        certified = state_of(world, code).await;
        certified["state"] == "ERASURE_STATE_DONE"
    })
    .await;
    certified
}

fn says(certified: &Value, service: &str, class: &str) -> String {
    let destroyed = certified["destroyed"].as_array().unwrap().iter();
    let mut found = destroyed.filter(|one| one["service"] == service && one["class"] == class);
    found.next().map(|one| one["count"].as_str().unwrap().to_owned()).unwrap_or_default()
}

async fn tell(world: World) -> World {
    let (anna, ben) = live(&world).await;
    let certified = erase(&world, &anna, &ben).await;
    for (service, class) in [
        ("accounts", "account"),
        ("content", "path_progress"),
        ("journal", "entries"),
        ("journal", "shares"),
        ("reminders", "schedules"),
    ] {
        assert!(!says(&certified, service, class).is_empty(), "{service} {class}: {certified}");
    }
    let text = certified["certificate"].as_str().unwrap();
    assert!(!text.contains(&anna.account_id) && text.contains("\"service\":\"journal\""));
    // He has what he wrote, and nothing of hers.
    let entries = world.rest().ok("GET", "/v1/entries", Some(&ben.secret), None).await;
    assert_eq!(entries["entries"].as_array().map(Vec::len), Some(1));
    let path = "/v1/entries/0190163d-8694-739b-aea5-966c26f8ad91";
    let own = world.rest().ok("GET", path, Some(&ben.secret), None).await;
    assert!(own["entry"]["body"].as_str().unwrap().contains(CANARY));
    // Whoever registers with the address is somebody new.
    let again = story::join_over_rest(&world, "anna@example.org").await;
    assert_ne!(again.account_id, anna.account_id);
    let entries = world.rest().ok("GET", "/v1/entries", Some(&again.secret), None).await;
    assert!(entries["entries"].as_array().is_none_or(Vec::is_empty));
    if let World::One(one) = &world {
        nothing_is_left(one, &anna.account_id, &[]).await;
    }
    world.assert_nowhere_readable(CANARY).await;
    world
}

/// Every row of every table of every database: their id stands in tombstones, ended links and what is others' alone, and no key of
/// theirs is left.
pub(crate) async fn nothing_is_left(one: &One, account_id: &str, of_others: &[&str]) {
    let hex: String = account_id.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut naming = BTreeSet::new();
    for service in SERVICES {
        let mut database = PgConnection::connect(&one.database_url(service)).await.unwrap();
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
    let mut keys = PgConnection::connect(&one.database_url(KEYS)).await.unwrap();
    let keys: Vec<(String, bool)> = sqlx::query_as(
        "SELECT service, wrapped IS NULL FROM vault.data_keys WHERE owner_id = $1::uuid ORDER BY service",
    )
    .bind(account_id)
    .fetch_all(&mut keys)
    .await
    .unwrap();
    assert_eq!(keys, [("accounts".to_owned(), true), ("journal".to_owned(), true)]);
}

#[tokio::test]
async fn everything_is_destroyed_in_one_process() {
    tell(World::one_process().await).await.stop().await;
}

#[tokio::test]
async fn everything_is_destroyed_in_five_processes() {
    tell(World::five_processes().await).await.stop().await;
}
