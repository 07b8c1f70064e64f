//! The self-check, from its first question to its trend.

use super::*;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const FIRST: &str = "0195f1c2-7f00-7000-8000-0000000000a1";
const SECOND: &str = "0195f1c2-7f00-7000-8000-0000000000a2";
/// 1 and 8 March 2026, 12:00 UTC.
const DAYS: [i64; 2] = [1_772_366_400, 1_772_971_200];

/// A world with a self-check begun, and its address.
async fn begun() -> (World, String, String) {
    let world = World::new().await;
    let token = world.token("/self-check", COOKIE).await;
    let fields = [("csrf", token.as_str()), ("assessment_id", FIRST)];
    let answer = world.submit("/self-check", COOKIE, &fields).await;
    assert_eq!(answer.header("location"), format!("/self-check/{FIRST}/parts/silence"), "{}", answer.body);
    (world, token, format!("/self-check/{FIRST}"))
}

#[tokio::test]
async fn a_self_check_is_answered_part_by_part_and_finished() {
    let (world, token, here) = begun().await;
    let silence = format!("{here}/parts/silence");
    let page = world.visit(&silence, COOKIE).await.body;
    assert!(page.contains("part 1 of 2") && page.contains("I say &#34;fine&#34; (silence-1)."), "{page}");
    assert!(!page.contains("<b>") && !page.contains("Keep and go back"), "{page}");
    assert_eq!(page.matches("checked").count(), 2, "whatever is not answered is skipped: {page}");
    let fields = [("csrf", token.as_str()), ("version", "1"), ("answer-silence-1", "often"), ("go", "on")];
    let answer = world.submit(&silence, COOKIE, &fields).await;
    let affection = format!("{here}/parts/affection");
    assert_eq!(answer.header("location"), affection);
    assert!(world.visit(&silence, COOKIE).await.body.contains("value=\"often\" checked"));

    // Forth and back, and away: every button keeps.
    let page = world.visit(&affection, COOKIE).await.body;
    assert!(page.contains("“Not safe” is an answer, too.") && page.contains("Keep and go back"), "{page}");
    for (button, place) in [("back", silence.as_str()), ("on", &here), ("later", "/self-check")] {
        let fields = [("csrf", token.as_str()), ("answer-affection-2", "never"), ("go", button)];
        assert_eq!(world.submit(&affection, COOKIE, &fields).await.header("location"), place, "{button}");
    }
    let page = world.visit("/self-check", COOKIE).await.body;
    assert!(page.contains("One is open") && page.contains("Tuesday, 10 March 2026"), "{page}");
    let page = world.visit(&here, COOKIE).await.body;
    assert_eq!(page.matches("1 of 2 answered").count(), 2, "{page}");
    assert!(!page.contains("Where something is not safe"), "{page}");

    let answer = world.submit(&format!("{here}/finish"), COOKIE, &[("csrf", &token)]).await;
    let results = format!("/self-check/results/{FIRST}");
    assert_eq!(answer.header("location"), results);
    for path in [&here, &silence] {
        assert_eq!(world.visit(path, COOKIE).await.header("location"), results, "{path}");
    }
}

#[tokio::test]
async fn going_on_leads_to_the_first_part_without_an_answer() {
    let (world, token, here) = begun().await;
    let go_on = async || {
        let fields = [("csrf", token.as_str()), ("assessment_id", SECOND)];
        world.submit("/self-check", COOKIE, &fields).await.header("location").to_owned()
    };
    for (part, next) in [("silence", format!("{here}/parts/affection")), ("affection", here.clone())] {
        let fields = [("csrf", token.as_str()), (&format!("answer-{part}-1"), "often")];
        world.submit(&format!("{here}/parts/{part}"), COOKIE, &fields).await;
        assert_eq!(go_on().await, next);
    }
}

#[tokio::test]
async fn what_cannot_be_kept_comes_back_as_it_was_chosen() {
    let (world, token, here) = begun().await;
    let part = format!("{here}/parts/silence");
    let fields = |token: &str| [("csrf", token.to_owned()), ("answer-silence-2", "often".to_owned())];
    let submit = async |token: &str, cookie: &str| {
        let fields = fields(token);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.submit(&part, cookie, &fields).await
    };
    let stale = submit("old", COOKIE).await;
    let ended = submit(&token, "__Host-candor=cs_nobody").await;
    world.fakes.self_checks.refuse.store(true, Ordering::SeqCst);
    let away = submit(&token, COOKIE).await;
    for (page, status) in [(stale, 403), (ended, 401), (away, 503)] {
        assert_eq!(page.status, status, "{}", page.body);
        assert!(page.body.contains("value=\"often\" checked") && page.body.contains("role=\"alert\""));
    }
    assert!(world.fakes.self_checks.assessments.lock().unwrap()[0].answers.is_empty());
    // Without any answer there is no result, and nothing is lost.
    let page = world.submit(&format!("{here}/finish"), COOKIE, &[("csrf", &token)]).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("too few answers") && page.body.contains("/parts/affection"), "{}", page.body);
}

