//! Both answers open, or neither: who decides, and what follows.

use super::{GATHERING, NOT_THIS_TIME, OPEN, OPENS, Two, answer, at, link, list, state, told, two, words};
use crate::stage::reason;
use bus::{Envelope, Outbox, Transport};
use candor_proto::journal::v1::{CheckInRevealed, DataRead};
use candor_proto::reminders::v1::CheckInDue;
use candor_tests::eventually;
use jiff::{SignedDuration, ToSpan as _};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

async fn tick(two: &Two) -> usize {
    let stop = CancellationToken::new();
    let (clock, ids) = (&two.stage.clock, &two.stage.ids);
    journal::jobs::decide_check_ins_once(&two.stage.pool, &Outbox::new(), clock, ids, &stop).await.unwrap()
}

async fn decided(two: &Two) -> Option<String> {
    sqlx::query_scalar("SELECT state FROM check_ins").fetch_optional(&two.stage.pool).await.unwrap()
}

#[tokio::test]
async fn both_see_both_from_the_very_moment_on_and_it_is_told_once() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two.stage.clock.set(at(OPENS) - 1.microsecond());
    assert_eq!(tick(&two).await, 0);
    for who in [two.ada, two.ben] {
        let early = two.both(who).await.unwrap();
        assert!(state(&early) == GATHERING && early.partner_replies.is_empty());
    }
    two.let_the_time_come();
    for (who, own, partner) in [(two.ada, "of ada", "of ben"), (two.ben, "of ben", "of ada")] {
        for _ in 0..2 {
            let open = two.both(who).await.unwrap();
            assert_eq!(state(&open), OPEN);
            assert!(open.own_replies[0].text == own && open.partner_replies[0].text == partner);
        }
    }
    assert_eq!(tick(&two).await, 0);
    two.due().await;
    let [revealed] = &told::<CheckInRevealed>(&two.stage.pool).await[..] else { panic!("told once") };
    assert_eq!(revealed.check_in_id, two.check_in_id().to_string());
    assert_eq!(revealed.couple_id, two.couple_id.to_string());
    assert_eq!(revealed.first_account_id, two.ada.min(two.ben).to_string());
    assert_eq!(revealed.second_account_id, two.ada.max(two.ben).to_string());
    assert_eq!(revealed.open_time, two.words("").open_time);
    let versions: Vec<i64> = sqlx::query_scalar("SELECT version FROM bus.outbox WHERE aggregate_id = $1")
        .bind(two.check_in_id())
        .fetch_all(&two.stage.pool)
        .await
        .unwrap();
    assert_eq!(versions, [1]);
}

#[tokio::test]
async fn a_read_is_noted_only_when_the_partners_words_were_in_it() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.both(two.ada).await.unwrap();
    two.both(two.ben).await.err().unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two.both(two.ben).await.unwrap();
    two.let_the_time_come();
    two.own(two.ada).await.unwrap();
    list(&two.stage.journal, two.ada, 0, "").await.unwrap();
    assert!(told::<DataRead>(&two.stage.pool).await.is_empty());

    two.both(two.ada).await.unwrap();
    let [read] = &told::<DataRead>(&two.stage.pool).await[..] else { panic!("noted once") };
    assert_eq!(read.receipt_id, two.opening(two.ada).opening.receipt_id.to_string());
    assert!(read.owner_account_id == two.ben.to_string() && read.reader_account_id == two.ada.to_string());
    assert!(read.item_ids == [two.check_in_id().to_string()] && !read.told);
    assert_eq!(read.read_time, two.words("").open_time);
}

#[tokio::test]
async fn the_job_decides_when_nobody_looks_and_no_event_comes() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two.let_the_time_come();
    assert_eq!(tick(&two).await, 1);
    assert_eq!(decided(&two).await.as_deref(), Some("open"));
    assert_eq!(told::<CheckInRevealed>(&two.stage.pool).await.len(), 1);
    assert_eq!(tick(&two).await, 0);
}

#[tokio::test]
async fn the_job_decides_however_many_there_are() {
    let two = two().await;
    for n in 0..130u128 {
        let (one, other) = (Uuid::from_u128(2 * n + 1), Uuid::from_u128(2 * n + 2));
        link(&two.stage, one, other).await;
        answer(&two.stage.journal, one, two.words("x")).await.unwrap();
        if n % 2 == 0 {
            answer(&two.stage.journal, other, two.words("y")).await.unwrap();
        }
    }
    two.let_the_time_come();
    assert_eq!(tick(&two).await, 130);
    assert_eq!(told::<CheckInRevealed>(&two.stage.pool).await.len(), 65);
    assert_eq!(two.stage.count("check_ins WHERE state = 'open'").await, 65);
    assert_eq!(two.stage.count("check_ins WHERE state = 'not_this_time'").await, 65);
}

#[tokio::test]
async fn the_list_shows_nothing_undecided_whose_time_has_come() {
    let two = two().await;
    for (hours, both) in [(1, true), (2, false), (3, true), (48, true)] {
        let open_time = two.stage.clock.now().checked_add(hours.hours()).unwrap();
        let request = words(two.schedule_id, open_time, "x");
        answer(&two.stage.journal, two.ada, request.clone()).await.unwrap();
        if both {
            answer(&two.stage.journal, two.ben, request).await.unwrap();
        }
    }
    two.stage.advance_hours(3);
    let listed = list(&two.stage.journal, two.ada, 0, "").await.unwrap().check_ins;
    let states: Vec<_> = listed.iter().map(state).collect();
    assert_eq!(states, [GATHERING, OPEN, NOT_THIS_TIME, OPEN]);
    assert!(listed.iter().all(|check_in| check_in.partner_replies.is_empty()));
    assert_eq!(told::<CheckInRevealed>(&two.stage.pool).await.len(), 2);
}

