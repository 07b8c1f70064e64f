//! Entries are written together, and yet each stands or falls by itself.

use crate::stage::{Stage, entry, mood, signed_in, stage, stage_with};
use bus::Outbox;
use candor_proto::journal::v1::EntryWritten;
use candor_tests::eventually;
use chassis::Ids;
use jiff::Timestamp;
use journal::Error;
use journal::app::{self, Attempt, WriteEntry, Written};
use journal::config::BatchConfig;
use journal::domain::{Entry, EntryBody, EntryTime, Mood, Zone};
use prost::Message as _;
use sqlx::{AssertSqlSafe, Row as _};
use std::time::Duration;
use tonic::Code;
use uuid::Uuid;

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

async fn command(
    stage: &Stage,
    who: Uuid,
    key: Uuid,
    entry_id: Uuid,
    body: &str,
    with_mood: bool,
) -> WriteEntry {
    let now: Timestamp = stage.clock.now();
    let entry = Entry {
        entry_id,
        body: EntryBody::parse(body.to_owned()).unwrap(),
        title: None,
        entry_time: EntryTime::parse("entry_time", now, now).unwrap(),
        zone: Zone::parse("").unwrap(),
        mood: with_mood.then(|| Mood::parse(1, 2, &[4, 2]).unwrap()),
        create_time: now,
    };
    let data_key = stage.vault.data_key(who).await.unwrap();
    let attempt = Attempt::new(key, &data_key, app::WRITE_ENTRY, format!("{entry_id}{body}").as_bytes());
    let sealed = app::seal_entry(who, &entry, &data_key, stage.ids.next());
    let event = app::entry_written(stage.ids.next(), now, &sealed.facts());
    WriteEntry::new(sealed, &attempt, event)
}

async fn write(stage: &Stage, commands: &[WriteEntry]) -> Vec<Result<Written, Error>> {
    let mut transaction = stage.pool.begin().await.unwrap();
    let results = app::write_entries(&mut transaction, commands).await.unwrap();
    transaction.commit().await.unwrap();
    results
}

#[tokio::test]
async fn in_one_batch_each_command_hears_its_own() {
    let stage = stage().await;
    let (ada, ben) = (stage.member(), stage.member());
    let [taken, twice, differing, shared, fresh] = std::array::from_fn(|_| stage.ids.next());
    let key = stage.ids.next();
    write(&stage, &[command(&stage, ada, taken, taken, "before", false).await]).await;
    let batch = [
        command(&stage, ada, fresh, fresh, "fresh", true).await,
        command(&stage, ada, taken, taken, "other", true).await, // reuses an id
        command(&stage, ada, taken, taken, "before", false).await, // a retry
        command(&stage, ada, twice, twice, "twice", true).await,
        command(&stage, ada, twice, twice, "twice", true).await, // its twin
        command(&stage, ada, differing, differing, "one", true).await,
        command(&stage, ada, differing, differing, "another", true).await, // the same id, another text
        command(&stage, ben, taken, taken, "his", true).await,             // an id of somebody else's
        command(&stage, ben, shared, shared, "shared", false).await,
        command(&stage, ben, key, shared, "shared", false).await, // the same entry under another key
        command(&stage, ben, stage.ids.next(), shared, "other", false).await, // a reuse under another key
    ];
    let results: Vec<String> = write(&stage, &batch)
        .await
        .into_iter()
        .map(|result| match result {
            Ok(Written::Fresh) => "fresh".to_owned(),
            Ok(Written::Replayed(id)) => format!("replayed {id}"),
            Err(error) => error.to_string(),
        })
        .collect();
    let refused = Error::EntryIdReused.to_string();
    let replayed = |id: Uuid| format!("replayed {id}");
    assert_eq!(
        results,
        [
            "fresh".to_owned(),
            refused.clone(),
            replayed(taken),
            "fresh".to_owned(),
            replayed(twice),
            "fresh".to_owned(),
            refused.clone(),
            "fresh".to_owned(),
            "fresh".to_owned(),
            replayed(shared),
            refused,
        ]
    );
    assert_eq!(stage.count("entries").await, 6);
    assert_eq!(stage.count("moods").await, 4);
    assert_eq!(stage.count("bus.outbox").await, 6);
    // The refused key under which nothing was written is as if it had never come.
    assert_eq!(stage.count("chassis.idempotency").await, 7);
}

