//! Scores, bands, and the trend.

use super::{SCALE, SELF_CHECK, answer, answers, changed, publish, ready, scores};
use crate::stage::{NOW, proto_time, reason};
use candor_proto::journal::v1::SelfCheckScored;
use futures::future::join_all;
use prost::Message as _;
use serde_json::json;
use tonic::Code;
use uuid::Uuid;

#[tokio::test]
async fn each_domain_with_enough_answers_has_a_score_a_band_and_a_next_step() {
    let stage = ready().await;
    let ada = stage.member();
    let id = stage.check(ada).await.assessment_id;
    // Three items forward and two reverse: all at the most of a wall, all at the least, all in the middle.
    let mut given = answers("silence", 3, "nearly-always");
    given.extend([answer("silence-4", "never"), answer("silence-5", "never")]);
    given.extend(answers("unease", 3, "never"));
    given.extend([answer("unease-4", "nearly-always"), answer("unease-5", "nearly-always")]);
    given.extend(answers("criticism", 5, "sometimes"));
    // Only two of five count.
    given.extend([answer("affection-1", "often"), answer("affection-2", "often")]);
    given.extend([
        answer("affection-3", "not-wanted"),
        answer("affection-4", "not-safe"),
        answer("affection-5", "not-applicable"),
    ]);
    given.extend(answers("hiding", 3, "rarely"));
    stage.save_answers(ada, &id, given).await.unwrap();
    stage.advance_hours(1);
    let scored = stage.score_check(ada, &id).await.unwrap();

    let numbers: Vec<_> = scored.scores.iter().map(|score| score.score).collect();
    assert_eq!(numbers, [Some(100), Some(0), Some(50), None, Some(25), None]);
    let bands: Vec<_> = scored.scores.iter().map(|score| score.band.as_str()).collect();
    let expected = [
        "A lot of this lately",
        "Little of this lately",
        "A fair amount of this lately",
        "",
        "Some of this lately",
        "",
    ];
    assert_eq!(bands, expected);
    let first = &scored.scores[0];
    assert_eq!((first.domain_id.as_str(), first.title.as_str()), ("silence", "Silence about feelings"));
    assert!(
        scored.scores.iter().all(|score| !score.next_article_id.is_empty() && score.previous_score.is_none())
    );
    assert_eq!(scored.score_time, Some(proto_time("2024-03-10T08:30:00Z")));
    assert_eq!(scored.create_time, Some(proto_time(NOW)));
    assert!(stage.assessment(ada, &id).await.unwrap() == scored);
}

#[tokio::test]
async fn too_few_answers_are_said_and_kept() {
    let stage = ready().await;
    let ada = stage.member();
    let id = stage.check(ada).await.assessment_id;
    for given in [vec![], answers("silence", 2, "often"), answers("trust", 2, "often")] {
        stage.save_answers(ada, &id, given).await.unwrap();
        let refused = stage.score_check(ada, &id).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "TOO_FEW_ANSWERS")
        );
    }
    // What does not count makes no score either.
    let declined = (1..=5).map(|item| answer(&format!("affection-{item}"), "not-wanted")).collect();
    stage.save_answers(ada, &id, declined).await.unwrap();
    assert_eq!(reason(&stage.score_check(ada, &id).await.err().unwrap()), "TOO_FEW_ANSWERS");
    assert_eq!((stage.count("assessment_scores").await, stage.count("bus.outbox").await), (0, 0));
    assert_eq!(stage.assessment(ada, &id).await.unwrap().answers.len(), 9);
    stage.save_answers(ada, &id, vec![answer("trust-3", "often")]).await.unwrap();
    assert_eq!(scores(&stage.score_check(ada, &id).await.unwrap())[5], ("trust", Some(75), None));
}

#[tokio::test]
async fn scoring_many_times_at_once_scores_once_and_is_told_once_without_a_number() {
    let stage = ready().await;
    let ada = stage.member();
    let id = stage.check(ada).await.assessment_id;
    stage.save_answers(ada, &id, answers("trust", 5, "often")).await.unwrap();
    let scored = join_all((0..12).map(|_| stage.score_check(ada, &id))).await;
    let scored: Vec<_> = scored.into_iter().map(Result::unwrap).collect();
    assert!(scored.iter().all(|one| *one == scored[0]));
    stage.advance_hours(5);
    assert!(stage.score_check(ada, &id).await.unwrap() == scored[0], "also later");

    let told: Vec<(String, Uuid, i64, Vec<u8>)> =
        sqlx::query_as("SELECT key, aggregate_id, version, body FROM bus.outbox")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    let [(key, about, 1, body)] = &told[..] else { panic!("told once") };
    assert_eq!((key.as_str(), about.to_string()), ("journal.v1.self_check_scored", id.clone()));
    let event = SelfCheckScored::decode(body.as_slice()).unwrap();
    let expected = SelfCheckScored {
        assessment_id: id,
        account_id: ada.to_string(),
        instrument_id: "self-check".into(),
        instrument_version: 1,
        score_time: Some(proto_time(NOW)),
    };
    assert!(event == expected, "ids and the time, nothing of the result");
}