#[tokio::test]
async fn without_a_link_at_the_time_nothing_opens() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two.unlink().await;
    let again = link(&two.stage, two.ada, two.ben).await;
    two.let_the_time_come();
    assert_eq!(tick(&two).await, 1);
    for (who, own) in [(two.ada, "of ada"), (two.ben, "of ben")] {
        let kept = two.own(who).await.unwrap();
        assert!(state(&kept) == NOT_THIS_TIME && kept.own_replies[0].text == own);
        assert_eq!(reason(&two.both(who).await.err().unwrap()), "CHECK_IN_NOT_FOUND");
    }
    // Not even when the new link's check-in of the same id comes due.
    two.due_under(again).await;
    assert_eq!(state(&two.own(two.ada).await.unwrap()), NOT_THIS_TIME);
    assert!(told::<CheckInRevealed>(&two.stage.pool).await.is_empty());
}

#[tokio::test]
async fn an_event_before_our_time_has_come_decides_nothing() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.stage.clock.set(at(OPENS) - 1.second());
    two.due().await;
    assert_eq!(state(&two.own(two.ada).await.unwrap()), GATHERING);
    assert_eq!(reason(&two.own(two.ben).await.err().unwrap()), "CHECK_IN_NOT_FOUND");
    two.answer(two.ben, "of ben").await.unwrap();
    two.let_the_time_come();
    assert_eq!(state(&two.own(two.ben).await.unwrap()), OPEN);
}

/// A journal's inbox that runs, and the way to it.
fn inbox(two: &Two) -> (Transport, CancellationToken) {
    let transport = Transport::memory(&[(journal::CONSUMER, journal::consumes())]);
    let (pool, clock, ids) = (two.stage.pool.clone(), two.stage.clock.clone(), two.stage.ids.clone());
    let stop = CancellationToken::new();
    let inbox = journal::events::inbox(pool, clock, ids, Outbox::new());
    tokio::spawn(inbox.run(transport.clone(), stop.clone()));
    (transport, stop)
}

fn due_event(two: &Two) -> CheckInDue {
    CheckInDue {
        check_in_id: two.check_in_id().to_string(),
        schedule_id: two.schedule_id.to_string(),
        couple_id: two.couple_id.to_string(),
        first_account_id: two.ada.min(two.ben).to_string(),
        second_account_id: two.ada.max(two.ben).to_string(),
        due_time: Some(journal::events::to_proto(at(OPENS))),
    }
}

#[tokio::test]
async fn the_event_decides_as_often_as_it_comes_once() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two.let_the_time_come();
    let (transport, stop) = inbox(&two);
    for _ in 0..3 {
        let event = Envelope::new(two.stage.ids.next(), at(OPENS), two.check_in_id(), 1, &due_event(&two));
        transport.publish(&event).await.unwrap(); // handled when it returns
        transport.publish(&event).await.unwrap();
    }
    stop.cancel();
    assert_eq!(decided(&two).await.as_deref(), Some("open"));
    assert_eq!(told::<CheckInRevealed>(&two.stage.pool).await.len(), 1);
}

#[tokio::test]
async fn an_event_that_contradicts_itself_is_set_aside() {
    let two = two().await;
    two.let_the_time_come();
    let (transport, stop) = inbox(&two);
    let sound = due_event(&two);
    let half = journal::events::to_proto(at(OPENS) + SignedDuration::from_millis(500));
    let contradictions = [
        CheckInDue { check_in_id: two.stage.ids.next().to_string(), ..sound.clone() },
        CheckInDue { schedule_id: two.stage.ids.next().to_string(), ..sound.clone() },
        CheckInDue { due_time: None, ..sound.clone() },
        CheckInDue { due_time: Some(half), ..sound.clone() },
        CheckInDue { couple_id: "none".into(), ..sound },
    ];
    for event in &contradictions {
        let event = Envelope::new(two.stage.ids.next(), at(OPENS), two.check_in_id(), 1, event);
        transport.publish(&event).await.unwrap();
    }
    let dead = async || two.stage.count("bus.inbox_retry WHERE dead_at IS NOT NULL").await == 5;
    eventually("all are set aside", Duration::from_secs(10), dead).await;
    stop.cancel();
    assert_eq!(two.stage.count("check_ins").await, 0);
}

#[tokio::test]
async fn check_ins_that_opened_can_be_told_again() {
    let two = two().await;
    for hours in [1, 2] {
        let open_time = two.stage.clock.now().checked_add(hours.hours()).unwrap();
        for who in [two.ada, two.ben] {
            answer(&two.stage.journal, who, words(two.schedule_id, open_time, "x")).await.unwrap();
        }
    }
    two.answer(two.ada, "alone").await.unwrap();
    two.let_the_time_come();
    tick(&two).await;
    two.unlink().await;
    let before = told::<CheckInRevealed>(&two.stage.pool).await;
    sqlx::query("DELETE FROM bus.outbox").execute(&two.stage.pool).await.unwrap();
    let (clock, ids) = (&two.stage.clock, &two.stage.ids);
    let count = journal::resnapshot(&two.stage.pool, &Outbox::new(), clock, ids).await.unwrap();
    let mut again = told::<CheckInRevealed>(&two.stage.pool).await;
    assert_eq!((count, again.len()), (2, 2));
    again.sort_by_key(|revealed| revealed.open_time.map(|time| time.seconds));
    let mut before = before;
    before.sort_by_key(|revealed| revealed.open_time.map(|time| time.seconds));
    assert!(again == before);
}
