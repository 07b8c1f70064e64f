//! The self-check: begun, left, gone on with, scored, and seen by nobody else.

use super::{MADE_UP, Two, nothing, text};
use serde_json::{Value, json};

pub(super) async fn she_looks_at_herself(two: &Two<'_>) {
    let instrument = two.world.rest().ok("GET", "/v1/instruments/self-check", None, None).await;
    let instrument = &instrument["instrument"];
    assert_ne!(instrument["validated"], true, "it says that nobody has validated it");
    let domains = instrument["domains"].as_array().unwrap();
    assert_eq!(domains.len(), 6);
    let items = domains.iter().flat_map(|domain| domain["items"].as_array().unwrap());
    let answers: Vec<Value> =
        items.map(|item| json!({"linkId": item["linkId"], "code": item["options"][1]["code"]})).collect();
    let (some, rest) = answers.split_at(answers.len() / 2);

    let begin = json!({"instrumentId": "self-check"});
    let begun = two.post(&two.anna, "/v1/assessments", begin.clone()).await;
    let path = format!("/v1/assessments/{}", text(&begun["assessment"]["assessmentId"]));
    two.post(&two.anna, &format!("{path}:saveAnswers"), json!({"answers": some})).await;
    let resumed = two.post(&two.anna, "/v1/assessments", begin).await;
    assert_eq!(resumed["assessment"]["assessmentId"], begun["assessment"]["assessmentId"]);
    assert_eq!(resumed["assessment"]["answers"].as_array().unwrap().len(), some.len());
    two.post(&two.anna, &format!("{path}:saveAnswers"), json!({"answers": rest})).await;
    let scored = two.post(&two.anna, &format!("{path}:score"), nothing()).await;
    let scores = scored["assessment"]["scores"].as_array().unwrap();
    assert_eq!(scores.len(), 6);
    assert!(scores.iter().all(|score| score["score"].is_i64() && !text(&score["band"]).is_empty()));
    let trend = two.get(&two.anna, "/v1/assessments?instrumentId=self-check").await;
    assert_eq!(trend["assessments"].as_array().unwrap().len(), 1);

    two.is_hidden(&two.ben, &path, &format!("/v1/assessments/{MADE_UP}")).await;
    two.is_further(&two.anna, "STEP_RECOGNISE").await;
}
