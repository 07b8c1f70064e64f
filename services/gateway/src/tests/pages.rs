use super::fakes::ENTRY;
use super::fakes_check_in::{LAST, evening, running};
use super::two_fakes::{MINE, THEIRS};
use super::*;
use candor_proto::reminders::v1::GetCheckInScheduleResponse;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";

const ASSESSMENT: &str = "0195f1c2-7f00-7000-8000-0000000000e1";
const RESULT: &str = "0195f1c2-7f00-7000-8000-0000000000e2";

/// Puts something on the pages that are empty otherwise; the newest self-check has a given answer.
fn fill(world: &World, code: &str) {
    let (self_checks, check_ins) = (&world.fakes.self_checks, &world.fakes.check_ins);
    self_checks.assessments.lock().unwrap().clear();
    self_checks.add(ASSESSMENT, 1, 1_772_366_400, [Some(70), None], code);
    self_checks.assessments.lock().unwrap()[0].score_time = None;
    for (place, id) in ["0195f1c2-7f00-7000-8000-0000000000e3", RESULT].into_iter().enumerate() {
        self_checks.add(id, 1, 1_772_971_200 + place as i64, [Some(40), Some(60)], code);
    }
    *check_ins.times.lock().unwrap() = GetCheckInScheduleResponse {
        schedule: Some(running()),
        own_proposal: Some(evening(ENTRY)),
        partner_proposal: Some(evening(ENTRY)),
    };
}

/// Every page, with and without someone signed in.
async fn every_page(world: &World) -> Vec<(String, Answer)> {
    let mut pages = Vec::new();
    for path in [
        "/",
        "/register",
        "/look-at-your-mail",
        "/verify?token=good",
        "/sign-in",
        "/reset",
        "/reset?sent=1",
        "/reset?token=good",
        "/library",
        "/invitation",
        "/certificate",
        &format!("/certificate?code={}", super::fakes_privacy::CODE),
        "/docs",
        "/terms",
        "/terms/privacy-notice",
        "/address/undo",
        "/address/undo?token=good",
        "/nothing",
    ] {
        pages.push((path.to_owned(), world.visit(path, "").await));
    }
    let (mine, theirs) = (format!("/shared/{MINE}"), format!("/received/{THEIRS}"));
    let (share, entry) = (format!("/share?entry={ENTRY}"), format!("/entries/{ENTRY}"));
    for code in ["often", "not-safe"] {
        fill(world, code);
        for path in [
            "/couple",
            "/couple/unlink",
            "/terms/accept",
            "/security/address",
            "/security/profile",
            "/security/address/confirm?token=good",
            "/invitation",
            "/shared",
            &mine,
            &share,
            &format!("/share?assessment={RESULT}"),
            "/received",
            &theirs,
            "/answers",
            "/ledger",
            "/self-check",
            &format!("/self-check/{ASSESSMENT}"),
            &format!("/self-check/{ASSESSMENT}/parts/affection"),
            &format!("/self-check/results/{RESULT}"),
            "/check-in",
            &format!("/check-in/{LAST}"),
            "/timeline",
            "/write",
            &entry,
            "/path",
            "/library",
            "/library?step=2",
            "/library/what-a-wall-is",
            "/inbox",
            "/sessions",
            "/prove-again?next=/sessions",
            "/security",
            "/security/password",
            "/security/app",
            "/security/codes",
            "/data",
            "/data/erase",
            "/entries/nothing",
            "/library/%ff",
            "/sign-out",
        ] {
            pages.push((path.to_owned(), world.visit(path, COOKIE).await));
        }
    }
    pages
}

#[tokio::test]
async fn every_page_is_guarded_and_asks_nobody_else_for_anything() {
    let world = World::new().await;
    for (path, page) in every_page(&world).await {
        assert!(page.header("content-type").starts_with("text/html"), "{path}: {}", page.body);
        let policy = page.header("content-security-policy");
        for directive in [
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(directive), "{path}: {policy}");
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert!(page.header("permissions-policy").contains("camera=()"), "{path}");
        if path != "/docs" {
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
        }
        // The quick exit is the one address that is not ours, and it is followed only when pressed.
        // Links in texts are followed only when pressed, too, and say nothing of where they come from.
        let texts = "<a href=\"https://tracker.example/x.gif\" rel=\"noopener noreferrer nofollow\"";
        let own = page.body.replace(&format!("href=\"{LEAVE}\""), "").replace(texts, "");
        for foreign in
            ["=\"http://", "=\"https://", "=\"//", "url(", "<iframe", "style=\"", "onclick", "<style"]
        {
            assert!(!own.contains(foreign), "{path} holds {foreign}");
        }
        assert!(page.body.contains(LEAVE), "{path} has no quick exit");
    }
}

