//! The path of two people: what is for two comes with the link and goes with it, nobody's progress shows to the other,
//! and the order in which events come changes nothing.

use crate::path::{FOR_TWO, milestones, of, path, shuffled};
use crate::{empty, ids, now, outbox};
use bus::{Envelope, Outbox};
use candor_proto::accounts::v1::{CoupleLinked, CoupleUnlinked};
use candor_proto::content::v1::{GetPathResponse, StepCompleted};
use candor_proto::journal::v1::{CheckInRevealed, EntryWritten, ItemShared, SelfCheckScored, ShareAnswered};
use chassis::Clock;
use content::events;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use sqlx::PgPool;
use std::collections::BTreeSet;
use uuid::Uuid;

const ANN: Uuid = Uuid::from_u128(0xa);
const BOB: Uuid = Uuid::from_u128(0xb);
const LINK: Uuid = Uuid::from_u128(0x11);

fn proto(time: Timestamp) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: time.as_second(), nanos: 0 })
}

/// A number of days before the tests' day.
fn ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

fn envelope<E: prost::Message + prost::Name>(
    aggregate_id: Uuid,
    version: i64,
    time: Timestamp,
    event: &E,
) -> Envelope {
    Envelope::new(ids().next(), time, aggregate_id, version, event)
}

fn linked(couple_id: Uuid, days: i64) -> Envelope {
    let event = CoupleLinked {
        couple_id: couple_id.to_string(),
        first_account_id: ANN.to_string(),
        second_account_id: BOB.to_string(),
        link_time: proto(ago(days)),
    };
    envelope(couple_id, 1, ago(days), &event)
}

fn unlinked(couple_id: Uuid, days: i64) -> Envelope {
    let event = CoupleUnlinked {
        couple_id: couple_id.to_string(),
        first_account_id: ANN.to_string(),
        second_account_id: BOB.to_string(),
        unlink_time: proto(ago(days)),
    };
    envelope(couple_id, 2, ago(days), &event)
}

fn entry(account_id: Uuid, n: u128, days: i64, has_mood: bool) -> Envelope {
    let entry_id = Uuid::from_u128(0xe000 + n);
    let event = EntryWritten {
        entry_id: entry_id.to_string(),
        account_id: account_id.to_string(),
        has_mood,
        create_time: proto(ago(days)),
        ..EntryWritten::default()
    };
    envelope(entry_id, 1, ago(days), &event)
}

fn self_check(account_id: Uuid, n: u128, days: i64, instrument_id: &str) -> Envelope {
    let assessment_id = Uuid::from_u128(0x5c00 + n);
    let event = SelfCheckScored {
        assessment_id: assessment_id.to_string(),
        account_id: account_id.to_string(),
        instrument_id: instrument_id.to_owned(),
        instrument_version: 1,
        score_time: proto(ago(days)),
    };
    envelope(assessment_id, 1, ago(days), &event)
}

fn check_in(n: u128, days: i64) -> Envelope {
    let check_in_id = Uuid::from_u128(0xc100 + n);
    let event = CheckInRevealed {
        check_in_id: check_in_id.to_string(),
        couple_id: LINK.to_string(),
        first_account_id: ANN.to_string(),
        second_account_id: BOB.to_string(),
        open_time: proto(ago(days)),
    };
    envelope(check_in_id, 1, ago(days), &event)
}

/// Ann shared something with Bob.
fn share(n: u128, days: i64) -> Envelope {
    let share_id = Uuid::from_u128(0x5a00 + n);
    let event = ItemShared {
        share_id: share_id.to_string(),
        owner_account_id: ANN.to_string(),
        recipient_account_id: BOB.to_string(),
        couple_id: LINK.to_string(),
        create_time: proto(ago(days)),
        ..ItemShared::default()
    };
    envelope(share_id, 1, ago(days), &event)
}

/// Bob answered it.
fn answer(n: u128, days: i64) -> Envelope {
    let share_id = Uuid::from_u128(0x5a00 + n);
    let event = ShareAnswered {
        share_id: share_id.to_string(),
        owner_account_id: ANN.to_string(),
        answerer_account_id: BOB.to_string(),
        couple_id: LINK.to_string(),
        answer_time: proto(ago(days)),
    };
    envelope(share_id, 2, ago(days), &event)
}

