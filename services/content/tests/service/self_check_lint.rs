//! What the self-check promises whoever answers it, as far as a program can see it. It reads the file itself, so that
//! nothing of it escapes through a parser's narrow view.

use crate::library;
use crate::library_lint::{BANNED, grade, sentences, words};
use content::domain::questionnaire::{FILES, Questionnaire, parse_files};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

const ORDINAL: &str = "http://hl7.org/fhir/StructureDefinition/ordinalValue";
const SCALE: [&str; 5] = ["never", "rarely", "sometimes", "often", "nearly-always"];
const DECLINED: [&str; 3] = ["not-wanted", "not-safe", "not-applicable"];

fn text() -> &'static str {
    FILES.iter().find(|(file, _)| *file == "self-check.json").unwrap().1
}

fn self_check() -> Value {
    serde_json::from_str(text()).unwrap()
}

fn list<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    value[name].as_array().into_iter().flatten().collect()
}

/// The extensions of an element with that URL.
fn extensions<'v>(value: &'v Value, url: &str) -> Vec<&'v Value> {
    list(value, "extension").into_iter().filter(|extension| extension["url"] == url).collect()
}

fn string<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

/// Codes with their weights, in the order shown.
fn weights(item: &Value) -> Vec<(String, Option<f64>)> {
    let weight = |option: &Value| {
        extensions(option, ORDINAL).first().map(|ordinal| ordinal["valueDecimal"].as_f64().unwrap())
    };
    let options = list(item, "answerOption");
    options.iter().map(|option| (string(&option["valueCoding"], "code").to_owned(), weight(option))).collect()
}

/// Everything somebody reads.
fn read_texts() -> Vec<String> {
    let check = self_check();
    let mut texts = vec![string(&check, "title").to_owned(), string(&check, "description").to_owned()];
    for group in list(&check, "item") {
        texts.push(string(group, "text").to_owned());
        let bands = extensions(group, "urn:candor:band");
        texts.extend(
            bands
                .iter()
                .flat_map(|band| extensions(band, "words"))
                .map(|words| string(words, "valueString").to_owned()),
        );
        for item in list(group, "item") {
            texts.push(string(item, "text").to_owned());
            texts.extend(
                list(item, "answerOption")
                    .iter()
                    .map(|option| string(&option["valueCoding"], "display").to_owned()),
            );
        }
    }
    texts
}

#[test]
fn it_has_six_domains_of_four_or_five_items_with_at_least_one_reverse_each() {
    let check = self_check();
    let groups = list(&check, "item");
    let ids: Vec<_> = groups.iter().map(|group| string(group, "linkId")).collect();
    assert_eq!(ids, ["silence", "unease", "criticism", "affection", "hiding", "trust"]);
    let mut link_ids = HashSet::new();
    for group in &groups {
        let items = list(group, "item");
        assert!((4..=5).contains(&items.len()), "{}", group["linkId"]);
        let is_reverse = |item: &&&Value| {
            extensions(item, "urn:candor:reverse").iter().any(|found| found["valueBoolean"] == true)
        };
        let reverse = items.iter().filter(is_reverse).count();
        assert!(reverse >= 1 && reverse < items.len(), "{}", group["linkId"]);
        for item in items {
            assert!(link_ids.insert(string(item, "linkId")), "{}", item["linkId"]);
        }
    }
    assert!(link_ids.len() >= 24);
}

