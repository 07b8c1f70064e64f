//! Retries change nothing; reuses are refused; what races for an id makes one entry.

use crate::stage::{entry, fields, mood, reason, signed_in, stage};
use candor_proto::journal::v1::{Entry, RecordMoodRequest, WriteEntryRequest};
use std::collections::HashSet;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};
use uuid::Uuid;

#[tokio::test]
async fn a_retry_answers_as_the_first_time_and_writes_nothing_more() {
    let stage = stage().await;
    let ada = stage.member();
    let mut request = entry(stage.ids.next(), "the same");
    request.mood = Some(mood(1, 1, &[3]));
    let first = stage.write(ada, request.clone()).await.unwrap();
    stage.advance_hours(2);
    let mut shouted = request.clone();
    shouted.entry_id = shouted.entry_id.to_uppercase();
    for retry in [request.clone(), shouted] {
        assert!(stage.write(ada, retry).await.unwrap() == first);
    }
    for (table, rows) in [("entries", 1), ("moods", 1), ("bus.outbox", 1), ("chassis.idempotency", 1)] {
        assert_eq!(stage.count(table).await, rows, "{table}");
    }
}

#[tokio::test]
async fn an_id_with_other_content_is_refused_also_after_its_record_is_swept() {
    let stage = stage().await;
    let ada = stage.member();
    let request = entry(stage.ids.next(), "first");
    let first = stage.write(ada, request.clone()).await.unwrap();
    let other = WriteEntryRequest { body: "second".into(), ..request.clone() };
    for swept in [false, true] {
        if swept {
            stage.advance_hours(25);
            let token = CancellationToken::new();
            assert_eq!(journal::jobs::sweep_once(&stage.pool, &stage.clock, 10, &token).await.unwrap(), 1);
            assert_eq!(stage.count("chassis.idempotency").await, 0);
        }
        // Twice: a refusal must not make its own retry look like a success.
        for _ in 0..2 {
            let refused = stage.write(ada, other.clone()).await.err().unwrap();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "ENTRY_ID_REUSED"));
        }
        assert!(stage.write(ada, request.clone()).await.unwrap() == first);
    }
    assert_eq!(stage.count("entries").await, 1);
    assert_eq!(stage.count("bus.outbox").await, 1);
}

#[tokio::test]
async fn an_idempotency_key_stands_in_for_an_id() {
    let stage = stage().await;
    let ada = stage.member();
    let key = stage.ids.next().to_string();
    let send = async |key: &str, request: WriteEntryRequest| {
        crate::stage::write(&stage.journal, keyed(ada, key, request)).await
    };
    let request = WriteEntryRequest { body: "no id".into(), ..Default::default() };
    let first = send(&key, request.clone()).await.unwrap();
    assert!(send(&key, request.clone()).await.unwrap() == first);
    let other = WriteEntryRequest { body: "other".into(), ..Default::default() };
    let refused = send(&key, other).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"));
    for malformed in ["", "7", "not-a-uuid", &"a".repeat(36)] {
        let refused = send(malformed, request.clone()).await.err().unwrap();
        assert_eq!(
            (refused.code(), fields(&refused)),
            (Code::InvalidArgument, vec!["idempotency-key".to_owned()])
        );
    }
    // A new key does not open an id that is taken.
    let chosen = entry(stage.ids.next(), "chosen");
    let kept = send(&stage.ids.next().to_string(), chosen.clone()).await.unwrap();
    assert!(send(&stage.ids.next().to_string(), chosen.clone()).await.unwrap() == kept);
    let other = WriteEntryRequest { body: "other".into(), ..chosen };
    let key = stage.ids.next().to_string();
    for _ in 0..2 {
        let refused = send(&key, other.clone()).await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "ENTRY_ID_REUSED"));
    }
    assert_eq!(stage.count("entries").await, 2);
}

