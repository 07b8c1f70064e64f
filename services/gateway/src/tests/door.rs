//! Registering, signing in and out.

use super::fakes::SECRET;
use super::*;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";

#[tokio::test]
async fn a_person_registers_verifies_and_signs_in() {
    let world = World::new().await;
    let page = world.visit("/register", "").await;
    let [visit] = page.cookies()[..] else { panic!("one cookie") };
    assert!(visit.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{visit}");
    let visit = visit.split(';').next().unwrap().to_owned();
    let token = token_in(&page.body);
    let fields = |password| {
        [
            ("csrf", token.as_str()),
            ("email", " alice@example.org "),
            ("password", password),
            ("time_zone", "Europe/Berlin"),
            ("adult", "yes"),
            ("terms", "2"),
            ("privacy", "1"),
        ]
    };
    let short = world.submit("/register", &visit, &fields("short")).await;
    assert_eq!(short.status, 400);
    assert!(short.body.contains("The password needs at least 15 characters."), "{}", short.body);
    assert!(short.body.contains("value=\"alice@example.org\"") && !short.body.contains("value=\"short\""));
    let done = world.submit("/register", &visit, &fields("a long enough password")).await;
    assert_eq!(done.header("location"), "/look-at-your-mail");
    assert_eq!(world.fakes.registered.lock().unwrap()[0].email, "alice@example.org");

    // Opening the link does nothing; pressing the button does.
    let page = world.visit("/verify?token=good", &visit).await;
    assert!(world.fakes.verified.lock().unwrap().is_empty());
    assert!(page.body.contains("Confirm my address"));
    assert!(page.body.contains("autocomplete=\"current-password\""), "{}", page.body);
    let verify = |verified, password| [("csrf", token.as_str()), ("token", verified), ("password", password)];
    for (verified, password, status, sentence) in [
        ("bad", "a long enough password", 404, "This link is over or was used already."),
        ("good", "another password", 403, "This is not the password chosen at registration."),
    ] {
        let refused = world.submit("/verify", &visit, &verify(verified, password)).await;
        assert_eq!(refused.status, status);
        assert!(refused.body.contains(sentence) && refused.body.contains("/look-at-your-mail"));
        let kept = format!("name=\"token\" value=\"{verified}\"");
        assert!(refused.body.contains(&kept) && !refused.body.contains(password), "{}", refused.body);
    }
    assert!(world.fakes.verified.lock().unwrap().is_empty());
    let done = world.submit("/verify", &visit, &verify("good", "a long enough password")).await;
    assert!(done.body.contains("Your address is confirmed"));

    let sign_in = |password| {
        [("csrf", token.as_str()), ("email", "alice@example.org"), ("password", password), ("next", "/path")]
    };
    let wrong = world.submit("/sign-in", &visit, &sign_in("wrong")).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("do not fit together") && wrong.cookies().is_empty());
    let done = world.submit("/sign-in", &visit, &sign_in("a long enough password")).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/path"));
    assert_eq!(done.cookies()[0], format!("__Host-candor={SECRET}; Path=/; HttpOnly; SameSite=Lax; Secure"));
    assert!(done.cookies()[1].contains("Max-Age=0"));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_drops_the_passport() {
    let world = World::new().await;
    let token = world.token("/timeline", COOKIE).await;
    let answer = world.submit("/sign-out", COOKIE, &[("csrf", &token)]).await;
    assert_eq!(answer.header("location"), "/");
    assert_eq!(answer.cookies(), ["__Host-candor=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"]);
    assert_eq!(*world.fakes.ended.lock().unwrap(), ["session-of-alice"]);
    let mints = world.fakes.mints.load(Ordering::SeqCst);
    world.visit("/timeline", COOKIE).await;
    assert_eq!(world.fakes.mints.load(Ordering::SeqCst), mints + 1, "the passport was not held on to");
}

#[tokio::test]
async fn signing_out_says_when_the_session_goes_on() {
    let world = World::new().await;
    let gone = "__Host-candor=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0";
    // With a passport at hand, then without one.
    for _ in 0..2 {
        world.fakes.away.store(false, Ordering::SeqCst);
        let token = world.token("/timeline", COOKIE).await;
        world.fakes.away.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            let page = world.submit("/sign-out", COOKIE, &[("csrf", &token)]).await;
            assert_eq!((page.status.as_u16(), page.cookies()), (503, vec![gone]));
            for words in ["in this browser only", "could not be ended", "is safe", "sign in again", "<nav"] {
                assert!(page.body.contains(words), "{words}: {}", page.body);
            }
            assert!(!page.body.contains("action=\"/sign-out\""), "{}", page.body);
        }
    }
    world.fakes.away.store(false, Ordering::SeqCst);
    // A session that is over already needs no ending.
    let nobody = "__Host-candor=cs_nobody";
    let token = world.token("/register", nobody).await;
    let answer = world.submit("/sign-out", nobody, &[("csrf", &token)]).await;
    assert_eq!((answer.header("location"), answer.cookies()), ("/", vec![gone]));
}

#[tokio::test]
async fn a_session_is_ended_from_the_list() {
    let world = World::new().await;
    let page = world.visit("/sessions", COOKIE).await.body;
    assert!(page.contains("Firefox on &#60;Linux&#62;") && page.contains("this one"));
    let token = token_in(&page);
    let answer = world.submit("/sessions/other/end", COOKIE, &[("csrf", &token)]).await;
    assert_eq!((answer.header("location"), answer.cookies().len()), ("/sessions", 0));
    let answer = world.submit("/sessions/session-of-alice/end", COOKIE, &[("csrf", &token)]).await;
    assert_eq!((answer.header("location"), answer.cookies().len()), ("/", 1));
}

#[tokio::test]
async fn a_second_factor_is_the_second_step_of_signing_in() {
    let world = World::new().await;
    world.fakes.app.store(true, std::sync::atomic::Ordering::SeqCst);
    let page = world.visit("/sign-in?next=/ledger", "").await;
    let (visit, token) = (page.cookies().join("; "), token_in(&page.body));
    let first = [
        ("csrf", token.as_str()),
        ("email", "anna@example.org"),
        ("password", "a long enough password"),
        ("next", "/ledger"),
    ];
    let half = world.submit("/sign-in", &visit, &first).await;
    assert_eq!(half.status, 200);
    assert!(half.body.contains("value=\"ch_half\"") && half.cookies().is_empty(), "nobody is signed in yet");
    let second = |token, code| {
        [first[0], ("token", token), ("email", "anna@example.org"), ("next", "/ledger"), ("code", code)]
    };
    let wrong = world.submit("/sign-in/second", &visit, &second("ch_half", "1")).await;
    assert!(wrong.status == 401 && wrong.body.contains("value=\"ch_half\"") && wrong.cookies().is_empty());
    let done = world.submit("/sign-in/second", &visit, &second("ch_half", "123456")).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/ledger"));
    assert!(done.cookies().iter().any(|cookie| cookie.starts_with("__Host-candor=cs_alice")));
    // A half that is over leads back to the beginning.
    let over = world.submit("/sign-in/second", &visit, &second("ch_other", "123456")).await;
    assert!(
        over.status == 401 && over.body.contains("action=\"/sign-in\"") && over.body.contains("begin again")
    );
}
