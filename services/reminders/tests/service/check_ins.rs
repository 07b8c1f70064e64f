//! When check-ins are: proposing, agreeing, ending, and who may see it.

use crate::stage::{Stage, refusal, time};
use bus::Envelope;
use candor_proto::accounts::v1::{AccessEpochRaised, SessionEnded};
use candor_proto::reminders::v1 as proto;
use candor_proto::reminders::v1::check_in_schedule_service_server::CheckInScheduleService as _;
use chassis::identity::Capability;
use chassis::identity::capability::Opening;
use jiff::SignedDuration;
use reminders::domain::{Couple, check_in_id};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// A running schedule of Tuesdays at 20:30 in Berlin; the first proposed, the second agreed.
pub(crate) async fn running(stage: &Stage, couple: &Couple) -> Uuid {
    let schedule_id = stage.ids.next();
    stage.propose(couple.first_id, schedule_id, "20:30").await.unwrap();
    stage.accept(of_first(stage, couple), schedule_id).await.unwrap();
    schedule_id
}

/// What the second reads of the first.
pub(crate) fn of_first(stage: &Stage, couple: &Couple) -> Capability {
    stage.capability(couple.second_id, couple.first_id, couple.couple_id)
}

/// What the first reads of the second.
pub(crate) fn of_second(stage: &Stage, couple: &Couple) -> Capability {
    stage.capability(couple.first_id, couple.second_id, couple.couple_id)
}

/// Messages have no `Debug`: what is private in them would be printed.
#[track_caller]
pub(crate) fn same<T: PartialEq>(found: T, expected: T) {
    assert!(found == expected);
}

#[tokio::test]
async fn one_proposes_and_the_other_agrees() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let id = stage.ids.next();
    same(stage.get(of_first(&stage, &couple)).await.unwrap(), proto::GetCheckInScheduleResponse::default());

    let proposal = stage.propose(couple.first_id, id, "20:30").await.unwrap();
    assert_eq!((proposal.next_open_time, proposal.next_check_in_id.as_str()), (None, ""));
    assert_eq!((proposal.local_time.as_str(), proposal.time_zone.as_str()), ("20:30", "Europe/Berlin"));
    assert!(
        proposal.weekday() == proto::Weekday::Tuesday
            && proposal.proposer_account_id == couple.first_id.to_string()
    );
    let seen = stage.get(of_first(&stage, &couple)).await.unwrap();
    assert!(
        seen.schedule.is_none()
            && seen.own_proposal.is_none()
            && seen.partner_proposal == Some(proposal.clone())
    );
    let seen = stage.get(of_second(&stage, &couple)).await.unwrap();
    assert!(
        seen.schedule.is_none() && seen.own_proposal == Some(proposal) && seen.partner_proposal.is_none()
    );

    let schedule = stage.accept(of_first(&stage, &couple), id).await.unwrap();
    assert_eq!(schedule.next_open_time, Some(time("2024-03-26T19:30:00Z")));
    assert_eq!(
        schedule.next_check_in_id,
        check_in_id(id, "2024-03-26T19:30:00Z".parse().unwrap()).to_string()
    );
    assert_eq!((schedule.last_open_time, schedule.last_check_in_id.as_str()), (None, ""));
    // Agreeing again.
    same(stage.accept(of_first(&stage, &couple), id).await.unwrap(), schedule.clone());
    for capability in [of_first(&stage, &couple), of_second(&stage, &couple)] {
        let seen = stage.get(capability).await.unwrap();
        assert!(seen.own_proposal.is_none() && seen.partner_proposal.is_none());
        same(seen.schedule, Some(schedule.clone()));
    }
}

#[tokio::test]
async fn the_times_are_right_although_nothing_has_fired() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let id = running(&stage, &couple).await;
    // After the change of the clock in Berlin; no job has run.
    stage.clock.set("2024-04-02T18:30:00Z".parse().unwrap());
    let schedule = stage.get(of_first(&stage, &couple)).await.unwrap().schedule.unwrap();
    assert_eq!(schedule.last_open_time, Some(time("2024-04-02T18:30:00Z")));
    assert_eq!(
        schedule.last_check_in_id,
        check_in_id(id, "2024-04-02T18:30:00Z".parse().unwrap()).to_string()
    );
    assert_eq!(schedule.next_open_time, Some(time("2024-04-09T18:30:00Z")));
    stage.firing().fire_batch().await.unwrap();
    same(stage.get(of_first(&stage, &couple)).await.unwrap().schedule, Some(schedule));
}