async fn handle(pool: &PgPool, events: &[Envelope]) {
    let inbox = events::inbox(pool.clone(), Clock::manual(now()), ids(), Outbox::new());
    inbox.handle(events).await.unwrap();
    let failed: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bus.inbox_retry").fetch_one(pool).await.unwrap();
    assert_eq!(failed, 0);
}

fn shown(path: &GetPathResponse) -> Vec<&str> {
    milestones(path).into_iter().map(|(id, ..)| id).filter(|id| FOR_TWO.contains(id)).collect()
}

#[tokio::test]
async fn what_is_for_two_comes_with_the_link_and_goes_with_it() {
    let database = empty().await;
    let pool = database.pool();
    for me in [ANN, BOB] {
        let alone = path(pool, me).await;
        assert!(shown(&alone).is_empty());
        assert_eq!(alone.steps.len(), 2, "and no step is left empty");
    }
    handle(pool, &[linked(LINK, 9)]).await;
    for me in [ANN, BOB] {
        assert_eq!(shown(&path(pool, me).await), FOR_TWO);
    }
    assert!(shown(&path(pool, Uuid::from_u128(0xc)).await).is_empty(), "somebody else stays alone");
    handle(pool, &[check_in(1, 8), share(1, 7), answer(1, 6)]).await;
    handle(pool, &[unlinked(LINK, 5)]).await;
    assert_eq!(shown(&path(pool, ANN).await), ["first-check-in", "first-share"], "what was reached stays");
    assert_eq!(shown(&path(pool, BOB).await), ["first-check-in", "first-answer"]);
    handle(pool, &[linked(LINK, 9)]).await; // late, or told again
    assert_eq!(shown(&path(pool, ANN).await).len(), 2);
    handle(pool, &[linked(Uuid::from_u128(0x12), 1)]).await;
    assert_eq!(shown(&path(pool, ANN).await), FOR_TWO);
}

#[tokio::test]
async fn nothing_for_two_is_proposed_to_somebody_who_is_not_linked_any_more() {
    let database = empty().await;
    let pool = database.pool();
    let mut alone: Vec<_> = (1..=3).map(|n| entry(ANN, n, 10, true)).collect();
    alone.push(self_check(ANN, 1, 10, "self-check"));
    handle(pool, &alone).await;
    assert_eq!(path(pool, ANN).await.next_milestone_id, "");
    handle(pool, &[linked(LINK, 9)]).await;
    assert_eq!(path(pool, ANN).await.next_milestone_id, "first-check-in");
    handle(pool, &[check_in(1, 8)]).await;
    assert_eq!(path(pool, ANN).await.next_milestone_id, "first-share");
    handle(pool, &[share(1, 7)]).await;
    let next = path(pool, ANN).await;
    assert_eq!(next.next_milestone_id, "three-check-ins");
    assert!(next.next_reason.starts_with("One check-in has opened."));
    handle(pool, &[unlinked(LINK, 5)]).await;
    let silent = path(pool, ANN).await;
    assert_eq!(silent.next_milestone_id, "");
    assert!(silent.next_reason.starts_with("Nothing is proposed for now."));
}

#[tokio::test]
async fn what_one_does_does_not_show_to_the_other() {
    let database = empty().await;
    let pool = database.pool();
    handle(pool, &[linked(LINK, 9)]).await;
    let before = path(pool, BOB).await;
    handle(pool, &[share(1, 8), share(2, 7), self_check(ANN, 1, 6, "self-check"), entry(ANN, 1, 5, true)])
        .await;
    assert!(path(pool, BOB).await == before, "neither sharing nor anything else of Ann's");
    let ann = path(pool, ANN).await;
    handle(pool, &[answer(1, 4)]).await;
    assert!(path(pool, ANN).await == ann, "nor Bob's answer");
    assert_eq!(of(&path(pool, BOB).await, "first-answer"), (1, 1, Some(ago(4).as_second())));
}

