//! What the operator puts on top of every page.

use super::*;

#[tokio::test]
async fn a_notice_is_on_top_of_every_page_as_text() {
    let clock = Clock::manual("2026-03-10T07:30:00Z".parse().unwrap());
    let fakes = Arc::new(Fakes::new(clock.clone()));
    let mut config = config(&fakes.serve().await, Some(ORIGIN));
    config.notice = Some("Made-up people <b>only</b>.".into());
    let router = crate::router(&config, &host(&clock)).unwrap();
    let world = World { router, fakes, clock };
    for (path, cookie) in [
        ("/", ""),
        ("/library", ""),
        ("/docs", ""),
        ("/invitation", ""),
        ("/nothing", ""),
        ("/timeline", "__Host-candor=cs_alice"),
        ("/check-in", "__Host-candor=cs_alice"),
    ] {
        let page = world.visit(path, cookie).await.body;
        let notice = page.find("Made-up people &#60;b&#62;only&#60;/b&#62;.");
        assert!(notice.is_some_and(|place| place < page.find("<main").unwrap()), "{path}: {page}");
    }
    assert!(!World::new().await.visit("/", "").await.body.contains("class=\"notice\""));
}
