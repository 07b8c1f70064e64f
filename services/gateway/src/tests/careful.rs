//! Where something is not safe, no page proposes anything for two, and nothing of one's own gets out of reach.

use super::fakes::ENTRY;
use super::fakes_check_in::{SCHEDULE, evening, running};
use super::two_fakes::MINE;
use super::*;
use candor_proto::reminders::v1::GetCheckInScheduleResponse;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const EARLIER: &str = "0195f1c2-7f00-7000-8000-0000000000e1";
const NEWEST: &str = "0195f1c2-7f00-7000-8000-0000000000e2";
const BEGUN: &str = "0195f1c2-7f00-7000-8000-0000000000e3";
const DAYS: [i64; 3] = [1_772_366_400, 1_772_971_200, 1_773_057_600];

/// What invites to something for two, by page.
const SUGGESTIONS: [(&str, &[&str]); 6] = [
    (
        "/path",
        &[
            "Have a check-in",
            "Share something again",
            "A later one for two",
            "href=\"/check-in\"",
            "A few quiet minutes",
        ],
    ),
    ("/couple", &["To share something, open one", "class=\"button quiet\" href=\"/check-in\""]),
    ("/shared", &["To share something, open one"]),
    ("/check-in", &["A few minutes, once a week", "When you talk", "id=\"propose\">Propose a time</h2>"]),
    ("/entries/0195f1c2-7f00-7000-8000-000000000001", &["Share something of this", "/share?"]),
    ("/self-check/results/0195f1c2-7f00-7000-8000-0000000000e1", &["/share?"]),
];

/// A world where everything for two would be suggested; the newest self-check has a given answer.
async fn world(code: &str) -> World {
    let world = World::new().await;
    world.fakes.two_are_next.store(true, Ordering::SeqCst);
    world.fakes.self_checks.add(EARLIER, 1, DAYS[0], [Some(40), None], "often");
    world.fakes.self_checks.add(NEWEST, 1, DAYS[1], [Some(40), None], code);
    *world.fakes.two.shares.lock().unwrap() = Some(vec![]);
    world
}

/// How many of the suggestions the pages make.
async fn suggested(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for (path, suggestions) in SUGGESTIONS {
        let page = world.visit(path, COOKIE).await;
        assert!(page.status == 200 || path.contains("results"), "{path}: {}", page.body);
        let made = suggestions.iter().filter(|words| page.body.contains(**words));
        found.extend(made.map(|words| format!("{path}: {words}")));
    }
    found
}

#[tokio::test]
async fn nothing_for_two_is_proposed_after_not_safe_and_while_it_cannot_be_known() {
    assert!(SUGGESTIONS[4].0.ends_with(ENTRY) && SUGGESTIONS[5].0.ends_with(EARLIER));
    let usual = world("often").await;
    // Every page suggests something; "When you talk" comes only with check-ins that run.
    let all = SUGGESTIONS.iter().map(|(_, suggestions)| suggestions.len()).sum::<usize>();
    assert_eq!(suggested(&usual).await.len(), all - 1, "{:?}", suggested(&usual).await);
    usual.fakes.self_checks.away.store(true, Ordering::SeqCst);
    assert_eq!(suggested(&usual).await, [""; 0], "away");
    let page = usual.visit("/path", COOKIE).await.body;
    assert!(!page.contains("not safe"), "and nothing is said of it: {page}");
    assert_eq!(suggested(&world("not-safe").await).await, [""; 0]);
    // Two of one moment count both, whichever comes first.
    let two = world("often").await;
    two.fakes.self_checks.add(BEGUN, 1, DAYS[1], [Some(40), None], "not-safe");
    assert_eq!(suggested(&two).await, [""; 0]);
    two.fakes.self_checks.assessments.lock().unwrap().swap(0, 1);
    assert_eq!(suggested(&two).await, [""; 0]);
    // It is the newest that counts; one that is open counts, too.
    let later = world("not-safe").await;
    later.fakes.self_checks.add(BEGUN, 1, DAYS[2], [Some(40), None], "often");
    assert_ne!(suggested(&later).await, [""; 0]);
    later.fakes.self_checks.assessments.lock().unwrap()[0].score_time = None;
    assert_eq!(suggested(&later).await, [""; 0], "what is begun takes nothing back");
    let begun = world("often").await;
    begun.fakes.self_checks.add(BEGUN, 1, DAYS[2], [Some(40), None], "not-safe");
    begun.fakes.self_checks.assessments.lock().unwrap()[0].score_time = None;
    assert_eq!(suggested(&begun).await, [""; 0]);
}

#[tokio::test]
async fn the_path_keeps_what_is_ones_own_and_what_was_reached() {
    let page = world("not-safe").await.visit("/path", COOKIE).await.body;
    for words in ["Write a first entry", "Share one small thing", "Reached on", "nothing you have to do"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("href=\"/timeline\">Share one"), "reached, and no link: {page}");
    assert!(page.contains("href=\"/write\">Write a first entry"), "{page}");
}

#[tokio::test]
async fn what_is_there_can_still_be_ended_and_taken_back() {
    let world = world("not-safe").await;
    *world.fakes.two.shares.lock().unwrap() = None;
    let times = GetCheckInScheduleResponse {
        schedule: Some(running()),
        own_proposal: Some(evening(ENTRY)),
        partner_proposal: Some(evening(NEWEST)),
    };
    *world.fakes.check_ins.times.lock().unwrap() = times;
    for (path, parts) in [
        ("/couple", &["href=\"/couple/unlink\"", "href=\"/shared\""][..]),
        ("/shared", &["/withdraw\""]),
        ("/ledger", &["Open now"]),
        ("/check-in", &["End them now", "Take the proposal back", "Not now", SCHEDULE]),
    ] {
        let page = world.visit(path, COOKIE).await.body;
        for part in parts {
            assert!(page.contains(part), "{path} lacks {part}: {page}");
        }
        assert!(!page.contains("When you talk"), "{path}: {page}");
    }
    assert_eq!(world.press(&format!("/shared/{MINE}/withdraw"), COOKIE, &[]).await.status, 303);
    assert!(world.visit(&format!("/shared/{MINE}"), COOKIE).await.body.contains("Take it back"));
    // Not linked: an invitation can be made by whoever looks for it, and nothing suggests it.
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let page = world.visit("/couple", COOKIE).await.body;
    assert!(
        page.contains("<summary>Invite one person</summary>") && page.contains("/couple/invite"),
        "{page}"
    );
    assert!(!page.contains("would like to open up to"), "{page}");
    let page = world.visit("/check-in", COOKIE).await.body;
    assert!(!page.contains("a link begins here"), "{page}");
}
