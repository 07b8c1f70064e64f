//! A browser's session gets another secret once the one it has is old.

use super::fakes::{NEXT_SECRET, SECRET};
use super::{Answer, ORIGIN, World, encode, form};
use axum::http::header;
use std::sync::atomic::Ordering;
use tower::ServiceExt as _;

const COOKIE: &str = "__Host-candor=cs_alice";

/// The cookie that an answer renews the session with, as the browser sends it back.
fn renewed(answer: &Answer) -> Option<String> {
    let cookies = answer.cookies();
    let cookie = cookies.iter().find(|cookie| cookie.starts_with("__Host-candor="))?;
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(answer.header("cache-control"), "no-store");
    cookie.split(';').next().map(str::to_owned)
}

#[tokio::test]
async fn a_page_renews_an_old_secret_once_and_what_lay_open_can_still_be_sent() {
    let world = World::new().await;
    let token = world.token("/write", COOKIE).await;
    world.fakes.old.store(true, Ordering::SeqCst);
    world.clock.set(world.clock.now() + jiff::SignedDuration::from_secs(30));
    let cookie = renewed(&world.visit("/timeline", COOKIE).await).expect("a cookie");
    assert!(cookie.starts_with(&format!("__Host-candor={NEXT_SECRET}~")), "{cookie}");
    assert!(!cookie.replace(NEXT_SECRET, "").contains(SECRET), "{cookie}");
    world.fakes.on_its_way.store(true, Ordering::SeqCst);
    // What another tab asked for meanwhile gets none, and no page with the new one does.
    assert_eq!(renewed(&world.visit("/write", COOKIE).await), None);
    assert_eq!(renewed(&world.visit("/write", &cookie).await), None);
    assert_eq!(world.fakes.rotations.load(Ordering::SeqCst), 2);
    let fields = [("csrf", token.as_str()), ("body", "Typed for hours."), ("entry_id", super::fakes::ENTRY)];
    let kept = world.submit("/write", &cookie, &fields).await;
    assert_eq!(kept.status, 303, "{}", kept.body);
    assert_eq!(world.fakes.written.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn only_a_page_that_is_looked_at_renews() {
    let world = World::new().await;
    world.fakes.old.store(true, Ordering::SeqCst);
    world.call("GET", "/v1/entries", Some(SECRET), "").await; // its passport is held from here on
    let style = world.visit("/assets/none.css", COOKIE).await;
    assert_eq!(renewed(&style), None);
    for (path, status) in [("/favicon.ico", 200), ("/nowhere", 404), ("/v1/entries", 200)] {
        let answer = world.visit(path, COOKIE).await;
        assert_eq!((answer.status.as_u16(), answer.cookies().len()), (status, 0), "{path}");
    }
    let wrong = world.submit("/write", COOKIE, &[("csrf", "none")]).await;
    assert_eq!((wrong.status.as_u16(), wrong.cookies().len()), (403, 0));
    assert_eq!(world.fakes.rotations.load(Ordering::SeqCst), 0);
    // Where accounts does not answer the page is there all the same.
    world.fakes.away.store(true, Ordering::SeqCst);
    let page = world.visit("/library", COOKIE).await;
    assert_eq!((page.status.as_u16(), renewed(&page)), (200, None));
}

#[tokio::test]
async fn a_secret_that_is_not_old_is_left_alone() {
    let world = World::new().await;
    assert_eq!(renewed(&world.visit("/timeline", COOKIE).await), None);
    assert_eq!(world.fakes.rotations.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_file_is_sent_with_a_secret_that_stays_while_it_is_sent() {
    let world = World::with_export().await;
    let token = world.token("/data", COOKIE).await;
    let mut request = form("/data/export/take", COOKIE, &[]).header(header::ORIGIN, ORIGIN);
    request = request.header(header::HOST, "candor.example");
    let request = request.body(encode(&[("csrf", &token)])).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/zip".parse().unwrap())
    );
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with(&format!("__Host-candor={NEXT_SECRET}~")), "{cookie}");
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    // Where the next one is on its way nothing begins that would outlast this one.
    world.fakes.on_its_way.store(true, Ordering::SeqCst);
    let later = world.submit("/data/export/take", COOKIE, &[("csrf", &token)]).await;
    assert_eq!((later.status.as_u16(), later.cookies().len()), (503, 0));
    assert!(later.body.contains("Nothing was taken."), "{}", later.body);
    assert_eq!(world.fakes.privacy.export.lock().unwrap().unwrap().take_count, 1);
}