#[tokio::test]
async fn every_page_can_be_used_by_everyone() {
    let world = World::new().await;
    for (path, page) in every_page(&world).await {
        let html = &page.body;
        for part in [
            "<html lang=\"en\">",
            "<main id=\"content\"",
            "href=\"#content\"",
            "<header",
            "<nav",
            "<footer>",
            "name=\"viewport\"",
        ] {
            assert!(html.contains(part), "{path} lacks {part}");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{path}: one first heading");
        assert!(!html.contains("href=\"#\""), "{path} has a link to nowhere");
        for input in html
            .split("<input ")
            .skip(1)
            .chain(html.split("<select ").skip(1))
            .chain(html.split("<textarea ").skip(1))
        {
            let input = input.split('>').next().unwrap();
            if [
                "hidden",
                "radio",
                "checkbox\" name=\"body_sign",
                "checkbox\" name=\"part",
                "checkbox\" name=\"domain",
            ]
            .iter()
            .any(|kind| input.contains(&format!("type=\"{kind}")))
            {
                continue; // those stand inside their label
            }
            let id = input.split("id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            assert!(html.contains(&format!("<label for=\"{id}\">")), "{path}: {id} has no label");
        }
        // The tone that mission and people in pain ask for.
        let words = html.to_lowercase();
        for banned in [
            "!<",
            "! ",
            "toxic",
            " heal",
            "streak",
            "forgot",
            "still waiting",
            " should ",
            " just ",
            "you missed",
        ] {
            assert!(!words.contains(banned), "{path} says {banned:?}");
        }
    }
}

#[tokio::test]
async fn private_pages_lead_whoever_is_not_signed_in_to_the_door_and_back() {
    let world = World::new().await;
    for cookie in ["", "__Host-candor=cs_nobody"] {
        let answer = world.visit("/timeline?from=a%2Bb", cookie).await;
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), "/sign-in?next=%2Ftimeline%3Ffrom%3Da%252Bb");
    }
    assert_eq!(world.visit("/", COOKIE).await.header("location"), "/timeline");
    assert_eq!(world.visit("/", "__Host-candor=cs_nobody").await.status, 200);
}

#[tokio::test]
async fn forms_of_others_are_refused() {
    let world = World::new().await;
    let token = world.token("/inbox", COOKIE).await;
    let fields = [("csrf", token.as_str())];
    let path = "/inbox/item-1/read";
    // From another site, whatever it knows.
    for (origin, fetch_site) in [
        ("https://evil.example", "same-origin"),
        (ORIGIN, "cross-site"),
        ("null", "cross-site"),
        ("null", "same-site"),
    ] {
        let request =
            form(path, COOKIE, &fields).header("origin", origin).header("sec-fetch-site", fetch_site);
        let answer = world.send(request.body(encode(&fields)).unwrap()).await;
        assert_eq!(answer.status, 403, "{origin}, {fetch_site}");
    }
    // Without the token, with an empty one, with one of another visitor.
    let visitor = world.token("/sign-in", "").await;
    for fields in [vec![], vec![("csrf", "")], vec![("csrf", visitor.as_str())]] {
        let answer = world.submit(path, COOKIE, &fields).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("Nothing was changed."));
    }
    // Signing somebody in by a form of another visit.
    let fields = [("csrf", visitor.as_str()), ("email", "a@b"), ("password", "a long enough password")];
    let answer = world.submit("/sign-in", "", &fields).await;
    assert_eq!((answer.status.as_u16(), answer.cookies().len()), (403, 0));
    // As a script would send it.
    let json = Request::post(path)
        .header("cookie", COOKIE)
        .header("accept", "text/html")
        .header("content-type", "text/plain");
    assert_eq!(world.send(json.body(Body::from("csrf=x")).unwrap()).await.status, 415);
    assert!(world.fakes.marked.lock().unwrap().is_empty());

    let fields = [("csrf", token.as_str())];
    assert_eq!(world.submit(path, COOKIE, &fields).await.header("location"), "/inbox");
    // As a browser sends it from a page without a referrer.
    let own = form(path, COOKIE, &fields).header("origin", "null").header("sec-fetch-site", "same-origin");
    assert_eq!(world.send(own.body(encode(&fields)).unwrap()).await.status, 303);
    assert_eq!(*world.fakes.marked.lock().unwrap(), ["item-1", "item-1"]);
}

