//! Answering bit by bit, from several places at once.

use super::{answer, answers, ready};
use crate::stage::{fields, reason};
use futures::future::join_all;
use tonic::Code;

#[tokio::test]
async fn answers_are_kept_changed_and_taken_back_one_by_one() {
    let stage = ready().await;
    let ada = stage.member();
    let id = stage.check(ada).await.assessment_id;
    stage
        .save_answers(ada, &id, vec![answer("trust-1", "often"), answer("silence-2", "never")])
        .await
        .unwrap();
    let kept = stage
        .save_answers(ada, &id, vec![answer("trust-1", "rarely"), answer("affection-2", "not-safe")])
        .await;
    let kept = kept.unwrap();
    let expected =
        [answer("silence-2", "never"), answer("affection-2", "not-safe"), answer("trust-1", "rarely")];
    assert!(kept.answers == expected, "in the order of the questions");
    assert!(stage.assessment(ada, &id).await.unwrap() == kept);

    let fewer =
        stage.save_answers(ada, &id, vec![answer("silence-2", ""), answer("unease-1", "")]).await.unwrap();
    assert!(fewer.answers == expected[1..], "taking back what was not given changes nothing");
    assert!(stage.save_answers(ada, &id, vec![]).await.unwrap() == fewer);
}

#[tokio::test]
async fn what_the_questions_do_not_know_is_named_and_nothing_of_the_request_is_kept() {
    let stage = ready().await;
    let ada = stage.member();
    let id = stage.check(ada).await.assessment_id;
    let kept = stage.save_answers(ada, &id, answers("trust", 2, "often")).await.unwrap();
    let good = || answer("trust-3", "often");
    for (broken, field) in [
        (vec![good(), answer("trust-9", "often")], "answers[1].link_id"),
        (vec![answer("trust", "often"), good()], "answers[0].link_id"),
        (vec![good(), answer("trust-4", "Often")], "answers[1].code"),
        (vec![good(), answer("trust-4", "not-wanted")], "answers[1].code"),
        (vec![good(), answer("trust-4", "4")], "answers[1].code"),
        (vec![good(), answer("trust-9", "")], "answers[1].link_id"),
        (vec![good(), good()], "answers[1].link_id"),
        (vec![good(), answer("trust-3", "")], "answers[1].link_id"),
        (vec![answer("", "often")], "answers[0].link_id"),
        (vec![answer("trust-1", &"x".repeat(65))], "answers[0].code"),
    ] {
        let refused = stage.save_answers(ada, &id, broken).await.err().unwrap();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
        assert!(!format!("{refused:?}").contains("often"), "no answer is repeated");
    }
    let too_many: Vec<_> = (0..201).map(|n| answer(&format!("n{n}"), "often")).collect();
    assert_eq!(fields(&stage.save_answers(ada, &id, too_many).await.err().unwrap()), ["answers"]);
    assert!(stage.assessment(ada, &id).await.unwrap() == kept);
}

#[tokio::test]
async fn answers_saved_at_the_same_moment_are_all_kept() {
    let stage = ready().await;
    let ada = stage.member();
    let id = stage.check(ada).await.assessment_id;
    let domains = ["silence", "unease", "criticism", "affection", "hiding", "trust"];
    let items: Vec<_> = domains.iter().flat_map(|domain| answers(domain, 5, "sometimes")).collect();
    let saved = join_all(items.iter().map(|item| stage.save_answers(ada, &id, vec![item.clone()]))).await;
    assert!(saved.iter().all(Result::is_ok));
    assert!(stage.assessment(ada, &id).await.unwrap().answers == items);
}

#[tokio::test]
async fn a_scored_one_takes_no_more_answers() {
    let stage = ready().await;
    let ada = stage.member();
    let scored = stage.checked(ada, answers("trust", 5, "often")).await;
    for more in [vec![answer("silence-1", "often")], vec![answer("nothing", "x")], vec![]] {
        let refused = stage.save_answers(ada, &scored.assessment_id, more).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "ASSESSMENT_SCORED")
        );
    }
    assert!(stage.assessment(ada, &scored.assessment_id).await.unwrap() == scored);
}

#[tokio::test]
async fn saving_and_scoring_at_once_never_part_answers_from_scores() {
    let stage = ready().await;
    for _ in 0..12 {
        let who = stage.member();
        let id = stage.check(who).await.assessment_id;
        stage.save_answers(who, &id, answers("trust", 5, "never")).await.unwrap();
        let (saved, scored) = tokio::join!(
            stage.save_answers(who, &id, answers("trust", 3, "nearly-always")),
            stage.score_check(who, &id)
        );
        let scored = scored.unwrap();
        // Three of five items at their most and two reverse ones at theirs, or those two alone.
        assert_eq!(scored.scores[5].score, Some(if saved.is_ok() { 100 } else { 40 }));
        assert!(stage.assessment(who, &id).await.unwrap() == scored);
    }
}
