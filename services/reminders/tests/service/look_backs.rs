//! Look-backs: planned from entries, fired once, cancelled.

use crate::stage::{DUE, Stage, time};
use bus::Envelope;
use candor_proto::reminders::v1 as proto;
use candor_tests::eventually;
use jiff::{SignedDuration, Timestamp};
use reminders::app;
use sqlx::Connection as _;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[tokio::test]
async fn an_entry_brings_one_look_back_a_week_later_at_the_same_time_on_the_wall() {
    let stage = Stage::new().await;
    let (account, entry) = (stage.ids.next(), stage.ids.next());
    stage.handle(&[stage.entry_written(account, entry, "Europe/Berlin")]).await;
    let planned = stage.schedules(account).await;
    assert_eq!(planned.len(), 1);
    assert!(planned[0].due_time == Some(time(DUE)) && planned[0].subject_id == entry.to_string());
    assert!(planned[0].kind() == proto::ScheduleKind::LookBack && planned[0].time_zone == "Europe/Berlin");

    let shutdown = CancellationToken::new();
    let firing = tokio::spawn(stage.firing().run(shutdown.clone()));
    stage.clock.set(DUE.parse::<Timestamp>().unwrap() - SignedDuration::from_millis(1));
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
    stage.clock.set(DUE.parse().unwrap());
    eventually("the reminder is in the inbox", Duration::from_secs(10), async || {
        !stage.inbox(account).await.is_empty()
    })
    .await;
    shutdown.cancel();
    firing.await.unwrap();

    let inbox = stage.inbox(account).await;
    assert!(inbox.len() == 1 && inbox[0].subject_id == entry.to_string() && !inbox[0].read);
    assert!(stage.schedules(account).await.is_empty());
    assert_eq!((stage.told("reminder_due").await, stage.told("reminder_delivered").await), ((1, 1), (1, 1)));
}

#[tokio::test]
async fn an_event_that_comes_again_changes_nothing() {
    let stage = Stage::new().await;
    let (account, entry) = (stage.ids.next(), stage.ids.next());
    let event = stage.entry_written(account, entry, "Europe/Berlin");
    let again = stage.entry_written(account, entry, "Europe/Berlin"); // re-emitted under another id
    stage.handle(&[event.clone(), event.clone(), again.clone()]).await;
    assert_eq!(stage.schedules(account).await.len(), 1);
    stage.clock.set(DUE.parse().unwrap());
    stage.firing().fire_batch().await.unwrap();
    let re_emitted = Envelope { id: stage.ids.next(), ..again };
    stage.handle(&[event, re_emitted]).await;
    assert!(stage.schedules(account).await.is_empty());
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
    assert_eq!(stage.inbox(account).await.len(), 1);
}

#[tokio::test]
async fn many_entries_of_a_day_bring_one_look_back() {
    let stage = Stage::new().await;
    let (account, other) = (stage.ids.next(), stage.ids.next());
    let entries: Vec<_> =
        (0..5).map(|_| stage.entry_written(account, stage.ids.next(), "Europe/Berlin")).collect();
    stage.handle(&entries).await;
    // Another member may even use the same ids.
    let same_id: Uuid = entries[0].aggregate_id;
    stage.handle(&[stage.entry_written(other, same_id, "Europe/Berlin")]).await;
    stage.clock.set(stage.clock.now() + SignedDuration::from_hours(24));
    stage.handle(&[stage.entry_written(account, stage.ids.next(), "Europe/Berlin")]).await;
    assert_eq!(stage.schedules(account).await.len(), 2);
    assert_eq!(stage.schedules(other).await.len(), 1);
}