#[test]
fn every_item_has_the_same_five_point_scale_and_reverse_items_count_it_backwards() {
    let forward: Vec<f64> = vec![0.0, 1.0, 2.0, 3.0, 4.0];
    let backward: Vec<f64> = forward.iter().rev().copied().collect();
    let check = self_check();
    let mut displays: BTreeMap<String, HashSet<String>> = BTreeMap::new();
    for group in list(&check, "item") {
        for item in list(group, "item") {
            let weights = weights(item);
            let counting: Vec<_> =
                weights.iter().filter_map(|(code, weight)| Some((code.as_str(), (*weight)?))).collect();
            let codes: Vec<_> = counting.iter().map(|(code, _)| *code).collect();
            let ordinals: Vec<_> = counting.iter().map(|(_, weight)| *weight).collect();
            assert_eq!(codes, SCALE, "{}", item["linkId"]);
            let is_reverse = !extensions(item, "urn:candor:reverse").is_empty();
            assert_eq!(
                ordinals,
                if is_reverse { backward.clone() } else { forward.clone() },
                "{}",
                item["linkId"]
            );
            // To decline an item of warmth is an answer of its own, and never counts.
            let uncounted: Vec<_> = weights
                .iter()
                .filter(|(_, weight)| weight.is_none())
                .map(|(code, _)| code.as_str())
                .collect();
            let expected: &[&str] = if group["linkId"] == "affection" { &DECLINED } else { &[] };
            assert_eq!(uncounted, expected, "{}", item["linkId"]);
            for option in list(item, "answerOption") {
                let coding = &option["valueCoding"];
                displays
                    .entry(string(coding, "code").to_owned())
                    .or_default()
                    .insert(string(coding, "display").to_owned());
            }
        }
    }
    assert!(displays.values().all(|words| words.len() == 1), "a code has the same words everywhere");
}

#[test]
fn bands_cover_0_to_100_and_name_an_amount_never_a_condition() {
    let amounts = ["Little of this", "Some of this", "A fair amount of this", "A lot of this"];
    let check = self_check();
    for group in list(&check, "item") {
        let bands = extensions(group, "urn:candor:band");
        let from: Vec<i64> =
            bands.iter().map(|band| extensions(band, "from")[0]["valueInteger"].as_i64().unwrap()).collect();
        assert_eq!(from.first(), Some(&0), "{}", group["linkId"]);
        assert!(from.windows(2).all(|pair| pair[0] < pair[1]) && from.iter().all(|from| *from < 100));
        assert_eq!(bands.len(), amounts.len());
        for (band, amount) in bands.iter().zip(amounts) {
            assert!(
                string(extensions(band, "words")[0], "valueString").starts_with(amount),
                "{}",
                group["linkId"]
            );
        }
    }
}

#[test]
fn every_domain_leads_on_to_an_article_that_is_in_the_library() {
    let library = library();
    let check = self_check();
    let mut seen = HashSet::new();
    for group in list(&check, "item") {
        let next = extensions(group, "urn:candor:next");
        assert_eq!(next.len(), 1, "{}", group["linkId"]);
        let article = string(next[0], "valueString");
        assert!(
            library.iter().any(|found| found.id == article && found.locale.as_str() == "en"),
            "{article}"
        );
        assert!(seen.insert(article), "{article} is the next step twice");
    }
}

#[test]
fn it_says_that_it_is_not_validated_no_diagnosis_and_for_ones_own_eyes() {
    let check = self_check();
    let validated = extensions(&check, "urn:candor:validated");
    assert!(validated.len() == 1 && validated[0]["valueBoolean"] == false);
    assert_eq!(string(extensions(&check, "urn:candor:comparable")[0], "valueString"), "self-check-1");
    let shown = Questionnaire::parse(text()).unwrap();
    assert!(!shown.validated);
    let description = shown.description.to_lowercase();
    for phrase in ["not validated", "not a diagnosis", "for your own eyes", "skip what does not fit"] {
        assert!(description.contains(phrase), "{phrase}");
    }
}

#[test]
fn it_is_safe_for_somebody_who_is_being_hurt() {
    let description = string(&self_check(), "description").to_lowercase();
    for phrase in [
        "scare, control or hurt you",
        "not a wall to take down",
        "not to blame",
        "leave that person out of it",
        "domestic violence helpline",
        "device that this person cannot open",
        "emergency number",
        "crisis line",
        "counselor",
    ] {
        assert!(description.contains(phrase), "{phrase}");
    }
}

