//! Moods, by themselves and with entries.

use crate::stage::{entry, fields, mood, proto_time, stage};
use candor_proto::journal::v1::RecordMoodRequest;
use std::collections::HashSet;
use tonic::Code;

fn felt(time: &str, pleasantness: i32) -> RecordMoodRequest {
    RecordMoodRequest {
        mood_id: String::new(),
        mood: Some(mood(pleasantness, -3, &[16, 15, 2])),
        felt_time: Some(proto_time(time)),
    }
}

#[tokio::test]
async fn moods_stand_newest_first_with_those_of_entries_among_them() {
    let stage = stage().await;
    let (ada, ben) = (stage.member(), stage.member());
    let old = stage.record(ada, felt("2024-03-01T08:00:00Z", -5)).await.unwrap();
    assert_eq!(old.mood.as_ref().unwrap().body_signs, [2, 15, 16]);
    let mut written = entry(stage.ids.next(), "x");
    written.entry_time = Some(proto_time("2024-03-05T08:00:00Z"));
    written.mood = Some(mood(0, 0, &[]));
    stage.write(ada, written.clone()).await.unwrap();
    let now = RecordMoodRequest { felt_time: None, ..felt("2024-03-01T08:00:00Z", 5) };
    let now = stage.record(ada, now).await.unwrap();
    assert_eq!(now.felt_time, Some(proto_time(crate::stage::NOW)));

    let records = stage.moods(ada, 0, "").await.unwrap().records;
    assert_eq!(records.len(), 3);
    assert!(records[0] == now && records[2] == old);
    assert_eq!(
        (records[1].entry_id.as_str(), records[1].felt_time),
        (written.entry_id.as_str(), written.entry_time)
    );
    assert!(stage.moods(ben, 0, "").await.unwrap().records.is_empty());
    assert_eq!(stage.count("bus.outbox").await, 1);
}

#[tokio::test]
async fn pages_of_moods_of_the_same_moment_show_each_once() {
    let stage = stage().await;
    let ada = stage.member();
    let mut expected = HashSet::new();
    for _ in 0..45 {
        expected.insert(stage.record(ada, felt("2024-03-01T08:00:00Z", 1)).await.unwrap().mood_id);
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = stage.moods(ada, 15, &token).await.unwrap();
        assert_eq!(page.records.len(), 15);
        seen.extend(page.records.into_iter().map(|record| record.mood_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        stage.record(ada, felt("2024-03-02T08:00:00Z", 1)).await.unwrap();
    }
    assert_eq!(seen.len(), 45);
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), expected);
}

#[tokio::test]
async fn bad_moods_name_their_field_and_are_not_kept() {
    let stage = stage().await;
    let ada = stage.member();
    let good = felt("2024-03-01T08:00:00Z", 1);
    let cases = [
        ("mood", RecordMoodRequest { mood: None, ..good.clone() }),
        ("mood.pleasantness", RecordMoodRequest { mood: Some(mood(-6, 0, &[])), ..good.clone() }),
        ("mood.body_signs", RecordMoodRequest { mood: Some(mood(0, 0, &[1, 1])), ..good.clone() }),
        ("mood_id", RecordMoodRequest { mood_id: "1".into(), ..good.clone() }),
        ("felt_time", felt("2024-03-12T08:00:00Z", 1)),
        ("felt_time", felt("1850-03-12T08:00:00Z", 1)),
    ];
    for (field, request) in cases {
        let refused = stage.record(ada, request).await.err().unwrap();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    assert_eq!(stage.count("moods").await, 0);
}
