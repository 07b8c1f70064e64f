//! The pages of passkeys.

use super::fakes_passkeys::PASSKEY;
use super::*;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const PASSWORD: &str = "a long enough password";

/// What a script finds in a page that asks a device; without one the page says what to do.
fn is_asking(page: &Answer, action: &str, what_for: &str) {
    let quoted = "data-passkey=\"{&#34;challenge&#34;:&#34;a \\&#34;quoted\\&#34; &#60;one&#62;&#34;}\"";
    assert!(page.body.contains(quoted), "{}", page.body);
    assert!(page.body.contains(&format!("action=\"{action}\"")), "{}", page.body);
    assert!(page.body.contains(&format!("data-passkey-for=\"{what_for}\"")));
    assert!(page.body.contains("name=\"challenge\" value=\"ck_asked\""));
    assert!(
        page.body.contains("<p class=\"message\" data-passkey-without>") && page.body.contains("hidden>")
    );
}

#[tokio::test]
async fn a_passkey_is_added_named_and_taken_away_on_pages() {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let asked = world.visit("/security/passkeys", COOKIE).await;
    assert_eq!(asked.header("location"), "/prove-again?next=%2Fsecurity%2Fpasskeys");
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    let token = world.token("/security/passkeys", COOKIE).await;
    let csrf = ("csrf", token.as_str());
    let blank = world.submit("/security/passkeys/begin", COOKIE, &[csrf, ("name", " ")]).await;
    assert!(blank.status == 400 && blank.body.contains("The name must not be blank."), "{}", blank.body);
    let page = world.submit("/security/passkeys/begin", COOKIE, &[csrf, ("name", "My phone")]).await;
    is_asking(&page, "/security/passkeys", "new");
    let answer = |credential| [csrf, ("challenge", "ck_asked"), ("credential", credential)];
    let none = world.submit("/security/passkeys", COOKIE, &answer("bad")).await;
    assert!(
        none.status == 400
            && none.body.contains("It makes no passkey here.")
            && none.body.contains("name=\"name\"")
    );
    let done = world.submit("/security/passkeys", COOKIE, &answer("good")).await;
    assert!(done.body.contains("01AB-CDEF-GHJK-MNPQ"), "{}", done.body);
    let again = world.submit("/security/passkeys", COOKIE, &answer("good")).await;
    assert_eq!(again.header("location"), "/security");
    let security = world.visit("/security", COOKIE).await.body;
    assert!(
        security.contains("My &#60;phone&#62;") && security.contains("Recovery codes left: 9"),
        "{security}"
    );
    let place = format!("/security/passkeys/{PASSKEY}");
    let named = world.submit(&format!("{place}/rename"), COOKIE, &[csrf, ("name", "The key")]).await;
    assert_eq!(named.header("location"), "/security");
    assert_eq!(*world.fakes.passkeys.named.lock().unwrap(), ["My phone", "The key"]);
    let remove = format!("{place}/remove");
    assert!(security.contains(&format!("href=\"{remove}\"")), "{security}");
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let asked = [world.submit(&remove, COOKIE, &[csrf]).await, world.visit(&remove, COOKIE).await];
    for asked in asked {
        assert!(asked.header("location").starts_with("/prove-again?next=%2Fsecurity%2Fpasskeys%2F"));
    }
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    let page = world.visit(&remove, COOKIE).await.body;
    assert!(page.contains("the passkey <bdi>My &#60;phone&#62;</bdi> away"), "{page}");
    assert!(page.contains("name=\"others_go_on\"") && !page.contains("value=\"yes\" checked"), "{page}");
    assert_eq!(world.visit("/security/passkeys/another/remove", COOKIE).await.status, 404);
    // Whoever says nothing of the others signs them out.
    assert_eq!(world.submit(&remove, COOKIE, &[csrf]).await.header("location"), "/security");
    assert!(!world.visit("/security", COOKIE).await.body.contains("My &#60;phone&#62;"));
    world.submit(&remove, COOKIE, &[csrf, ("others_go_on", "yes")]).await;
    assert_eq!(*world.fakes.passkeys.lost.lock().unwrap(), [("passkey", false), ("passkey", true)]);
}

