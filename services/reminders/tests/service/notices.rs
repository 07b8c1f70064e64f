//! What one of a couple brings the other: told in time, once, and only while the two are linked.

use crate::stage::{ANSWER, SHARE, Stage, again, refusal};
use jiff::SignedDuration;
use reminders::domain::{Couple, Kind, Notice};
use tonic::Code;
use uuid::Uuid;

fn item(kind: &'static str, share_id: Uuid) -> (&'static str, String) {
    (kind, share_id.to_string())
}

fn later(stage: &Stage, minutes: i64) {
    stage.clock.set(stage.clock.now() + SignedDuration::from_mins(minutes));
}

async fn fire(stage: &Stage) -> u64 {
    stage.firing().fire_batch().await.unwrap()
}

#[tokio::test]
async fn a_share_is_told_when_it_opens_and_cannot_be_seen_before() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let share = stage.ids.next();
    stage.handle(&[stage.shared(&couple, share, 60)]).await;
    later(&stage, 59);
    assert_eq!(fire(&stage).await, 0);
    for who in couple.members() {
        assert!(stage.schedules(who).await.is_empty() && stage.inbox(who).await.is_empty());
    }
    // Even by its id it is not there, and cannot be stopped.
    let id = Notice::id_of(Kind::Share, couple.second_id, couple.couple_id, share).to_string();
    let known = stage.cancel(couple.second_id, &id).await.unwrap_err();
    let unknown = stage.cancel(couple.second_id, &stage.ids.next().to_string()).await.unwrap_err();
    assert!(known.code() == Code::NotFound && refusal(&known) == refusal(&unknown));
    later(&stage, 1);
    assert_eq!(fire(&stage).await, 1);
    assert_eq!(stage.arrived(couple.second_id).await, [item(SHARE, share)]);
    assert!(stage.arrived(couple.first_id).await.is_empty(), "the owner knows");
}

#[tokio::test]
async fn what_is_shared_with_a_trusted_person_arrives_while_they_are_in_the_circle() {
    let stage = Stage::new().await;
    let place = Couple::of(stage.ids.next(), stage.ids.next(), stage.ids.next()).unwrap();
    let [first, second] = [(); 2].map(|()| stage.ids.next());
    // Until accounts tells of the place, it waits.
    stage.handle(&[stage.shared(&place, first, 0)]).await;
    assert_eq!(fire(&stage).await, 0);
    stage.handle(&[stage.in_circle(&place, true)]).await;
    assert_eq!(fire(&stage).await, 1);
    assert_eq!(stage.arrived(place.second_id).await, [item(SHARE, first)]);
    assert_eq!(stage.inbox(place.second_id).await[0].link_id, place.couple_id.to_string());
    // A place in a circle is no couple: there are no check-ins.
    for who in place.members() {
        let refused = stage.propose(who, stage.ids.next(), "20:30").await.err().unwrap();
        assert_eq!(refused.code(), Code::FailedPrecondition);
    }
    stage.handle(&[stage.shared(&place, second, 10), stage.in_circle(&place, false)]).await;
    later(&stage, 20);
    assert_eq!(fire(&stage).await, 0);
    assert!(stage.arrived(place.second_id).await.is_empty());
}

#[tokio::test]
async fn an_answer_is_told_to_the_owner_at_once() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let share = stage.ids.next();
    stage.handle(&[stage.shared(&couple, share, 0)]).await;
    fire(&stage).await;
    stage.handle(&[stage.answered(&couple, share)]).await;
    assert_eq!(fire(&stage).await, 1);
    assert_eq!(stage.arrived(couple.first_id).await, [item(ANSWER, share)]);
    assert_eq!(stage.arrived(couple.second_id).await, [item(SHARE, share)]);
    // Withdrawing takes the share from the recipient; the answer stays with its owner.
    stage.handle(&[stage.withdrawn(&couple, share)]).await;
    assert_eq!(stage.arrived(couple.first_id).await, [item(ANSWER, share)]);
    assert!(stage.arrived(couple.second_id).await.is_empty());
}

#[tokio::test]
async fn what_was_withdrawn_is_never_told_or_disappears() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let [in_time, told_first, fired] = [(); 3].map(|()| stage.ids.next());
    let late = stage.shared(&couple, told_first, 10);
    stage.handle(&[stage.shared(&couple, in_time, 10), stage.shared(&couple, fired, 0)]).await;
    fire(&stage).await;
    assert_eq!(stage.arrived(couple.second_id).await, [item(SHARE, fired)]);
    for share in [in_time, told_first, fired] {
        stage.handle(&[stage.withdrawn(&couple, share), stage.withdrawn(&couple, share)]).await;
    }
    assert!(stage.arrived(couple.second_id).await.is_empty());
    stage.handle(&[late.clone(), again(&stage, &late)]).await;
    later(&stage, 20);
    assert_eq!(fire(&stage).await, 0);
    assert!(stage.arrived(couple.second_id).await.is_empty());
}

#[tokio::test]
async fn what_expired_while_nobody_looked_is_not_told() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    stage.handle(&[stage.shared(&couple, stage.ids.next(), 60)]).await;
    later(&stage, 30 * 24 * 60);
    assert_eq!(fire(&stage).await, 0);
    assert!(stage.arrived(couple.second_id).await.is_empty());
    let states = stage.rows("SELECT state FROM schedules").await;
    assert_eq!(states, ["cancelled"]);
}

