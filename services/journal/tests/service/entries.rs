//! Writing, reading back and paging through entries, on a real PostgreSQL.

use crate::stage::{entry, fields, mood, proto_time, reason, signed_in, stage};
use candor_proto::journal::v1::WriteEntryRequest;
use journal::domain::MAX_BODY_BYTES;
use prost::Message as _;
use std::collections::HashSet;
use tonic::Code;
use uuid::Uuid;

#[tokio::test]
async fn what_is_written_is_read_back_and_stands_on_the_timeline() {
    let stage = stage().await;
    let ada = stage.member();
    let request = WriteEntryRequest {
        entry_id: stage.ids.next().to_string(),
        body: "Heute **endlich** gesagt, was ich brauche. 🫥\n\n- leise\n- aber gesagt\n".into(),
        title: "Ein Anfang – 始まり".into(),
        entry_time: Some(proto_time("2024-03-09T21:15:00.123456Z")),
        time_zone: "europe/berlin".into(),
        mood: Some(mood(-2, 3, &[14, 1])),
    };
    let written = stage.write(ada, request.clone()).await.unwrap();
    assert_eq!(written.body, request.body);
    assert_eq!(written.title, request.title);
    assert_eq!(written.entry_time, request.entry_time);
    assert_eq!(written.time_zone, "Europe/Berlin");
    assert_eq!(written.create_time, Some(proto_time(crate::stage::NOW)));
    assert_eq!(written.mood.as_ref().unwrap().body_signs, [1, 14]);
    assert!(stage.get(ada, &request.entry_id).await.unwrap() == written);

    let plain = stage.write(ada, WriteEntryRequest { body: "x".into(), ..Default::default() }).await.unwrap();
    assert_eq!((plain.title.as_str(), plain.time_zone.as_str(), plain.mood.is_none()), ("", "UTC", true));
    assert_eq!(plain.entry_time, Some(proto_time(crate::stage::NOW)));
    let timeline = stage.list(ada, 0, "").await.unwrap();
    assert!(timeline.entries == [plain, written]);
    assert_eq!(timeline.next_page_token, "");
}

