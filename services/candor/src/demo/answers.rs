//! How somebody in the story answers a questionnaire.

use crate::cli::BoxError;
use candor_proto::journal::v1 as journal;
use serde_json::Value;
use std::collections::BTreeMap;

/// Answers to every item of a FHIR questionnaire: the option whose weight is the level of the item's domain.
pub(super) fn answers(
    questionnaire: &str,
    levels: &BTreeMap<String, i64>,
) -> Result<Vec<journal::ItemAnswer>, BoxError> {
    let questionnaire: Value = serde_json::from_str(questionnaire)?;
    let mut answers = Vec::new();
    for domain in questionnaire["item"].as_array().into_iter().flatten() {
        let name = domain["linkId"].as_str().unwrap_or_default();
        let level = levels.get(name).ok_or_else(|| format!("the story has no level for {name}"))?;
        for item in domain["item"].as_array().into_iter().flatten() {
            let mut options = item["answerOption"].as_array().into_iter().flatten();
            let option =
                options.find(|option| option["extension"][0]["valueDecimal"].as_f64() == Some(*level as f64));
            let code = option.and_then(|option| option["valueCoding"]["code"].as_str());
            answers.push(journal::ItemAnswer {
                link_id: item["linkId"].as_str().unwrap_or_default().to_owned(),
                code: code.ok_or_else(|| format!("no answer of {name} has the level {level}"))?.to_owned(),
            });
        }
    }
    Ok(answers)
}
