//! The pages of looks at ledgers: asking, agreeing, reading, and what whoever it belongs to sees of it.

use super::fakes_counselors::CARLA;
use super::fakes_looks::{OPEN, WAITING};
use super::fakes_trust::REPORT;
use super::*;

const COOKIE: &str = "__Host-candor=cs_alice";

async fn world(kind: &'static str) -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = kind;
    world.fakes.strong.store(true, std::sync::atomic::Ordering::SeqCst);
    world
}

#[tokio::test]
async fn one_operator_asks_and_another_agrees() {
    let world = world("operator").await;
    let report = world.visit(&format!("/moderation/{REPORT}"), COOKIE).await.body;
    let place = format!("/looks/new?report={REPORT}");
    assert!(report.contains(&place), "{report}");
    let form = world.visit(&place, COOKIE).await.body;
    assert!(form.contains("sees each of your looks, why, and that two agreed"), "{form}");
    let token = token_in(&form);
    let (csrf, report) = (("csrf", token.as_str()), ("report", REPORT));
    let blank = world.submit("/looks", COOKIE, &[csrf, report, ("reason", "2"), ("note", "")]).await;
    assert_eq!(blank.status, 400);
    let fields = [csrf, report, ("reason", "2"), ("note", "Too much."), ("request", WAITING)];
    let asked = world.submit("/looks", COOKIE, &fields).await;
    assert_eq!(asked.header("location"), format!("/looks/{WAITING}"));
    let list = world.visit("/looks", COOKIE).await.body;
    for expected in [
        &format!("/looks/{WAITING}"),
        "Another operator asked",
        "You asked",
        "from=a%2Bb",
        "aria-current=\"page\">Looks</a>",
    ] {
        assert!(list.contains(expected), "{expected}: {list}");
    }
    let place = format!("/looks/{WAITING}");
    let page = world.visit(&place, COOKIE).await.body;
    assert!(page.contains("Too &#60;b&#62;much") && page.contains("Do you agree?"), "{page}");
    assert!(!page.contains("Take it back") && !page.contains("/ledger\""), "{page}");
    assert_eq!(world.submit(&format!("{place}/answer"), COOKIE, &[csrf]).await.status, 400);
    for answer in ["agree", "decline"] {
        world.submit(&format!("{place}/answer"), COOKIE, &[csrf, ("answer", answer)]).await;
    }
    world.submit(&format!("/looks/{OPEN}/withdraw"), COOKIE, &[csrf]).await;
    let done = world.fakes.trust.done.lock().unwrap().clone();
    let asked = format!("ask {REPORT} 2");
    assert_eq!(done, [&asked, &asked, "agreed true", "agreed false", "taken back"].map(str::to_owned));
    assert_eq!(world.submit(&format!("{place}/answer"), COOKIE, &[("answer", "agree")]).await.status, 403);
}

#[tokio::test]
async fn the_one_who_asked_reads_and_never_what_was_read() {
    let world = world("operator").await;
    let page = world.visit(&format!("/looks/{OPEN}"), COOKIE).await.body;
    assert!(page.contains("Take it back") && !page.contains("Do you agree?"), "{page}");
    let place = format!("/looks/{OPEN}/ledger");
    assert!(page.contains(&place), "{page}");
    let ledger = world.visit(&place, COOKIE).await.body;
    for expected in ["A counselor read entries (3)", CARLA, "Their partner said that they read", "from=a%2Bb"]
    {
        assert!(ledger.contains(expected), "{expected}: {ledger}");
    }
    assert_eq!(world.visit(&format!("/looks/{WAITING}/ledger"), COOKIE).await.status, 400);
    // Whoever did not prove lately who they are does so before anything is read.
    world.clock.set(world.clock.now() + jiff::SignedDuration::from_mins(10));
    for place in [&place, &format!("/looks/{WAITING}"), &format!("/looks/new?report={REPORT}")] {
        let late = world.visit(place, COOKIE).await;
        assert!(late.header("location").starts_with("/prove-again?next=%2Flooks%2F"), "{}", late.body);
    }
}

#[tokio::test]
async fn whoever_it_belongs_to_sees_who_looked_why_and_that_two_agreed() {
    for kind in ["member", "counselor"] {
        let page = world(kind).await.visit("/ledger/staff", COOKIE).await.body;
        for expected in [
            "Support looked how your account stands",
            "An operator read your ledger. Another one had agreed.",
            "The reason: somebody may be in danger.",
            "they see who read and when, and never what",
        ] {
            assert!(page.to_lowercase().contains(&expected.to_lowercase()), "{expected}: {page}");
        }
    }
    let ledger = world("member").await.visit("/ledger", COOKIE).await.body;
    assert!(ledger.contains("An operator read your ledger.") && ledger.contains("/ledger/staff"), "{ledger}");
}