#[tokio::test]
async fn one_command_that_fails_the_batch_leaves_its_neighbours_unhurt() {
    let stage = stage_with(BatchConfig { max: 64, queue: 64, writers: 1 }).await;
    let ada = stage.member();
    let cursed = stage.ids.next();
    let curse = format!("ALTER TABLE entries ADD CONSTRAINT cursed CHECK (entry_id <> '{cursed}')");
    sqlx::query(AssertSqlSafe(curse)).execute(&stage.pool).await.unwrap();
    let ids: Vec<Uuid> = (0..24).map(|n| if n == 11 { cursed } else { stage.ids.next() }).collect();
    let answers = futures::future::join_all(ids.iter().map(|id| stage.write(ada, entry(*id, "x")))).await;
    for (id, answer) in ids.iter().zip(answers) {
        if *id == cursed {
            assert_eq!(answer.err().unwrap().code(), Code::Internal);
        } else {
            assert_eq!(answer.unwrap().entry_id, id.to_string());
        }
    }
    for table in ["entries", "bus.outbox", "chassis.idempotency"] {
        assert_eq!(stage.count(table).await, 23, "{table}");
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_undo_its_write() {
    let stage = stage().await;
    let ada = stage.member();
    let id = stage.ids.next();
    let mut lock = stage.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE entries IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let journal = stage.journal.clone();
    let calling =
        tokio::spawn(async move { crate::stage::write(&journal, signed_in(ada, entry(id, "kept"))).await });
    eventually("the write waits for the table", PATIENCE, async || {
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&stage.pool).await.unwrap() > 0
    })
    .await;
    calling.abort();
    assert!(calling.await.err().unwrap().is_cancelled());
    lock.rollback().await.unwrap();
    eventually("the entry is there", PATIENCE, async || stage.get(ada, &id.to_string()).await.is_ok()).await;
    assert_eq!(stage.count("bus.outbox").await, 1);
}

#[tokio::test]
async fn closing_writes_what_was_handed_in_and_takes_nothing_more() {
    let stage = stage().await;
    let ada = stage.member();
    let writes: Vec<_> = (0..40)
        .map(|_| {
            let (journal, request) = (stage.journal.clone(), signed_in(ada, entry(stage.ids.next(), "x")));
            tokio::spawn(async move { crate::stage::write(&journal, request).await })
        })
        .collect();
    let answers = futures::future::join_all(writes).await;
    stage.journal.close().await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().is_ok()));
    assert_eq!(stage.count("entries").await, 40);
    let refused = stage.write(ada, entry(stage.ids.next(), "late")).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unavailable);
}

#[tokio::test]
async fn the_event_says_what_happened_and_nothing_of_the_text() {
    let stage = stage().await;
    let ada = stage.member();
    let mut request = entry(stage.ids.next(), "secret");
    request.time_zone = "Asia/Kathmandu".into();
    request.entry_time = Some(crate::stage::proto_time("1969-07-20T20:17:40.25Z"));
    request.mood = Some(mood(5, 5, &[]));
    let written = stage.write(ada, request.clone()).await.unwrap();
    let row = sqlx::query("SELECT key, aggregate_id, version, body FROM bus.outbox")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(row.get::<String, _>("key"), "journal.v1.entry_written");
    assert_eq!(row.get::<Uuid, _>("aggregate_id").to_string(), request.entry_id);
    assert_eq!(row.get::<i64, _>("version"), 1);
    let event = EntryWritten::decode(row.get::<Vec<u8>, _>("body").as_slice()).unwrap();
    assert_eq!((event.entry_id, event.account_id), (request.entry_id, ada.to_string()));
    assert_eq!((event.entry_time, event.time_zone.as_str()), (request.entry_time, "Asia/Kathmandu"));
    assert_eq!((event.create_time, event.has_mood), (written.create_time, true));
}

#[tokio::test]
async fn ids_of_one_process_and_an_outbox_are_all_a_second_journal_needs() {
    // The same database served by two replicas: both read what either wrote.
    let stage = stage().await;
    let other = journal::rpc::Journal::start(
        stage.pool.clone(),
        stage.vault.clone(),
        Outbox::new(),
        stage.clock.clone(),
        Ids::new(stage.clock.clone()),
        BatchConfig::default(),
    );
    let ada = stage.member();
    let written =
        crate::stage::write(&other, signed_in(ada, entry(stage.ids.next(), "there"))).await.unwrap();
    assert!(stage.get(ada, &written.entry_id).await.unwrap() == written);
}