#[test]
fn no_word_blames_diagnoses_pushes_or_guesses() {
    // A published scale's name, or a word of diagnosis, has no business in words of our own.
    let clinical = [
        "disorder",
        "symptom",
        "symptoms",
        "severe",
        "mild",
        "moderate",
        "patient",
        "normal",
        "abnormal",
        "avoidant",
        "attachment",
        "clinical",
        "therapy",
        "test",
        "problem",
    ];
    for text in read_texts() {
        for word in words(&text) {
            assert!(!BANNED.contains(&word.as_str()), "{text}: {word}");
            assert!(!clinical.contains(&word.as_str()), "{text}: {word}");
        }
        assert!(!text.contains('!'), "{text}");
    }
}

#[test]
fn items_are_first_person_plain_and_short() {
    let check = self_check();
    let mut all = String::new();
    for item in list(&check, "item").iter().flat_map(|group| list(group, "item")) {
        let text = string(item, "text");
        assert_eq!(sentences(text).len(), 1, "{text}");
        let words = words(text);
        assert!(words.len() <= 15, "{text}");
        assert!(["i", "me", "my"].iter().any(|own| words.iter().any(|word| word == own)), "{text}");
        assert!(!words.iter().any(|word| word == "you" || word == "partner"), "{text}");
        all.push_str(text);
        all.push('\n');
    }
    assert!(grade(&all) <= 8.0, "grade {:.1}", grade(&all));
    let description = string(&check, "description");
    for sentence in sentences(description) {
        assert!(words(&sentence).len() <= 15, "{sentence}");
    }
    assert!(grade(description) <= 8.0, "grade {:.1}", grade(description));
}

/// The file, changed.
fn with(from: &str, to: &str) -> String {
    let changed = text().replacen(from, to, 1);
    assert_ne!(changed, text(), "{from}");
    parse_files(&[("self-check.json", &changed)]).map_err(|error| error.to_string()).unwrap_err()
}

#[test]
fn a_wrong_file_is_refused_with_its_name_and_the_element() {
    for (from, to, complaint) in [
        (
            "\"resourceType\": \"Questionnaire\"",
            "\"resourceType\": \"Patient\"",
            "resourceType must be Questionnaire",
        ),
        ("instrument:self-check", "instrument:other", "url must be urn:candor:instrument:"),
        ("\"valueBoolean\": false", "\"valueString\": \"no\"", "extension must say whether it is validated"),
        ("\"title\": \"Am I", "\"title\": 5, \"was\": \"Am I", "title must be a text"),
        ("\"type\": \"group\"", "\"type\": \"display\"", "item[0].type must be group"),
        ("\"type\": \"choice\"", "\"type\": \"string\"", "item[0].item[0].type must be choice"),
        ("\"linkId\": \"silence-2\"", "\"linkId\": \"silence-1\"", "item[0].item[1].linkId must differ"),
        ("\"linkId\": \"silence-2\"", "\"linkId\": \"\"", "item[0].item[1].linkId must be a text"),
        (
            "\"code\": \"rarely\"",
            "\"code\": \"never\"",
            "item[0].item[0].answerOption[1].valueCoding.code must differ",
        ),
        (
            "\"display\": \"Rarely\"",
            "\"display\": \"Rare\\nly\"",
            "item[0].item[0].answerOption[1].valueCoding.display must be one line",
        ),
        ("{\n  \"resource", "\n  \"resource", "url must be"),
    ] {
        let error = with(from, to);
        assert!(error.starts_with(&format!("instruments/self-check.json {complaint}")), "{error}");
    }
    let misnamed = parse_files(&[("Self Check.json", text())]).unwrap_err().to_string();
    assert!(misnamed.contains("words joined by hyphens"), "{misnamed}");
    assert_eq!(parse_files(FILES).unwrap().len(), FILES.len());
}
