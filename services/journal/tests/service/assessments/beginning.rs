//! Beginning an assessment, and going on with it.

use super::{SELF_CHECK, answer, answers, changed, publish, ready, scores};
use crate::stage::{Stage, fields, reason, signed_in, stage};
use candor_proto::journal::v1::StartAssessmentRequest;
use candor_proto::journal::v1::assessment_service_server::AssessmentService as _;
use futures::future::join_all;
use serde_json::json;
use std::collections::HashSet;
use tonic::Code;

#[tokio::test]
async fn one_begins_where_there_is_none_and_goes_on_where_there_is_one() {
    let stage = ready().await;
    let (ada, ben) = (stage.member(), stage.member());
    let id = stage.ids.next().to_string();
    let begun = stage.start_with(ada, &id, "self-check").await.unwrap();
    assert_eq!((begun.assessment_id.as_str(), begun.instrument_id.as_str()), (id.as_str(), "self-check"));
    assert!(begun.instrument_version == 1 && begun.score_time.is_none());
    assert!(begun.answers.is_empty() && begun.scores.is_empty());

    stage.advance_hours(24 * 40);
    let saved = stage.save_answers(ada, &id, vec![answer("trust-2", "often")]).await.unwrap();
    for other in [String::new(), stage.ids.next().to_string(), id.to_uppercase()] {
        assert!(stage.start_with(ada, &other, "self-check").await.unwrap() == saved, "goes on");
    }
    assert_eq!(stage.count("assessments").await, 1);
    // The same id is another one for somebody else.
    let bens = stage.start_with(ben, &id, "self-check").await.unwrap();
    assert!(bens.answers.is_empty() && bens.assessment_id == id);
    assert_eq!(stage.count("assessments").await, 2);
}

#[tokio::test]
async fn a_retry_that_comes_after_the_result_finds_the_result() {
    let stage = ready().await;
    let ada = stage.member();
    let id = stage.ids.next().to_string();
    stage.start_with(ada, &id, "self-check").await.unwrap();
    stage.save_answers(ada, &id, answers("trust", 5, "often")).await.unwrap();
    let scored = stage.score_check(ada, &id).await.unwrap();
    stage.advance_hours(24 * 3);
    assert!(stage.start_with(ada, &id, "self-check").await.unwrap() == scored);
    assert_eq!(stage.count("assessments").await, 1);

    let next = stage.check(ada).await;
    assert!(next.assessment_id != id && next.answers.is_empty(), "another begins afresh");
    assert!(stage.start_with(ada, &id, "self-check").await.unwrap() == next, "and is gone on with");
}

#[tokio::test]
async fn an_id_that_another_instrument_has_is_refused() {
    let stage = ready().await;
    let ada = stage.member();
    publish(&stage, "another", 1, SELF_CHECK).await;
    let first = stage.check(ada).await;
    let refused = stage.start_with(ada, &first.assessment_id, "another").await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "ASSESSMENT_ID_REUSED"));
    assert!(stage.check(ada).await == first);
    let second = stage.start_with(ada, "", "another").await.unwrap();
    assert_ne!(second.assessment_id, first.assessment_id, "one to go on with for each instrument");
    assert_eq!(stage.count("assessments").await, 2);
}

#[tokio::test]
async fn a_key_beside_the_message_stands_in_for_an_id() {
    let stage = ready().await;
    let ada = stage.member();
    let key = stage.ids.next();
    let request = |key: &str| {
        let message = StartAssessmentRequest { instrument_id: "self-check".into(), ..Default::default() };
        let mut request = signed_in(ada, message);
        request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
        request
    };
    for _ in 0..2 {
        let begun = stage.journal.start_assessment(request(&key.to_string())).await.unwrap().into_inner();
        assert_eq!(begun.assessment.unwrap().assessment_id, key.to_string());
    }
    let refused = stage.journal.start_assessment(request("x")).await.err().unwrap();
    assert_eq!(
        (refused.code(), fields(&refused)),
        (Code::InvalidArgument, vec!["idempotency-key".to_owned()])
    );
}

