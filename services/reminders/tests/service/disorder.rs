//! Whatever the order and the number of deliveries, the same tables remain.

use crate::stage::{Stage, again};
use bus::Envelope;
use candor_proto::accounts::v1::{AccessEpochRaised, SessionEnded};
use jiff::SignedDuration;
use reminders::domain::Couple;
use uuid::Uuid;

/// A shuffle that a seed repeats (splitmix64, Fisher and Yates).
fn shuffled<T>(mut items: Vec<T>, seed: u64) -> Vec<T> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    for last in (1..items.len()).rev() {
        items.swap(last, (next() % (last as u64 + 1)) as usize);
    }
    items
}

/// What happened to three couples: one lasts, one ended, one ended and linked again; and to two in a circle: one lasts, one
/// is out.
fn history(stage: &Stage) -> Vec<Envelope> {
    let ids = |base: u128| [1, 2, 3].map(|n| Uuid::from_u128(base * 16 + n));
    let couple = |base| {
        let [couple_id, one, other] = ids(base);
        Couple::of(couple_id, one, other).unwrap()
    };
    let (lasting, ended, first_time) = (couple(0xa0), couple(0xb0), couple(0xc0));
    let second_time = Couple { couple_id: Uuid::from_u128(0xc0f), ..first_time };
    let (trusted, out) = (couple(0xd0), couple(0xf0));
    let mut events = vec![stage.in_circle(&trusted, true), stage.in_circle(&out, true)];
    events.push(stage.in_circle(&out, false));
    for (n, couple) in [lasting, ended, first_time, second_time, trusted, out].iter().enumerate() {
        let share = |m: u128| Uuid::from_u128(0x5a00 + n as u128 * 16 + m);
        if n < 4 {
            events.push(stage.linked(couple));
        }
        events.extend([
            stage.shared(couple, share(1), 0),
            stage.shared(couple, share(2), 30),
            stage.withdrawn(couple, share(2)),
            stage.answered(couple, share(1)),
            stage.shared(couple, share(3), 5),
            stage.answered(couple, share(3)),
            stage.withdrawn(couple, share(3)),
            stage.shared(couple, share(4), 60),
        ]);
    }
    events.extend([ended, first_time].iter().map(|couple| stage.unlinked(couple)));
    for epoch in 1..=3 {
        let event = AccessEpochRaised {
            owner_account_id: ended.first_id.to_string(),
            reader_account_id: ended.second_id.to_string(),
            epoch,
        };
        events.push(Envelope::new(stage.ids.next(), stage.clock.now(), Uuid::from_u128(0xe0), epoch, &event));
    }
    let session_id = Uuid::from_u128(0x5e).to_string();
    let event = SessionEnded { account_id: ended.first_id.to_string(), session_id };
    events.push(Envelope::new(stage.ids.next(), stage.clock.now(), Uuid::from_u128(0x5e), 1, &event));
    events.push(stage.entry_written(lasting.first_id, Uuid::from_u128(0xe1), "Europe/Berlin"));
    events
}

async fn forget(stage: &Stage) {
    let everything = "TRUNCATE couples, check_in_schedules, withdrawn_shares, schedules, inbox_items, bus.inbox, bus.outbox, \
                      chassis.access_epoch, chassis.ended_session";
    sqlx::query(everything).execute(stage.pool()).await.unwrap();
}

const INBOX: &str =
    "SELECT jsonb_build_array(account_id, kind, subject_id, schedule_id)::text FROM inbox_items ORDER BY 1";

const KINDS: &str = "SELECT jsonb_build_array(account_id, couple_id, kind)::text FROM inbox_items ORDER BY 1";

const TAKEN_BACK: &str = "SELECT i.subject_id::text FROM inbox_items i \
     JOIN withdrawn_shares w ON w.couple_id = i.couple_id AND w.share_id = i.subject_id WHERE i.kind = 4";

/// Everything that is kept, but for ids that are made and times of telling.
async fn tables(stage: &Stage) -> Vec<Vec<String>> {
    let tables = [
        "SELECT couples::text FROM couples ORDER BY 1",
        "SELECT withdrawn_shares::text FROM withdrawn_shares ORDER BY 1",
        "SELECT schedules::text FROM schedules ORDER BY 1",
        "SELECT access_epoch::text FROM chassis.access_epoch ORDER BY 1",
        "SELECT ended_session::text FROM chassis.ended_session ORDER BY 1",
        INBOX,
    ];
    let mut found = Vec::new();
    for table in tables {
        found.push(stage.rows(table).await);
    }
    found
}

#[tokio::test]
async fn shuffled_and_doubled_events_end_in_equal_tables() {
    let stage = Stage::new().await;
    let start = stage.clock.now();
    let events = history(&stage);
    let mut expected: Option<Vec<Vec<String>>> = None;
    for seed in 0..40 {
        forget(&stage).await;
        stage.clock.set(start);
        let twice = events.iter().flat_map(|event| [event.clone(), event.clone(), again(&stage, event)]);
        // One by one, or a few in a batch.
        for batch in shuffled(twice.collect(), seed).chunks(1 + seed as usize % 7) {
            stage.handle(batch).await;
        }
        stage.clock.set(start + SignedDuration::from_hours(2));
        stage.firing().fire_batch().await.unwrap();
        let found = tables(&stage).await;
        assert_eq!(found[5].len(), 3 * 2, "of each link that lasts, of a share and of an answer: {found:?}");
        assert_eq!(*expected.get_or_insert_with(|| found.clone()), found, "seed {seed}");
    }
}

#[tokio::test]
async fn the_same_arrives_when_things_fire_in_between() {
    let stage = Stage::new().await;
    let start = stage.clock.now();
    let events = history(&stage);
    let mut expected: Option<Vec<String>> = None;
    for seed in 0..40 {
        forget(&stage).await;
        for (n, event) in shuffled(events.clone(), seed).iter().enumerate() {
            // Half of them come late: what they announce fires at once.
            stage.clock.set(if n % 2 == 0 { start } else { start + SignedDuration::from_hours(2) });
            stage.handle(std::slice::from_ref(event)).await;
            stage.firing().fire_batch().await.unwrap();
        }
        stage.clock.set(start + SignedDuration::from_hours(2));
        stage.firing().fire_batch().await.unwrap();
        // Which one an item points at depends on the order; never at one that was taken back.
        let found = stage.rows(KINDS).await;
        assert_eq!(*expected.get_or_insert_with(|| found.clone()), found, "seed {seed}");
        assert!(stage.rows(TAKEN_BACK).await.is_empty(), "seed {seed}");
    }
    assert_eq!(expected.map(|found| found.len()), Some(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_hear_of_sharing_withdrawing_and_unlinking_at_once_agree() {
    let stage = Stage::new().await;
    for _ in 0..30 {
        let couple = Couple::of(stage.ids.next(), stage.ids.next(), stage.ids.next()).unwrap();
        let lasting = stage.couple().await;
        let (share, other) = (stage.ids.next(), stage.ids.next());
        let events = [
            [stage.linked(&couple)],
            [stage.shared(&couple, share, 0)],
            [stage.unlinked(&couple)],
            [stage.shared(&lasting, other, 0)],
            [stage.withdrawn(&lasting, other)],
        ];
        futures::future::join_all(events.iter().map(|event| stage.handle(event))).await;
    }
    assert!(stage.rows("SELECT state FROM schedules WHERE state <> 'cancelled'").await.is_empty());
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
}