#[tokio::test]
async fn an_unknown_zone_is_utc_and_a_malformed_event_harms_nobody() {
    let stage = Stage::new().await;
    let account = stage.ids.next();
    let mut malformed = stage.entry_written(account, stage.ids.next(), "UTC");
    malformed.body = vec![10, 3, b'n', b'o', b't'].into();
    stage.deliver(&[malformed, stage.entry_written(account, stage.ids.next(), "Mars/Olympus")]).await;
    let planned = stage.schedules(account).await;
    assert!(planned.len() == 1 && planned[0].time_zone == "UTC");
    assert!(planned[0].due_time == Some(time("2024-03-31T09:00:00Z")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_race_fire_each_schedule_once() {
    let stage = Stage::new().await;
    let accounts: Vec<Uuid> = (0..500).map(|_| stage.ids.next()).collect();
    for account in &accounts {
        assert!(stage.plan(*account, *account, 0).await);
    }
    stage.clock.set(DUE.parse().unwrap());
    let replicas: Vec<_> = (0..4)
        .map(|_| {
            let firing = stage.firing();
            tokio::spawn(async move {
                let mut fired = 0;
                loop {
                    match firing.fire_batch().await.unwrap() {
                        0 => return fired,
                        some => fired += some,
                    }
                }
            })
        })
        .collect();
    let mut fired = 0;
    for replica in replicas {
        fired += replica.await.unwrap();
    }
    // One that found everything claimed by others went home early; nothing is left over for it.
    fired += stage.firing().fire_batch().await.unwrap();
    assert_eq!(fired, 500);
    assert_eq!(
        (stage.told("reminder_due").await, stage.told("reminder_delivered").await),
        ((500, 500), (500, 500))
    );
    for account in accounts {
        assert_eq!(stage.inbox(account).await.len(), 1);
    }
}

#[tokio::test]
async fn a_replica_that_dies_midway_leaves_nothing_behind_and_holds_nobody_up() {
    let stage = Stage::new().await;
    let (dying, waiting) = (stage.ids.next(), stage.ids.next());
    stage.plan(dying, stage.ids.next(), 0).await;
    stage.plan(waiting, stage.ids.next(), 0).await;
    stage.clock.set(DUE.parse().unwrap());
    let mut conn = stage.pool().acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    assert_eq!(app::fire_due(&mut tx, &stage.ids, stage.clock.now(), 1).await.unwrap().fired.len(), 1);
    // While it holds its claim, another fires the rest and does not wait.
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 1);
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *tx).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend($1)").bind(backend).execute(stage.pool()).await.unwrap();
    drop(tx);
    drop(conn.detach());
    eventually("the dead replica's schedule fires elsewhere", Duration::from_secs(10), async || {
        stage.firing().fire_batch().await.unwrap() == 1
    })
    .await;
    assert_eq!((stage.inbox(dying).await.len(), stage.inbox(waiting).await.len()), (1, 1));
    assert_eq!(stage.told("reminder_due").await, (2, 2));
}

#[tokio::test]
async fn what_was_cancelled_never_fires() {
    let stage = Stage::new().await;
    let (account, entry) = (stage.ids.next(), stage.ids.next());
    stage.plan(account, entry, 0).await;
    let schedule = stage.schedules(account).await.remove(0).schedule_id;
    stage.cancel(account, &schedule).await.unwrap();
    stage.cancel(account, &schedule).await.unwrap();
    assert!(stage.schedules(account).await.is_empty());
    assert!(!stage.plan(account, entry, 0).await, "the same entry does not plan it again");
    stage.clock.set(DUE.parse().unwrap());
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
    assert!(stage.inbox(account).await.is_empty());
    assert_eq!(stage.told("reminder_due").await, (0, 0));
}

#[tokio::test]
async fn cancelling_what_has_fired_changes_nothing() {
    let stage = Stage::new().await;
    let account = stage.ids.next();
    stage.plan(account, stage.ids.next(), 0).await;
    let schedule = stage.schedules(account).await.remove(0).schedule_id;
    stage.clock.set(DUE.parse().unwrap());
    stage.firing().fire_batch().await.unwrap();
    stage.cancel(account, &schedule).await.unwrap();
    assert_eq!(stage.inbox(account).await.len(), 1);
}
