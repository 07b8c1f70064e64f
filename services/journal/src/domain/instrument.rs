//! An instrument as far as it is scored: a narrow view of its FHIR R4 `Questionnaire`, which content publishes. What
//! is shown of it, and whether it is good, is content's business; refused here is what cannot be scored.
//!
//! Domains are the groups at the top. Their items are choices; an option with FHIR's `ordinalValue` counts with that
//! weight, one without it is an answer that does not count. A reverse item carries reversed weights, so nothing here
//! needs to know that it is one.

use serde::Deserialize;
use std::collections::HashSet;

/// The largest questionnaire, in bytes: 256 KiB, which is what an event carries.
pub const MAX_QUESTIONNAIRE_BYTES: usize = 256 * 1024;

/// The longest `linkId` or code, in bytes.
pub const MAX_ID_BYTES: usize = 64;

/// The most items of a questionnaire.
pub const MAX_ITEMS: usize = 200;

const MAX_DOMAINS: usize = 40;
const MAX_OPTIONS: usize = 40;
const MAX_WORDS: usize = 200;

/// Weights are whole thousandths, so that sums do not depend on their order.
const THOUSANDTHS: f64 = 1000.0;
const MAX_WEIGHT: f64 = 1000.0;

const ORDINAL: &str = "http://hl7.org/fhir/StructureDefinition/ordinalValue";
const COMPARABLE: &str = "urn:candor:comparable";
const BAND: &str = "urn:candor:band";
const NEXT: &str = "urn:candor:next";

/// A questionnaire that cannot be scored: which element, and what is wrong with it. Never what it holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {rule}")]
pub struct InvalidQuestionnaire {
    /// The element, such as `item[2].item[0].linkId`.
    pub path: String,
    /// What is wrong with it, to be read after the path.
    pub rule: &'static str,
}

/// An instrument, as one of its versions defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// What it calls the scale of its scores: versions with the same name can be compared.
    pub comparable: Option<String>,
    /// Its domains, in its order.
    pub domains: Vec<Domain>,
}

/// Items that are scored together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The group's `linkId`.
    pub domain_id: String,
    /// Its title.
    pub title: String,
    /// The article to go on with, as content names it, or empty.
    pub next_article_id: String,
    /// Its items, in its order.
    pub items: Vec<Item>,
    bands: Vec<Band>,
}

