//! The circle's pages, and sharing with more than one person to choose from.

use super::fakes::ENTRY;
use super::two::has_nothing_hostile;
use super::two_fakes::{BEN, CIRCLE, CLARA, CODE, PLACE, THEIRS};
use super::*;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";

impl World {
    fn done_with_circle(&self) -> Vec<String> {
        self.fakes.two.circle.lock().unwrap().clone()
    }

    async fn trusting() -> Self {
        let world = Self::new().await;
        world.fakes.two.trusted.store(true, Ordering::SeqCst);
        world
    }
}

#[tokio::test]
async fn an_empty_circle_is_fine_and_an_invitation_is_shown_once() {
    let world = World::new().await;
    let page = world.visit("/circle", COOKIE).await.body;
    assert!(page.contains("Nobody is in it yet") && page.contains("Only you ever see it"), "{page}");
    let wish = [("called", " Clara "), ("own_name", "Alice"), ("reason", "She listens.")];
    let made = world.press("/circle/invite", COOKIE, &wish).await;
    assert!(made.body.contains(CODE) && made.body.contains("An invitation for"), "{}", made.body);
    assert_eq!(world.done_with_circle(), ["invite Clara as Alice because She listens."]);
    // What is wrong is said, and what was typed stays.
    let again = world.press("/circle/invite", COOKIE, &[("called", ""), ("reason", "Kept words.")]).await;
    assert!(again.status == 400 && again.body.contains("Kept words."), "{}", again.body);
}

#[tokio::test]
async fn who_is_in_it_is_shown_to_its_host_and_taken_out_without_a_word() {
    let world = World::trusting().await;
    let page = world.visit("/circle", COOKIE).await.body;
    has_nothing_hostile(&page);
    for link in [
        format!("/circle/people/{CIRCLE}"),
        format!("/circle/invitations/{CIRCLE}/cancel"),
        format!("/received?in={PLACE}"),
        format!("/circle/places/{PLACE}"),
    ] {
        assert!(page.contains(&format!("\"{link}\"")), "{link}: {page}");
    }
    let one = world.visit(&format!("/circle/people/{CIRCLE}"), COOKIE).await.body;
    has_nothing_hostile(&one);
    assert!(one.contains("They get no message, no time and no reason"), "{one}");
    let keep = [("called", "C"), ("reason", "Why")];
    assert_eq!(world.press(&format!("/circle/people/{CIRCLE}"), COOKIE, &keep).await.status, 303);
    for path in [
        format!("/circle/people/{CIRCLE}/remove"),
        format!("/circle/places/{PLACE}/leave"),
        format!("/circle/invitations/{CIRCLE}/cancel"),
    ] {
        let answer = world.press(&path, COOKIE, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/circle"), "{path}");
        // Without the token of a form nothing happens.
        let forged = world.submit(&path, COOKIE, &[]).await;
        assert_eq!(forged.status, 403, "{path}");
    }
    let keep = format!("keep {CIRCLE} C Why");
    let rest = [format!("remove {CIRCLE}"), format!("leave {PLACE}"), format!("cancel {CIRCLE}")];
    assert_eq!(world.done_with_circle(), [&[keep][..], &rest[..]].concat());
    for place in ["/circle/people", "/circle/places"] {
        let closed = world.visit(&format!("{place}/{THEIRS}"), COOKIE).await;
        assert_eq!(closed.status, 404);
    }
}

#[tokio::test]
async fn an_invitation_to_a_circle_says_what_it_is_and_leads_there() {
    let world = World::new().await;
    let to_couple = world.press("/invitation", COOKIE, &[("code", CODE)]).await.body;
    assert!(to_couple.contains("link with you here"), "{to_couple}");
    world.fakes.two.to_circle.store(true, Ordering::SeqCst);
    let page = world.press("/invitation", COOKIE, &[("code", CODE)]).await.body;
    has_nothing_hostile(&page);
    assert!(page.contains("They trust you") && page.contains("opens nothing of yours"), "{page}");
    let yes = [("code", CODE), ("own_name", "Alice"), ("adult", "yes")];
    let accepted = world.press("/invitation/accept", COOKIE, &yes).await;
    assert_eq!((accepted.status.as_u16(), accepted.header("location")), (303, "/circle"));
}

#[tokio::test]
async fn where_there_are_several_nobody_is_chosen_for_the_member() {
    let world = World::trusting().await;
    let page = world.visit(&format!("/share?entry={ENTRY}"), COOKIE).await.body;
    for id in [BEN, CLARA] {
        assert!(page.contains(&format!("name=\"recipient\" value=\"{id}\" required><span>")), "{id}: {page}");
    }
    let mut wish = vec![("kind", "entry"), ("item", ENTRY), ("depth", "1"), ("words", "One thing.")];
    let asked = world.press("/share/preview", COOKIE, &wish).await;
    assert!(asked.status == 400 && asked.body.contains("Please choose with whom"), "{}", asked.body);
    wish.push(("recipient", CLARA));
    let preview = world.press("/share/preview", COOKIE, &wish).await.body;
    assert!(preview.contains(&format!("name=\"recipient\" value=\"{CLARA}\"")), "{preview}");
    assert!(preview.contains("Clara &#60;i&#62;it</bdi> would see"), "{preview}");
    // Somebody with whom nothing is shared is nobody.
    wish.pop();
    wish.push(("recipient", THEIRS));
    assert_eq!(world.press("/share/preview", COOKIE, &wish).await.status, 400);
}

#[tokio::test]
async fn what_a_host_shares_is_opened_in_their_name_and_answered_there() {
    let world = World::trusting().await;
    let all = world.visit("/received", COOKIE).await.body;
    assert!(all.contains(&format!("/received?in={PLACE}")) && all.contains("Ben"), "{all}");
    let hers = world.visit(&format!("/received?in={PLACE}"), COOKIE).await.body;
    has_nothing_hostile(&hers);
    let address = format!("/received/{THEIRS}?in={PLACE}");
    assert!(hers.contains(&address), "{hers}");
    let one = world.visit(&address, COOKIE).await.body;
    assert!(one.contains(&format!("name=\"in\" value=\"{PLACE}\"")), "{one}");
    for path in ["answer", "tell"] {
        let form = [("in", PLACE), ("body", "I hear you.")];
        let answer = world.press(&format!("/received/{THEIRS}/{path}"), COOKIE, &form).await;
        assert_eq!(answer.header("location"), address, "{path}: {}", answer.body);
    }
    let opened = world.fakes.two.opened.lock().unwrap().clone();
    let owners: Vec<&str> = opened.iter().map(|one| one.owner_account_id.as_str()).collect();
    assert_eq!(owners, [BEN, CLARA, CLARA, CLARA, CLARA]);
    let nowhere = world.visit(&format!("/received?in={THEIRS}"), COOKIE).await;
    assert_eq!(nowhere.status, 404);
}