fn keyed<T>(who: Uuid, key: &str, message: T) -> Request<T> {
    let mut request = signed_in(who, message);
    request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

#[tokio::test]
async fn of_64_writers_racing_for_an_id_one_writes_and_all_hear_the_same() {
    let stage = stage().await;
    let ada = stage.member();
    let mut request = entry(stage.ids.next(), "raced for");
    request.mood = Some(mood(0, 0, &[]));
    // A second replica races along.
    let replica =
        crate::stage::start(&stage.pool, &stage.vault, &stage.clock, &stage.ids, Default::default());
    let racing = (0..64).map(|n| {
        let journal = if n % 2 == 0 { stage.journal.clone() } else { replica.clone() };
        let request = signed_in(ada, request.clone());
        tokio::spawn(async move { crate::stage::write(&journal, request).await })
    });
    let answers: Vec<Result<Entry, Status>> =
        futures::future::join_all(racing).await.into_iter().map(|done| done.unwrap()).collect();
    let first = answers[0].clone().unwrap();
    assert!(answers.into_iter().all(|answer| answer.unwrap() == first));
    for table in ["entries", "moods", "bus.outbox", "chassis.idempotency"] {
        assert_eq!(stage.count(table).await, 1, "{table}");
    }
}

#[tokio::test]
async fn of_writers_racing_with_different_texts_one_wins_and_the_rest_are_refused() {
    let stage = stage().await;
    let ada = stage.member();
    let id = stage.ids.next();
    let bodies: Vec<String> = (0..32).map(|n| format!("text {n}")).collect();
    let answers =
        futures::future::join_all(bodies.iter().map(|body| stage.write(ada, entry(id, body)))).await;
    let won: HashSet<String> = answers.iter().flatten().map(|entry| entry.body.clone()).collect();
    assert_eq!(won.len(), 1);
    assert!(
        answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .all(|refused| reason(refused) == "ENTRY_ID_REUSED")
    );
    assert_eq!(answers.iter().flatten().count(), 1);
    assert_eq!(stage.get(ada, &id.to_string()).await.unwrap().body, *won.iter().next().unwrap());
}

#[tokio::test]
async fn moods_are_as_safe_to_retry_as_entries() {
    let stage = stage().await;
    let ada = stage.member();
    let request = RecordMoodRequest {
        mood_id: stage.ids.next().to_string(),
        mood: Some(mood(-5, 5, &[16])),
        felt_time: None,
    };
    let first = stage.record(ada, request.clone()).await.unwrap();
    stage.advance_hours(1);
    assert!(stage.record(ada, request.clone()).await.unwrap() == first);
    let other = RecordMoodRequest { mood: Some(mood(5, 5, &[16])), ..request.clone() };
    for swept in [false, true] {
        if swept {
            stage.advance_hours(24);
            journal::jobs::sweep_once(&stage.pool, &stage.clock, 1, &CancellationToken::new()).await.unwrap();
        }
        for _ in 0..2 {
            let refused = stage.record(ada, other.clone()).await.err().unwrap();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "MOOD_ID_REUSED"));
        }
        assert!(stage.record(ada, request.clone()).await.unwrap() == first);
    }
    // The id of a mood that came with an entry is taken as well.
    let mut written = entry(stage.ids.next(), "x");
    written.mood = Some(mood(1, 1, &[]));
    stage.write(ada, written.clone()).await.unwrap();
    let of_entry =
        stage.moods(ada, 0, "").await.unwrap().records.into_iter().find(|record| !record.entry_id.is_empty());
    let stolen = RecordMoodRequest { mood_id: of_entry.unwrap().mood_id, ..request.clone() };
    assert_eq!(reason(&stage.record(ada, stolen).await.err().unwrap()), "MOOD_ID_REUSED");
    // And what one account has says nothing to another.
    assert!(stage.record(stage.member(), other).await.is_ok());
}

#[tokio::test]
async fn records_that_are_over_are_swept_in_bites_and_others_stay() {
    let stage = stage().await;
    let ada = stage.member();
    for _ in 0..7 {
        stage.write(ada, entry(stage.ids.next(), "old")).await.unwrap();
    }
    stage.advance_hours(23);
    stage.write(ada, entry(stage.ids.next(), "young")).await.unwrap();
    let token = CancellationToken::new();
    let sweep = || journal::jobs::sweep_once(&stage.pool, &stage.clock, 3, &token);
    assert_eq!(sweep().await.unwrap(), 0);
    stage.advance_hours(1);
    assert_eq!(sweep().await.unwrap(), 7);
    assert_eq!(stage.count("chassis.idempotency").await, 1);
}
