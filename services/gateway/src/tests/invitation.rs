//! Invitations: making one, looking at one, every way to answer it, and whom a code is kept for.

use super::two::{NAME, has_nothing_hostile};
use super::two_fakes::CODE;
use super::*;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const PASSWORD: (&str, &str) = ("password", "a long enough password");

/// Signing in where the invitation's page led to.
fn from_invitation() -> [(&'static str, &'static str); 3] {
    [("email", "a@b.example"), PASSWORD, ("next", "/invitation")]
}

/// The cookie with the kept code, if an answer sets it.
fn kept_in(answer: &Answer) -> Option<String> {
    let cookies = answer.cookies();
    let kept = cookies.iter().find(|cookie| cookie.starts_with("__Host-candor-kept="))?;
    let pair = kept.split(';').next().unwrap();
    (pair != "__Host-candor-kept=").then(|| pair.to_owned())
}

/// Whether an answer makes the browser forget a kept code.
fn forgets(answer: &Answer) -> bool {
    answer.cookies().iter().any(|cookie| cookie.starts_with("__Host-candor-kept=;"))
}

/// A visit's cookie.
async fn visit(world: &World) -> String {
    let page = world.visit("/invitation", "").await;
    page.cookies()[0].split(';').next().unwrap().to_owned()
}

/// A browser in which somebody looked at a code and wanted to go on to `to`.
async fn browser(world: &World, to: &str) -> String {
    let visit = visit(world).await;
    let kept = world.press("/invitation/keep", &visit, &[("code", CODE), ("to", to)]).await;
    assert_eq!(kept.header("location"), format!("/{to}?next=/invitation"));
    format!("{visit}; {}", kept_in(&kept).unwrap())
}

#[tokio::test]
async fn an_invitation_is_made_and_its_code_shown_once() {
    let world = World::new().await;
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let made = world.press("/couple/invite", COOKIE, &[("own_name", " Alice ")]).await;
    assert_eq!(made.status, 200);
    assert!(made.body.contains(&format!("value=\"{CODE}\"")), "{}", made.body);
    assert!(made.body.contains(&format!("value=\"{ORIGIN}/invitation#{CODE}\"")));
    assert_eq!(*world.fakes.two.invited.lock().unwrap(), ["Alice"]);
    assert!(!world.visit("/couple", COOKIE).await.body.contains(CODE));
    let refused = world.press("/couple/invite", COOKIE, &[("own_name", " ")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("role=\"alert\""));
}

#[tokio::test]
async fn an_invited_person_looks_signs_in_and_accepts_without_the_code_in_any_address() {
    let world = World::new().await;
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let form = world.visit("/invitation", "").await;
    let visit = form.cookies()[0].split(';').next().unwrap().to_owned();
    assert!(form.body.contains("data-fragment"));
    // The whole link, as people paste it.
    let link = format!(" {ORIGIN}/invitation#{CODE} ");
    let page = world.press("/invitation", &visit, &[("code", &link)]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("<bdi>{NAME}</bdi> invites you")), "{}", page.body);
    has_nothing_hostile(&page.body);
    assert!(page.body.contains("Register first") && !page.body.contains("/invitation/accept"));

    let kept = world.press("/invitation/keep", &visit, &[("code", CODE), ("to", "sign-in")]).await;
    assert_eq!(kept.header("location"), "/sign-in?next=/invitation");
    let cookie = kept.cookies()[0].to_owned();
    assert!(
        cookie.starts_with("__Host-candor-kept=") && cookie.contains("HttpOnly") && !cookie.contains(CODE)
    );
    let both = format!("{visit}; {}", kept_in(&kept).unwrap());
    let door = world.visit("/sign-in?next=/invitation", &both).await.body;
    assert!(door.contains("name=\"next\" value=\"/invitation\""), "{door}");
    let signed_in = world.press("/sign-in", &both, &from_invitation()).await;
    assert_eq!(signed_in.header("location"), "/invitation");

    let member = format!("{COOKIE}; {}", kept_in(&signed_in).unwrap());
    let page = world.visit("/invitation", &member).await;
    assert!(page.body.contains("/invitation/accept") && page.body.contains("I am 18 or older"));
    assert!(forgets(&page), "kept no longer");
    let minor = world.press("/invitation/accept", COOKIE, &[("code", CODE), ("own_name", "Alice")]).await;
    assert_eq!(minor.status, 400);
    let fields = [("code", CODE), ("own_name", "Alice"), ("adult", "yes")];
    let done = world.press("/invitation/accept", COOKIE, &fields).await;
    assert_eq!(done.header("location"), "/couple");
    let accepted = world.fakes.two.accepted.lock().unwrap().clone();
    assert_eq!((accepted.len(), accepted[0].own_name.as_str()), (1, "Alice"));
    for answer in [&form, &page, &signed_in, &done] {
        assert!(!answer.header("location").contains(CODE));
    }
}

