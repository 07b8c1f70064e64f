//! The audit: what is recorded, and that nothing and nobody changes it unnoticed.

use crate::kit::{House, PASSWORD};
use accounts::{
    app::audit::{self, Record, seal_note},
    domain::audit::{Action, Actor, ActorKind, Details, Subject},
};
use uuid::Uuid;

const WHO: Uuid = Uuid::from_u128(0xa11ce);

pub fn done(subject: Uuid) -> Record {
    Record {
        actor: Actor::account(ActorKind::Operator, WHO),
        action: Action::StaffCreated,
        subject: Subject::account(subject),
        details: Details::none().code("kind", "support"),
        note: None,
    }
}

#[tokio::test]
async fn a_record_is_there_exactly_when_what_it_records_is() {
    let house = House::new().await;
    let mut tx = house.pool().begin().await.unwrap();
    audit::record(&mut tx, &house.accounts, done(Uuid::nil())).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(house.count("audit_record").await, 0);
    let mut tx = house.pool().begin().await.unwrap();
    audit::record(&mut tx, &house.accounts, done(Uuid::nil())).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(house.count("audit_record").await, 1);
}

#[tokio::test]
async fn whatever_an_actor_writes_is_sealed() {
    let house = House::new().await;
    let note = Some(seal_note(&house.accounts, "a canary in the reason").await.unwrap());
    let mut conn = house.pool().acquire().await.unwrap();
    audit::record(&mut conn, &house.accounts, Record { note, ..done(Uuid::nil()) }).await.unwrap();
    let dump = house.dump().await;
    let hex: String = b"canary".iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(dump.contains("staff_created") && !dump.contains("canary") && !dump.contains(&hex));
}

#[tokio::test]
async fn making_an_operator_is_recorded() {
    let house = House::new().await;
    let made = crate::operators::make(&house, "ops@example.org").await;
    let (actor, action, subject): (String, String, Uuid) =
        sqlx::query_as("SELECT actor_kind, action, subject_id FROM audit_record")
            .fetch_one(house.pool())
            .await
            .unwrap();
    assert_eq!((actor.as_str(), action.as_str(), subject), ("machine", "staff_created", made));
    house.sign_in("ops@example.org", PASSWORD).await.unwrap();
}