#[tokio::test]
async fn anothers_entry_answers_exactly_as_one_that_does_not_exist() {
    let stage = stage().await;
    let (ada, ben) = (stage.member(), stage.member());
    let id = stage.ids.next();
    stage.write(ada, entry(id, "mine")).await.unwrap();
    stage.write(ben, entry(stage.ids.next(), "his own")).await.unwrap();
    let hidden = stage.get(ben, &id.to_string()).await.err().unwrap();
    let missing = stage.get(ben, &stage.ids.next().to_string()).await.err().unwrap();
    assert_eq!(hidden.code(), Code::NotFound);
    assert_eq!(reason(&hidden), "ENTRY_NOT_FOUND");
    assert_eq!(hidden.message(), missing.message());
    assert_eq!(hidden.details(), missing.details());
    assert_eq!(format!("{:?}", hidden.metadata()), format!("{:?}", missing.metadata()));
    // Somebody who never wrote anything hears the same.
    let stranger = stage.get(stage.member(), &id.to_string()).await.err().unwrap();
    assert_eq!((stranger.message(), stranger.details()), (missing.message(), missing.details()));
    assert_eq!(stage.list(ben, 0, "").await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn an_id_that_another_account_has_is_free() {
    let stage = stage().await;
    let (ada, ben) = (stage.member(), stage.member());
    let id = stage.ids.next();
    stage.write(ada, entry(id, "hers")).await.unwrap();
    let his = stage.write(ben, entry(id, "his")).await.unwrap();
    assert_eq!(his.body, "his");
    assert_eq!(stage.get(ada, &id.to_string()).await.unwrap().body, "hers");
    assert_eq!(stage.count("bus.outbox").await, 2);
}

#[tokio::test]
async fn without_a_passport_nothing_is_said() {
    use candor_proto::journal::v1::entry_service_server::EntryService as _;
    let stage = stage().await;
    let request = tonic::Request::new(entry(stage.ids.next(), "x"));
    let refused = stage.journal.write_entry(request).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn bad_input_names_its_field_and_stores_nothing() {
    let stage = stage().await;
    let ada = stage.member();
    let good = entry(stage.ids.next(), "x");
    let cases: Vec<(&str, WriteEntryRequest)> = vec![
        ("body", WriteEntryRequest { body: String::new(), ..good.clone() }),
        ("body", WriteEntryRequest { body: " \u{200B}\n".into(), ..good.clone() }),
        ("body", WriteEntryRequest { body: "a\0b".into(), ..good.clone() }),
        ("body", WriteEntryRequest { body: "a".repeat(MAX_BODY_BYTES + 1), ..good.clone() }),
        ("title", WriteEntryRequest { title: "é".repeat(201), ..good.clone() }),
        ("title", WriteEntryRequest { title: "a\nb".into(), ..good.clone() }),
        ("entry_id", WriteEntryRequest { entry_id: "seven".into(), ..good.clone() }),
        ("time_zone", WriteEntryRequest { time_zone: "Mars/Olympus".into(), ..good.clone() }),
        ("entry_time", with_time(&good, proto_time("2024-03-11T07:30:00.000001Z"))),
        ("entry_time", with_time(&good, proto_time("1899-12-31T23:59:59Z"))),
        ("entry_time", with_time(&good, prost_types::Timestamp { seconds: i64::MAX, nanos: 0 })),
        ("entry_time", with_time(&good, prost_types::Timestamp { seconds: 0, nanos: -1 })),
        ("entry_time", with_time(&good, prost_types::Timestamp { seconds: 0, nanos: 1_000_000_000 })),
        ("mood.energy", WriteEntryRequest { mood: Some(mood(0, 6, &[])), ..good.clone() }),
        ("mood.body_signs[0]", WriteEntryRequest { mood: Some(mood(0, 0, &[17])), ..good.clone() }),
    ];
    for (field, request) in cases {
        let refused = stage.write(ada, request).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument, "{field}");
        assert!(fields(&refused).contains(&field.to_owned()), "{field}: {:?}", fields(&refused));
        assert!(refused.message().contains("Nothing was stored"));
    }
    for table in ["entries", "moods", "bus.outbox", "chassis.idempotency"] {
        assert_eq!(stage.count(table).await, 0, "{table}");
    }
    for (page_size, field) in [(-1, "page_size"), (101, "page_size")] {
        assert_eq!(fields(&stage.list(ada, page_size, "").await.err().unwrap()), [field]);
    }
}

fn with_time(request: &WriteEntryRequest, time: prost_types::Timestamp) -> WriteEntryRequest {
    WriteEntryRequest { entry_time: Some(time), ..request.clone() }
}

#[tokio::test]
async fn the_limits_themselves_are_kept() {
    let stage = stage().await;
    let ada = stage.member();
    for (body, time) in [
        ("ä".repeat(MAX_BODY_BYTES / 2), "1900-01-01T00:00:00Z"),
        ("\u{10FFFF}\u{202E}\u{301} \r\n \u{1} ✓".to_owned(), "2024-03-11T07:30:00Z"),
    ] {
        let mut request = with_time(&entry(stage.ids.next(), &body), proto_time(time));
        request.title = "字".repeat(200);
        let written = stage.write(ada, request.clone()).await.unwrap();
        let read = stage.get(ada, &request.entry_id).await.unwrap();
        assert!(read == written && read.body == body && read.title == request.title);
        assert_eq!(read.entry_time, Some(proto_time(time)));
    }
}

#[tokio::test]
async fn pages_of_250_entries_of_the_same_moment_show_each_once_while_others_are_written() {
    let stage = stage().await;
    let ada = stage.member();
    let mut expected = HashSet::new();
    let writes = (0..250).map(|n| {
        let id = if n % 2 == 0 { stage.ids.next() } else { Uuid::from_u128(n * 7_919) };
        expected.insert(id.to_string());
        stage.write(ada, with_time(&entry(id, "x"), proto_time("2024-03-01T12:00:00Z")))
    });
    for written in futures::future::join_all(writes).await {
        written.unwrap();
    }
    let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = stage.list(ada, 7, &token).await.unwrap();
        assert!(page.entries.len() <= 7);
        seen.extend(page.entries.into_iter().map(|entry| entry.entry_id));
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        // Newer entries move nothing.
        let newer = with_time(&entry(stage.ids.next(), "newer"), proto_time("2024-03-02T12:00:00Z"));
        stage.write(ada, newer).await.unwrap();
    }
    assert_eq!(pages, 36);
    assert_eq!(seen.len(), 250);
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), expected);
}