#[tokio::test]
async fn codes_that_are_not_open_look_alike() {
    let world = World::new().await;
    let page = async |path: &str, code: &str| {
        let fields = [("code", code), ("own_name", "Alice"), ("adult", "yes")];
        let page = world.press(path, COOKIE, &fields).await;
        (page.status.as_u16(), page.body)
    };
    let long = "x".repeat(200);
    let unknown = page("/invitation", "ZZZZZ").await;
    assert_eq!(unknown.0, 404);
    assert!(unknown.1.contains("This invitation is not open") && !unknown.1.contains("ZZZZZ"));
    for code in ["", "YYYYY-YYYYY", &long] {
        assert_eq!(page("/invitation", code).await, unknown);
        assert_eq!(page("/invitation/accept", code).await, unknown);
    }
    // A no is heard alike, whatever the code.
    for path in ["/invitation/decline", "/invitation/block"] {
        let heard = page(path, CODE).await;
        assert_eq!(heard.0, 200);
        for code in ["ZZZZZ", &long] {
            assert_eq!(page(path, code).await, heard, "{path}");
        }
    }
}

#[tokio::test]
async fn an_invited_person_can_say_no_in_every_way() {
    let world = World::new().await;
    let visit = world.visit("/invitation", "").await;
    let visit = visit.cookies()[0].split(';').next().unwrap().to_owned();
    let later = world.press("/invitation/later", &visit, &[("code", CODE)]).await;
    assert!(later.body.contains("Nothing was told to anybody."));
    assert!(world.fakes.two.said.lock().unwrap().is_empty());
    // Whoever is not signed in is nobody to close the code for: only this browser forgets it.
    let unknown = world.press("/invitation/decline", &visit, &[("code", CODE)]).await;
    assert!(unknown.body.contains("Whoever invited you is told nothing."), "{}", unknown.body);
    assert!(unknown.body.contains("This browser keeps the code no longer.") && forgets(&unknown));
    assert!(!unknown.body.contains("works no more"), "no promise for others: {}", unknown.body);
    assert!(world.fakes.two.said.lock().unwrap().is_empty(), "nothing is asked of anybody");
    let declined = world.press("/invitation/decline", COOKIE, &[("code", CODE)]).await;
    assert!(declined.body.contains("Whoever invited you is told nothing.") && forgets(&declined));
    assert!(declined.body.contains("works no more for your account"), "{}", declined.body);
    let blocked = world.press("/invitation/block", &visit, &[("code", CODE)]).await;
    assert_eq!(blocked.header("location"), "/sign-in", "blocking needs somebody who blocks");
    world.press("/invitation/block", COOKIE, &[("code", CODE)]).await;
    let report = [("code", CODE), ("reason", "3"), ("note", "I am afraid")];
    assert_eq!(world.press("/invitation/report", &visit, &report).await.status, 200);
    assert_eq!(world.press("/invitation/report", &visit, &[("code", CODE)]).await.status, 400);
    // A report is no answer; a member's no goes beside it.
    let reported = world.press("/invitation/report", COOKIE, &report).await;
    assert!(reported.body.contains("works no more for your account"), "{}", reported.body);
    let said = world.fakes.two.said.lock().unwrap().clone();
    assert_eq!(
        said,
        [
            format!("decline {CODE}"),
            format!("block {CODE}"),
            format!("report {CODE} 3 I am afraid"),
            format!("report {CODE} 3 I am afraid"),
            format!("decline {CODE}")
        ]
    );
}