#[tokio::test]
async fn looking_again_counts_and_is_proposed_some_weeks_later() {
    let database = empty().await;
    let pool = database.pool();
    handle(pool, &[entry(ANN, 1, 40, true), self_check(ANN, 1, 30, "self-check")]).await;
    let next = path(pool, ANN).await;
    assert_eq!(next.next_milestone_id, "second-self-check");
    assert!(next.next_reason.contains("some weeks ago"));
    handle(pool, &[self_check(ANN, 2, 29, "self-check"), self_check(ANN, 3, 5, "another")]).await;
    assert_eq!(of(&path(pool, ANN).await, "second-self-check"), (1, 2, None));
    handle(pool, &[self_check(ANN, 4, 9, "self-check")]).await;
    assert_eq!(of(&path(pool, ANN).await, "second-self-check"), (2, 2, Some(ago(9).as_second())));
    // Somebody whose first look was lately is left in peace.
    handle(pool, &[entry(BOB, 2, 40, true), self_check(BOB, 5, 20, "self-check")]).await;
    assert_eq!(path(pool, BOB).await.next_milestone_id, "three-entries");
}

#[tokio::test]
async fn a_shuffle_of_duplicates_ends_in_the_same_tables() {
    let database = empty().await;
    let pool = database.pool();
    let mut events = vec![linked(LINK, 60), unlinked(LINK, 1), linked(Uuid::from_u128(0x12), 0)];
    events.extend((1..=4).map(|n| entry(ANN, n, 50 - n as i64, n == 3)));
    events.extend([40, 39, 25, 10].iter().zip(1..).map(|(days, n)| self_check(ANN, n, *days, "self-check")));
    events.extend((1..=4).map(|n| check_in(n, 30 - 7 * (n as i64 - 1))));
    events.extend((1..=3).map(|n| share(n, 20 - n as i64)));
    events.extend((1..=2).map(|n| answer(n, 15 - n as i64)));
    let mut expected = None;
    for seed in 0..60 {
        let everything = "TRUNCATE couples, path_progress, path_milestones, bus.inbox, bus.outbox";
        sqlx::query(everything).execute(pool).await.unwrap();
        let again =
            |event: &Envelope| Envelope { id: Uuid::new_v5(&LINK, event.id.as_bytes()), ..event.clone() };
        let twice: Vec<_> =
            events.iter().flat_map(|event| [event.clone(), event.clone(), again(event)]).collect();
        for batch in shuffled(&twice, seed).chunks(1 + seed as usize % 5) {
            handle(pool, batch).await;
        }
        let mut tables = Vec::new();
        for table in [
            "SELECT couples::text FROM couples ORDER BY 1",
            "SELECT path_progress::text FROM path_progress ORDER BY 1",
            "SELECT path_milestones::text FROM path_milestones ORDER BY 1",
        ] {
            tables.push(sqlx::query_scalar::<_, String>(table).fetch_all(pool).await.unwrap());
        }
        let told: BTreeSet<(Uuid, i64, Vec<u8>)> =
            sqlx::query_as("SELECT aggregate_id, version, body FROM bus.outbox")
                .fetch_all(pool)
                .await
                .unwrap()
                .into_iter()
                .collect();
        assert_eq!(told.len(), outbox(pool).await.len(), "each milestone is told once");
        assert_eq!(told.len(), 9 + 3);
        let found = (tables, told);
        assert!(*expected.get_or_insert_with(|| found.clone()) == found, "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn different_deeds_at_the_same_moment_are_all_told() {
    let database = empty().await;
    let pool = database.pool();
    let events = [
        [entry(ANN, 1, 9, true)],
        [self_check(ANN, 1, 8, "self-check")],
        [check_in(1, 7)],
        [share(1, 6)],
        [answer(1, 5)],
    ];
    futures::future::join_all(events.iter().map(|events| handle(pool, events))).await;
    let bodies: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT body FROM bus.outbox").fetch_all(pool).await.unwrap();
    let told: BTreeSet<_> = bodies
        .iter()
        .map(|body| StepCompleted::decode(body.as_slice()).unwrap())
        .map(|event| (event.account_id, event.milestone_id, event.step))
        .collect();
    let of = |who: Uuid, id: &str, step| (who.to_string(), id.to_owned(), step);
    let expected = [
        of(ANN, "entry-with-mood", 2),
        of(ANN, "first-check-in", 4),
        of(ANN, "first-entry", 2),
        of(ANN, "first-self-check", 1),
        of(ANN, "first-share", 6),
        of(BOB, "first-answer", 6),
        of(BOB, "first-check-in", 4),
    ];
    assert_eq!(told, BTreeSet::from(expected));
    assert_eq!(bodies.len(), 7);
}