/// A statement to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its `linkId`, unique in the questionnaire.
    pub link_id: String,
    /// The lowest and the highest weight of its options, in thousandths; the two differ.
    pub range: (i64, i64),
    options: Vec<(String, Option<i64>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Band {
    from: u8,
    words: String,
}

impl Instrument {
    /// Reads a questionnaire.
    ///
    /// # Errors
    /// The first element that keeps it from being scored. Any text is taken or refused; none is guessed at.
    pub fn parse(questionnaire: &str) -> Result<Self, InvalidQuestionnaire> {
        if questionnaire.len() > MAX_QUESTIONNAIRE_BYTES {
            return Err(invalid("the questionnaire", "takes at most 262144 bytes"));
        }
        let view: View = serde_json::from_str(questionnaire)
            .map_err(|_| invalid("the questionnaire", "is not JSON of a questionnaire's shape"))?;
        if view.resource_type != "Questionnaire" {
            return Err(invalid("resourceType", "must be Questionnaire"));
        }
        let items: usize = view.item.iter().map(|group| group.item.len()).sum();
        if view.item.is_empty() || view.item.len() > MAX_DOMAINS || items > MAX_ITEMS {
            return Err(invalid("item", "must be 1 to 40 groups of together at most 200 items"));
        }
        let mut seen = HashSet::new();
        let domains = view.item.iter().enumerate();
        Ok(Self {
            comparable: string(&view.extension, COMPARABLE).map(str::to_owned),
            domains: domains
                .map(|(index, group)| domain(&format!("item[{index}]"), group, &mut seen))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The item with that `linkId`, if there is one.
    pub fn item(&self, link_id: &str) -> Option<&Item> {
        self.items().find(|item| item.link_id == link_id)
    }

    /// All items, in the instrument's order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.domains.iter().flat_map(|domain| &domain.items)
    }

    /// Whether scores of this definition and of another can be set side by side.
    pub fn compares_with(&self, other: &Self) -> bool {
        self.comparable.is_some() && self.comparable == other.comparable
    }
}

impl Domain {
    /// The words of the band that a score lies in.
    pub fn band(&self, score: u8) -> &str {
        self.bands.iter().rev().find(|band| band.from <= score).map_or("", |band| band.words.as_str())
    }
}

impl Item {
    /// What an answer weighs, in thousandths: `None` for a code that is not an option, `Some(None)` for an option
    /// that does not count.
    pub fn weight(&self, code: &str) -> Option<Option<i64>> {
        self.options.iter().find(|(option, _)| option == code).map(|(_, weight)| *weight)
    }
}

fn domain<'v>(
    path: &str,
    view: &'v GroupView,
    seen: &mut HashSet<&'v str>,
) -> Result<Domain, InvalidQuestionnaire> {
    if view.kind != "group" || view.item.is_empty() {
        return Err(invalid(path, "must be a group of at least one item"));
    }
    if view.text.trim().is_empty() || view.text.len() > MAX_WORDS {
        return Err(invalid(&format!("{path}.text"), "must be a title of at most 200 bytes"));
    }
    let items = view.item.iter().enumerate();
    Ok(Domain {
        domain_id: link_id(path, &view.link_id, seen)?,
        title: view.text.clone(),
        next_article_id: string(&view.extension, NEXT).unwrap_or_default().to_owned(),
        items: items
            .map(|(index, item)| self::item(&format!("{path}.item[{index}]"), item, seen))
            .collect::<Result<_, _>>()?,
        bands: bands(path, &view.extension)?,
    })
}

fn item<'v>(
    path: &str,
    view: &'v ItemView,
    seen: &mut HashSet<&'v str>,
) -> Result<Item, InvalidQuestionnaire> {
    if view.kind != "choice" || !view.item.is_empty() {
        return Err(invalid(path, "must be a choice without items of its own"));
    }
    if view.answer_option.len() > MAX_OPTIONS {
        return Err(invalid(&format!("{path}.answerOption"), "takes at most 40 options"));
    }
    let link_id = link_id(path, &view.link_id, seen)?;
    let mut options: Vec<(String, Option<i64>)> = Vec::with_capacity(view.answer_option.len());
    for (index, option) in view.answer_option.iter().enumerate() {
        let path = format!("{path}.answerOption[{index}]");
        let code = &option.value_coding.code;
        if !is_id(code) || options.iter().any(|(known, _)| known == code) {
            return Err(invalid(
                &format!("{path}.valueCoding.code"),
                "must be 1 to 64 plain bytes that no other option of its item has",
            ));
        }
        options.push((code.clone(), weight(&path, option)?));
    }
    let weights = || options.iter().filter_map(|(_, weight)| *weight);
    match (weights().min(), weights().max()) {
        (Some(min), Some(max)) if min < max => Ok(Item { link_id, range: (min, max), options }),
        _ => Err(invalid(&format!("{path}.answerOption"), "must have two options of different weight")),
    }
}

/// Questionnaires carry the weight beside the coding or inside it; both are in use.
fn weight(path: &str, option: &OptionView) -> Result<Option<i64>, InvalidQuestionnaire> {
    let extensions = option.extension.iter().chain(&option.value_coding.extension);
    let Some(extension) = extensions.into_iter().find(|extension| extension.url == ORDINAL) else {
        return Ok(None);
    };
    let scaled = extension.value_decimal.map(|value| value * THOUSANDTHS);
    let sound = scaled
        .filter(|scaled| scaled.abs() <= MAX_WEIGHT * THOUSANDTHS && (scaled - scaled.round()).abs() < 1e-6);
    #[allow(clippy::cast_possible_truncation)] // at most a million
    let weight = sound.map(|scaled| scaled.round() as i64);
    match weight {
        Some(weight) => Ok(Some(weight)),
        None => Err(invalid(
            &format!("{path}.extension"),
            "must have a valueDecimal between -1000 and 1000 with at most three decimals",
        )),
    }
}

fn bands(path: &str, extensions: &[Extension]) -> Result<Vec<Band>, InvalidQuestionnaire> {
    let mut bands: Vec<Band> = Vec::new();
    for (index, extension) in extensions.iter().enumerate().filter(|(_, found)| found.url == BAND) {
        let broken = |rule| Err(invalid(&format!("{path}.extension[{index}]"), rule));
        let from =
            extension.extension.iter().find(|part| part.url == "from").and_then(|part| part.value_integer);
        let Some(from) = from.and_then(|from| u8::try_from(from).ok()).filter(|from| *from <= 100) else {
            return broken("must have a `from` between 0 and 100");
        };
        let words = string(&extension.extension, "words").unwrap_or_default();
        if words.trim().is_empty() || words.len() > MAX_WORDS {
            return broken("must have `words` of at most 200 bytes");
        }
        if bands.last().map_or(from != 0, |last| from <= last.from) {
            return broken("must begin at 0 and above the one before");
        }
        bands.push(Band { from, words: words.to_owned() });
    }
    if bands.is_empty() { Err(invalid(&format!("{path}.extension"), "must have bands")) } else { Ok(bands) }
}

fn link_id<'v>(
    path: &str,
    link_id: &'v str,
    seen: &mut HashSet<&'v str>,
) -> Result<String, InvalidQuestionnaire> {
    if is_id(link_id) && seen.insert(link_id) {
        return Ok(link_id.to_owned());
    }
    Err(invalid(&format!("{path}.linkId"), "must be 1 to 64 plain bytes that no other element has"))
}

/// Without quotes and controls, so that answers take a bounded room.
fn is_id(text: &str) -> bool {
    let plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\');
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.chars().all(plain)
}

fn string<'v>(extensions: &'v [Extension], url: &str) -> Option<&'v str> {
    extensions.iter().find(|extension| extension.url == url)?.value_string.as_deref()
}

fn invalid(path: &str, rule: &'static str) -> InvalidQuestionnaire {
    InvalidQuestionnaire { path: path.to_owned(), rule }
}

/// Of a `Questionnaire`, what is scored. Reading whole FHIR resources takes crates that cost minutes of build.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    resource_type: String,
    #[serde(default)]
    extension: Vec<Extension>,
    #[serde(default)]
    item: Vec<GroupView>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct GroupView {
    link_id: String,
    text: String,
    #[serde(rename = "type")]
    kind: String,
    extension: Vec<Extension>,
    item: Vec<ItemView>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ItemView {
    link_id: String,
    #[serde(rename = "type")]
    kind: String,
    answer_option: Vec<OptionView>,
    item: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct OptionView {
    value_coding: CodingView,
    extension: Vec<Extension>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CodingView {
    code: String,
    extension: Vec<Extension>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Extension {
    url: String,
    value_string: Option<String>,
    value_integer: Option<i64>,
    value_decimal: Option<f64>,
    extension: Vec<Extension>,
}

#[cfg(test)]
#[path = "instrument_tests.rs"]
pub(super) mod tests;
