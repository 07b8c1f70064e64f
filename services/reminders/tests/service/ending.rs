//! Schedules and proposals end: by whom, and who hears of it.

use crate::check_ins::{of_first, of_second, running, same};
use crate::stage::{Stage, refusal, time};
use candor_proto::reminders::v1 as proto;
use jiff::SignedDuration;
use prost::Message as _;
use reminders::domain::{Couple, check_in_id};
use tonic::Code;
use uuid::Uuid;

#[tokio::test]
async fn either_ends_it_alone_and_only_they() {
    let stage = Stage::new().await;
    let (couple, others, stranger) = (stage.couple().await, stage.couple().await, stage.ids.next());
    for who in couple.members() {
        let id = running(&stage, &couple).await;
        let unknown = refusal(&stage.end(others.first_id, stage.ids.next()).await.err().unwrap());
        assert_eq!(unknown.0, Code::NotFound);
        for (other, schedule_id) in [(others.first_id, id), (stranger, id), (who, stage.ids.next())] {
            assert_eq!(refusal(&stage.end(other, schedule_id).await.err().unwrap()), unknown);
        }
        assert!(stage.get(of_first(&stage, &couple)).await.unwrap().schedule.is_some());
        stage.end(who, id).await.unwrap();
        stage.end(who, id).await.unwrap();
        same(stage.get(of_first(&stage, &couple)).await.unwrap().schedule, None);
    }
}

/// Whoever does not want a proposal does nothing, and the proposer sees nothing of it.
#[tokio::test]
async fn a_proposal_is_taken_back_by_its_proposer_alone() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let id = stage.ids.next();
    let proposal = stage.propose(couple.first_id, id, "20:30").await.unwrap();
    let unknown = refusal(&stage.end(couple.second_id, stage.ids.next()).await.err().unwrap());
    assert_eq!(refusal(&stage.end(couple.second_id, id).await.err().unwrap()), unknown);
    same(stage.get(of_second(&stage, &couple)).await.unwrap().own_proposal, Some(proposal));

    stage.end(couple.first_id, id).await.unwrap();
    stage.end(couple.first_id, id).await.unwrap();
    same(stage.get(of_first(&stage, &couple)).await.unwrap().partner_proposal, None);
    assert_eq!(stage.accept(of_first(&stage, &couple), id).await.err().unwrap().code(), Code::NotFound);
    // The same proposal again is over, and no proposal.
    let over = stage.propose(couple.first_id, id, "20:30").await.err().unwrap();
    assert_eq!(refusal(&over), unknown);
    let other = stage.propose(couple.first_id, id, "20:31").await.err().unwrap();
    assert_eq!(other.code(), Code::AlreadyExists);
    assert_eq!(stage.told("check_in_schedule_ended").await, (0, 0), "it never ran");
}

/// The ids of schedules that ended, as the others are told, in the order of their ends.
async fn ended(stage: &Stage, couple: &Couple) -> Vec<String> {
    let told: Vec<(Uuid, i64, Vec<u8>)> =
        sqlx::query_as("SELECT aggregate_id, version, body FROM bus.outbox WHERE key = $1 ORDER BY time")
            .bind("reminders.v1.check_in_schedule_ended")
            .fetch_all(stage.pool())
            .await
            .unwrap();
    let ids = told.into_iter().map(|(aggregate_id, version, body)| {
        let event = proto::CheckInScheduleEnded::decode(body.as_slice()).unwrap();
        assert!(version == 2 && event.schedule_id == aggregate_id.to_string());
        assert!(event.couple_id == couple.couple_id.to_string() && event.end_time.is_some());
        event.schedule_id
    });
    ids.collect()
}

