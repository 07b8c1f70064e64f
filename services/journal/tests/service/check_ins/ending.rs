//! Schedules and links that end take their check-ins along, however late that is heard.

use super::{
    GATHERING, NOT_THIS_TIME, OPEN, OPENS, Two, answer, at, get, link, list, refusal, state, take_back,
    texts, told, two, words,
};
use crate::stage::reason;
use bus::{Envelope, Outbox};
use candor_proto::accounts::v1::CoupleUnlinked;
use candor_proto::journal::v1::{CheckInRevealed, DataRead};
use candor_proto::reminders::v1::CheckInScheduleEnded;
use jiff::{Timestamp, ToSpan as _};
use journal::domain::{OpenTime, check_in_id};
use uuid::Uuid;

async fn handle(two: &Two, event: Envelope) {
    let (pool, clock, ids) = (two.stage.pool.clone(), two.stage.clock.clone(), two.stage.ids.clone());
    journal::events::inbox(pool, clock, ids, Outbox::new()).handle(&[event]).await.unwrap();
    assert_eq!(two.stage.count("bus.inbox_retry").await, 0);
}

/// Reminders say that a couple's schedule ended.
async fn schedule_ended(two: &Two, couple_id: Uuid, schedule_id: Uuid, ended_at: Timestamp) {
    let event = CheckInScheduleEnded {
        schedule_id: schedule_id.to_string(),
        couple_id: couple_id.to_string(),
        end_time: Some(journal::events::to_proto(ended_at)),
    };
    let now = two.stage.clock.now();
    handle(two, Envelope::new(two.stage.ids.next(), now, schedule_id, 2, &event)).await;
}

async fn ended(two: &Two, ended_at: Timestamp) {
    schedule_ended(two, two.couple_id, two.schedule_id, ended_at).await;
}

/// Accounts say that the two are linked no more.
async fn unlinked(two: &Two, unlinked_at: Timestamp) {
    let event = CoupleUnlinked {
        couple_id: two.couple_id.to_string(),
        first_account_id: two.ada.min(two.ben).to_string(),
        second_account_id: two.ada.max(two.ben).to_string(),
        unlink_time: Some(journal::events::to_proto(unlinked_at)),
    };
    let now = two.stage.clock.now();
    handle(two, Envelope::new(two.stage.ids.next(), now, two.couple_id, 2, &event)).await;
}

async fn both_answered() -> Two {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two
}