#[tokio::test]
async fn a_proposal_again_changes_nothing_and_another_takes_its_place() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let (id, later) = (stage.ids.next(), stage.ids.next());
    let first = stage.propose(couple.first_id, id, "20:30").await.unwrap();
    same(stage.propose(couple.first_id, id, "20:30").await.unwrap(), first);
    let reused = stage.propose(couple.first_id, id, "20:31").await.err().unwrap();
    assert_eq!(reused.code(), Code::AlreadyExists);
    let partners = stage.propose(couple.second_id, id, "20:30").await.err().unwrap();
    assert_eq!(refusal(&partners), refusal(&reused));
    // Another couple may use the same id, and learns nothing.
    let others = stage.couple().await;
    stage.propose(others.first_id, id, "07:00").await.unwrap();

    stage.propose(couple.second_id, stage.ids.next(), "19:00").await.unwrap();
    stage.propose(couple.first_id, later, "21:00").await.unwrap();
    let seen = stage.get(of_first(&stage, &couple)).await.unwrap();
    assert_eq!(seen.partner_proposal.unwrap().schedule_id, later.to_string());
    assert_eq!(seen.own_proposal.unwrap().local_time, "19:00");
    assert_eq!(stage.accept(of_first(&stage, &couple), id).await.err().unwrap().code(), Code::NotFound);

    // Agreed to, it is still the answer to the same proposal.
    let schedule = stage.accept(of_first(&stage, &couple), later).await.unwrap();
    same(stage.propose(couple.first_id, later, "21:00").await.unwrap(), schedule);
    // They have agreed.
    same(stage.get(of_first(&stage, &couple)).await.unwrap().own_proposal, None);
}

#[tokio::test]
async fn what_runs_ends_when_another_is_agreed_to() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let before = running(&stage, &couple).await;
    let id = stage.ids.next();
    stage.propose(couple.second_id, id, "08:00").await.unwrap();
    let seen = stage.get(of_first(&stage, &couple)).await.unwrap();
    assert!(seen.schedule.unwrap().schedule_id == before.to_string() && seen.own_proposal.is_some());
    stage.accept(of_second(&stage, &couple), id).await.unwrap();
    let seen = stage.get(of_first(&stage, &couple)).await.unwrap();
    assert!(seen.schedule.unwrap().schedule_id == id.to_string() && seen.own_proposal.is_none());
    let over = stage.accept(of_first(&stage, &couple), before).await.err().unwrap();
    assert_eq!(over.code(), Code::NotFound);
}

#[tokio::test]
async fn proposing_needs_a_link_a_time_and_patience() {
    let stage = Stage::new().await;
    let (couple, stranger) = (stage.couple().await, stage.ids.next());
    let alone = stage.propose(stranger, stage.ids.next(), "20:30").await.err().unwrap();
    assert_eq!(alone.code(), Code::FailedPrecondition);
    assert_eq!(alone.get_details_error_info().unwrap().reason, "NOT_LINKED");
    let no_time = stage.propose(couple.first_id, stage.ids.next(), "25:30").await.err().unwrap();
    assert!(no_time.code() == Code::InvalidArgument && no_time.message().contains("local_time"));
    assert!(!no_time.message().contains("25:30"));

    let mut latest = Uuid::nil();
    for _ in 0..20 {
        latest = stage.ids.next();
        stage.propose(couple.first_id, latest, "20:30").await.unwrap();
    }
    let flood = stage.propose(couple.first_id, stage.ids.next(), "20:30").await.err().unwrap();
    assert_eq!(flood.code(), Code::ResourceExhausted);
    let wait = flood.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert_eq!(wait.as_secs(), 24 * 60 * 60);
    stage.propose(couple.first_id, latest, "20:30").await.unwrap(); // a retry is none
    stage.propose(couple.second_id, stage.ids.next(), "20:30").await.unwrap(); // the other has their own
    stage.clock.set(stage.clock.now() + SignedDuration::from_hours(24));
    stage.propose(couple.first_id, stage.ids.next(), "20:30").await.unwrap();
}