#[tokio::test]
async fn the_others_are_told_once_that_what_ran_has_ended() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let first = running(&stage, &couple).await;
    stage.clock.set(stage.clock.now() + SignedDuration::from_secs(1));
    let second = running(&stage, &couple).await; // in place of the first
    assert_eq!(ended(&stage, &couple).await, [first.to_string()]);
    stage.accept(of_first(&stage, &couple), second).await.unwrap();
    stage.propose(couple.second_id, stage.ids.next(), "08:00").await.unwrap();
    stage.clock.set(stage.clock.now() + SignedDuration::from_secs(1));
    for who in [couple.second_id, couple.first_id, couple.second_id] {
        stage.end(who, second).await.unwrap();
    }
    assert_eq!(ended(&stage, &couple).await, [first, second].map(|id| id.to_string()));
    // That a link has ended is told by accounts.
    running(&stage, &couple).await;
    stage.handle(&[stage.unlinked(&couple)]).await;
    assert_eq!(stage.told("check_in_schedule_ended").await, (2, 2));
}

#[tokio::test]
async fn the_check_in_before_stays_in_sight_when_another_schedule_is_agreed_to() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let first = running(&stage, &couple).await;
    stage.at("2024-03-26T19:30:00Z").await;
    let before = check_in_id(first, "2024-03-26T19:30:00Z".parse().unwrap()).to_string();
    let second = stage.ids.next();
    stage.propose(couple.second_id, second, "08:00").await.unwrap();
    let agreed = stage.accept(of_second(&stage, &couple), second).await.unwrap();
    assert_eq!(agreed.last_open_time, Some(time("2024-03-26T19:30:00Z")));
    assert!(agreed.last_check_in_id == before && agreed.schedule_id == second.to_string());
    same(stage.get(of_first(&stage, &couple)).await.unwrap().schedule, Some(agreed));
    // Also when one ended and another is agreed to later, until that has one of its own.
    stage.end(couple.first_id, second).await.unwrap();
    let third = running(&stage, &couple).await;
    assert_eq!(
        stage.get(of_first(&stage, &couple)).await.unwrap().schedule.unwrap().last_check_in_id,
        before
    );
    stage.at("2024-04-02T18:30:00Z").await;
    let last = check_in_id(third, "2024-04-02T18:30:00Z".parse().unwrap()).to_string();
    assert_eq!(stage.get(of_first(&stage, &couple)).await.unwrap().schedule.unwrap().last_check_in_id, last);
}

#[tokio::test]
async fn unlinking_ends_everything_and_linking_again_revives_nothing() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let id = running(&stage, &couple).await;
    let proposed = stage.ids.next();
    stage.propose(couple.first_id, proposed, "08:00").await.unwrap();
    stage.handle(&[stage.unlinked(&couple)]).await;
    for capability in [of_first(&stage, &couple), of_second(&stage, &couple)] {
        assert_eq!(stage.get(capability).await.err().unwrap().code(), Code::NotFound);
    }
    assert_eq!(stage.accept(of_first(&stage, &couple), proposed).await.err().unwrap().code(), Code::NotFound);
    assert_eq!(stage.end(couple.first_id, id).await.err().unwrap().code(), Code::NotFound);
    let alone = stage.propose(couple.first_id, stage.ids.next(), "20:30").await.err().unwrap();
    assert_eq!(alone.code(), Code::FailedPrecondition);
    stage.handle(&[stage.linked(&couple)]).await; // late
    assert_eq!(stage.get(of_first(&stage, &couple)).await.err().unwrap().code(), Code::NotFound);

    let again = Couple { couple_id: stage.ids.next(), ..couple };
    stage.handle(&[stage.linked(&again)]).await;
    let nothing = proto::GetCheckInScheduleResponse::default();
    same(stage.get(of_first(&stage, &again)).await.unwrap(), nothing);
    assert_eq!(stage.get(of_first(&stage, &couple)).await.err().unwrap().code(), Code::NotFound);
    assert_eq!(stage.accept(of_first(&stage, &again), proposed).await.err().unwrap().code(), Code::NotFound);
    assert_eq!(stage.accept(of_first(&stage, &couple), proposed).await.err().unwrap().code(), Code::NotFound);
}
