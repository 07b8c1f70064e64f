//! How much can be answered, and what is forgotten.

use super::{
    GATHERING, NOT_THIS_TIME, OPEN, OPENS, answer, at, list, reply, state, take_back, texts, two, words,
};
use crate::stage::reason;
use candor_proto::journal::v1::AnswerCheckInRequest;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio_util::sync::CancellationToken;

async fn sweep(two: &super::Two) -> u64 {
    let stop = CancellationToken::new();
    journal::jobs::decide_check_ins_once(
        &two.stage.pool,
        &bus::Outbox::new(),
        &two.stage.clock,
        &two.stage.ids,
        &stop,
    )
    .await
    .unwrap();
    journal::jobs::sweep_once(&two.stage.pool, &two.stage.clock, 2, &stop).await.unwrap()
}

#[tokio::test]
async fn times_that_differ_are_half_an_hour_apart() {
    let two = two().await;
    two.answer(two.ada, "x").await.unwrap();
    let other = two.stage.ids.next();
    let with = |open_time| words(other, open_time, "x");
    for seconds in [-1799, -1, 1, 1799] {
        let close = with(at(OPENS) + SignedDuration::from_secs(seconds));
        let refused = answer(&two.stage.journal, two.ada, close).await.err().unwrap();
        assert_eq!(reason(&refused), "TOO_MANY_CHECK_INS", "{seconds}");
    }
    for seconds in [-1800, 0, 1800] {
        let apart = with(at(OPENS) + SignedDuration::from_secs(seconds));
        answer(&two.stage.journal, two.ada, apart).await.unwrap();
    }
    // The partner has times of their own, and what stands can be changed.
    answer(&two.stage.journal, two.ben, with(at(OPENS) + 1.second())).await.unwrap();
    two.answer(two.ada, "y").await.unwrap();
    // What has opened is in nobody's way.
    two.stage.clock.set(at(OPENS) + 30.minutes());
    answer(&two.stage.journal, two.ada, with(at(OPENS) + 31.minutes())).await.unwrap();
}

#[tokio::test]
async fn twenty_check_ins_are_begun_in_a_day() {
    let two = two().await;
    let start = two.stage.clock.now();
    let mut last = None;
    for n in 1..=20i64 {
        let request = words(two.schedule_id, start + SignedDuration::from_mins(30 * n), "x");
        answer(&two.stage.journal, two.ada, request.clone()).await.unwrap();
        two.stage.clock.set(start + SignedDuration::from_mins(30 * n) - 1.second());
        last = Some(request);
    }
    let more = |now: Timestamp| words(two.schedule_id, now.checked_add(30.minutes()).unwrap(), "x");
    let request = more(start + SignedDuration::from_mins(600));
    let refused = answer(&two.stage.journal, two.ada, request.clone()).await.err().unwrap();
    assert_eq!(reason(&refused), "TOO_MANY_CHECK_INS");
    assert_eq!(two.stage.count("check_in_answers").await, 20);
    // What stands can be changed, and the partner has a day of their own.
    let changed = AnswerCheckInRequest { replies: vec![reply("p", "y")], ..last.unwrap() };
    answer(&two.stage.journal, two.ada, changed).await.unwrap();
    answer(&two.stage.journal, two.ben, request).await.unwrap();
    // A day after the first there is room for one, and not yet for another.
    two.stage.clock.set(start + 24.hours());
    let now = two.stage.clock.now();
    answer(&two.stage.journal, two.ada, more(now)).await.unwrap();
    let another = more(now + 30.minutes());
    assert_eq!(
        reason(&answer(&two.stage.journal, two.ada, another).await.err().unwrap()),
        "TOO_MANY_CHECK_INS"
    );
}

#[tokio::test]
async fn answers_to_check_ins_that_no_schedule_has_are_forgotten_after_a_month() {
    let two = two().await;
    let invented: Vec<_> = (0..5).map(|_| words(two.stage.ids.next(), at(OPENS), "invented")).collect();
    for request in &invented {
        answer(&two.stage.journal, two.ada, request.clone()).await.unwrap();
    }
    let shared = words(two.stage.ids.next(), at(OPENS), "opened");
    for who in [two.ada, two.ben] {
        answer(&two.stage.journal, who, shared.clone()).await.unwrap();
    }
    two.answer(two.ada, "announced").await.unwrap();
    two.let_the_time_come();
    two.due().await;
    two.stage.clock.set(at(OPENS) + SignedDuration::from_hours(30 * 24));
    assert_eq!(sweep(&two).await, 0);
    two.stage.clock.set(two.stage.clock.now() + 1.second());
    assert_eq!(sweep(&two).await, 5);
    assert_eq!(sweep(&two).await, 0);
    let listed = list(&two.stage.journal, two.ada, 0, "").await.unwrap().check_ins;
    let mut kept: Vec<_> = listed.iter().map(|it| (texts(&it.own_replies)[0], state(it))).collect();
    kept.sort_unstable();
    assert_eq!(kept, [("announced", NOT_THIS_TIME), ("opened", OPEN)]);
    assert_eq!((two.stage.count("check_ins").await, two.stage.count("check_in_answers").await), (2, 3));
}

#[tokio::test]
async fn ones_words_to_a_check_in_that_a_link_took_along_stay() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    let taken_back = words(two.stage.ids.next(), at(OPENS), "x");
    let id = answer(&two.stage.journal, two.ada, taken_back).await.unwrap().check_in_id.parse().unwrap();
    two.unlink().await;
    assert_eq!(state(&two.own(two.ada).await.unwrap()), GATHERING);
    take_back(&two.stage.journal, two.ada, id).await.unwrap();
    two.stage.clock.set(at(OPENS) + SignedDuration::from_hours(365 * 24));
    assert_eq!(sweep(&two).await, 0);
    let own = two.own(two.ada).await.unwrap();
    assert_eq!((state(&own), texts(&own.own_replies)), (NOT_THIS_TIME, vec!["of ada"]));
}