#[tokio::test]
async fn unlinking_takes_everything_of_the_other_out_of_both_inboxes() {
    let stage = Stage::new().await;
    let (couple, others) = (stage.couple().await, stage.couple().await);
    let [opened, delayed, kept] = [(); 3].map(|()| stage.ids.next());
    stage.handle(&[stage.shared(&couple, opened, 0), stage.shared(&couple, delayed, 60)]).await;
    stage.handle(&[stage.answered(&couple, opened), stage.shared(&others, kept, 0)]).await;
    fire(&stage).await;
    assert!(
        !stage.inbox(couple.first_id).await.is_empty() && !stage.inbox(couple.second_id).await.is_empty()
    );
    stage.handle(&[stage.unlinked(&couple)]).await;
    later(&stage, 120);
    let unlinked_late = stage.shared(&couple, stage.ids.next(), 0);
    stage.handle(&[unlinked_late, stage.answered(&couple, delayed), stage.linked(&couple)]).await;
    assert_eq!(fire(&stage).await, 0);
    for who in couple.members() {
        assert!(stage.inbox(who).await.is_empty());
    }
    assert_eq!(stage.arrived(others.second_id).await, [item(SHARE, kept)]);
    // Linking again is another link: nothing comes back.
    stage.handle(&[stage.linked(&Couple { couple_id: stage.ids.next(), ..couple })]).await;
    assert_eq!(fire(&stage).await, 0);
}

#[tokio::test]
async fn what_is_told_before_the_link_waits_for_it() {
    let stage = Stage::new().await;
    let couple = Couple::of(stage.ids.next(), stage.ids.next(), stage.ids.next()).unwrap();
    let never = Couple::of(stage.ids.next(), stage.ids.next(), stage.ids.next()).unwrap();
    let share = stage.ids.next();
    stage.handle(&[stage.shared(&couple, share, 0), stage.shared(&never, stage.ids.next(), 0)]).await;
    stage.handle(&[stage.unlinked(&never)]).await;
    stage.handle(&[stage.linked(&never)]).await;
    assert_eq!(fire(&stage).await, 0);
    let mut conn = stage.pool().acquire().await.unwrap();
    let overdue = reminders::app::overdue_since(&mut conn, stage.clock.now()).await.unwrap();
    assert_eq!(overdue, None, "nothing is late that may not fire");
    stage.handle(&[stage.linked(&couple)]).await;
    assert_eq!(fire(&stage).await, 1);
    assert_eq!(stage.arrived(couple.second_id).await, [item(SHARE, share)]);
    assert!(stage.arrived(never.second_id).await.is_empty());
}

#[tokio::test]
async fn what_is_told_again_is_told_to_nobody_twice() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let (share, delayed) = (stage.ids.next(), stage.ids.next());
    let events = [
        stage.shared(&couple, share, 0),
        stage.answered(&couple, share),
        stage.shared(&couple, delayed, 120),
    ];
    stage.handle(&events).await;
    fire(&stage).await;
    // As a resnapshot tells it: the same facts, a little later and much later.
    for minutes in [0, 30, 60 * 24] {
        later(&stage, minutes);
        let told: Vec<_> = events
            .iter()
            .map(|event| bus::Envelope { time: stage.clock.now(), ..again(&stage, event) })
            .collect();
        stage.handle(&told).await;
        fire(&stage).await;
        for item in stage.inbox(couple.second_id).await {
            stage.mark_read(couple.second_id, &item.inbox_item_id).await.unwrap();
        }
    }
    assert_eq!(stage.arrived(couple.first_id).await, [item(ANSWER, share)]);
    assert_eq!(stage.arrived(couple.second_id).await, [item(SHARE, share), item(SHARE, delayed)]);
}

#[tokio::test]
async fn a_service_that_is_rebuilt_floods_no_inbox() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let (over, to_come) = (stage.ids.next(), stage.ids.next());
    let events =
        [stage.shared(&couple, over, 0), stage.answered(&couple, over), stage.shared(&couple, to_come, 120)];
    later(&stage, 60);
    let told = events.map(|event| bus::Envelope { time: stage.clock.now(), ..event });
    stage.handle(&told).await; // for the first time here
    assert_eq!(fire(&stage).await, 0);
    later(&stage, 60);
    assert_eq!(fire(&stage).await, 1);
    assert!(stage.arrived(couple.first_id).await.is_empty());
    assert_eq!(stage.arrived(couple.second_id).await, [item(SHARE, to_come)]);
}

#[tokio::test]
async fn a_malformed_event_harms_nobody() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let alone = Couple { second_id: couple.first_id, ..couple }; // shared with oneself
    let mut events = vec![stage.shared(&alone, stage.ids.next(), 0)];
    let mut cut = stage.linked(&couple);
    cut.body = cut.body.slice(..10);
    events.push(cut);
    let share = stage.ids.next();
    events.push(stage.shared(&couple, share, 0));
    stage.deliver(&events).await;
    assert_eq!(fire(&stage).await, 1);
    assert_eq!(stage.arrived(couple.second_id).await, [item(SHARE, share)]);
}
