//! Check-ins come due: told once, announced to both alike, caught up with after a silence.

use crate::stage::{AHEAD, CHECK_IN, Stage, time};
use jiff::Timestamp;
use reminders::domain::{Couple, check_in_id};
use sqlx::Connection as _;
use std::collections::HashSet;
use uuid::Uuid;

/// A running schedule of Tuesdays at 20:30 in Berlin.
async fn running(stage: &Stage, couple: &Couple) -> Uuid {
    let schedule_id = stage.ids.next();
    stage.propose(couple.first_id, schedule_id, "20:30").await.unwrap();
    let capability = stage.capability(couple.second_id, couple.first_id, couple.couple_id);
    stage.accept(capability, schedule_id).await.unwrap();
    schedule_id
}

fn id_at(schedule_id: Uuid, open_at: &str) -> String {
    check_in_id(schedule_id, open_at.parse().unwrap()).to_string()
}

#[tokio::test]
async fn both_are_told_a_day_ahead_and_at_the_time_and_the_others_once() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let id = running(&stage, &couple).await;
    let check_in = id_at(id, "2024-03-26T19:30:00Z");
    stage.at("2024-03-25T19:29:59Z").await;
    for who in couple.members() {
        assert!(stage.arrived(who).await.is_empty());
        assert!(stage.schedules(who).await.is_empty());
    }
    stage.at("2024-03-25T19:30:00Z").await;
    stage.at("2024-03-26T19:29:59Z").await;
    for who in couple.members() {
        assert_eq!(stage.arrived(who).await, [(AHEAD, check_in.clone())]);
    }
    assert_eq!(stage.told("check_in_due").await, (0, 0));
    stage.at("2024-03-26T19:30:00Z").await;
    stage.at("2024-03-26T19:30:01Z").await;
    for who in couple.members() {
        let expected = [(AHEAD, check_in.clone()), (CHECK_IN, check_in.clone())];
        assert_eq!(stage.arrived(who).await, expected);
    }
    let told = stage.check_ins_told().await;
    assert_eq!(told.len(), 1);
    assert!(told[0].check_in_id == check_in && told[0].schedule_id == id.to_string());
    assert!(
        told[0].couple_id == couple.couple_id.to_string()
            && told[0].due_time == Some(time("2024-03-26T19:30:00Z"))
    );
    assert!(
        told[0].first_account_id == couple.first_id.to_string()
            && told[0].second_account_id == couple.second_id.to_string()
    );
    assert_eq!(stage.told("reminder_delivered").await, (4, 4));

    // And on, across the change of the clock.
    stage.at("2024-04-01T18:30:00Z").await;
    stage.at("2024-04-02T18:30:00Z").await;
    let next = id_at(id, "2024-04-02T18:30:00Z");
    for who in couple.members() {
        assert_eq!(stage.arrived(who).await[2..], [(AHEAD, next.clone()), (CHECK_IN, next.clone())]);
    }
    assert_eq!(stage.told("check_in_due").await, (2, 2));
}

#[tokio::test]
async fn after_a_silence_each_check_in_is_told_of_and_the_latest_arrives() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let id = running(&stage, &couple).await;
    stage.at("2024-04-14T12:00:00Z").await; // three later
    let opened = ["2024-03-26T19:30:00Z", "2024-04-02T18:30:00Z", "2024-04-09T18:30:00Z"];
    let told: Vec<_> = stage.check_ins_told().await.into_iter().map(|event| event.check_in_id).collect();
    assert_eq!(told, opened.map(|open_at| id_at(id, open_at)));
    for who in couple.members() {
        assert_eq!(stage.arrived(who).await, [(CHECK_IN, id_at(id, opened[2]))]);
    }
    let next = "2024-04-16T18:30:00Z";
    stage.at("2024-04-16T03:00:00Z").await; // late for the day ahead, but before the time
    for who in couple.members() {
        assert_eq!(stage.arrived(who).await[1..], [(AHEAD, id_at(id, next))]);
    }
}

#[tokio::test]
async fn what_was_planned_ahead_is_not_told_once_it_is_here() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let id = running(&stage, &couple).await;
    // A replica planned what is ahead and had no time to tell it.
    let now: Timestamp = "2024-03-25T19:30:00Z".parse().unwrap();
    let mut conn = stage.pool().acquire().await.unwrap();
    assert_eq!(reminders::app::check_ins::come_due(&mut conn, &stage.ids, now, 10).await.unwrap(), 1);
    stage.at("2024-03-26T19:30:00Z").await;
    for who in couple.members() {
        assert_eq!(stage.arrived(who).await, [(CHECK_IN, id_at(id, "2024-03-26T19:30:00Z"))]);
    }
}

