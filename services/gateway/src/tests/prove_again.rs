//! A step that wants a proof leads to the page that asks for one, and back.

use super::fakes::SECRET;
use super::*;
use jiff::SignedDuration;

const COOKIE: &str = "__Host-candor=cs_alice";
const PASSWORD: &str = "a long enough password";

async fn unproven() -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second() - 3600);
    world
}

#[tokio::test]
async fn whoever_has_to_prove_it_comes_back_to_where_they_were() {
    let world = unproven().await;
    let page = world.visit("/prove-again?next=%2Fledger%3Ffrom%3Da", COOKIE).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("name=\"next\" value=\"/ledger?from=a\""), "{}", page.body);
    let token = token_in(&page.body);
    let fields = |password| [("csrf", token.as_str()), ("next", "/ledger?from=a"), ("password", password)];
    let refused = world.submit("/prove-again", COOKIE, &fields("not mine")).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("You stay signed in.") && refused.body.contains("/ledger?from=a"));
    assert!(!refused.body.contains("not mine"));
    let proven = world.submit("/prove-again", COOKIE, &fields(PASSWORD)).await;
    assert_eq!((proven.status.as_u16(), proven.header("location")), (303, "/ledger?from=a"));
    // Who proved it a moment ago is not asked again, whichever replica saw it.
    let again = world.visit("/prove-again?next=%2Fledger", COOKIE).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (303, "/ledger"));
    // Five minutes, as the page promises and as the services have it; not a second more.
    assert!(page.body.contains("For five minutes after this, nothing asks again."));
    world.clock.set(world.clock.now() + SignedDuration::from_mins(5));
    for path in ["/security/password", "/clients/new"] {
        assert_eq!(world.visit(path, COOKIE).await.status, 200, "{path}");
    }
    world.clock.set(world.clock.now() + SignedDuration::from_secs(1));
    assert_eq!(world.visit("/prove-again?next=%2Fledger", COOKIE).await.status, 200);
    let asked = world.visit("/security/password", COOKIE).await;
    assert_eq!(asked.header("location"), "/prove-again?next=%2Fsecurity%2Fpassword");
}

#[tokio::test]
async fn a_form_that_comes_too_late_leads_to_the_proof_and_a_passport_of_before_is_dropped() {
    let world = unproven().await;
    let token = world.token("/sessions", COOKIE).await;
    let mints = world.fakes.mints.load(std::sync::atomic::Ordering::SeqCst);
    let answer = world.submit("/sessions/other/end", COOKIE, &[("csrf", &token)]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/prove-again?next=%2Fsessions"));
    assert!(world.fakes.ended.lock().unwrap().is_empty());
    // Meanwhile it was proven elsewhere.
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    assert_eq!(world.visit("/prove-again?next=%2Fsessions", COOKIE).await.header("location"), "/sessions");
    assert_eq!(world.fakes.mints.load(std::sync::atomic::Ordering::SeqCst), mints + 1);
    world.submit("/sessions/other/end", COOKIE, &[("csrf", &token)]).await;
    assert_eq!(*world.fakes.ended.lock().unwrap(), ["other"]);
}

#[tokio::test]
async fn nobody_is_led_elsewhere_and_nobody_in_a_circle() {
    let world = unproven().await;
    for next in ["//evil.example", "https://evil.example", "/prove-again?next=%2F", "/\\evil.example"] {
        let path = format!("/prove-again?next={}", crate::query::encode(next));
        let page = world.visit(&path, COOKIE).await;
        assert!(page.body.contains("name=\"next\" value=\"\""), "{next}");
        let fields = [("csrf", &*token_in(&page.body)), ("next", next), ("password", PASSWORD)];
        let done = world.submit("/prove-again", COOKIE, &fields).await;
        assert_eq!(done.status, 200, "{next}");
        assert!(done.body.contains("do it once more"));
        *world.fakes.proved_at.lock().unwrap() = Some(0);
    }
    // Without a session there is nothing to prove.
    let door = world.visit("/prove-again?next=%2Fledger", "").await;
    assert!(door.header("location").starts_with("/sign-in?next="));
}

#[tokio::test]
async fn a_client_is_told_the_reason_and_gets_a_new_passport_after_the_proof() {
    let world = unproven().await;
    let id = "0195f1c2-7f00-7000-8000-0000000000d1";
    let end = format!("/v1/sessions/{id}");
    let refused = world.call("DELETE", &end, Some(SECRET), "").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.json()["reason"], "STEP_UP_REQUIRED");
    let body = format!(r#"{{"password": "{PASSWORD}"}}"#);
    assert_eq!(world.call("POST", "/v1/sessions:stepUp", Some(SECRET), &body).await.status, 200);
    assert_eq!(world.call("DELETE", &end, Some(SECRET), "").await.status, 200);
}