#[tokio::test]
async fn an_entry_is_written_and_read() {
    let world = World::new().await;
    let page = world.visit("/write", COOKIE).await;
    let token = token_in(&page.body);
    let id =
        page.body.split("name=\"entry_id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(page.body.contains("name=\"time_zone\" value=\"Europe/Berlin\""));
    let fields = [
        ("csrf", token.as_str()),
        ("entry_id", &id),
        ("title", "A title"),
        ("body", "one\r\ntwo"),
        ("time_zone", "Europe/Lisbon"),
        ("pleasantness", "-2"),
        ("body_sign", "3"),
        ("body_sign", "13"),
    ];
    let done = world.submit("/write", COOKIE, &fields).await;
    assert_eq!(done.header("location"), format!("/entries/{id}"), "{}", done.body);
    let written = world.fakes.written.lock().unwrap()[0].clone();
    assert_eq!((written.body.as_str(), written.time_zone.as_str()), ("one\ntwo", "Europe/Lisbon"));
    let mood = written.mood.unwrap();
    assert_eq!((mood.pleasantness, mood.energy, mood.body_signs), (-2, 0, vec![3, 13]));

    let page = world.visit(&format!("/entries/{ENTRY}"), COOKIE).await.body;
    assert!(
        page.contains("Dinner &#60;b&#62;talk&#60;/b&#62;") && page.contains("<strong>afraid</strong>"),
        "{page}"
    );
    assert!(!page.contains("<script>alert") && page.contains("a tight throat"));
    let timeline = world.visit("/timeline", COOKIE).await.body;
    assert!(
        timeline.contains("Tuesday, 10 March 2026")
            && timeline.contains("08:30")
            && timeline.contains("/timeline?from=a%2Bb%2Fc%3D")
    );
}

#[tokio::test]
async fn words_survive_whatever_goes_wrong() {
    let world = World::new().await;
    let token = world.token("/write", COOKIE).await;
    let fields = |token: &str, body: &str| {
        [
            ("csrf", token.to_owned()),
            ("entry_id", ENTRY.to_owned()),
            ("body", body.to_owned()),
            ("pleasantness", "2".to_owned()),
        ]
    };
    let submit = async |token: &str, body: &str, cookie: &str| {
        let fields = fields(token, body);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.submit("/write", cookie, &fields).await
    };
    // A stale token.
    let page = submit("old", "my long words", COOKIE).await;
    assert_eq!(page.status, 403);
    assert!(
        page.body.contains("my long words")
            && page.body.contains("not kept yet")
            && page.body.contains("checked")
    );
    // The session is over.
    let page = submit(&token, "my long words", "__Host-candor=cs_nobody").await;
    assert_eq!(page.status, 401);
    assert!(page.body.contains("my long words") && page.body.contains("Your session has ended"));
    // Too much for an entry.
    let long = "x".repeat(70_000);
    let page = submit(&token, &long, COOKIE).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains(&long) && page.body.contains("takes at most 65536 bytes"));
    // Kept once, changed, sent again.
    assert_eq!(submit(&token, "first", COOKIE).await.status, 303);
    let page = submit(&token, "second", COOKIE).await;
    assert_eq!(page.status, 409);
    assert!(page.body.contains("second") && !page.body.contains(ENTRY));
    // From another site nothing comes back at all.
    let fields = [("csrf", token.as_str()), ("body", "planted")];
    let planted = form("/write", COOKIE, &fields)
        .header("origin", "https://evil.example")
        .body(encode(&fields))
        .unwrap();
    let page = world.send(planted).await;
    assert_eq!(page.status, 403);
    assert!(!page.body.contains("planted"));
}

#[tokio::test]
async fn pages_say_what_happened_and_what_next() {
    let world = World::new().await;
    for (path, status, words) in [
        ("/nothing", 404, "There is nothing here"),
        ("/entries/0195f1c2-7f00-7000-8000-000000000002", 404, "There is nothing here"),
        ("/library/nothing", 404, "There is no such article."),
        ("/sign-out", 405, "This address works differently"),
    ] {
        let page = world.visit(path, COOKIE).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.body.contains(words), "{path}: {}", page.body);
    }
    assert_eq!(world.visit("/sign-out", COOKIE).await.header("allow"), "POST");
    world.fakes.broken.store(true, Ordering::SeqCst);
    let page = world.visit("/library/what-a-wall-is", "").await;
    assert_eq!(page.status, 500);
    assert!(page.body.contains("It was not you. What you stored before is safe."));
}

#[tokio::test]
async fn assets_are_kept_for_good_under_the_name_of_their_content() {
    let world = World::new().await;
    let page = world.visit("/", "").await.body;
    let mut found = 0;
    for path in page.split('"').filter(|text| text.starts_with("/assets/")) {
        let asset = world.visit(path, "").await;
        assert_eq!(
            (asset.status.as_u16(), asset.header("cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
        found += 1;
    }
    assert_eq!(found, 4);
    assert_eq!(world.visit("/assets/style.000000000000.css", "").await.status, 404);
}

#[tokio::test]
async fn the_inbox_and_the_path_have_gentle_words() {
    let world = World::new().await;
    let inbox = world.visit("/inbox", COOKIE).await.body;
    assert!(inbox.contains("A week ago you wrote something. You can look back at it, if you like."));
    assert!(inbox.contains(&format!("/entries/{ENTRY}")));
    let path = world.visit("/path", COOKIE).await.body;
    assert!(path.contains("Write three entries") && path.contains("1 of 3") && path.contains("Reached on"));
}
