//! The pages of care for two, for each of the two and for the counselor.

use super::fakes_counselors::CARLA;
use super::fakes_couple_care::BOB;
use super::*;
use candor_proto::accounts::v1::CoupleCareState;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";

async fn proven(kind: &'static str) -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = kind;
    world
}

/// A member, who is linked, with care for two that stands so.
async fn linked(state: CoupleCareState, is_own: bool) -> World {
    let world = proven("member").await;
    *world.fakes.couple_care.state.lock().unwrap() = state;
    *world.fakes.couple_care.is_own.lock().unwrap() = is_own;
    world
}

fn done(world: &World) -> Vec<String> {
    std::mem::take(&mut *world.fakes.couple_care.done.lock().unwrap())
}

#[tokio::test]
async fn one_proposes_with_how_confidentiality_is_to_be() {
    let world = linked(CoupleCareState::Unspecified, false).await;
    let place = format!("/care/together/ask/{CARLA}");
    let form = world.visit(&place, COOKIE).await;
    for expected in ["Carla &#60;b&#62;Roth", "No secrets", "Limited", "Separate", "safety is always exempt"]
    {
        assert!(form.body.contains(expected), "{expected}: {}", form.body);
    }
    let token = token_in(&form.body);
    let fields = |policy| {
        [
            ("csrf", token.as_str()),
            ("own_name", "Anna"),
            ("jurisdiction", "DE"),
            ("attested", "yes"),
            ("policy", policy),
        ]
    };
    let wrong = world.submit(&place, COOKIE, &fields("nonsense")).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("How confidentiality is to be is not one of the three"), "{}", wrong.body);
    let proposed = world.submit(&place, COOKIE, &fields("2")).await;
    assert_eq!((proposed.status.as_u16(), proposed.header("location")), (303, "/care/together"));
    let sent = world.fakes.couple_care.proposals.lock().unwrap().remove(0);
    assert_eq!((sent.own_name.as_str(), sent.policy), ("Anna", 2));
}

#[tokio::test]
async fn the_other_agrees_for_themself_or_says_no_without_a_word() {
    let world = linked(CoupleCareState::Proposed, false).await;
    let page = world.visit("/care/together", COOKIE).await.body;
    assert!(page.contains("Nothing happens until you agree") && page.contains("Not for me"), "{page}");
    let form = world.visit("/care/together/t-1/agree", COOKIE).await.body;
    assert!(form.contains("You agree to this as well") && form.contains("No secrets."), "{form}");
    let token = token_in(&form);
    let fields = |jurisdiction| {
        [("csrf", token.as_str()), ("own_name", "Ben"), ("jurisdiction", jurisdiction), ("attested", "yes")]
    };
    let refused = world.submit("/care/together/t-1/agree", COOKIE, &fields("AT")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("No licence that was checked holds") && refused.body.contains("Ben"));
    let agreed = world.submit("/care/together/t-1/agree", COOKIE, &fields("DE")).await;
    assert_eq!(agreed.header("location"), "/care/together");
    world.submit("/care/together/t-1/end", COOKIE, &[("csrf", &token)]).await;
    assert_eq!(done(&world), ["agree t-1 as Ben", "end t-1"]);
    assert_eq!(world.visit("/care/together/somebody-elses/agree", COOKIE).await.status, 404);
}

#[tokio::test]
async fn to_whoever_proposed_it_silence_and_a_no_are_one_page() {
    let world = linked(CoupleCareState::Proposed, true).await;
    let page = world.visit("/care/together", COOKIE).await.body;
    assert!(page.contains("you proposed it") && page.contains("told to nobody"), "{page}");
    assert!(!page.contains("/agree") && !page.contains("not yet"), "{page}");
    // Nobody agrees for the other.
    assert_eq!(world.visit("/care/together/t-1/agree", COOKIE).await.header("location"), "/care/together");
    let end = world.visit("/care/together/t-1/end", COOKIE).await.body;
    assert!(end.contains("Take it back") && end.contains("no time, no reason"), "{end}");
}