/// What may not be read looks as if it was not there, whatever the reason.
#[tokio::test]
async fn without_a_link_and_a_capability_for_it_there_is_nothing() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let others = stage.couple().await;
    let (id, proposed) = (running(&stage, &couple).await, stage.ids.next());
    stage.propose(couple.first_id, proposed, "08:00").await.unwrap();
    running(&stage, &others).await;
    let good = of_first(&stage, &couple);
    let with = |change: &dyn Fn(&mut Capability)| {
        let mut capability = good.clone();
        change(&mut capability);
        capability
    };
    let stranger = stage.ids.next();
    let none = [
        with(&|c| c.opening.relation_id = stage.ids.next()),
        with(&|c| c.opening.relation_id = others.couple_id),
        with(&|c| c.opening.owner_id = stranger),
        with(&|c| c.opening.owner_id = others.first_id),
        with(&|c| c.reader_id = stranger),
        with(&|c| c.reader_id = others.second_id),
        with(&|c| c.expires_at = stage.clock.now()),
    ];
    let expected = refusal(&stage.get(none[0].clone()).await.err().unwrap());
    assert_eq!(expected.0, Code::NotFound);
    for capability in &none {
        assert_eq!(refusal(&stage.get(capability.clone()).await.err().unwrap()), expected);
        let refused = stage.accept(capability.clone(), proposed).await.err().unwrap();
        assert_eq!(refusal(&refused), expected);
    }
    // Oneself is nobody to have check-ins with.
    let own = proto::GetCheckInScheduleRequest { owner_account_id: couple.first_id.to_string() };
    let own = stage.rpc().get_check_in_schedule(stage.request(couple.first_id, own)).await.err().unwrap();
    assert_eq!(refusal(&own), expected);
    let own = proto::AcceptCheckInScheduleRequest {
        owner_account_id: couple.first_id.to_string(),
        schedule_id: proposed.to_string(),
    };
    let own = stage.rpc().accept_check_in_schedule(stage.request(couple.first_id, own)).await.err().unwrap();
    assert_eq!(refusal(&own), expected);
    // One's own proposal, one that is unknown, one of others.
    for (capability, schedule_id) in [
        (of_second(&stage, &couple), proposed),
        (good.clone(), stage.ids.next()),
        (of_first(&stage, &others), id),
    ] {
        let refused = stage.accept(capability, schedule_id).await.err().unwrap();
        assert_eq!(refusal(&refused), expected);
    }
    assert_eq!(stage.get(good).await.unwrap().schedule.unwrap().schedule_id, id.to_string());
}

#[tokio::test]
async fn a_capability_for_something_else_is_none() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    running(&stage, &couple).await;
    let good = of_first(&stage, &couple);
    let message = || proto::GetCheckInScheduleRequest { owner_account_id: couple.first_id.to_string() };
    let without = stage.rpc().get_check_in_schedule(stage.request(couple.second_id, message())).await;
    let mut expected = vec![without.err().unwrap()];
    let others = [
        Capability { opening: Opening { scope: 1, ..good.opening }, ..good.clone() },
        Capability { opening: Opening { owner_id: stage.ids.next(), ..good.opening }, ..good.clone() },
        Capability { session_id: stage.ids.next(), ..good.clone() },
        Capability { reader_id: stage.ids.next(), ..good.clone() },
    ];
    for capability in others {
        let mut request = stage.request(couple.second_id, message());
        request.extensions_mut().insert(capability);
        expected.push(stage.rpc().get_check_in_schedule(request).await.err().unwrap());
    }
    for status in expected {
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(status.get_details_error_info().unwrap().reason, "CAPABILITY_REQUIRED");
    }
    let nobody = stage.rpc().get_check_in_schedule(Request::new(message())).await.err().unwrap();
    assert_eq!(nobody.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn what_was_taken_back_closes_the_schedule_at_once() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    running(&stage, &couple).await;
    let proposed = stage.ids.next();
    stage.propose(couple.first_id, proposed, "08:00").await.unwrap();
    let raised = |epoch: i64| {
        let event = AccessEpochRaised {
            owner_account_id: couple.first_id.to_string(),
            reader_account_id: couple.second_id.to_string(),
            epoch,
        };
        Envelope::new(stage.ids.next(), stage.clock.now(), stage.ids.next(), epoch, &event)
    };
    let at_epoch = |epoch: i64| {
        let good = of_first(&stage, &couple);
        Capability { opening: Opening { epoch, ..good.opening }, ..good }
    };
    assert!(stage.get(at_epoch(0)).await.is_ok());
    stage.handle(&[raised(2)]).await;
    stage.handle(&[raised(1)]).await; // late, and lower
    assert_eq!(stage.get(at_epoch(1)).await.err().unwrap().code(), Code::NotFound);
    assert_eq!(stage.accept(at_epoch(1), proposed).await.err().unwrap().code(), Code::NotFound);
    assert!(stage.get(at_epoch(2)).await.is_ok());
    assert!(stage.get(of_second(&stage, &couple)).await.is_ok(), "the other direction is another matter");

    let ended = SessionEnded {
        account_id: couple.second_id.to_string(),
        session_id: crate::stage::SESSION.to_string(),
    };
    stage
        .handle(&[Envelope::new(stage.ids.next(), stage.clock.now(), crate::stage::SESSION, 1, &ended)])
        .await;
    assert_eq!(stage.get(at_epoch(2)).await.err().unwrap().code(), Code::NotFound);
    let elsewhere = Capability { session_id: stage.ids.next(), ..at_epoch(2) };
    let message = proto::GetCheckInScheduleRequest { owner_account_id: couple.first_id.to_string() };
    let mut request = stage.opened(elsewhere.clone(), message);
    request.extensions_mut().get_mut::<chassis::identity::Passport>().unwrap().session_id =
        elsewhere.session_id;
    assert!(stage.rpc().get_check_in_schedule(request).await.is_ok(), "another session goes on");
}

