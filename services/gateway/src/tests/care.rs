//! The pages of care, for the member who asks and the counselor who is asked.

use super::fakes_counselors::CARLA;
use super::*;
use candor_proto::accounts::v1::CareState;

const COOKIE: &str = "__Host-candor=cs_alice";

async fn proven(kind: &'static str) -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = kind;
    world
}

fn stands(world: &World, state: CareState) {
    *world.fakes.care.state.lock().unwrap() = state;
}

#[tokio::test]
async fn a_member_asks_and_nothing_typed_is_lost_or_markup() {
    let world = proven("member").await;
    let place = format!("/care/ask/{CARLA}");
    let form = world.visit(&place, COOKIE).await;
    assert!(form.body.contains("Carla &#60;b&#62;Roth"), "{}", form.body);
    let token = token_in(&form.body);
    let fields = |jurisdiction| {
        [
            ("csrf", token.as_str()),
            ("own_name", " Anna "),
            ("note", "We hardly <i>talk</i>."),
            ("jurisdiction", jurisdiction),
            ("attested", "yes"),
        ]
    };
    let wrong = world.submit(&place, COOKIE, &fields("nowhere")).await;
    assert_eq!(wrong.status, 400);
    for kept in ["Where you are is not a country such as DE.", "We hardly &#60;i&#62;talk", "Anna"] {
        assert!(wrong.body.contains(kept), "{kept}: {}", wrong.body);
    }
    let said = ("BLOCKED_BY_YOU", "You blocked this person. Nothing was asked.");
    *world.fakes.care.refusal.lock().unwrap() = Some(said);
    let refused = world.submit(&place, COOKIE, &fields("DE")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains(said.1) && refused.body.contains("We hardly"), "{}", refused.body);
    *world.fakes.care.refusal.lock().unwrap() = None;
    let asked = world.submit(&place, COOKIE, &fields("DE")).await;
    assert_eq!((asked.status.as_u16(), asked.header("location")), (303, "/care"));
    let sent = world.fakes.care.requests.lock().unwrap().remove(0);
    assert_eq!((sent.own_name.as_str(), sent.attested), ("Anna", true));
    assert_eq!(world.visit("/care/ask/nonsense", COOKIE).await.status, 404);
}

#[tokio::test]
async fn asking_takes_a_fresh_proof_and_keeps_what_was_typed() {
    let world = World::new().await;
    let place = format!("/care/ask/{CARLA}");
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second() - 600);
    let form = world.visit(&place, COOKIE).await;
    assert!(form.header("location").starts_with("/prove-again?next="), "{}", form.body);
}

#[tokio::test]
async fn a_member_sees_how_it_stands_and_ends_it() {
    let world = proven("member").await;
    stands(&world, CareState::Asked);
    let first = world.visit("/care", COOKIE).await.body;
    assert!(first.contains("not taken on") && first.contains("/care?from=a%2Bb"), "{first}");
    let page = world.visit("/care?from=a%2Bb", COOKIE).await.body;
    assert!(page.contains("Carla &#60;b&#62;Roth") && page.contains("Take it back"), "{page}");
    assert!(!page.contains("on hold") && !page.contains("/accept"), "{page}");
    stands(&world, CareState::Active);
    *world.fakes.care.on_hold.lock().unwrap() = true;
    let page = world.visit("/care?from=a%2Bb", COOKIE).await.body;
    assert!(page.contains("This is on hold.") && page.contains("in care"), "{page}");

    // Also what is not on the first page has a way out.
    let end = world.visit("/care/c-1/end", COOKIE).await;
    assert!(end.body.contains("End it now") && end.body.contains("neither by whom nor why"), "{}", end.body);
    let token = token_in(&end.body);
    world.submit("/care/c-1/end", COOKIE, &[("csrf", &token)]).await;
    let done = world.submit("/care/c-1/end", COOKIE, &[("csrf", &token), ("block", "yes")]).await;
    assert_eq!(done.header("location"), "/care");
    assert_eq!(*world.fakes.care.done.lock().unwrap(), ["end c-1", "end and block c-1"]);
    assert_eq!(world.visit("/care/somebody-elses/end", COOKIE).await.status, 404);
    assert!(world.visit("/care/c-0/end", COOKIE).await.body.contains("It is over already."));
    assert_eq!(world.submit("/care/c-1/end", COOKIE, &[]).await.status, 403, "a form without its token");
}

#[tokio::test]
async fn a_counselor_takes_on_with_an_attestation_or_not_and_ends_it() {
    let world = proven("counselor").await;
    let page = world.visit("/practice/people", COOKIE).await.body;
    for expected in [
        "Anna of c-1",
        "We hardly &#60;i&#62;talk",
        "I may practise where they are: DE",
        "/practice/people/c-1/accept",
        "/practice/people/c-1/decline",
        "/practice/people/c-2/end",
        "/practice/people?from=a%2Bb",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("c-2/accept") && !page.contains("c-1/end"), "{page}");
    let token = token_in(&page);
    let unsaid = world.submit("/practice/people/c-1/accept", COOKIE, &[("csrf", &token)]).await;
    assert_eq!(unsaid.status, 400);
    let said = [("csrf", token.as_str()), ("attested", "yes")];
    for act in ["c-1/accept", "c-1/decline", "c-2/end"] {
        let done = world.submit(&format!("/practice/people/{act}"), COOKIE, &said).await;
        assert_eq!(done.header("location"), "/practice/people", "{act}");
    }
    assert_eq!(*world.fakes.care.done.lock().unwrap(), ["accept c-1", "decline c-1", "end c-2"]);
}