#[tokio::test]
async fn the_next_person_at_a_browser_does_not_meet_the_invitation_of_the_one_before() {
    let world = World::new().await;
    let cookies = browser(&world, "sign-in").await;
    // They come to sign in by themselves, not from the invitation.
    let other = world.press("/sign-in", &cookies, &[("email", "other@b.example"), PASSWORD]).await;
    assert_eq!(other.header("location"), "/timeline");
    assert!(forgets(&other) && kept_in(&other).is_none());
    // Nor does the cookie do anything in their session, should it be there still.
    let kept = cookies.split("; ").nth(1).unwrap();
    let page = world.visit("/invitation", &format!("{COOKIE}; {kept}")).await;
    assert!(!page.body.contains("invites you") && forgets(&page), "{}", page.body);
    // Nor without a session, where they only see where a code is put in.
    assert!(!world.visit("/invitation", &cookies).await.body.contains("invites you"));
    // Nor in another visit, even from an invitation of their own.
    let elsewhere = format!("{}; {kept}", visit(&world).await);
    let other = world.press("/sign-in", &elsewhere, &from_invitation()).await;
    assert!(other.header("location") == "/invitation" && forgets(&other) && kept_in(&other).is_none());
    // Handed on to one session, it is nothing to the next.
    let signed_in = world.press("/sign-in", &cookies, &from_invitation()).await;
    let theirs = format!("__Host-candor=cs_other; {}", kept_in(&signed_in).unwrap());
    assert!(!world.visit("/invitation", &theirs).await.body.contains("invites you"));
    let out = world.press("/sign-out", &format!("{COOKIE}; {kept}"), &[]).await;
    assert!(forgets(&out));
}

#[tokio::test]
async fn an_invitation_waits_for_the_address_that_registers_a_quarter_of_an_hour_at_most() {
    let world = World::new().await;
    let cookies = browser(&world, "register").await;
    let page = world.visit("/register?next=/invitation", &cookies).await.body;
    assert!(
        page.contains("name=\"next\" value=\"/invitation\"") && page.contains("/sign-in?next=/invitation")
    );
    let fields = [
        ("email", "New@b.example"),
        PASSWORD,
        ("time_zone", "Europe/Berlin"),
        ("adult", "yes"),
        ("terms", "2"),
        ("privacy", "1"),
        ("next", "/invitation"),
    ];
    let registered = world.press("/register", &cookies, &fields).await;
    assert_eq!(registered.header("location"), "/look-at-your-mail", "{}", registered.body);
    let visit = cookies.split("; ").next().unwrap();
    let cookies = format!("{visit}; {}", kept_in(&registered).unwrap());
    // Only with this address, wherever the mail led to in between.
    let sign_in = async |email: &str| world.press("/sign-in", &cookies, &[("email", email), PASSWORD]).await;
    let other = sign_in("other@b.example").await;
    assert!(other.header("location") == "/timeline" && forgets(&other));
    let found = sign_in(" new@b.example").await;
    assert_eq!(found.header("location"), "/invitation");
    let member = format!("{COOKIE}; {}", kept_in(&found).unwrap());
    assert!(world.visit("/invitation", &member).await.body.contains("invites you"));
    world.clock.set("2026-03-10T07:45:00Z".parse().unwrap());
    assert_eq!(sign_in("new@b.example").await.header("location"), "/timeline", "its time is over");
    assert!(!world.visit("/invitation", &member).await.body.contains("invites you"));
    // Whoever registers without having come from the invitation takes nothing along.
    let browser = browser(&world, "register").await;
    let alone = world.press("/register", &browser, &fields[..6]).await;
    assert!(alone.header("location") == "/look-at-your-mail" && forgets(&alone));
}

#[tokio::test]
async fn the_pages_say_that_a_link_may_stay_in_the_history_and_what_a_no_does() {
    let world = World::new().await;
    let visit = visit(&world).await;
    let code = world.visit("/invitation", "").await.body;
    assert!(code.contains("may stay in its history. A code typed here does not."), "{code}");
    let guest = world.press("/invitation", &visit, &[("code", CODE)]).await.body;
    for words in ["may stay in this browser's history", "Typing the code", "a quarter of an hour at most"] {
        assert!(guest.contains(words), "{words}: {guest}");
    }
    assert!(guest.contains("makes this browser forget the code, and nothing else"), "{guest}");
    let member = world.press("/invitation", COOKIE, &[("code", CODE)]).await.body;
    assert!(member.contains("closes this code for your account"), "{member}");
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let made = world.press("/couple/invite", COOKIE, &[("own_name", "Alice")]).await.body;
    assert!(made.contains("may stay in the history of their browser"), "{made}");
}
