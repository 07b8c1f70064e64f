//! The pages about one's own data.

use super::fakes_privacy::CODE;
use super::*;
use candor_proto::accounts::v1::CounselorStanding;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";

#[tokio::test]
async fn everything_is_destroyed_after_a_proof_and_called_off_with_one_button() {
    let world = World::new().await;
    assert!(world.visit("/security", COOKIE).await.body.contains("href=\"/data\""));
    assert!(world.visit("/data", COOKIE).await.body.contains("See what it means"));
    let page = world.visit("/data/erase", COOKIE).await.body;
    for words in ["It needs no reason", "seven days", "emergency number", "value=\"no\" checked"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let token = token_in(&page);
    let fields = [("csrf", token.as_str()), ("by_mail", "yes")];
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let late = world.submit("/data/erase", COOKIE, &fields).await;
    assert_eq!(late.header("location"), "/prove-again?next=%2Fdata%2Ferase");
    assert!(world.fakes.privacy.waiting.lock().unwrap().is_none());

    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    let asked = world.submit("/data/erase", COOKIE, &fields).await;
    assert!(asked.status.is_success() && asked.body.contains(CODE), "{}", asked.body);
    let page = world.visit("/data", COOKIE).await.body;
    assert!(page.contains("Everything of yours will be destroyed") && page.contains("a mail brings a link"));
    assert!(!page.contains(CODE), "it is shown once");
    let done = world.submit("/data/erase/cancel", COOKIE, &fields[..1]).await;
    assert_eq!(done.header("location"), "/data");
    assert!(world.visit("/data", COOKIE).await.body.contains("See what it means"));
    // Nothing said is no.
    world.submit("/data/erase", COOKIE, &fields[..1]).await;
    assert!(world.visit("/data", COOKIE).await.body.contains("No mail will come"));
}

#[tokio::test]
async fn a_counselor_reads_what_it_means_for_care_and_staff_why_its_account_stays() {
    let world = World::new().await;
    world.fakes.strong.store(true, Ordering::SeqCst);
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = "counselor";
    *world.fakes.counselors.standing.lock().unwrap() = CounselorStanding::Verified;
    assert!(world.visit("/security", COOKIE).await.body.contains("href=\"/data\""));
    let page = world.visit("/data/erase", COOKIE).await.body;
    for words in ["all care you give ends", "Your software is disabled", "those in your care"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("You leave every circle") && !page.contains("/couple/unlink"), "{page}");
    let token = token_in(&page);
    let asked = world.submit("/data/erase", COOKIE, &[("csrf", &token)]).await;
    assert!(asked.body.contains(CODE), "{}", asked.body);
    let page = world.visit("/data", COOKIE).await.body;
    assert!(page.contains("does not list you again") && !page.contains("link you again"), "{page}");
    world.fakes.counselors.unlisted.store(true, Ordering::SeqCst);
    let practice = world.visit("/practice", COOKIE).await.body;
    assert!(practice.contains("You are not on the list") && practice.contains("List me again"), "{practice}");
    world.submit("/data/export", COOKIE, &[("csrf", &token)]).await;
    assert!(world.visit("/practice", COOKIE).await.body.contains("Was it not you?"));

    for kind in ["operator", "editor", "support"] {
        *world.fakes.kind.lock().unwrap() = kind;
        *world.fakes.privacy.waiting.lock().unwrap() = None;
        world.clock.set(world.clock.now() + jiff::SignedDuration::from_mins(2));
        assert!(world.visit("/security", COOKIE).await.body.contains("href=\"/data\""), "{kind}");
        let page = world.visit("/data", COOKIE).await.body;
        assert!(page.contains("your account stays") && !page.contains("/data/erase"), "{kind}: {page}");
        assert!(page.contains("Your file opens"), "{kind}: {page}");
    }
}

#[tokio::test]
async fn a_certificate_is_read_by_whoever_has_its_code() {
    let world = World::new().await;
    for page in [world.visit(&format!("/certificate?code={CODE}"), "").await, {
        let form = world.visit("/certificate", "").await;
        let (visit, token) = (form.cookies().join("; "), token_in(&form.body));
        world.submit("/certificate", &visit, &[("csrf", &token), ("code", CODE)]).await
    }] {
        assert!(page.status.is_success());
        for words in ["Nothing is left", "check in answers: 12", "candor.erasure.v1", "c2lnbmF0dXJl", "(UTC)"]
        {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        assert!(!page.body.contains(CODE));
    }
    let unknown = world.visit("/certificate?code=ce_nothing", "").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("no erasure with this code") && unknown.body.contains("name=\"code\""));
}

#[tokio::test]
async fn a_file_is_asked_for_opens_later_and_can_be_called_off() {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    let page = world.visit("/data", COOKIE).await.body;
    assert!(page.contains("Ask for it") && !page.contains("Take the file"));
    let token = token_in(&page);
    let fields = [("csrf", token.as_str())];
    assert_eq!(world.submit("/data/export", COOKIE, &fields).await.header("location"), "/data");
    let page = world.visit("/data", COOKIE).await.body;
    assert!(page.contains("Your file opens") && !page.contains("Take the file"), "{page}");
    let home = world.visit("/timeline", COOKIE).await.body;
    assert!(home.contains("Was it not you?") && home.contains("href=\"/data\""), "{home}");
    let early = world.submit("/data/export/take", COOKIE, &fields).await;
    assert_eq!(early.status, 400);
    assert!(early.body.contains("It opens later."));
    if let Some(export) = world.fakes.privacy.export.lock().unwrap().as_mut() {
        export.open_time = export.request_time;
    }
    assert!(world.visit("/data", COOKIE).await.body.contains("Take the file"));
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let late = world.submit("/data/export/take", COOKIE, &fields).await;
    assert_eq!(late.header("location"), "/prove-again?next=%2Fdata");
    // Calling it off takes no proof: it keeps things where they are.
    assert_eq!(world.submit("/data/export/cancel", COOKIE, &fields).await.header("location"), "/data");
    assert!(world.visit("/data", COOKIE).await.body.contains("Ask for it"));
    assert!(!world.visit("/timeline", COOKIE).await.body.contains("Was it not you?"));
}

#[tokio::test]
async fn the_button_brings_the_file() {
    let world = World::with_export().await;
    let token = world.token("/data", COOKIE).await;
    let request = form("/data/export/take", COOKIE, &[])
        .header(header::HOST, "candor.example")
        .header(header::ORIGIN, ORIGIN)
        .body(encode(&[("csrf", &token)]));
    let answer = world.router.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/zip".parse().unwrap())
    );
    let sent = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert!(sent.starts_with(b"PK"));
    // Without the page's token there is none.
    assert_eq!(world.submit("/data/export/take", COOKIE, &[]).await.status, 403);
}
