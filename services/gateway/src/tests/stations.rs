//! Those who run the place and work with it land on what is theirs, and are shown no door that is closed to them.

use super::*;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const PASSWORD: &str = "a long enough password";

/// Who somebody is: the kind of account, whether two factors were proven, and where they are at home.
const STATIONS: [(&str, bool, &str); 9] = [
    ("member", false, "/timeline"),
    ("member", true, "/timeline"),
    ("operator", true, "/clients"),
    ("operator", false, "/security"),
    ("counselor", true, "/practice"),
    ("counselor", false, "/security"),
    ("support", true, "/support"),
    ("support", false, "/security"),
    ("editor", true, "/security"),
];

async fn as_somebody(kind: &'static str, strong: bool) -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = kind;
    world.fakes.strong.store(strong, Ordering::SeqCst);
    world
}

#[tokio::test]
async fn everybody_lands_at_home_after_signing_in_and_from_the_start_page() {
    for (kind, strong, home) in STATIONS {
        let world = as_somebody(kind, strong).await;
        let page = world.visit("/sign-in", "").await;
        let (visit, token) = (page.cookies().join("; "), token_in(&page.body));
        let fields = [("csrf", token.as_str()), ("email", "a@b.example"), ("password", PASSWORD)];
        let entered = world.submit("/sign-in", &visit, &fields).await;
        assert_eq!(entered.header("location"), home, "{kind}");
        let asked = [&fields[..], &[("next", "/sessions")]].concat();
        assert_eq!(world.submit("/sign-in", &visit, &asked).await.header("location"), "/sessions", "{kind}");
        world.fakes.app.store(true, Ordering::SeqCst);
        let fields = [("csrf", token.as_str()), ("token", "ch_half"), ("code", "123456")];
        let entered = world.submit("/sign-in/second", &visit, &fields).await;
        assert_eq!(entered.header("location"), home, "{kind}");
        assert_eq!(world.visit("/", COOKIE).await.header("location"), home, "{kind}");
        assert!(world.visit(home, COOKIE).await.status.is_success(), "{kind}: no dead end");
    }
}

#[tokio::test]
async fn the_navigation_shows_nobody_what_is_closed_to_them() {
    for (kind, strong, _) in STATIONS {
        let world = as_somebody(kind, strong).await;
        // The library is open to everybody, so nobody was asked yet whose session it is.
        for path in ["/library", "/security", "/sessions", "/nothing"] {
            let page = world.visit(path, COOKIE).await.body;
            for place in ["timeline", "write", "self-check", "path", "couple", "inbox"] {
                let shown = page.contains(&format!("<a href=\"/{place}\""));
                assert_eq!(shown, kind == "member", "{kind} at {path}: {place}");
            }
            for place in ["library", "security"] {
                assert!(
                    page.contains(&format!("<a href=\"/{place}\" aria-current")),
                    "{kind} at {path}: {place}"
                );
            }
            for (place, whose) in [("looks", "operator"), ("moderation", "operator"), ("support", "support")]
            {
                let shown = page.contains(&format!("<a href=\"/{place}\" aria-current"));
                assert_eq!(shown, kind == whose, "{kind} at {path}: {place}");
            }
            assert!(page.contains("action=\"/sign-out\""), "{kind} at {path}");
        }
    }
}

#[tokio::test]
async fn a_page_of_members_leads_others_back_to_what_is_theirs() {
    let world = as_somebody("support", true).await;
    world.fakes.members_only.store(true, Ordering::SeqCst);
    let page = world.visit("/timeline", COOKIE).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("href=\"/support\">To support</a>"), "{}", page.body);
    assert!(!page.body.contains("href=\"/timeline\""), "no door to the same: {}", page.body);
}

#[tokio::test]
async fn when_accounts_is_away_the_library_is_open_all_the_same() {
    let world = World::new().await;
    world.fakes.away.store(true, Ordering::SeqCst);
    assert_eq!(world.visit("/library", COOKIE).await.status, 200);
    // What was heard once is enough: no page that needs nobody asks again.
    world.fakes.away.store(false, Ordering::SeqCst);
    assert_eq!(world.visit("/library", COOKIE).await.status, 200);
    let mints = world.fakes.mints.load(Ordering::SeqCst);
    world.clock.set(world.clock.now() + jiff::SignedDuration::from_mins(2));
    world.visit("/library", COOKIE).await;
    assert_eq!(world.fakes.mints.load(Ordering::SeqCst), mints);
}
