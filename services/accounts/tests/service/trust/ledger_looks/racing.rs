//! Answers that meet.

use super::{Asked, ask_for};
use crate::kit::reason;
use std::sync::Arc;
use tokio::sync::Barrier;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_answer_at_once_one_does() {
    let world = Asked::new().await;
    crate::operators::make(&world.house, "ops.three@example.org").await;
    let third = world.house.signed_in("ops.three@example.org").await;
    let house = Arc::new(world.house.replica());
    for round in 0..6 {
        let request_id = world.house.ask_look(&world.one, ask_for(&world.report_id)).await.unwrap();
        let together = Arc::new(Barrier::new(2));
        // Both agree, or one does and the other does not.
        let answers = [(world.other.clone(), true), (third.clone(), round % 2 == 0)].map(|(by, agreed)| {
            let (house, together, request_id) = (house.clone(), together.clone(), request_id.clone());
            tokio::spawn(async move {
                together.wait().await;
                house.answer_look(&by, &request_id, agreed).await.map(|()| agreed)
            })
        });
        let mut counted = Vec::new();
        for answer in answers {
            match answer.await.unwrap() {
                Ok(agreed) => counted.push(agreed),
                Err(refused) => assert_eq!(reason(&refused), "LEDGER_LOOK_NOT_WAITING"),
            }
        }
        assert_eq!(counted.len(), 1, "one answer counts");
        assert_eq!(world.house.read_ledger(&world.one, &request_id).await.is_ok(), counted[0]);
    }
    let audited = world.house.record_of(world.ben.account_id).await;
    let answered = audited
        .iter()
        .filter(|(action, ..)| matches!(action.as_str(), "ledger_agreed_to" | "ledger_declined"));
    assert_eq!(answered.count(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_taken_back_while_another_agrees_is_not_open() {
    let world = Asked::new().await;
    let house = Arc::new(world.house.replica());
    for _ in 0..6 {
        let request_id = world.house.ask_look(&world.one, ask_for(&world.report_id)).await.unwrap();
        let (with, by, id) = (house.clone(), world.other.clone(), request_id.clone());
        let agreeing = tokio::spawn(async move { with.answer_look(&by, &id, true).await });
        world.house.withdraw_look(&world.one, &request_id).await.unwrap();
        if let Err(refused) = agreeing.await.unwrap() {
            assert_eq!(reason(&refused), "LEDGER_LOOK_NOT_WAITING");
        }
        let refused = world.house.read_ledger(&world.one, &request_id).await.err().unwrap();
        assert_eq!(reason(&refused), "LEDGER_LOOK_NOT_OPEN");
    }
    assert!(world.house.looks_of_staff(&world.ben).await.is_empty());
}