#[tokio::test]
async fn a_page_of_long_entries_ends_before_it_outgrows_a_message() {
    let stage = stage().await;
    let ada = stage.member();
    let long = "a".repeat(MAX_BODY_BYTES);
    let writes = (0..30).map(|_| stage.write(ada, entry(stage.ids.next(), &long)));
    futures::future::join_all(writes).await.into_iter().for_each(|written| drop(written.unwrap()));
    let (mut seen, mut token) = (HashSet::new(), String::new());
    loop {
        let page = stage.list(ada, 100, &token).await.unwrap();
        assert!(!page.entries.is_empty() && page.encoded_len() < chassis::serve::MAX_MESSAGE_BYTES);
        seen.extend(page.entries.into_iter().map(|entry| entry.entry_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 30);
}

#[tokio::test]
async fn a_page_token_works_only_where_it_was_given() {
    let stage = stage().await;
    let (ada, ben) = (stage.member(), stage.member());
    for who in [ada, ben] {
        for _ in 0..3 {
            let mut request = entry(stage.ids.next(), "x");
            request.mood = Some(mood(0, 0, &[]));
            stage.write(who, request).await.unwrap();
        }
    }
    let token = stage.list(ada, 1, "").await.unwrap().next_page_token;
    let of_moods = stage.moods(ada, 1, "").await.unwrap().next_page_token;
    assert_eq!(stage.list(ada, 1, &token).await.unwrap().entries.len(), 1);

    let mut hostile = vec![
        "x".to_owned(),
        "AAAA".to_owned(),
        "ÿ".to_owned(),
        format!("{token}="),
        format!("{token}A"),
        " ".to_owned(),
        "0".repeat(256),
        of_moods,
        "' OR 1=1 --".to_owned(),
    ];
    for cut in 1..token.len() {
        hostile.push(token[..cut].to_owned());
    }
    for at in 0..token.len() {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        hostile.push(format!("{}{other}{}", &token[..at], &token[at + 1..]));
    }
    for token in hostile {
        let refused = stage.list(ada, 1, &token).await.err().unwrap();
        assert_eq!(
            (refused.code(), fields(&refused)),
            (Code::InvalidArgument, vec!["page_token".to_owned()])
        );
    }
    let refused = stage.list(ben, 1, &token).await.err().unwrap();
    assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["page_token".to_owned()]));
    assert_eq!(stage.moods(ada, 1, &token).await.err().unwrap().code(), Code::InvalidArgument);
    assert_eq!(stage.list(ada, 1, &"0".repeat(257)).await.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn other_kinds_of_caller_keep_no_journal() {
    use candor_proto::journal::v1::entry_service_server::EntryService as _;
    let stage = stage().await;
    let mut request = signed_in(stage.member(), entry(stage.ids.next(), "x"));
    let mut operator = crate::stage::passport(stage.member());
    operator.kind = chassis::identity::Kind::Operator;
    request.extensions_mut().insert(operator);
    assert_eq!(stage.journal.write_entry(request).await.err().unwrap().code(), Code::PermissionDenied);
}