#[tokio::test]
async fn while_it_is_active_confidentiality_shows_and_is_changed_by_all_three() {
    let world = linked(CoupleCareState::Active, true).await;
    let page = world.visit("/care/together", COOKIE).await.body;
    for expected in ["<strong>Separate</strong>", "Before: Limited", "stays under it", "Propose another"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(page.contains("This is so for every couple."), "{page}");
    *world.fakes.couple_care.joint_open.lock().unwrap() = true;
    *world.fakes.couple_care.proposed.lock().unwrap() = true;
    let page = world.visit("/care/together", COOKIE).await.body;
    assert!(page.contains("Sessions of all three are open.") && page.contains("Agree to it"), "{page}");
    let token = token_in(&page);
    let said = [("csrf", token.as_str()), ("version", "3"), ("policy", "1")];
    for act in ["", "/agree", "/withdraw", "/decline"] {
        let sent = world.submit(&format!("/care/together/t-1/confidentiality{act}"), COOKIE, &said).await;
        assert_eq!(sent.header("location"), "/care/together", "{act}");
    }
    let expected =
        ["propose 1 for t-1", "agree to 3 as 1 for t-1", "withdraw 3 of t-1", "decline 3 as 1 of t-1"];
    assert_eq!(done(&world), expected);
    assert!(page.contains("action=\"/care/together/t-1/confidentiality/decline\""), "{page}");
    // A change asks for a fresh proof, and leads back.
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second() - 600);
    let stale = world.submit("/care/together/t-1/confidentiality/agree", COOKIE, &said).await;
    assert_eq!(stale.header("location"), "/prove-again?next=%2Fcare%2Ftogether");
}

#[tokio::test]
async fn without_a_link_there_is_nothing_to_propose() {
    let world = proven("member").await;
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let page = world.visit("/care/together", COOKIE).await.body;
    assert!(page.contains("You are not linked."), "{page}");
    assert_eq!(world.visit(&format!("/care/together/ask/{CARLA}"), COOKIE).await.status, 404);
    let counselor = world.visit(&format!("/counselors/{CARLA}"), COOKIE).await.body;
    assert!(!counselor.contains("/care/together/ask"), "{counselor}");
}

#[tokio::test]
async fn the_counselor_takes_on_confirms_having_seen_each_alone_and_locks_again() {
    let world = proven("counselor").await;
    let page = world.visit("/practice/couples", COOKIE).await.body;
    for expected in [
        "Anna &#60;i&#62;A",
        "Both agreed to: <strong>No secrets.",
        "/practice/couples/t-1/accept",
        "/practice/couples/t-1/decline",
        "seen alone, said on",
        &format!("/practice/couples/t-2/seen/{BOB}"),
        "/practice/couples/t-2/confidentiality/agree",
        "/practice/couples/t-2/confidentiality/decline",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let token = token_in(&page);
    assert_eq!(world.submit("/practice/couples/t-1/accept", COOKIE, &[("csrf", &token)]).await.status, 400);
    let said = [("csrf", token.as_str()), ("attested", "yes"), ("version", "3"), ("policy", "1")];
    let acts = [
        "t-1/accept".to_owned(),
        "t-1/decline".to_owned(),
        format!("t-2/seen/{BOB}"),
        "t-2/lock".to_owned(),
        "t-2/confidentiality/agree".to_owned(),
        "t-2/confidentiality/decline".to_owned(),
        "t-2/end".to_owned(),
    ];
    for act in &acts {
        let sent = world.submit(&format!("/practice/couples/{act}"), COOKIE, &said).await;
        assert_eq!(sent.header("location"), "/practice/couples", "{act}");
    }
    let expected = [
        "accept t-1".to_owned(),
        "decline t-1".to_owned(),
        format!("seen {BOB} of t-2"),
        "lock t-2".to_owned(),
        "agree to 3 as 1 for t-2".to_owned(),
        "decline 3 as 1 of t-2".to_owned(),
        "end t-2".to_owned(),
    ];
    assert_eq!(done(&world), expected);
}
