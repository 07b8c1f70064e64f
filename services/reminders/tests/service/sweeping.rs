//! What is over is forgotten in time, and what waits for a link that never comes costs nothing.

use crate::stage::{SHARE, Stage};
use jiff::SignedDuration;
use reminders::domain::Couple;
use tokio_util::sync::CancellationToken;

async fn sweep(stage: &Stage) {
    reminders::jobs::sweep_once(stage.pool(), stage.clock.now(), &CancellationToken::new()).await.unwrap();
}

fn later(stage: &Stage, days: i64) {
    stage.clock.set(stage.clock.now() + SignedDuration::from_hours(24 * days));
}

async fn fire(stage: &Stage) -> u64 {
    stage.firing().fire_batch().await.unwrap()
}

#[tokio::test]
async fn what_arrived_or_was_settled_a_year_ago_is_forgotten() {
    let stage = Stage::new().await;
    let (couple, account) = (stage.couple().await, stage.ids.next());
    stage.plan(account, stage.ids.next(), -7).await;
    stage.plan(account, stage.ids.next(), 0).await;
    let cancelled = stage.schedules(account).await[1].schedule_id.clone();
    stage.cancel(account, &cancelled).await.unwrap();
    stage.handle(&[stage.shared(&couple, stage.ids.next(), 0)]).await;
    assert_eq!(fire(&stage).await, 2);
    later(&stage, 364);
    stage.plan(account, stage.ids.next(), 0).await; // to come
    sweep(&stage).await;
    assert_eq!(stage.rows("SELECT state FROM schedules").await.len(), 4);
    later(&stage, 2);
    sweep(&stage).await;
    assert_eq!(stage.rows("SELECT state FROM schedules").await, ["pending"]);
    assert!(stage.rows("SELECT kind::text FROM inbox_items").await.is_empty());
}

#[tokio::test]
async fn nobody_looks_at_what_waits_for_a_link_and_after_forty_days_it_is_forgotten() {
    let stage = Stage::new().await;
    let couple = |stage: &Stage| Couple::of(stage.ids.next(), stage.ids.next(), stage.ids.next()).unwrap();
    let (never, soon, known) = (couple(&stage), couple(&stage), stage.couple().await);
    let share = stage.ids.next();
    stage.handle(&[stage.shared(&never, stage.ids.next(), 0), stage.answered(&never, share)]).await;
    stage.handle(&[stage.withdrawn(&never, share)]).await;
    stage.handle(&[stage.shared(&soon, share, 0), stage.shared(&known, share, 60)]).await;
    let states = "SELECT state FROM schedules ORDER BY state";
    assert_eq!(stage.rows(states).await, ["pending", "waiting", "waiting", "waiting"]);
    assert_eq!(fire(&stage).await, 0);
    stage.handle(&[stage.linked(&soon)]).await;
    assert_eq!(fire(&stage).await, 1);
    assert_eq!(stage.arrived(soon.second_id).await, [(SHARE, share.to_string())]);
    later(&stage, 39);
    sweep(&stage).await;
    assert_eq!(stage.rows("SELECT state FROM schedules WHERE state = 'waiting'").await.len(), 2);
    later(&stage, 2);
    sweep(&stage).await;
    assert!(stage.rows("SELECT state FROM schedules WHERE state = 'waiting'").await.is_empty());
    assert!(stage.rows("SELECT share_id::text FROM withdrawn_shares").await.is_empty());
    assert_eq!(stage.rows("SELECT version::text FROM couples").await, ["1", "1"]);
    // It may still come.
    stage.handle(&[stage.linked(&never)]).await;
    stage.handle(&[stage.shared(&never, share, 0)]).await;
    assert_eq!(fire(&stage).await, 1);
}
