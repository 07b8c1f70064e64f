//! The journal dies while many write: what was acknowledged is kept, and a retry with the same id keeps it once.

use crate::member::{Member, PAST_THE_LEASE, PATIENCE, signed};
use crate::stage::Stage;
use candor_proto::journal::v1 as journal;
use candor_tests::eventually;
use journal::entry_service_client::EntryServiceClient;
use std::collections::BTreeSet;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::Channel;
use uuid::Uuid;

const WRITERS: u64 = 32;
const ROUNDS: u64 = 3;
/// The journal dies after so many acknowledgements of a round.
const ACKNOWLEDGED: usize = 400;
const WRITTEN: &str = "journal.v1.entry_written";

/// What a writer sends under the `n`th id of theirs. Every other entry has a mood.
fn entry(round: u64, writer: u64, n: u64) -> journal::WriteEntryRequest {
    let id = Uuid::from_u64_pair((round << 32 | writer << 16) | 0x7000, 0x8000_0000_0000_0000 | n);
    let mood = journal::Mood { pleasantness: 1, energy: -1, body_signs: Vec::new() };
    journal::WriteEntryRequest {
        entry_id: id.to_string(),
        body: format!("The {n}th of writer {writer} in round {round}."),
        time_zone: "Europe/Berlin".to_owned(),
        mood: n.is_multiple_of(2).then_some(mood),
        ..Default::default()
    }
}

type Requests = Vec<journal::WriteEntryRequest>;

/// Writes one entry after the other until the journal is gone: what was acknowledged, and the one that was not.
async fn write_until_the_end(
    channel: Channel,
    passport: String,
    (round, writer): (u64, u64),
    acknowledged: watch::Sender<usize>,
) -> (Requests, Requests) {
    let mut entries = EntryServiceClient::new(channel);
    let mut kept = Requests::new();
    for n in 0.. {
        let request = entry(round, writer, n);
        match entries.write_entry(signed(request.clone(), &passport)).await {
            Ok(answer) => {
                assert_eq!(answer.into_inner().entry.unwrap().entry_id, request.entry_id);
                kept.push(request);
                acknowledged.send_modify(|count| *count += 1);
            }
            Err(_) => return (kept, vec![request]),
        }
    }
    unreachable!("the journal is killed")
}

/// 32 writers, and the journal's death in the midst of them.
async fn die_among_writers(stage: &mut Stage, members: &[Member], round: u64) -> (Requests, Requests) {
    let (acknowledged, mut count) = watch::channel(0);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let member = &members[usize::try_from(writer).unwrap() % members.len()];
        let (channel, passport) = (stage.five.grpc("journal"), member.passport.clone());
        writers.spawn(write_until_the_end(channel, passport, (round, writer), acknowledged.clone()));
    }
    let enough = count.wait_for(|count| *count >= ACKNOWLEDGED);
    tokio::time::timeout(PATIENCE, enough).await.expect("they write").unwrap();
    stage.five.kill("journal");
    let (mut kept, mut unsure) = (Requests::new(), Requests::new());
    while let Some(writer) = writers.join_next().await {
        let (k, u) = writer.unwrap();
        kept.extend(k);
        unsure.extend(u);
    }
    (kept, unsure)
}

/// The ids on all timelines, each with its body; no id twice.
async fn timelines(stage: &Stage, members: &[Member]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for member in members {
        let mut token = String::new();
        loop {
            let page = member.timeline(&stage.five, token).await.unwrap();
            for entry in page.entries {
                assert!(found.insert((entry.entry_id, entry.body)), "an entry is there twice");
            }
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
    }
    found
}

fn ids(requests: &[journal::WriteEntryRequest]) -> BTreeSet<(String, String)> {
    requests.iter().map(|request| (request.entry_id.clone(), request.body.clone())).collect()
}

async fn retry(stage: &Stage, members: &[Member], requests: &[journal::WriteEntryRequest]) {
    let mut entries = EntryServiceClient::new(stage.five.grpc("journal"));
    for request in requests {
        // The writer is in the id.
        let writer = Uuid::parse_str(&request.entry_id).unwrap().as_u64_pair().0 >> 16 & 0xffff;
        let member = &members[usize::try_from(writer).unwrap() % members.len()];
        let answer =
            entries.write_entry(signed(request.clone(), &member.passport)).await.unwrap().into_inner();
        assert_eq!(answer.entry.unwrap().body, request.body);
    }
}

#[tokio::test]
#[ignore = "slow: what a killed relay was busy with is told after its lease of 60 s"]
async fn every_acknowledged_entry_is_there_once_however_the_journal_dies() {
    let mut stage = Stage::shared().await;
    let mut members = Vec::new();
    for name in ["vera", "paul"] {
        members.push(Member::join(&stage.five, &format!("{name}@example.org")).await);
    }
    let mut all = Requests::new();
    for round in 1..=ROUNDS {
        let (kept, unsure) = die_among_writers(&mut stage, &members, round).await;
        assert!(kept.len() >= ACKNOWLEDGED);
        stage.five.up("journal").await;
        let found = timelines(&stage, &members).await;
        let missing = ids(&kept).difference(&found).count();
        assert_eq!(missing, 0, "acknowledged and lost in round {round}");
        retry(&stage, &members, &unsure).await;
        retry(&stage, &members, &kept[..kept.len().min(100)]).await;
        all.extend(kept.into_iter().chain(unsure));
    }
    assert_eq!(timelines(&stage, &members).await, ids(&all));
    let entries = i64::try_from(all.len()).unwrap();
    let moods = i64::try_from(all.iter().filter(|request| request.mood.is_some()).count()).unwrap();
    assert_eq!(
        (stage.rows("journal", "entries").await, stage.rows("journal", "moods").await),
        (entries, moods)
    );
    assert_eq!(stage.events("journal", WRITTEN).await, entries, "one event each");
    assert_eq!(stage.events_twice("journal", WRITTEN).await, 0);
    everybody_hears_once(&stage, entries).await;
    for member in &members {
        assert_eq!(member.progress(&stage.five, "three-entries").await, 3);
        assert_eq!(member.planned(&stage.five).await, 1, "one look-back a day");
    }
    stage.five.stop().await;
}

async fn everybody_hears_once(stage: &Stage, entries: i64) {
    eventually("the journal has told everything", PAST_THE_LEASE, async || {
        stage.rows("journal", "bus.outbox").await == 0
    })
    .await;
    for consumer in ["reminders", "content"] {
        let heard = format!("bus.inbox WHERE consumer = '{consumer}'");
        eventually(&format!("{consumer} heard of everything"), PATIENCE, async || {
            stage.rows(consumer, &heard).await == entries
        })
        .await;
        assert_eq!(stage.rows(consumer, "bus.inbox_retry").await, 0, "{consumer} handled everything");
    }
}
