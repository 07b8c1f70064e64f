//! However much is shared or answered, one unread item says so, and what it points at is there.

use crate::stage::{ANSWER, SHARE, Stage};
use jiff::SignedDuration;
use reminders::domain::Couple;
use uuid::Uuid;

async fn fire(stage: &Stage) {
    stage.firing().fire_batch().await.unwrap();
}

/// Shares of a couple that are open at once, told and fired one after the other.
async fn shared<const N: usize>(stage: &Stage, couple: &Couple) -> [Uuid; N] {
    let mut shares = [Uuid::nil(); N];
    for share in &mut shares {
        *share = stage.ids.next();
        stage.clock.set(stage.clock.now() + SignedDuration::from_secs(1));
        stage.handle(&[stage.shared(couple, *share, 0)]).await;
        fire(stage).await;
    }
    shares
}

async fn read_all(stage: &Stage, who: Uuid) {
    for item in stage.inbox(who).await {
        stage.mark_read(who, &item.inbox_item_id).await.unwrap();
    }
}

fn item(kind: &'static str, share_id: Uuid) -> (&'static str, String) {
    (kind, share_id.to_string())
}

#[tokio::test]
async fn a_further_share_adds_nothing_until_the_first_is_read() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let who = couple.second_id;
    let [first, ..] = shared::<5>(&stage, &couple).await;
    assert_eq!(stage.arrived(who).await, [item(SHARE, first)]);
    assert_eq!((stage.told("reminder_due").await.0, stage.told("reminder_delivered").await.0), (5, 1));
    read_all(&stage, who).await;
    assert_eq!(stage.arrived(who).await, [item(SHARE, first)], "nothing is made up for");
    let [next, _] = shared::<2>(&stage, &couple).await;
    assert_eq!(stage.arrived(who).await, [item(SHARE, first), item(SHARE, next)]);
}

#[tokio::test]
async fn several_that_come_due_at_once_are_one_item_beside_everything_else() {
    let stage = Stage::new().await;
    let (couple, others) = (stage.couple().await, stage.couple().await);
    stage.plan(couple.second_id, stage.ids.next(), -7).await;
    let shares = [(); 6].map(|()| stage.ids.next());
    for share in shares {
        stage.handle(&[stage.shared(&couple, share, 0), stage.answered(&couple, share)]).await;
        stage.handle(&[stage.shared(&others, share, 0)]).await; // the same id is another's there
    }
    fire(&stage).await;
    assert_eq!(stage.arrived(couple.second_id).await.len(), 2, "a look-back and a share");
    assert_eq!(stage.arrived(others.second_id).await.len(), 1);
    let answered = stage.arrived(couple.first_id).await;
    assert!(answered.len() == 1 && answered[0].0 == ANSWER);
}

#[tokio::test]
async fn an_item_whose_share_is_taken_back_points_at_another_that_is_open() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let who = couple.second_id;
    let [first, second, third] = shared::<3>(&stage, &couple).await;
    let later = stage.ids.next();
    stage.handle(&[stage.shared(&couple, later, 60)]).await;
    stage.handle(&[stage.withdrawn(&couple, second)]).await;
    assert_eq!(stage.arrived(who).await, [item(SHARE, first)]);
    let id = stage.inbox(who).await.remove(0).inbox_item_id;
    for _ in 0..2 {
        stage.handle(&[stage.withdrawn(&couple, first)]).await;
        assert_eq!(stage.arrived(who).await, [item(SHARE, third)], "not what was taken back or is not open");
    }
    assert_eq!(stage.inbox(who).await[0].inbox_item_id, id);
    stage.handle(&[stage.withdrawn(&couple, third)]).await;
    assert!(stage.arrived(who).await.is_empty());
    stage.clock.set(stage.clock.now() + SignedDuration::from_hours(2));
    fire(&stage).await;
    assert_eq!(stage.arrived(who).await, [item(SHARE, later)]);
}

#[tokio::test]
async fn what_was_read_or_is_over_is_not_announced_again() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let who = couple.second_id;
    let [first, _] = shared::<2>(&stage, &couple).await;
    read_all(&stage, who).await;
    stage.handle(&[stage.withdrawn(&couple, first)]).await;
    assert!(stage.arrived(who).await.is_empty());

    let [unread, _] = shared::<2>(&stage, &couple).await;
    stage.clock.set(stage.clock.now() + SignedDuration::from_hours(31 * 24));
    stage.handle(&[stage.withdrawn(&couple, unread)]).await;
    assert!(stage.arrived(who).await.is_empty());
}

#[tokio::test]
async fn an_item_of_an_earlier_link_stands_for_nothing_of_the_next() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    shared::<2>(&stage, &couple).await;
    let next = Couple { couple_id: stage.ids.next(), ..couple };
    stage.handle(&[stage.linked(&next)]).await; // the end of the first is not heard of yet
    let [share] = shared::<1>(&stage, &next).await;
    stage.handle(&[stage.unlinked(&couple)]).await;
    assert_eq!(stage.arrived(couple.second_id).await, [item(SHARE, share)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_firing_and_taking_back_meet_one_item_is_left_for_what_is_left() {
    let stage = Stage::new().await;
    let mut expected = Vec::new();
    let mut withdrawals = Vec::new();
    for _ in 0..30 {
        let couple = stage.couple().await;
        let shares = [(); 6].map(|()| stage.ids.next());
        for share in shares {
            stage.handle(&[stage.shared(&couple, share, 0)]).await;
        }
        withdrawals.extend(shares[..5].iter().map(|share| stage.withdrawn(&couple, *share)));
        expected.push((couple.second_id, shares[5]));
    }
    let replicas: Vec<_> = (0..3)
        .map(|_| {
            let firing = stage.firing();
            tokio::spawn(async move { while firing.fire_batch().await.unwrap() > 0 {} })
        })
        .collect();
    for event in &withdrawals {
        stage.handle(std::slice::from_ref(event)).await;
    }
    for replica in replicas {
        replica.await.unwrap();
    }
    while stage.firing().fire_batch().await.unwrap() > 0 {}
    for (who, share) in expected {
        assert_eq!(stage.arrived(who).await, [item(SHARE, share)]);
    }
}
