//! What the journal knows of instruments, whatever order the events come in.

use super::{SELF_CHECK, changed, deliver, publish, published, ready};
use crate::stage::{reason, stage};
use serde_json::json;
use tonic::Code;

#[tokio::test]
async fn without_the_instrument_nothing_begins_and_nothing_is_lost() {
    let stage = stage().await;
    let ada = stage.member();
    let id = stage.ids.next().to_string();
    let refused = stage.start_with(ada, &id, "self-check").await.err().unwrap();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "INSTRUMENT_NOT_READY")
    );
    assert_eq!(stage.count("assessments").await, 0);
    publish(&stage, "self-check", 1, SELF_CHECK).await;
    assert_eq!(stage.start_with(ada, &id, "self-check").await.unwrap().assessment_id, id);
    assert_eq!(reason(&stage.start_with(ada, "", "other").await.err().unwrap()), "INSTRUMENT_NOT_READY");
}

#[tokio::test]
async fn versions_that_come_late_or_twice_change_nothing() {
    let stage = stage().await;
    let third = changed(|check| check["title"] = json!("Three"));
    let events = [
        published(&stage, "self-check", 3, &third),
        published(&stage, "self-check", 1, SELF_CHECK),
        published(&stage, "self-check", 3, &third),
        published(&stage, "self-check", 2, SELF_CHECK),
    ];
    deliver(&stage, &events).await;
    deliver(&stage, &events).await;
    assert_eq!(stage.count("instruments").await, 3);
    assert_eq!(stage.check(stage.member()).await.instrument_version, 3);
    // A version never changes, whatever an event says.
    publish(&stage, "self-check", 3, SELF_CHECK).await;
    let kept: String = sqlx::query_scalar("SELECT questionnaire FROM instruments WHERE version = 3")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(kept, third);
}

#[tokio::test]
async fn one_that_cannot_be_scored_is_a_dead_letter_and_the_one_before_stays_in_use() {
    let stage = ready().await;
    let ada = stage.member();
    let events = [
        published(&stage, "self-check", 2, "{}"),
        published(&stage, "self-check", 3, &changed(|check| check["item"][0]["type"] = json!("display"))),
        published(&stage, "self-check", 0, SELF_CHECK),
        published(&stage, &"x".repeat(81), 1, SELF_CHECK),
        published(&stage, "", 1, SELF_CHECK),
        published(&stage, "another", 1, SELF_CHECK),
    ];
    deliver(&stage, &events).await;
    let reasons: Vec<String> =
        sqlx::query_scalar("SELECT reason FROM bus.inbox_retry WHERE dead_at IS NOT NULL ORDER BY reason")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    assert_eq!(reasons, ["INSTRUMENT_ID", "INSTRUMENT_ID", "QUESTIONNAIRE", "QUESTIONNAIRE", "VERSION"]);
    assert_eq!(stage.check(ada).await.instrument_version, 1);
    assert_eq!(stage.count("instruments").await, 2);
}
