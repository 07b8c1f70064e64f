//! Sharing, from the choice to the yes.

use super::fakes::ENTRY;
use super::two::has_nothing_hostile;
use super::two_fakes::BEN;
use super::*;
use candor_proto::journal::v1::{ShareDepth, Span};
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const RESULT: &str = "0195f1c2-7f00-7000-8000-0000000000e2";
const DAY: i64 = 1_772_971_200;

#[tokio::test]
async fn sharing_goes_from_choice_to_preview_to_yes() {
    let world = World::new().await;
    let page = world.visit(&format!("/share?entry={ENTRY}"), COOKIE).await.body;
    let marks: Vec<_> =
        page.split("name=\"part\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(marks, ["0:0-34", "1:36-61"]);
    let fields = [
        ("kind", "entry"),
        ("item", ENTRY),
        ("depth", "3"),
        ("words", "mine <i>\"own\"</i>"),
        ("part", marks[1]),
        ("wished", "1"),
        ("days", "7"),
        ("when", "now"),
    ];
    let preview = world.press("/share/preview", COOKIE, &fields).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    assert!(preview.body.contains("<em>soft</em>") && preview.body.contains("being listened to"));
    // And letter for letter, as text: what Markdown leaves out of sight is received as well.
    let (shown, letters) = preview.body.split_once("<pre class=\"as-typed\"").unwrap();
    assert!(
        letters.contains("[tap](javascript:alert(1))")
            && letters.contains("before &#60;i&#62;it&#60;/i&#62;")
    );
    has_nothing_hostile(shown);
    assert!(!letters.contains("<img") && !letters.contains("<i>"));
    let selection = world.fakes.two.previewed.lock().unwrap()[0].clone();
    assert!(selection.depth() == ShareDepth::Excerpt && selection.spans == [Span { start: 36, end: 61 }]);
    assert!(world.fakes.two.shared.lock().unwrap().is_empty(), "looking shares nothing");

    let hidden = hidden_fields(&preview.body);
    let hidden: Vec<_> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(world.submit("/share", COOKIE, &hidden).await);
    }
    let shared = world.fakes.two.shared.lock().unwrap().clone();
    assert_eq!(shared.len(), 1, "saying yes twice shares once");
    assert_eq!(uuid::Uuid::parse_str(&shared[0].share_id).unwrap().get_version_num(), 4, "it holds no time");
    assert_eq!((shared[0].recipient_account_id.as_str(), shared[0].open_now), (BEN, true));
    assert!(shared[0].selection.as_ref() == Some(&selection), "what was previewed is what is shared");
    let until = shared[0].expire_time.unwrap().seconds - world.clock.now().as_second();
    assert_eq!(until, 7 * 86_400 - 60);
    for answer in answers {
        let expected = format!("/shared/{}", shared[0].share_id);
        assert_eq!(answer.header("location"), expected, "{}", answer.body);
    }
    // Changing one's mind brings everything back.
    let again = world.submit("/share/change", COOKIE, &hidden).await.body;
    assert!(again.contains("mine &#60;i&#62;&#34;own&#34;&#60;/i&#62;"), "{again}");
    assert!(again.contains(&format!("value=\"{}\" checked", marks[1])));
    assert!(!again.contains(&format!("value=\"{}\" checked", marks[0])));
}

/// The hidden fields of the page's last form.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let (_, form) = page.rsplit_once("action=\"/share\"").unwrap();
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
    let unescape = |text: &str| {
        let text = text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
        text.replace("&#39;", "'").replace("&#38;", "&")
    };
    let pairs = fields.map(|field| {
        let (name, rest) = field.split_once("\" value=\"").unwrap();
        (name.to_owned(), unescape(rest.split('"').next().unwrap()))
    });
    pairs.collect()
}

#[tokio::test]
async fn what_is_incomplete_comes_back_with_its_words() {
    let world = World::new().await;
    for (depth, words, says) in [
        ("1", "", "A few words of yours are needed"),
        ("2", "", "A summary is in your own words."),
        ("3", "some words", "Please choose at least one part."),
    ] {
        let fields = [("kind", "entry"), ("item", ENTRY), ("depth", depth), ("words", words)];
        let page = world.press("/share/preview", COOKIE, &fields).await;
        assert_eq!(page.status, 400);
        assert!(page.body.contains(says) && page.body.contains(words), "{}", page.body);
    }
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let nobody = world.visit(&format!("/share?entry={ENTRY}"), COOKIE).await;
    assert_eq!(nobody.header("location"), "/couple");
    assert!(!world.visit(&format!("/entries/{ENTRY}"), COOKIE).await.body.contains("/share?"));
}