#[tokio::test]
async fn what_is_no_part_of_the_members_self_checks_is_nothing() {
    let (world, token, here) = begun().await;
    world.fakes.self_checks.assessments.lock().unwrap()[0].instrument_id = "another".into();
    let missing = format!("/self-check/results/{SECOND}");
    for path in ["/self-check/nothing", &missing, &here, &format!("{here}/parts/silence")] {
        assert_eq!(world.visit(path, COOKIE).await.status, 404, "{path}");
    }
    let fields = [("csrf", token.as_str())];
    assert_eq!(world.submit(&format!("{here}/parts/nothing"), COOKIE, &fields).await.status, 404);
}

/// A world with two results of comparable versions.
async fn two_results(code: &str) -> (World, String) {
    let world = World::new().await;
    let results = &world.fakes.self_checks;
    results.add(FIRST, 1, DAYS[0], [Some(70), None], "often");
    results.add(SECOND, 2, DAYS[1], [Some(62), Some(40)], code);
    (world, format!("/self-check/results/{SECOND}"))
}

#[tokio::test]
async fn results_show_bands_numbers_and_how_they_change() {
    let (world, path) = two_results("often").await;
    let page = world.visit(&path, COOKIE).await.body;
    for part in [
        "Some of this lately",
        "<meter min=\"0\" max=\"100\" value=\"62\" aria-label=\"Silence &#60;b&#62;\">62 of 100</meter>",
        "8 less than the time before, 70.",
        "<a href=\"/library/what-a-wall-is\">What a wall is</a>",
        "1 Mar 2026",
        "<td>70</td><td>62</td>",
        "<span class=\"facts\">none</span></td><td>40</td>",
        "aria-current=\"page\"><time datetime=\"2026-03-08T12:00:00Z\">8 Mar 2026</time>",
        "<polyline points=\"6,24 206,29\"/>",
    ] {
        assert!(page.contains(part), "no {part}: {page}");
    }
    assert!(page.contains("Share a summary") && !page.contains("Where something is not safe"), "{page}");
    assert!(!page.contains("style=") && !page.contains("fail the"), "{page}");
    // Another version counts only if its questionnaire says it measures the same.
    world.fakes.self_checks.add(
        "0195f1c2-7f00-7000-8000-0000000000a3",
        3,
        DAYS[1],
        [Some(11), None],
        "often",
    );
    let page = world.visit(&path, COOKIE).await.body;
    assert!(!page.contains("<td>11</td>") && page.contains("<td>62</td>"), "{page}");
    world.fakes.self_checks.no_instruments.store(true, Ordering::SeqCst);
    let page = world.visit(&path, COOKIE).await.body;
    assert!(!page.contains("Over time") && page.contains("62 of 100"), "nothing is compared unasked: {page}");
}

#[tokio::test]
async fn a_summary_can_be_shared_only_by_whoever_is_linked() {
    let (world, path) = two_results("often").await;
    let link = format!("href=\"/share?assessment={SECOND}\"");
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    assert!(!world.visit(&path, COOKIE).await.body.contains(&link));
    world.fakes.two.parted.store(false, Ordering::SeqCst);
    assert!(world.visit(&path, COOKIE).await.body.contains(&link));
    world.fakes.away.store(true, Ordering::SeqCst);
    let page = world.visit(&path, COOKIE).await;
    assert!(page.status == 200 && !page.body.contains(&link));
}

#[tokio::test]
async fn where_something_is_not_safe_nothing_suggests_to_open_up() {
    let (world, path) = two_results("not-safe").await;
    let page = world.visit(&path, COOKIE).await.body;
    assert!(page.contains("Where something is not safe") && page.contains("Only you see this."), "{page}");
    assert!(!page.contains("/share?") && !page.contains("If you like, read"), "{page}");
    world.fakes.self_checks.assessments.lock().unwrap()[0].score_time = None;
    let page = world.visit(&format!("/self-check/{SECOND}"), COOKIE).await.body;
    assert!(page.contains("Where something is not safe"), "{page}");
}

#[tokio::test]
async fn a_result_is_deleted_after_a_second_look() {
    let (world, path) = two_results("often").await;
    let page = world.visit(&path, COOKIE).await.body;
    assert!(page.contains("<summary>Delete this result</summary>") && page.contains("gone for good"));
    let token = token_in(&page);
    let answer = world.submit(&format!("/self-check/{SECOND}/delete"), COOKIE, &[("csrf", &token)]).await;
    assert_eq!(answer.header("location"), "/self-check?deleted=1");
    assert_eq!(world.visit(&path, COOKIE).await.status, 404);
    let page = world.visit("/self-check?deleted=1", COOKIE).await.body;
    assert!(page.contains("It is deleted") && page.contains(FIRST) && !page.contains(SECOND), "{page}");
}

#[tokio::test]
async fn results_are_there_while_the_questions_are_away() {
    let (world, _) = two_results("often").await;
    world.fakes.self_checks.no_instruments.store(true, Ordering::SeqCst);
    let page = world.visit("/self-check", COOKIE).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("cannot be loaded right now") && page.body.contains(SECOND), "{}", page.body);
}