#[tokio::test]
async fn what_ends_is_told_no_more_and_nothing_ahead_stays() {
    let stage = Stage::new().await;
    let (ended, replaced) = (stage.couple().await, stage.couple().await);
    let id = running(&stage, &ended).await;
    running(&stage, &replaced).await;
    stage.at("2024-03-26T10:00:00Z").await;
    assert_eq!(stage.arrived(ended.second_id).await.len(), 1);
    stage.end(ended.first_id, id).await.unwrap();
    let daily = stage.ids.next();
    stage.propose(replaced.second_id, daily, "08:00").await.unwrap();
    let capability = stage.capability(replaced.first_id, replaced.second_id, replaced.couple_id);
    stage.accept(capability, daily).await.unwrap();
    for who in ended.members().into_iter().chain(replaced.members()) {
        assert!(stage.arrived(who).await.is_empty());
    }
    stage.at("2024-03-27T10:00:00Z").await;
    assert_eq!(stage.told("check_in_due").await, (0, 0));
    for who in ended.members().into_iter().chain(replaced.members()) {
        assert!(stage.arrived(who).await.is_empty());
    }
}

#[tokio::test]
async fn what_has_opened_stays_in_the_inbox_when_the_schedule_ends() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let id = running(&stage, &couple).await;
    stage.at("2024-03-25T19:30:00Z").await;
    stage.at("2024-03-26T19:30:00Z").await;
    stage.end(couple.first_id, id).await.unwrap();
    for who in couple.members() {
        assert_eq!(stage.arrived(who).await.len(), 2);
    }
}

#[tokio::test]
async fn unlinking_empties_both_inboxes_of_check_ins_and_nothing_fires_any_more() {
    let stage = Stage::new().await;
    let (couple, others) = (stage.couple().await, stage.couple().await);
    running(&stage, &couple).await;
    running(&stage, &others).await;
    stage.plan(couple.first_id, stage.ids.next(), -7).await;
    stage.at("2024-03-25T19:30:00Z").await;
    stage.at("2024-03-26T19:30:00Z").await;
    assert_eq!(stage.arrived(couple.first_id).await.len(), 3);
    stage.handle(&[stage.unlinked(&couple)]).await;
    assert_eq!(stage.arrived(couple.first_id).await.len(), 1, "the look-back is their own");
    assert!(stage.arrived(couple.second_id).await.is_empty());
    stage.at("2024-04-03T19:30:00Z").await;
    assert_eq!(stage.arrived(couple.first_id).await.len(), 1);
    assert!(stage.arrived(couple.second_id).await.is_empty());
    let told: HashSet<_> = stage.check_ins_told().await.into_iter().map(|event| event.couple_id).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(stage.told("check_in_due").await.0, 3, "one of the couple's, two of the others'");
    assert_eq!(stage.arrived(others.first_id).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_race_tell_each_check_in_once() {
    let stage = Stage::new().await;
    let mut couples = Vec::new();
    for _ in 0..60 {
        let couple = stage.couple().await;
        running(&stage, &couple).await;
        couples.push(couple);
    }
    stage.clock.set("2024-04-02T18:30:00Z".parse().unwrap()); // the second is here
    let replicas: Vec<_> = (0..4)
        .map(|_| {
            let firing = stage.firing();
            tokio::spawn(async move { while firing.fire_batch().await.unwrap() > 0 {} })
        })
        .collect();
    for replica in replicas {
        replica.await.unwrap();
    }
    while stage.firing().fire_batch().await.unwrap() > 0 {} // whoever found all claimed by others went home early
    assert_eq!(stage.told("check_in_due").await, (120, 120));
    assert_eq!(stage.told("reminder_delivered").await, (120, 120));
    for who in couples.iter().flat_map(Couple::members) {
        assert_eq!(stage.inbox(who).await.len(), 1);
    }
}

#[tokio::test]
async fn a_replica_that_dies_midway_has_told_nothing() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    running(&stage, &couple).await;
    stage.clock.set("2024-03-26T19:30:00Z".parse().unwrap());
    let mut conn = stage.pool().acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let now = stage.clock.now();
    assert_eq!(reminders::app::check_ins::come_due(&mut tx, &stage.ids, now, 10).await.unwrap(), 1);
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0, "another leaves it alone");
    tx.rollback().await.unwrap();
    assert_eq!(stage.told("check_in_due").await, (0, 0));
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 2);
    assert_eq!(stage.told("check_in_due").await, (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fires_while_a_link_ends_is_gone_afterwards() {
    let stage = Stage::new().await;
    let mut couples = Vec::new();
    for _ in 0..40 {
        let couple = stage.couple().await;
        running(&stage, &couple).await;
        stage.handle(&[stage.shared(&couple, stage.ids.next(), 10)]).await;
        couples.push(couple);
    }
    stage.clock.set("2024-03-26T19:30:00Z".parse().unwrap());
    let firing = stage.firing();
    let fire = tokio::spawn(async move { while firing.fire_batch().await.unwrap() > 0 {} });
    for couple in &couples {
        stage.handle(&[stage.unlinked(couple)]).await;
    }
    fire.await.unwrap();
    while stage.firing().fire_batch().await.unwrap() > 0 {}
    assert!(stage.rows("SELECT account_id::text FROM inbox_items").await.is_empty());
    assert!(stage.rows("SELECT state FROM schedules WHERE state = 'pending'").await.is_empty());
}
