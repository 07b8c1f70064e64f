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
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// The weights of an item's options in thousandths; one without does not count.
    pub(in crate::domain) type ItemWeights = Vec<Option<i32>>;

    /// A questionnaire of domains `d0`, `d1` …, items `d0-0` …, options `o0` …, and bands `low` from 0, `high` from 50.
    pub(in crate::domain) fn questionnaire(domains: &[Vec<ItemWeights>]) -> String {
        let group = |(index, items): (usize, &Vec<ItemWeights>)| {
            let item = |(place, weights): (usize, &ItemWeights)| {
                let options: Vec<_> = weights.iter().enumerate().map(option).collect();
                json!({ "linkId": format!("d{index}-{place}"), "type": "choice", "answerOption": options })
            };
            let items: Vec<_> = items.iter().enumerate().map(item).collect();
            json!({
                "linkId": format!("d{index}"), "text": format!("Domain {index}"), "type": "group", "item": items,
                "extension": [band(0, "low"), band(50, "high"), { "url": NEXT, "valueString": "an-article" }],
            })
        };
        let groups: Vec<_> = domains.iter().enumerate().map(group).collect();
        json!({ "resourceType": "Questionnaire", "item": groups }).to_string()
    }

    fn option((place, weight): (usize, &Option<i32>)) -> Value {
        let extension: Vec<_> =
            weight.iter().map(|weight| ordinal(f64::from(*weight) / THOUSANDTHS)).collect();
        json!({ "valueCoding": { "code": format!("o{place}") }, "extension": extension })
    }

    fn ordinal(weight: f64) -> Value {
        json!({ "url": ORDINAL, "valueDecimal": weight })
    }

    fn band(from: i64, words: &str) -> Value {
        let parts =
            json!([{ "url": "from", "valueInteger": from }, { "url": "words", "valueString": words }]);
        json!({ "url": BAND, "extension": parts })
    }

    fn two_domains() -> Value {
        let item: ItemWeights = vec![Some(0), Some(500), None];
        serde_json::from_str(&questionnaire(&[vec![item.clone(), item.clone()], vec![item]])).unwrap()
    }

    #[test]
    fn a_domain_has_the_band_of_the_last_bound_that_is_reached() {
        let instrument = Instrument::parse(&two_domains().to_string()).unwrap();
        let domain = &instrument.domains[0];
        for (score, words) in [(0, "low"), (49, "low"), (50, "high"), (100, "high")] {
            assert_eq!(domain.band(score), words);
        }
        assert_eq!((domain.domain_id.as_str(), domain.title.as_str()), ("d0", "Domain 0"));
        assert_eq!(domain.next_article_id, "an-article");
        let item = instrument.item("d0-1").unwrap();
        assert_eq!(
            (item.weight("o1"), item.weight("o2"), item.weight("o9")),
            (Some(Some(500)), Some(None), None)
        );
        assert!(instrument.item("d0").is_none(), "a domain is no item");
    }

    #[test]
    fn the_weight_may_stand_inside_the_coding() {
        let mut inside = two_domains();
        for index in 0..2 {
            let option = &mut inside["item"][1]["item"][0]["answerOption"][index];
            let extension = option.as_object_mut().unwrap().remove("extension").unwrap();
            option["valueCoding"]["extension"] = extension;
        }
        assert_eq!(Instrument::parse(&inside.to_string()), Instrument::parse(&two_domains().to_string()));
    }

    #[test]
    fn versions_compare_only_under_the_same_name() {
        let named = |name: Option<&str>| {
            let mut value = two_domains();
            if let Some(name) = name {
                value["extension"] = json!([{ "url": COMPARABLE, "valueString": name }]);
            }
            Instrument::parse(&value.to_string()).unwrap()
        };
        assert!(named(Some("a")).compares_with(&named(Some("a"))));
        assert!(!named(Some("a")).compares_with(&named(Some("b"))));
        assert!(!named(Some("a")).compares_with(&named(None)) && !named(None).compares_with(&named(None)));
    }

    #[test]
    fn what_cannot_be_scored_is_refused_by_its_path() {
        let long = "x".repeat(65);
        let cases: &[(&str, Value, &str)] = &[
            ("/resourceType", json!("Patient"), "resourceType must be Questionnaire"),
            ("/item", json!([]), "item must be 1 to 40 groups"),
            ("/item/0/type", json!("choice"), "item[0] must be a group"),
            ("/item/0/item", json!([]), "item[0] must be a group"),
            ("/item/0/text", json!("  "), "item[0].text must be a title"),
            ("/item/1/linkId", json!("d0-1"), "item[1].linkId must be"),
            ("/item/1/linkId", json!("a\"b"), "item[1].linkId must be"),
            ("/item/0/item/1/linkId", json!("d0-0"), "item[0].item[1].linkId must be"),
            ("/item/0/item/1/linkId", json!(long), "item[0].item[1].linkId must be"),
            ("/item/0/item/1/type", json!("group"), "item[0].item[1] must be a choice"),
            ("/item/0/item/1/answerOption", json!([]), "item[0].item[1].answerOption must have two options"),
            (
                "/item/0/item/1/answerOption/1/valueCoding/code",
                json!("o0"),
                "item[0].item[1].answerOption[1].valueCoding.code must be",
            ),
            (
                "/item/0/item/1/answerOption/1/valueCoding/code",
                json!(""),
                "item[0].item[1].answerOption[1].valueCoding.code must be",
            ),
            (
                "/item/0/item/1/answerOption/1/extension",
                json!([ordinal(0.0)]),
                "item[0].item[1].answerOption must have two options",
            ),
            (
                "/item/0/item/1/answerOption/1/extension",
                json!([ordinal(0.0001)]),
                "item[0].item[1].answerOption[1].extension must have a valueDecimal",
            ),
            (
                "/item/0/item/1/answerOption/1/extension",
                json!([ordinal(1e300)]),
                "item[0].item[1].answerOption[1].extension must have a valueDecimal",
            ),
            (
                "/item/0/item/1/answerOption/1/extension",
                json!([{ "url": ORDINAL }]),
                "item[0].item[1].answerOption[1].extension must have a valueDecimal",
            ),
            ("/item/0/extension", json!([]), "item[0].extension must have bands"),
            ("/item/0/extension", json!([band(1, "x")]), "item[0].extension[0] must begin at 0"),
            (
                "/item/0/extension",
                json!([band(0, "x"), band(0, "y")]),
                "item[0].extension[1] must begin at 0 and above",
            ),
            (
                "/item/0/extension",
                json!([band(0, "x"), band(101, "y")]),
                "item[0].extension[1] must have a `from`",
            ),
            ("/item/0/extension", json!([band(-1, "x")]), "item[0].extension[0] must have a `from`"),
            ("/item/0/extension", json!([band(0, " ")]), "item[0].extension[0] must have `words`"),
            ("/item/0/item/0/linkId", json!(7), "the questionnaire is not JSON of"),
        ];
        for (pointer, value, complaint) in cases {
            let mut changed = two_domains();
            *changed.pointer_mut(pointer).unwrap() = value.clone();
            let error = Instrument::parse(&changed.to_string()).unwrap_err().to_string();
            assert!(error.starts_with(complaint), "{pointer}: {error}");
        }
        let huge = format!("{}{}", two_domains(), " ".repeat(MAX_QUESTIONNAIRE_BYTES));
        assert!(Instrument::parse(&huge).unwrap_err().to_string().contains("at most 262144 bytes"));
    }

    /// The file that content publishes. Content has a test of its own on what is shown of it.
    #[test]
    fn the_self_check_that_content_publishes_can_be_scored() {
        let file = include_str!("../../../content/instruments/self-check.json");
        let check = Instrument::parse(file).unwrap();
        let ids: Vec<_> = check.domains.iter().map(|domain| domain.domain_id.as_str()).collect();
        assert_eq!(ids, ["silence", "unease", "criticism", "affection", "hiding", "trust"]);
        assert_eq!(check.items().count(), 30);
        assert!(check.items().all(|item| item.range == (0, 4000)));
        assert_eq!(check.comparable.as_deref(), Some("self-check-1"));
        let value: Value = serde_json::from_str(file).unwrap();
        for (domain, group) in check.domains.iter().zip(value["item"].as_array().unwrap()) {
            for (item, shown) in domain.items.iter().zip(group["item"].as_array().unwrap()) {
                let is_reverse = shown["extension"].as_array().is_some();
                assert_eq!(item.weight("nearly-always"), Some(Some(if is_reverse { 0 } else { 4000 })));
                let declined = ["not-wanted", "not-safe", "not-applicable"].map(|code| item.weight(code));
                let expected = if domain.domain_id == "affection" { Some(None) } else { None };
                assert_eq!(declined, [expected; 3]);
            }
            assert!([0, 25, 50, 75].windows(2).all(|pair| domain.band(pair[0]) != domain.band(pair[1])));
            assert!(!domain.next_article_id.is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_instrument_or_refused(text in ".{0,200}") {
            prop_assert!(Instrument::parse(&text).is_err());
        }

        #[test]
        fn a_questionnaire_cut_or_with_a_byte_changed_is_taken_or_refused(cut in 0usize..4000, at in 0usize..4000, byte in 0u8..128) {
            let text = two_domains().to_string();
            let _ = Instrument::parse(text.get(..cut).unwrap_or(&text));
            let mut bytes = text.into_bytes();
            let length = bytes.len();
            bytes[at % length] = byte;
            if let Ok(instrument) = Instrument::parse(&String::from_utf8_lossy(&bytes)) {
                prop_assert!(instrument.items().all(|item| item.range.0 < item.range.1));
                prop_assert!(instrument.domains.iter().all(|domain| !domain.band(0).is_empty()));
            }
        }
    }
}