#[tokio::test]
async fn many_that_begin_at_once_begin_one() {
    let stage = ready().await;
    let ada = stage.member();
    let ids: Vec<_> = (0..24).map(|_| stage.ids.next().to_string()).collect();
    let begun = join_all(ids.iter().map(|id| stage.start_with(ada, id, "self-check"))).await;
    let begun: HashSet<_> = begun.into_iter().map(|begun| begun.unwrap().assessment_id).collect();
    assert_eq!(begun.len(), 1);
    assert_eq!(stage.count("assessments").await, 1);
}

/// What a version that came meanwhile looks like: items gone, others added, weights turned round.
async fn publish_a_very_different_version(stage: &Stage) {
    let other = changed(|check| {
        check["item"][5]["item"].as_array_mut().unwrap().truncate(3);
        check["item"][0]["item"][0]["linkId"] = json!("silence-6");
        check["item"][0]["text"] = json!("Quiet about feelings");
    });
    publish(stage, "self-check", 2, &other).await;
}

#[tokio::test]
async fn an_unfinished_one_keeps_its_version_when_another_is_published() {
    let stage = ready().await;
    let ada = stage.member();
    let begun = stage.check(ada).await;
    let id = begun.assessment_id.clone();
    stage
        .save_answers(ada, &id, vec![answer("silence-1", "often"), answer("trust-5", "never")])
        .await
        .unwrap();
    publish_a_very_different_version(&stage).await;

    let going_on = stage.check(ada).await;
    assert_eq!((going_on.assessment_id.as_str(), going_on.instrument_version), (id.as_str(), 1));
    assert!(going_on.answers == [answer("silence-1", "often"), answer("trust-5", "never")]);
    let unknown = stage.save_answers(ada, &id, vec![answer("silence-6", "often")]).await.err().unwrap();
    assert_eq!(fields(&unknown), ["answers[0].link_id"]);
    stage.save_answers(ada, &id, answers("trust", 4, "often")).await.unwrap();
    let scored = stage.score_check(ada, &id).await.unwrap();
    assert_eq!(scored.instrument_version, 1);
    assert_eq!(scored.scores[0].title, "Silence about feelings");
    // Three of trust at 3, one reverse at 1, and one reverse at its most.
    assert_eq!(scores(&scored)[5], ("trust", Some(70), None));
    assert!(stage.assessment(ada, &id).await.unwrap() == scored, "it still can be read as it was");

    let next = stage.check(ada).await;
    assert_eq!(next.instrument_version, 2);
    stage.save_answers(ada, &next.assessment_id, vec![answer("silence-6", "often")]).await.unwrap();
    let gone =
        stage.save_answers(ada, &next.assessment_id, vec![answer("trust-5", "often")]).await.err().unwrap();
    assert_eq!(fields(&gone), ["answers[0].link_id"]);
}

#[tokio::test]
async fn bad_requests_name_their_field() {
    let stage = stage().await;
    let ada = stage.member();
    for (id, instrument, field) in [
        ("", "", "instrument_id"),
        ("1", "self-check", "assessment_id"),
        ("", &*"x".repeat(81), "instrument_id"),
    ] {
        let refused = stage.start_with(ada, id, instrument).await.err().unwrap();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    for refused in [
        stage.assessment(ada, "").await.err(),
        stage.assessment(ada, "1").await.err(),
        stage.score_check(ada, "x").await.err(),
        stage.save_answers(ada, "", vec![]).await.err(),
        stage.delete_check(ada, "1").await.err(),
    ] {
        assert_eq!(fields(&refused.unwrap()), ["assessment_id"]);
    }
    assert_eq!(stage.trend(ada, 101, "").await.err().unwrap().code(), Code::InvalidArgument);
}
