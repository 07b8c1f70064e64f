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
    let extension: Vec<_> = weight.iter().map(|weight| ordinal(f64::from(*weight) / THOUSANDTHS)).collect();
    json!({ "valueCoding": { "code": format!("o{place}") }, "extension": extension })
}

fn ordinal(weight: f64) -> Value {
    json!({ "url": ORDINAL, "valueDecimal": weight })
}

fn band(from: i64, words: &str) -> Value {
    let parts = json!([{ "url": "from", "valueInteger": from }, { "url": "words", "valueString": words }]);
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
