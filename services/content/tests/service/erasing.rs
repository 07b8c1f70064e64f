//! Somebody is erased: their path goes and does not come back; another's goes on.

use crate::path::{of, path};
use crate::{empty, ids, now, outbox};
use bus::{Envelope, Outbox, erasure};
use candor_proto::accounts::v1::{CoupleLinked, ErasureBegun};
use candor_proto::journal::v1::EntryWritten;
use chassis::Clock;
use content::app::OwnPart;
use content::events;
use jiff::SignedDuration;
use uuid::Uuid;

fn written(account_id: Uuid, entry: u128) -> Envelope {
    let entry_id = Uuid::from_u128(entry);
    let event = EntryWritten {
        entry_id: entry_id.to_string(),
        account_id: account_id.to_string(),
        ..EntryWritten::default()
    };
    Envelope::new(ids().next(), now(), entry_id, 1, &event)
}

fn begun(account_id: Uuid) -> Envelope {
    let erasure_id = Uuid::from_u128(9);
    let event = ErasureBegun { erasure_id: erasure_id.to_string(), account_id: account_id.to_string() };
    Envelope::new(Uuid::new_v5(&account_id, b"begun"), now(), erasure_id, 1, &event)
}

#[tokio::test]
async fn a_path_is_destroyed_and_another_goes_on() {
    let database = empty().await;
    let (pool, clock) = (database.pool(), Clock::manual(now()));
    let inbox = events::inbox(pool.clone(), clock.clone(), ids(), Outbox::new());
    let (ada, ben) = (Uuid::from_u128(0xada), Uuid::from_u128(0xbe2));
    let linked = CoupleLinked {
        couple_id: Uuid::from_u128(5).to_string(),
        first_account_id: ada.to_string(),
        second_account_id: ben.to_string(),
        link_time: None,
    };
    let linked = Envelope::new(ids().next(), now(), Uuid::from_u128(5), 1, &linked);
    inbox.handle(&[linked.clone(), written(ada, 1), written(ben, 2)]).await.unwrap();
    assert_eq!(of(&path(pool, ada).await, "first-entry").0, 1);

    let part = OwnPart { clock: clock.clone(), ids: ids() };
    inbox.handle(&[begun(ada)]).await.unwrap();
    erasure::run_once(&part, pool, &Outbox::new(), &clock).await.unwrap();
    assert_eq!(of(&path(pool, ada).await, "first-entry").0, 0);
    let again = Envelope { id: Uuid::from_u128(77), ..linked };
    inbox.handle(&[written(ada, 3), written(ben, 4), again]).await.unwrap();
    assert_eq!(of(&path(pool, ada).await, "three-entries").0, 0);
    assert_eq!(of(&path(pool, ben).await, "three-entries").0, 2);
    let linked: i64 =
        sqlx::query_scalar("SELECT count(*) FROM couples WHERE version = 1").fetch_one(pool).await.unwrap();
    assert_eq!(linked, 0);

    sqlx::query("DELETE FROM bus.outbox").execute(pool).await.unwrap();
    clock.set(now() + SignedDuration::from_mins(2));
    erasure::run_once(&part, pool, &Outbox::new(), &clock).await.unwrap();
    assert_eq!(outbox(pool).await, [("content.v1.erased".to_owned(), 1)]);
}