#[tokio::test]
async fn an_id_that_the_service_chooses_tells_no_time() {
    let stage = Stage::new().await;
    let couple = stage.couple().await;
    let message = proto::ProposeCheckInScheduleRequest {
        weekday: proto::Weekday::Tuesday.into(),
        local_time: "20:30".into(),
        time_zone: "Europe/Berlin".into(),
        ..Default::default()
    };
    let request = stage.request(couple.first_id, message);
    let answer = stage.rpc().propose_check_in_schedule(request).await.unwrap().into_inner();
    let id: Uuid = answer.proposal.unwrap().schedule_id.parse().unwrap();
    assert_eq!((id.get_version_num(), id.get_timestamp()), (4, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_both_agree_to_each_other_at_once_exactly_one_runs() {
    let stage = Stage::new().await;
    for _ in 0..40 {
        let couple = stage.couple().await;
        let ids = [stage.ids.next(), stage.ids.next()];
        stage.propose(couple.first_id, ids[0], "20:30").await.unwrap();
        stage.propose(couple.second_id, ids[1], "08:00").await.unwrap();
        let (one, other) = tokio::join!(
            stage.accept(of_first(&stage, &couple), ids[0]),
            stage.accept(of_second(&stage, &couple), ids[1]),
        );
        let runs = stage.get(of_first(&stage, &couple)).await.unwrap().schedule.unwrap();
        let agreed: Vec<_> = [one, other].into_iter().flatten().collect();
        same(agreed, vec![runs]);
    }
    let states = stage.rows("SELECT state FROM check_in_schedules WHERE state <> 'ended'").await;
    assert!(states.len() == 40 && states.iter().all(|state| state == "running"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agreeing_while_a_link_ends_leaves_nothing_running() {
    let stage = Stage::new().await;
    for round in 0..40 {
        let couple = stage.couple().await;
        let id = stage.ids.next();
        stage.propose(couple.first_id, id, "20:30").await.unwrap();
        let events = [stage.unlinked(&couple)];
        let unlink = stage.handle(&events);
        let accept = stage.accept(of_first(&stage, &couple), id);
        let propose = stage.propose(couple.second_id, stage.ids.next(), "08:00");
        let end = stage.end(couple.first_id, id);
        if round % 2 == 0 {
            let _ = tokio::join!(accept, propose, unlink, end);
        } else {
            let _ = tokio::join!(unlink, end, propose, accept);
        }
        assert_eq!(stage.get(of_first(&stage, &couple)).await.err().unwrap().code(), Code::NotFound);
    }
    assert!(stage.rows("SELECT state FROM check_in_schedules WHERE state <> 'ended'").await.is_empty());
}