async fn tick(two: &Two) {
    let mut transaction = two.stage.pool.begin().await.unwrap();
    let now = two.stage.clock.now();
    journal::app::decide_due(&mut transaction, &two.stage.ids, now, 10).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Nothing of the partner's is there, one's own words are, and nobody can tell why.
async fn is_called_off(two: &Two) {
    for (who, own) in [(two.ada, "of ada"), (two.ben, "of ben")] {
        let seen = two.own(who).await.unwrap();
        assert_eq!((state(&seen), texts(&seen.own_replies)), (NOT_THIS_TIME, vec![own]));
        let listed = list(&two.stage.journal, who, 0, "").await.unwrap().check_ins;
        assert!(listed == [seen.clone()]);
        // A retry is answered as it stands, and nothing is changed any more.
        assert_eq!(state(&two.answer(who, own).await.unwrap()), NOT_THIS_TIME);
        assert_eq!(reason(&two.answer(who, "more").await.err().unwrap()), "CHECK_IN_OVER");
        assert_eq!(reason(&two.take_back(who).await.err().unwrap()), "CHECK_IN_OVER");
        if let Ok(with_opening) = two.both(who).await {
            assert!(with_opening == seen);
        }
    }
    assert!(told::<DataRead>(&two.stage.pool).await.is_empty());
}

#[tokio::test]
async fn a_schedule_that_ends_opens_nothing_any_more_and_at_once() {
    let two = both_answered().await;
    ended(&two, two.stage.clock.now()).await;
    is_called_off(&two).await;
    two.let_the_time_come();
    tick(&two).await;
    two.due().await;
    is_called_off(&two).await;
    assert!(told::<CheckInRevealed>(&two.stage.pool).await.is_empty());
}

#[tokio::test]
async fn an_end_that_is_heard_before_any_answer_counts_as_much() {
    let two = two().await;
    let now = two.stage.clock.now();
    for _ in 0..2 {
        ended(&two, now).await;
    }
    ended(&two, now + 1.hour()).await; // told again, and wrongly
    for who in [two.ada, two.ben] {
        assert_eq!(reason(&two.answer(who, "x").await.err().unwrap()), "CHECK_IN_OVER");
        assert_eq!(reason(&two.own(who).await.err().unwrap()), "CHECK_IN_NOT_FOUND");
        two.take_back(who).await.unwrap();
    }
    // It is this schedule of these two that ended; the next one's check-in may be close.
    let next = words(two.stage.ids.next(), at(OPENS) + 10.minutes(), "x");
    answer(&two.stage.journal, two.ada, next).await.unwrap();
    let (cleo, dan) = (two.stage.member(), two.stage.member());
    link(&two.stage, cleo, dan).await;
    two.answer(cleo, "x").await.unwrap();
    assert_eq!(state(&two.own(cleo).await.unwrap()), GATHERING);
}

#[tokio::test]
async fn what_was_called_off_takes_no_room() {
    let two = both_answered().await;
    let close = words(two.stage.ids.next(), at(OPENS) + 10.minutes(), "x");
    let refused = answer(&two.stage.journal, two.ada, close.clone()).await.err().unwrap();
    assert_eq!(reason(&refused), "TOO_MANY_CHECK_INS");
    ended(&two, two.stage.clock.now()).await;
    answer(&two.stage.journal, two.ada, close).await.unwrap();
}

#[tokio::test]
async fn what_opened_until_the_end_stays_open() {
    let two = both_answered().await;
    let later = at(OPENS) + 24.hours();
    for who in [two.ada, two.ben] {
        answer(&two.stage.journal, who, words(two.schedule_id, later, "x")).await.unwrap();
    }
    two.let_the_time_come();
    ended(&two, at(OPENS)).await; // at the very moment, and before anybody decided
    for (who, partner) in [(two.ada, "of ben"), (two.ben, "of ada")] {
        let open = two.both(who).await.unwrap();
        assert_eq!((state(&open), texts(&open.partner_replies)), (OPEN, vec![partner]));
        let id = check_in_id(two.schedule_id, OpenTime::kept(later).unwrap());
        assert_eq!(state(&get(&two.stage.journal, who, id, None).await.unwrap()), NOT_THIS_TIME);
        assert_eq!(reason(&take_back(&two.stage.journal, who, id).await.err().unwrap()), "CHECK_IN_OVER");
    }
    assert_eq!(told::<CheckInRevealed>(&two.stage.pool).await.len(), 1);
}

/// The bus was down: it opened although one of the two had ended the schedule, or the link, before.
#[tokio::test]
async fn what_opened_before_the_end_was_heard_is_closed_again() {
    for is_link in [false, true] {
        let two = both_answered().await;
        let before = if is_link { at(OPENS) } else { at(OPENS) - 1.second() };
        two.let_the_time_come();
        tick(&two).await;
        assert_eq!(state(&two.own(two.ada).await.unwrap()), OPEN);
        two.stage.advance_hours(1);
        if is_link {
            unlinked(&two, before).await;
        } else {
            ended(&two, before).await;
        }
        is_called_off(&two).await;
        // That it opened was told; it is not told again.
        assert_eq!(told::<CheckInRevealed>(&two.stage.pool).await.len(), 1);
        let (clock, ids) = (&two.stage.clock, &two.stage.ids);
        let again = journal::resnapshot(&two.stage.pool, &Outbox::new(), clock, ids).await.unwrap();
        assert_eq!(again, 0);
    }
}

#[tokio::test]
async fn whoever_unlinked_after_it_opened_has_seen_that_it_did() {
    let two = both_answered().await;
    two.let_the_time_come();
    tick(&two).await;
    two.stage.advance_hours(1);
    unlinked(&two, at(OPENS) + 1.second()).await;
    for who in [two.ada, two.ben] {
        let own = two.own(who).await.unwrap();
        assert!(state(&own) == OPEN && own.partner_replies.is_empty());
        assert_eq!(reason(&two.both(who).await.err().unwrap()), "CHECK_IN_NOT_FOUND");
    }
}

/// What an ex-partner sees of a check-in after the link ended is the same whether the other answered or not.
#[tokio::test]
async fn an_ex_partner_never_learns_whether_the_other_answered() {
    let mut seen = Vec::new();
    for has_answered in [false, true] {
        let mut two = two().await;
        (two.ada, two.ben) = (Uuid::from_u128(0xada), Uuid::from_u128(0xbe2));
        (two.couple_id, two.schedule_id) = (Uuid::from_u128(0xc0), Uuid::from_u128(0x5c));
        super::note(&two.stage, two.couple_id, two.ada, two.ben, 1).await;
        two.answer(two.ada, "of ada").await.unwrap();
        if has_answered {
            two.answer(two.ben, "of ben").await.unwrap();
        }
        let before = two.stage.clock.now() + 1.hour();
        two.let_the_time_come();
        tick(&two).await;
        // Known, but the check-in's row does not say so: a decision at the very same moment.
        two.stage.clock.set(before);
        two.unlink().await;
        two.let_the_time_come();
        let own = super::seen(two.own(two.ada).await);
        let listed = list(&two.stage.journal, two.ada, 0, "").await.unwrap().check_ins;
        let listed: Vec<_> = listed.into_iter().map(|it| super::seen(Ok(it))).collect();
        let retried = super::seen(two.answer(two.ada, "of ada").await);
        let refused = refusal(&two.answer(two.ada, "of ada again").await.err().unwrap());
        seen.push((own, listed, retried, refused));
    }
    assert_eq!(seen[0], seen[1]);
}