#[tokio::test]
async fn of_a_self_check_only_chosen_domains_are_shared() {
    let world = World::new().await;
    world.fakes.self_checks.add(RESULT, 1, DAY, [Some(40), None], "often");
    let page = world.visit(&format!("/share?assessment={RESULT}"), COOKIE).await.body;
    for part in [
        "name=\"domain\" value=\"silence\"><span><strong>Silence &#60;b&#62;</strong> Some of this lately",
        "name=\"domain\" value=\"affection\"><span><strong>Holding back warmth</strong> Too little to say.",
        "A part that is left out says nothing",
    ] {
        assert!(page.contains(part), "no {part}: {page}");
    }
    assert!(!page.contains("All of it"), "{page}");
    let mut fields = vec![("kind", "self-check"), ("item", RESULT), ("depth", "2"), ("words", "mine")];
    let none = world.press("/share/preview", COOKIE, &fields).await;
    assert!(
        none.status == 400 && none.body.contains("choose at least one part of the result"),
        "{}",
        none.body
    );
    assert!(none.body.contains("mine") && world.fakes.two.previewed.lock().unwrap().is_empty());
    fields.extend([("domain", "affection"), ("domain", "affection")]);
    let preview = world.press("/share/preview", COOKIE, &fields).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    let hidden = hidden_fields(&preview.body);
    let hidden: Vec<_> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    world.submit("/share", COOKIE, &hidden).await;
    let shared = world.fakes.two.shared.lock().unwrap()[0].selection.clone();
    assert!(shared == world.fakes.two.previewed.lock().unwrap().first().cloned());
    assert_eq!(shared.unwrap().domain_ids, ["affection"]);
    let again = world.submit("/share/change", COOKIE, &hidden).await.body;
    assert!(
        again.contains("value=\"affection\" checked") && again.contains("value=\"silence\"><span>"),
        "{again}"
    );
    // The topic alone names no domain, and an entry has none.
    let topic =
        [("kind", "self-check"), ("item", RESULT), ("depth", "1"), ("words", "w"), ("domain", "silence")];
    world.press("/share/preview", COOKIE, &topic).await;
    let summary = [("kind", "entry"), ("item", ENTRY), ("depth", "2"), ("words", "w"), ("domain", "silence")];
    world.press("/share/preview", COOKIE, &summary).await;
    let previewed = world.fakes.two.previewed.lock().unwrap().clone();
    assert!(previewed.len() == 3 && previewed[1..].iter().all(|selection| selection.domain_ids.is_empty()));
}

#[tokio::test]
async fn a_self_check_with_danger_in_it_is_not_offered_to_be_shared() {
    let world = World::new().await;
    world.fakes.self_checks.add(RESULT, 1, DAY, [Some(40), None], "not-safe");
    let fields = [
        ("kind", "self-check"),
        ("item", RESULT),
        ("depth", "2"),
        ("domain", "silence"),
        ("recipient", BEN),
        ("share_id", "0195f1c2-7f00-4000-8000-0000000000ff"),
    ];
    let mut pages = vec![world.visit(&format!("/share?assessment={RESULT}"), COOKIE).await];
    for path in ["/share/change", "/share/preview", "/share"] {
        pages.push(world.press(path, COOKIE, &fields).await);
    }
    for page in pages {
        assert!(page.status == 200 && page.body.contains("Where something is not safe"), "{}", page.body);
        assert!(!page.body.contains("action=\"/share"), "{}", page.body);
    }
    assert!(
        world.fakes.two.previewed.lock().unwrap().is_empty()
            && world.fakes.two.shared.lock().unwrap().is_empty()
    );
    // One that is not finished, or cannot be looked up, has no form either.
    world.fakes.self_checks.add(RESULT, 1, DAY, [Some(40), None], "often");
    world.fakes.self_checks.assessments.lock().unwrap()[0].score_time = None;
    let path = format!("/share?assessment={RESULT}");
    assert_eq!(world.visit(&path, COOKIE).await.status, 404);
    world.fakes.self_checks.away.store(true, Ordering::SeqCst);
    assert_eq!(world.visit(&path, COOKIE).await.status, 503);
}
