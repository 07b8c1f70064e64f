//! The pages of one's own security.

use super::{fakes::ENTRY, *};
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const PASSWORD: &str = "a long enough password";

#[tokio::test]
async fn what_happened_and_how_one_is_told_stands_on_one_page() {
    let world = World::new().await;
    let page = world.visit("/security", COOKIE).await;
    assert!(page.body.contains("Your password was changed.") && page.body.contains("in this session"));
    assert!(page.body.contains("Somebody tried to register with your address."));
    assert!(page.body.contains("value=\"no\" checked"), "{}", page.body);
    // The older ones are one link away, and so is the way back.
    assert!(
        page.body.contains("href=\"/security?from=older#lately\"")
            && !page.body.contains("Back to the newest")
    );
    let older = world.visit("/security?from=older", COOKIE).await.body;
    assert!(older.contains("An authenticator app was set up.") && older.contains("Back to the newest"));
    assert!(!older.contains("Older ones"), "{older}");
    let token = token_in(&page.body);
    let fields = [("csrf", token.as_str()), ("by_mail", "yes")];
    assert_eq!(world.submit("/security/notices", COOKIE, &fields).await.header("location"), "/security");
    assert!(world.fakes.by_mail.load(Ordering::SeqCst));
    assert!(world.visit("/security", COOKIE).await.body.contains("value=\"yes\" checked"));
    // Nothing said is no.
    world.submit("/security/notices", COOKIE, &fields[..1]).await;
    assert!(!world.fakes.by_mail.load(Ordering::SeqCst));
    // A proof of long ago leads to the page that asks for one.
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let late = world.submit("/security/notices", COOKIE, &fields).await;
    assert_eq!(late.header("location"), "/prove-again?next=%2Fsecurity");
    assert!(!world.fakes.by_mail.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_password_is_changed_after_a_proof_and_a_refusal_says_why() {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let asked = world.visit("/security/password", COOKIE).await;
    assert_eq!(asked.header("location"), "/prove-again?next=%2Fsecurity%2Fpassword");
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    let token = world.token("/security/password", COOKIE).await;
    let fields = |password| [("csrf", token.as_str()), ("new_password", password)];
    let refused = world.submit("/security/password", COOKIE, &fields("passwordpassword")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("The new password is one of the first."), "{}", refused.body);
    assert!(!refused.body.contains("passwordpassword"));
    let done = world.submit("/security/password", COOKIE, &fields(PASSWORD)).await;
    assert_eq!(done.header("location"), "/security");
    let more = [&fields(PASSWORD)[..], &[("others_go_on", "yes")]].concat();
    world.submit("/security/password", COOKIE, &more).await;
    let changed: Vec<_> = world.fakes.changed.lock().unwrap().iter().map(|one| one.others_go_on).collect();
    assert_eq!(changed, [false, true]);
    // How long it has to be is said to whom it is true for.
    let page = world.visit("/security/password", COOKIE).await.body;
    assert!(page.contains("At least 15 characters.") && page.contains("minlength=\"15\""), "{page}");
    world.fakes.app.store(true, Ordering::SeqCst);
    let page = world.visit("/security/password", COOKIE).await.body;
    assert!(page.contains("At least 8 characters") && page.contains("minlength=\"8\""), "{page}");
}

#[tokio::test]
async fn whoever_cannot_sign_in_gets_a_link_and_sets_a_password_with_it() {
    let world = World::new().await;
    let page = world.visit("/reset", "").await;
    let visit = page.cookies().join("; ");
    let token = token_in(&page.body);
    for email in ["anna@example.org", "nobody@example.org"] {
        let sent = world.submit("/reset", &visit, &[("csrf", &token), ("email", email)]).await;
        assert_eq!((sent.status.as_u16(), sent.header("location")), (303, "/reset?sent=1"));
    }
    assert_eq!(world.fakes.resets.lock().unwrap().len(), 2);
    let fields = |link, password| [("csrf", token.as_str()), ("token", link), ("new_password", password)];
    let weak = world.submit("/reset/set", &visit, &fields("good", "passwordpassword")).await;
    assert_eq!(weak.status, 400);
    assert!(
        weak.body.contains("is one of the first.") && weak.body.contains("name=\"token\" value=\"good\"")
    );
    let old = world.submit("/reset/set", &visit, &fields("old", PASSWORD)).await;
    assert_eq!(old.status, 404);
    assert!(old.body.contains("Your password is what it was."));
    assert!([&weak, &old].iter().all(|refused| refused.cookies().is_empty()));
    let done = world.submit("/reset/set", &visit, &fields("good", PASSWORD)).await;
    assert!(done.body.contains("Your new password is set"));
    // The browser is known for the sign-in that follows, by what it was known by or anew; nobody is signed in by that.
    let known = "__Host-candor-device=cd_new; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=31536000";
    assert_eq!(done.cookies(), [known]);
    let brought = format!("{visit}; __Host-candor-device=cd_brought");
    let done = world.submit("/reset/set", &brought, &fields("good", PASSWORD)).await;
    assert_eq!(done.cookies(), [known.replace("cd_new", "cd_brought")]);
    // The link alone changes nothing: programs open every link of a mail.
    assert!(world.visit("/reset?token=good", "").await.body.contains("name=\"new_password\""));
}

#[tokio::test]
async fn all_other_sessions_end_with_one_button() {
    let world = World::new().await;
    let page = world.visit("/sessions", COOKIE).await;
    assert!(page.body.contains("End all but this one"));
    assert!(page.body.contains("class=\"actions spaced\""), "the button stands apart from the last card");
    let fields = [("csrf", &*token_in(&page.body))];
    assert_eq!(world.submit("/sessions/end-others", COOKIE, &fields).await.header("location"), "/sessions");
    assert_eq!(*world.fakes.ended.lock().unwrap(), ["all others"]);
}

#[tokio::test]
async fn an_app_is_set_up_with_a_picture_or_by_hand_and_the_codes_are_shown_once() {
    let world = World::new().await;
    let page = world.visit("/security/app", COOKIE).await;
    assert!(page.body.contains("<svg class=\"qr\"") && page.body.contains("GEZD GNBV GY3T QOJQ"));
    assert!(!page.body.contains("others_go_on"), "a first app takes nothing's place: {}", page.body);
    let token = token_in(&page.body);
    let fields = |code| [("csrf", token.as_str()), ("code", code)];
    let wrong = world.submit("/security/app", COOKIE, &fields("654321")).await;
    assert_eq!(wrong.status, 403);
    assert!(wrong.body.contains("did not fit") && wrong.body.contains("GEZD GNBV GY3T QOJQ"));
    let done = world.submit("/security/app", COOKIE, &fields("123456")).await;
    assert!(done.body.contains("01AB-CDEF-GHJK-MNPQ"), "{}", done.body);
    let security = world.visit("/security", COOKIE).await.body;
    assert!(security.contains("An authenticator app, since") && security.contains("Recovery codes left: 9"));
    assert!(!security.contains("01AB-CDEF"));
    // Another app in its place brings no codes: there are some.
    let again = world.submit("/security/app", COOKIE, &fields("123456")).await;
    assert_eq!(again.header("location"), "/security");
    let renewed = world.submit("/security/codes", COOKIE, &fields("")[..1]).await;
    assert!(renewed.body.contains("ZZAB-CDEF-GHJK-MNPQ"));
    assert_eq!(
        world.submit("/security/app/remove", COOKIE, &fields("")[..1]).await.header("location"),
        "/security"
    );
    assert!(world.visit("/security", COOKIE).await.body.contains("Set up an authenticator app"));
}

#[tokio::test]
async fn whoever_takes_away_or_replaces_what_proves_them_is_asked_about_the_others() {
    let world = World::new().await;
    world.fakes.app.store(true, Ordering::SeqCst);
    let token = world.token("/security", COOKIE).await;
    for place in ["/security/app", "/security/app/remove", "/security/codes"] {
        *world.fakes.proved_at.lock().unwrap() = Some(0);
        let late = world.submit(place, COOKIE, &[("csrf", &token)]).await;
        for asked in [late, world.visit(place, COOKIE).await] {
            assert!(asked.header("location").starts_with("/prove-again?next="), "{place}");
        }
        *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
        let page = world.visit(place, COOKIE).await.body;
        for expected in
            ["everybody else is signed out", "name=\"others_go_on\" type=\"checkbox\" value=\"yes\">"]
        {
            assert!(page.contains(expected), "{place}: {expected}: {page}");
        }
    }
    let fields = [("csrf", token.as_str()), ("code", "123456"), ("others_go_on", "yes")];
    for place in ["/security/app", "/security/codes", "/security/app/remove"] {
        world.submit(place, COOKIE, &fields[..2]).await;
        world.submit(place, COOKIE, &fields).await;
    }
    let lost = world.fakes.passkeys.lost.lock().unwrap().clone();
    let both = |what| [(what, false), (what, true)];
    assert_eq!(lost, [both("another app"), both("codes"), both("app")].concat());
    // Without a proof the removal leads to one and back.
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let late = world.submit("/security/app/remove", COOKIE, &fields).await;
    assert_eq!(late.header("location"), "/prove-again?next=%2Fsecurity%2Fapp%2Fremove");
}

#[tokio::test]
async fn a_proof_and_a_reset_ask_for_the_code_where_there_is_an_app() {
    let world = World::new().await;
    assert!(!world.visit("/prove-again", COOKIE).await.body.contains("name=\"code\""));
    world.fakes.app.store(true, Ordering::SeqCst);
    let page = world.visit("/prove-again?next=/ledger", COOKIE).await;
    assert!(page.body.contains("name=\"code\""));
    let token = token_in(&page.body);
    let fields =
        |code| [("csrf", token.as_str()), ("next", "/ledger"), ("password", PASSWORD), ("code", code)];
    let refused = world.submit("/prove-again", COOKIE, &fields("1")).await;
    assert!(refused.status == 403 && refused.body.contains("name=\"code\""));
    assert_eq!(world.submit("/prove-again", COOKIE, &fields("123456")).await.header("location"), "/ledger");

    let page = world.visit("/reset?token=good", "").await;
    let (visit, token) = (page.cookies().join("; "), token_in(&page.body));
    let fields =
        |code| [("csrf", token.as_str()), ("token", "good"), ("new_password", PASSWORD), ("code", code)];
    // Who only has a link is promised nothing that hangs on a second factor, and told of none.
    assert!(!page.body.contains("name=\"code\"") && !page.body.contains("second factor"));
    assert!(page.body.contains("At least 15 characters.") && page.body.contains("minlength=\"8\""));
    let asked = world.submit("/reset/set", &visit, &fields("")).await;
    assert!(asked.status == 400 && asked.body.contains("name=\"code\""));
    assert!(asked.body.contains("At least 8 characters, since a code is asked for as well."));
    assert!(
        world.submit("/reset/set", &visit, &fields("123456")).await.body.contains("Your new password is set")
    );
}

#[tokio::test]
async fn a_browser_stays_known_through_signing_out_and_says_so_at_the_next_sign_in() {
    let world = World::new().await;
    let page = world.visit("/sign-in", "").await;
    let (visit, token) = (page.cookies().join("; "), token_in(&page.body));
    let fields = [("csrf", token.as_str()), ("email", "anna@example.org"), ("password", PASSWORD)];
    let done = world.submit("/sign-in", &visit, &fields).await;
    let known =
        done.cookies().into_iter().find(|cookie| cookie.starts_with("__Host-candor-device=")).unwrap();
    let wanted = "__Host-candor-device=cd_fresh; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=31536000";
    assert_eq!(known, wanted);
    let brought = format!("{visit}; __Host-candor-device=cd_brought");
    let again = world.submit("/sign-in", &brought, &fields).await;
    assert!(again.cookies().iter().any(|cookie| cookie.starts_with("__Host-candor-device=cd_brought;")));
    let here = world.visit("/sessions", &format!("{COOKIE}; __Host-candor-device=cd_brought")).await;
    let out = [("csrf", &*token_in(&here.body))];
    let left = world.submit("/sign-out", &format!("{COOKIE}; __Host-candor-device=cd_brought"), &out).await;
    assert!(left.cookies().iter().all(|cookie| !cookie.contains("device")));
}

#[tokio::test]
async fn known_devices_are_listed_and_forgotten_and_another_is_not_there() {
    let world = World::new().await;
    let page = world.visit("/sessions", COOKIE).await;
    assert!(
        page.body.contains("Safari on &#60;iPad&#62;") && page.body.contains("Known since"),
        "{}",
        page.body
    );
    let forget = format!("/sessions/devices/{ENTRY}/forget");
    assert!(page.body.contains(&format!("action=\"{forget}\"")));
    let fields = [("csrf", &*token_in(&page.body))];
    assert_eq!(world.submit(&forget, COOKIE, &fields).await.header("location"), "/sessions");
    assert_eq!(*world.fakes.ended.lock().unwrap(), ["a device"]);
    let strange = forget.replace(ENTRY, "0190d6f4-0000-7000-8000-00000000dead");
    assert_eq!(world.submit(&strange, COOKIE, &fields).await.status.as_u16(), 404);
    // Without the token of one's own pages nothing is forgotten.
    assert_eq!(world.submit(&forget, COOKIE, &[("csrf", "nonsense")]).await.status.as_u16(), 403);
    assert_eq!(world.fakes.ended.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_time_zone_and_the_language_are_corrected_on_one_page() {
    let world = World::new().await;
    let page = world.visit("/security/profile", COOKIE).await.body;
    assert!(page.contains("<option selected>Europe/Berlin</option>"), "{page}");
    let token = token_in(&page);
    let fields = |zone| [("csrf", token.as_str()), ("time_zone", zone), ("locale", "de")];
    let wrong = world.submit("/security/profile", COOKIE, &fields("Mars/Olympus")).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("is not an IANA time zone"), "{}", wrong.body);
    assert!(wrong.body.contains("value=\"de\" selected"));
    let done = world.submit("/security/profile", COOKIE, &fields("Asia/Tokyo")).await;
    assert_eq!(done.header("location"), "/security");
    let corrected = world.fakes.corrected.lock().unwrap();
    assert_eq!((corrected[0].time_zone.as_str(), corrected[0].locale.as_str()), ("Asia/Tokyo", "de"));
    assert_eq!(corrected[0].update_mask.as_ref().unwrap().paths, ["time_zone", "locale"]);
}
