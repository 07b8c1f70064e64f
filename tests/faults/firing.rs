//! Reminders dies at the moment its schedules fire: each fires once, with all that follows from it.

use crate::member::{PAST_THE_LEASE, PATIENCE};
use crate::stage::Stage;
use candor_proto::journal::v1::EntryWritten;
use candor_tests::eventually;
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use uuid::Uuid;

/// Schedules of a round: more than reminders fires in one transaction.
const EACH: i64 = 250;
const DUE: &str = "reminders.v1.reminder_due";
const DELIVERED: &str = "reminders.v1.reminder_delivered";

/// When a round's process dies.
enum Death {
    /// Before it has looked at the clock, most likely.
    AtOnce,
    /// Between two transactions, or in the second.
    OnceSomeFired,
    /// While its relay publishes what some of the firing caused.
    OnceSomeWasTold,
    /// After a start that found everything overdue.
    OnceItStartedAgain,
}

const ROUNDS: [Death; 6] = [
    Death::AtOnce,
    Death::OnceSomeFired,
    Death::OnceSomeWasTold,
    Death::OnceItStartedAgain,
    Death::OnceSomeFired,
    Death::OnceSomeWasTold,
];

/// Entries of a round, each of another member, as the journal tells of them: rows of its outbox.
async fn entries_are_written(stage: &Stage, round: u64, time: Timestamp) {
    for n in 0..EACH.unsigned_abs() {
        let id =
            |kind: u64| Uuid::from_u64_pair(0x7000 | kind << 32 | round << 16, 0x8000_0000_0000_0000 | n);
        let at = prost_types::Timestamp { seconds: time.as_second(), nanos: 0 };
        let event = EntryWritten {
            entry_id: id(1).to_string(),
            account_id: id(2).to_string(),
            entry_time: Some(at),
            time_zone: "UTC".to_owned(),
            has_mood: false,
            create_time: Some(at),
        };
        sqlx::query(
            "INSERT INTO bus.outbox (id, key, aggregate_id, version, time, body) \
             VALUES ($1, 'journal.v1.entry_written', $2, 1, to_timestamp($3), $4)",
        )
        .bind(id(3))
        .bind(id(1))
        .bind(time.as_second() as f64)
        .bind(event.encode_to_vec())
        .execute(stage.database("journal").pool())
        .await
        .unwrap();
    }
}

/// Asks again at once, so that the moment is not missed.
async fn at_the_moment(stage: &Stage, what: &str, more_than: i64) {
    let watching = async { while stage.rows("reminders", what).await <= more_than {} };
    tokio::time::timeout(PATIENCE, watching)
        .await
        .unwrap_or_else(|_| panic!("no more than {more_than} {what}"));
}

async fn die(stage: &mut Stage, death: &Death, due: Timestamp) {
    let fired = stage.rows("reminders", "inbox_items").await;
    let told = stage.rows("reminders", "bus.log").await;
    stage.five.clock.set(due);
    match death {
        Death::AtOnce => {}
        Death::OnceSomeFired => at_the_moment(stage, "inbox_items", fired).await,
        Death::OnceSomeWasTold => at_the_moment(stage, "bus.log", told).await,
        Death::OnceItStartedAgain => {
            stage.five.kill("reminders");
            stage.five.launch("reminders");
            at_the_moment(stage, "inbox_items", fired).await;
        }
    }
    stage.five.kill("reminders");
}

#[tokio::test]
#[ignore = "slow: what a killed relay was busy with is told after its lease of 60 s"]
async fn every_schedule_fires_once_however_reminders_dies() {
    let mut stage = Stage::shared().await;
    let start = stage.five.clock.now();
    let hour = |round: usize| SignedDuration::from_hours(i64::try_from(round).unwrap());
    for round in 0..ROUNDS.len() {
        entries_are_written(&stage, u64::try_from(round).unwrap(), start + hour(round)).await;
    }
    let planned = EACH * i64::try_from(ROUNDS.len()).unwrap();
    eventually("everything is planned", PATIENCE, async || {
        stage.rows("reminders", "schedules").await == planned
    })
    .await;

    let mut fired = 0;
    for (round, death) in ROUNDS.iter().enumerate() {
        assert_eq!(stage.rows("reminders", "inbox_items").await, fired, "nothing fires before its time");
        let due = start + SignedDuration::from_hours(7 * 24) + hour(round);
        die(&mut stage, death, due).await;
        let at_the_death = stage.rows("reminders", "inbox_items").await - fired;
        println!("round {round}: {at_the_death} of {EACH} had fired");
        stage.five.up("reminders").await;
        fired += EACH;
        eventually(&format!("round {round} has fired"), PATIENCE, async || {
            stage.rows("reminders", "inbox_items").await >= fired
        })
        .await;
        assert_eq!(stage.rows("reminders", "schedules WHERE state = 'fired'").await, fired);
    }
    eventually("reminders has told everything", PAST_THE_LEASE, async || {
        stage.rows("reminders", "bus.outbox").await == 0
    })
    .await;
    assert_eq!(stage.rows("reminders", "inbox_items").await, planned);
    for key in [DUE, DELIVERED] {
        assert_eq!(stage.events("reminders", key).await, planned, "{key}");
        assert_eq!(stage.events_twice("reminders", key).await, 0, "{key}");
    }
    stage.five.stop().await;
}