#[tokio::test]
async fn the_trend_sets_each_result_beside_the_one_before() {
    let stage = ready().await;
    let ada = stage.member();
    let mut given: Vec<Vec<_>> = SCALE.iter().map(|code| answers("hiding", 3, code)).collect();
    given[1] = answers("trust", 3, "rarely"); // no score of hiding in the second
    for answers in given {
        stage.checked(ada, answers).await;
        stage.advance_hours(24 * 14);
    }
    let open = stage.check(ada).await;
    stage.save_answers(ada, &open.assessment_id, answers("hiding", 3, "never")).await.unwrap();

    let trend = stage.trend(ada, 0, "").await.unwrap();
    assert!(trend.next_page_token.is_empty() && trend.assessments.iter().all(|one| one.answers.is_empty()));
    let seen: Vec<_> =
        trend.assessments.iter().map(|one| one.scores.get(4).map(|s| (s.score, s.previous_score))).collect();
    let expected = [
        None,
        Some((Some(100), Some(75))),
        Some((Some(75), Some(50))),
        Some((Some(50), None)),
        Some((None, None)),
        Some((Some(0), None)),
    ];
    assert_eq!(seen, expected, "newest first");
    for one in &trend.assessments {
        let whole = stage.assessment(ada, &one.assessment_id).await.unwrap();
        assert_eq!(scores(&whole), scores(one));
    }
    // With one deleted, the next stands beside the one before that.
    stage.delete_check(ada, &trend.assessments[2].assessment_id).await.unwrap();
    let newest = stage.assessment(ada, &trend.assessments[1].assessment_id).await.unwrap();
    assert_eq!(scores(&newest)[4], ("hiding", Some(100), Some(50)));
}

#[tokio::test]
async fn only_versions_on_the_same_scale_are_set_side_by_side() {
    let stage = ready().await;
    let ada = stage.member();
    let same = changed(|check| check["title"] = json!("Another title"));
    let other = changed(|check| check["extension"][1]["valueString"] = json!("self-check-2"));
    let unnamed = changed(|check| check["extension"] = json!([check["extension"][0]]));
    let versions = [(1, SELF_CHECK), (2, &same), (3, &other), (4, &other), (5, &unnamed), (6, &unnamed)];
    let mut previous = Vec::new();
    for (version, questionnaire) in versions {
        publish(&stage, "self-check", version, questionnaire).await;
        let scored = stage.checked(ada, answers("trust", 3, "often")).await;
        assert_eq!(scored.instrument_version, version);
        previous.push(scored.scores[5].previous_score);
        stage.advance_hours(1);
    }
    assert_eq!(previous, [None, Some(75), None, Some(75), None, None]);
    // The same version compares with itself, named or not.
    let again = stage.checked(ada, answers("trust", 3, "often")).await;
    assert_eq!(again.scores[5].previous_score, Some(75));
}

#[tokio::test]
async fn pages_show_each_once_and_one_instrument_alone_on_demand() {
    let stage = ready().await;
    let ada = stage.member();
    publish(&stage, "another", 1, SELF_CHECK).await;
    let mut expected = Vec::new();
    for round in 0..7 {
        expected.push(stage.checked(ada, answers("trust", 3, SCALE[round % 5])).await.assessment_id);
        stage.advance_hours(1);
    }
    let other = stage.start_with(ada, "", "another").await.unwrap().assessment_id;
    expected.push(other.clone());
    expected.reverse();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = stage.trend(ada, 3, &token).await.unwrap();
        seen.extend(page.assessments.into_iter().map(|one| one.assessment_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, expected);
    let others = stage.trend_of(ada, "another", 0, "").await.unwrap().assessments;
    assert!(others.len() == 1 && others[0].assessment_id == other);
    assert_eq!(stage.trend_of(ada, "self-check", 0, "").await.unwrap().assessments.len(), 7);
    assert!(stage.trend_of(ada, "none", 0, "").await.unwrap().assessments.is_empty());

    let token = stage.trend(ada, 3, "").await.unwrap().next_page_token;
    let ben = stage.member();
    assert_eq!(stage.trend(ben, 3, &token).await.err().unwrap().code(), Code::InvalidArgument);
    assert_eq!(stage.moods(ada, 3, &token).await.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn all_that_are_scored_can_be_told_again() {
    let stage = ready().await;
    let mut expected = Vec::new();
    for who in [stage.member(), stage.member()] {
        for _ in 0..2 {
            expected.push(stage.checked(who, answers("trust", 3, "often")).await.assessment_id);
        }
        stage.check(who).await;
    }
    let told = journal::resnapshot(&stage.pool, &bus::Outbox::new(), &stage.clock, &stage.ids).await.unwrap();
    assert_eq!(told, 4);
    let about: Vec<Uuid> = sqlx::query_scalar(
        "SELECT aggregate_id FROM bus.outbox WHERE key = 'journal.v1.self_check_scored' AND version = 1",
    )
    .fetch_all(&stage.pool)
    .await
    .unwrap();
    assert_eq!(about.len(), 8);
    let mut about: Vec<_> = about.iter().map(Uuid::to_string).collect();
    about.sort();
    about.dedup();
    expected.sort();
    assert_eq!(about, expected);
}
