//! The pages of the legal texts.

use super::*;
use candor_proto::accounts::v1::TermsKind;

const COOKIE: &str = "__Host-candor=cs_alice";

#[tokio::test]
async fn anybody_reads_every_version_in_every_language() {
    let world = World::new().await;
    let page = world.visit("/terms", "").await.body;
    assert!(page.contains("href=\"/terms/terms-of-use\"") && page.contains("Version 2 of"), "{page}");
    assert!(page.contains("/terms/terms-of-use?version=1") && !page.contains("privacy-notice?version=1"));
    assert!(!page.contains("/terms/accept"), "nobody is signed in");
    let text = world.visit("/terms/terms-of-use", "").await.body;
    assert!(text.contains("<em>words</em>") && !text.contains("<script>alert"), "{text}");
    assert!(text.contains("<h1>The &#60;b&#62;title&#60;/b&#62;</h1>"), "{text}");
    assert!(text.contains("?version=2&#38;lang=de\" hreflang=\"de\""), "{text}");
    let german = world.visit("/terms/terms-of-use?version=1&lang=de", "").await.body;
    assert!(german.contains("<article class=\"entry\" lang=\"de\">") && german.contains("Version 1"));
    for nowhere in ["/terms/imprint", "/terms/terms-of-use?version=9", "/terms/terms-of-use?version=x"] {
        assert_eq!(world.visit(nowhere, "").await.status, 404, "{nowhere}");
    }
    // It is to be found from every page.
    assert!(world.visit("/library", "").await.body.contains("href=\"/terms\""));
}

#[tokio::test]
async fn whoever_registers_accepts_each_text_in_the_version_that_was_shown() {
    let world = World::new().await;
    let page = world.visit("/register", "").await;
    let (visit, token) = (page.cookies().join("; "), token_in(&page.body));
    assert!(page.body.contains("name=\"terms\" type=\"checkbox\" value=\"2\" required"), "{}", page.body);
    assert!(page.body.contains("name=\"privacy\" type=\"checkbox\" value=\"1\" required"));
    let mut fields = vec![
        ("csrf", token.as_str()),
        ("email", "a@example.org"),
        ("password", "a long enough password"),
        ("time_zone", "UTC"),
        ("adult", "yes"),
        ("terms", "2"),
    ];
    let half = world.submit("/register", &visit, &fields).await;
    assert_eq!(half.status, 400);
    assert!(half.body.contains("Please read the privacy notice, and say whether you accept it."));
    assert!(!half.body.contains("Please read the terms of use"), "{}", half.body);
    fields.push(("privacy", "1"));
    let done = world.submit("/register", &visit, &fields).await;
    assert_eq!(done.header("location"), "/look-at-your-mail");
    let registered = world.fakes.registered.lock().unwrap();
    assert_eq!((registered[0].terms_version, registered[0].privacy_version), (2, 1));
}

#[tokio::test]
async fn whoever_has_yet_to_accept_is_led_there_from_every_page_and_back() {
    let world = World::new().await;
    *world.fakes.terms.due.lock().unwrap() = vec![TermsKind::Use, TermsKind::Privacy];
    let place = format!("/entries/{}", fakes::ENTRY);
    let led = world.visit(&place, COOKIE).await;
    assert!(
        led.header("location").starts_with("/terms/accept?next=%2Fentries%2F"),
        "{}",
        led.header("location")
    );
    let page = world.visit(led.header("location"), COOKIE).await.body;
    for open in
        ["/data", "/couple", "/circle", "/care", "/report", "\"/security\"", "\"/sessions\"", "Sign out"]
    {
        assert!(page.contains(open), "{open}: {page}");
    }
    let token = token_in(&page);
    let asked = [("csrf", token.as_str()), ("next", place.as_str()), ("asked", "terms privacy")];
    // An older text, then one of two, then the rest.
    let old = world.submit("/terms/accept", COOKIE, &[&asked[..], &[("terms", "1")]].concat()).await;
    assert_eq!(old.status, 400);
    assert!(old.body.contains("newer than what you read") && old.body.contains("value=\"2\""));
    let half = world.submit("/terms/accept", COOKIE, &[&asked[..], &[("terms", "2")]].concat()).await;
    assert_eq!(half.status, 400);
    assert!(half.body.contains("One of the two is not accepted yet."), "{}", half.body);
    assert!(half.body.contains("name=\"privacy\" type") && !half.body.contains("name=\"terms\" type"));
    let rest = [("csrf", token.as_str()), ("next", place.as_str()), ("asked", "privacy"), ("privacy", "1")];
    let done = world.submit("/terms/accept", COOKIE, &rest).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, place.as_str()));
    let accepted = world.fakes.terms.done.lock().unwrap().clone();
    assert_eq!(accepted, ["accept TERMS_KIND_USE 2 en", "accept TERMS_KIND_PRIVACY 1 en"]);
    assert_eq!(world.visit(&place, COOKIE).await.status, 200);
}

#[tokio::test]
async fn where_one_goes_on_is_a_page_of_ours_or_home() {
    let world = World::new().await;
    for next in ["", "https://evil.example", "//evil.example", "/terms/accept"] {
        *world.fakes.terms.due.lock().unwrap() = vec![TermsKind::Privacy];
        let token = world.token("/terms/accept", COOKIE).await;
        let fields = [("csrf", token.as_str()), ("next", next), ("asked", "privacy"), ("privacy", "1")];
        let done = world.submit("/terms/accept", COOKIE, &fields).await;
        assert_eq!(done.header("location"), "/timeline", "{next}");
    }
}

#[tokio::test]
async fn what_was_accepted_is_taken_back_with_one_button_and_the_way_out_is_offered() {
    let world = World::new().await;
    let page = world.visit("/terms/accept", COOKIE).await.body;
    assert!(
        page.contains("Nothing else is asked.") && page.contains("Take back the privacy notice"),
        "{page}"
    );
    let token = token_in(&page);
    let fields = |kind| [("csrf", token.as_str()), ("kind", kind)];
    let done = world.submit("/terms/withdraw", COOKIE, &fields("privacy")).await;
    assert_eq!(done.header("location"), "/terms/accept");
    let page = world.visit("/terms/accept", COOKIE).await.body;
    assert!(page.contains("Take your data along, or have everything destroyed"), "{page}");
    assert_eq!(*world.fakes.terms.done.lock().unwrap(), ["withdraw TERMS_KIND_PRIVACY"]);
    assert_eq!(world.submit("/terms/withdraw", COOKIE, &fields("x")).await.status, 404);
    assert!(world.visit("/security", COOKIE).await.body.contains("/terms/accept"));
}

#[tokio::test]
async fn a_passport_that_says_the_terms_wait_leads_home_to_them() {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    *world.fakes.terms.due.lock().unwrap() = vec![TermsKind::Use];
    assert_eq!(world.visit("/", COOKIE).await.header("location"), "/terms/accept");
    assert!(world.visit("/library", COOKIE).await.body.contains("The terms of this place wait for you."));
    assert!(!world.visit("/terms/accept", COOKIE).await.body.contains("wait for you."));
}
