//! Somebody is erased: nothing of theirs is left, nothing of theirs stays in another's inbox, and nothing comes back.

use crate::stage::Stage;
use bus::{Envelope, Outbox, erasure};
use candor_proto::accounts::v1::ErasureBegun;
use jiff::SignedDuration;
use reminders::app::OwnPart;
use reminders::domain::Couple;
use uuid::Uuid;

fn begun(stage: &Stage, account_id: Uuid) -> Envelope {
    let erasure_id = Uuid::from_u128(9);
    let event = ErasureBegun { erasure_id: erasure_id.to_string(), account_id: account_id.to_string() };
    Envelope::new(stage.ids.next(), stage.clock.now(), erasure_id, 1, &event)
}

async fn pass(stage: &Stage) {
    let part = OwnPart { clock: stage.clock.clone(), ids: stage.ids.clone() };
    erasure::run_once(&part, stage.pool(), &Outbox::new(), &stage.clock).await.unwrap();
}

#[tokio::test]
async fn everything_of_theirs_goes_from_both_inboxes_and_nothing_comes_back() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let circle = Couple::of(stage.ids.next(), stage.ids.next(), couple.first_id).unwrap();
    stage.handle(&[stage.in_circle(&circle, true)]).await;
    let (ada, ben) = (couple.first_id, couple.second_id);
    let entries = [ada, ben].map(|who| stage.entry_written(who, stage.ids.next(), "Europe/Berlin"));
    stage.handle(&entries).await;
    stage.handle(&[stage.shared(&couple, stage.ids.next(), 0)]).await;
    stage.at("2024-03-24T09:00:01Z").await;
    assert_eq!(stage.inbox(ben).await.len(), 1);
    assert_eq!((stage.schedules(ada).await.len(), stage.schedules(ben).await.len()), (1, 1));

    stage.handle(&[begun(&stage, ada)]).await;
    pass(&stage).await;
    assert!(stage.inbox(ben).await.is_empty(), "what rested on her is gone");
    assert_eq!((stage.schedules(ada).await.len(), stage.schedules(ben).await.len()), (0, 1));
    // What comes late, be it handled together with others.
    let late = [
        stage.entry_written(ada, stage.ids.next(), "Europe/Berlin"),
        stage.entry_written(ben, stage.ids.next(), "America/New_York"),
        stage.shared(&couple, stage.ids.next(), 0),
        stage.linked(&Couple::of(stage.ids.next(), ada, ben).unwrap()),
        stage.unlinked(&couple),
    ];
    stage.handle(&late).await;
    assert!(stage.schedules(ada).await.is_empty());
    let links = "SELECT version::text FROM couples WHERE first_id = (SELECT account_id FROM bus.erased)
                 OR second_id = (SELECT account_id FROM bus.erased)";
    assert_eq!(stage.rows(links).await, ["2", "2"]);

    sqlx::query("DELETE FROM bus.outbox").execute(stage.pool()).await.unwrap();
    stage.clock.set(stage.clock.now() + SignedDuration::from_mins(2));
    pass(&stage).await;
    assert_eq!(stage.told("erased").await, (1, 1));
    // Told again, the same is answered again.
    stage.handle(&[begun(&stage, ada)]).await;
    pass(&stage).await;
    assert_eq!(stage.told("erased").await, (2, 1));
}

#[tokio::test]
async fn nothing_is_taken_in_when_the_end_is_heard_before_all_else() {
    let stage = Stage::new().await;
    let couple = Couple::of(stage.ids.next(), stage.ids.next(), stage.ids.next()).unwrap();
    stage.handle(&[begun(&stage, couple.first_id)]).await;
    pass(&stage).await;
    let events = [
        stage.linked(&couple),
        stage.entry_written(couple.first_id, stage.ids.next(), "Europe/Berlin"),
        stage.shared(&couple, stage.ids.next(), 0),
        stage.in_circle(&couple, true),
    ];
    stage.handle(&events).await;
    for table in ["couples", "schedules", "inbox_items"] {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(count).fetch_one(stage.pool()).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}