#[tokio::test]
async fn a_passkey_signs_in_alone_or_after_the_password() {
    let world = World::new().await;
    let page = world.visit("/sign-in?next=/ledger", "").await;
    let (visit, token) = (page.cookies().join("; "), token_in(&page.body));
    let csrf = ("csrf", token.as_str());
    let asked = world.submit("/sign-in/passkey", &visit, &[csrf, ("next", "/ledger")]).await;
    is_asking(&asked, "/sign-in/passkey/finish", "proof");
    let answer =
        |credential| [csrf, ("challenge", "ck_asked"), ("credential", credential), ("next", "/ledger")];
    let refused = world.submit("/sign-in/passkey/finish", &visit, &answer("bad")).await;
    assert!(refused.status == 401 && refused.body.contains("This passkey does not fit here."));
    assert!(refused.body.contains("name=\"password\"") && refused.body.contains("value=\"/ledger\""));
    let done = world.submit("/sign-in/passkey/finish", &visit, &answer("good")).await;
    assert_eq!(done.header("location"), "/ledger");
    assert!(done.cookies().iter().any(|cookie| cookie.starts_with("__Host-candor=cs_alice")));
    // Nobody is sent elsewhere by a form that says so.
    let astray =
        [csrf, ("challenge", "ck_asked"), ("credential", "good"), ("next", "https://elsewhere.example")];
    assert_eq!(
        world.submit("/sign-in/passkey/finish", &visit, &astray).await.header("location"),
        "/timeline"
    );

    let fields = [csrf, ("email", "anna@example.org"), ("password", PASSWORD)];
    world.fakes.app.store(true, Ordering::SeqCst);
    assert!(!world.submit("/sign-in", &visit, &fields).await.body.contains("/sign-in/passkey"));
    world.fakes.passkeys.has.store(true, Ordering::SeqCst);
    let second = world.submit("/sign-in", &visit, &fields).await;
    assert!(second.body.contains("action=\"/sign-in/passkey\""), "{}", second.body);
    // It is offered again after a wrong code.
    let wrong = [csrf, ("token", "ch_half"), ("code", "1"), ("passkey", "yes")];
    assert!(
        world.submit("/sign-in/second", &visit, &wrong).await.body.contains("action=\"/sign-in/passkey\"")
    );
    world.submit("/sign-in/passkey", &visit, &[csrf, ("token", "ch_half")]).await;
    assert_eq!(*world.fakes.passkeys.halves.lock().unwrap(), ["", "ch_half"]);
}

#[tokio::test]
async fn a_passkey_proves_again_who_one_is() {
    let world = World::new().await;
    assert!(!world.visit("/prove-again", COOKIE).await.body.contains("/prove-again/passkey"));
    world.fakes.passkeys.has.store(true, Ordering::SeqCst);
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let page = world.visit("/prove-again?next=/ledger", COOKIE).await;
    assert!(page.body.contains("action=\"/prove-again/passkey\"") && page.body.contains("name=\"code\""));
    let token = token_in(&page.body);
    let csrf = ("csrf", token.as_str());
    let asked = world.submit("/prove-again/passkey", COOKIE, &[csrf, ("next", "/ledger")]).await;
    is_asking(&asked, "/prove-again/passkey/finish", "proof");
    assert!(asked.body.contains("href=\"/prove-again?next=%2Fledger\""));
    let answer =
        |credential| [csrf, ("challenge", "ck_asked"), ("credential", credential), ("next", "/ledger")];
    let refused = world.submit("/prove-again/passkey/finish", COOKIE, &answer("bad")).await;
    assert!(refused.status == 403 && refused.body.contains("This did not fit."));
    let done = world.submit("/prove-again/passkey/finish", COOKIE, &answer("good")).await;
    assert_eq!(done.header("location"), "/ledger");
}
